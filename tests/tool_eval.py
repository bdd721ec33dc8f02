"""usage: tool_eval.py <gradcheck>

gradcheck eval, held against NumPy: every dtype, order and version of .npy that NumPy writes, what comes out, and a loss
with its gradient and Hessian product. Exit status 77 where NumPy is not there."""
import itertools
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("skipped: NumPy is not there")
    sys.exit(77)

gradcheck = os.path.abspath(sys.argv[1])
os.chdir(tempfile.mkdtemp(prefix="tool_eval"))
checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"wrong: {what}")


def run(*words):
    done = subprocess.run([gradcheck, "eval", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    check(done.returncode == 0, f"{' '.join(words)}: {done.returncode} {done.stderr}")


def save(name, array, version=(1, 0)):
    with open(name, "wb") as f:
        np.lib.format.write_array(f, array, version=version)


def orders(shape):
    x = np.arange(int(np.prod(shape))).reshape(shape)
    return [x, x.copy(order="F")]


versions = [(1, 0), (2, 0), (3, 0)]
shapes = [(), (1,), (5,), (2, 3), (2, 3, 4), (0, 3), (9000,)]
for version, shape, order in itertools.product(versions, shapes, "<>"):
    for x in orders(shape):
        for code, computed in [("f2", "f4"), ("f4", "f4"), ("f8", "f8")]:
            save("x.npy", (x * 0.125 - 1).astype(order + code), version)
            run("neg", "--input", "x=x.npy", "--out", "y.npy")
            y = np.load("y.npy", allow_pickle=False)
            check(y.dtype == np.dtype(computed) and y.shape == shape, f"{code} {shape}: {y.dtype} {y.shape}")
            check(np.array_equal(y, -(x * 0.125 - 1).astype(code).astype(computed)), f"{version} {order}{code} {shape}")
        for code in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"] if version == (1, 0) else ["i8"]:
            save("index.npy", (x % 7).astype(order + code), version)
            np.save("w.npy", np.arange(14.0).reshape(7, 2))
            run("embedding", "--input", "weight=w.npy", "--input", "index=index.npy", "--out", "y.npy")
            check(np.array_equal(np.load("y.npy"), np.arange(14.0).reshape(7, 2)[x % 7]), f"{order}{code} {shape}")
        np.save("mask.npy", x % 3 == 0)
        np.save("a.npy", np.full(shape, 1.5))
        np.save("b.npy", np.full(shape, -2.5))
        run("where", "--input", "mask=mask.npy", "--input", "a=a.npy", "--input", "b=b.npy", "--out", "y.npy")
        check(np.array_equal(np.load("y.npy"), np.where(x % 3 == 0, 1.5, -2.5)), f"bool {shape}")

# Specials keep their bits.
x = np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7e308])
np.save("x.npy", x)
run("reshape", "--input", "x=x.npy", "--attr", "shape=2,3", "--out", "y.npy")
check(np.load("y.npy").tobytes() == x.tobytes(), "specials")
with open("y.npy", "rb") as f:
    check(np.lib.format.read_magic(f) == (1, 0), "version")
    check(np.lib.format.read_array_header_1_0(f) == ((2, 3), False, np.dtype("<f8")), "header")
    check(f.tell() % 64 == 0, "alignment")

# The loss.
random = np.random.default_rng(1)
for dtype, tolerance in [("f4", 1e-6), ("f8", 1e-14)]:
    n, c = 6, 5
    s, v, u = (random.normal(size=shape).astype(dtype) for shape in [(n, c), (n, c), (n,)])
    labels = random.integers(c, size=n).astype("i4")
    labels[2] = -100
    for name, array in [("s", s), ("v", v), ("u", u), ("labels", labels)]:
        np.save(name + ".npy", array)
    run("softmax_ce", "--input", "scores=s.npy", "--input", "labels=labels.npy", "--attr", "reduction=none",
        "--upstream", "u.npy", "--out", "loss.npy", "--grad", "scores=g.npy", "--tangent", "scores=v.npy", "--hvp",
        "scores=h.npy")
    p = np.exp(s.astype("f8"))
    p /= p.sum(1, keepdims=True)
    kept = labels >= 0
    loss = np.where(kept, -np.log(p[np.arange(n), labels % c]), 0)
    scale = (kept * u)[:, None]
    g = scale * (p - np.eye(c)[labels % c])
    h = scale * p * (v - (p * v).sum(1, keepdims=True))
    for name, exact in [("loss", loss), ("g", g), ("h", h)]:
        got = np.load(name + ".npy")
        check(got.dtype == np.dtype(dtype), f"{name}: {got.dtype}")
        check(np.abs(got - exact).max() < tolerance, f"{dtype} {name}: {got} {exact}")

# Several outputs, each with its upstream; the type of x decides.
shapes = {"x": (2, 3), "h": (2, 4), "c": (2, 4), "w_ih": (16, 3), "w_hh": (16, 4)}
words = []
for name, shape in shapes.items():
    np.save(f"{name}.npy", random.normal(size=shape).astype("f4" if name == "x" else "f8"))
    words += ["--input", f"{name}={name}.npy"]
run("lstm_cell", *words, "--out", "h=h1.npy", "--out", "c=c1.npy", "--grad", "c=gc_both.npy")
np.save("zeros.npy", np.zeros((2, 4)))
run("lstm_cell", *words, "--upstream", "h=zeros.npy", "--grad", "c=gc_c.npy")
run("lstm_cell", *words, "--upstream", "c=zeros.npy", "--grad", "c=gc_h.npy")
check(np.load("h1.npy").dtype == np.float32 and np.load("c1.npy").shape == (2, 4), "outputs of lstm_cell")
both, of_c, of_h = (np.load(f"gc_{name}.npy") for name in ["both", "c", "h"])
check(np.abs(both - of_c - of_h).max() < 1e-6 and np.abs(of_h).min() > 0, "upstreams of lstm_cell")


# Every declared call of every op and loss: the gradient along a direction against differences of L, and the Hessian product
# along it against differences of the gradient.
def drawn(shape, spec):
    low, high = spec["domain"]
    draw = spec["draw"]
    if draw == "index":
        return random.integers(int(low), int(high) + 1, size=shape)
    if draw == "mask":
        return random.integers(2, size=shape) == 1
    if draw == "sign":
        return random.integers(2, size=shape) * 2 - 1
    x = random.uniform(low, high, size=shape)
    if draw == "regular":
        return np.eye(shape[-1]) + 0.2 * x
    if draw == "positive_definite":
        return np.eye(shape[-1]) + 0.1 * (x + np.swapaxes(x, -1, -2))
    return x


listing = json.loads(subprocess.run([gradcheck, "list", "--json", "-"], capture_output=True, check=True).stdout)
calls = 0
for op in listing:
    specs = {i["name"]: i for i in op["inputs"]}
    for sample in op["samples"]:
        words, real = [], {}
        names = op["outputs"]
        if names == ["y_k"]:  # as many as there are parts
            attributes = dict(word.split("=", 1) for word in sample.split())
            sizes = attributes.get("sizes", "")
            names = [f"y_{k}" for k in range(len(sizes.split(",")) if sizes else int(attributes.get("parts", 2)))]
        for name, value in (word.split("=", 1) for word in sample.split()):
            if name not in specs:
                words += ["--attr", f"{name}={value}"]
                continue
            array = drawn(tuple(json.loads(value)), specs[name])
            np.save(f"{name}.npy", array)
            words += ["--input", f"{name}={name}.npy"]
            if specs[name]["differentiable"]:
                real[name] = np.asarray(array)
        outs = [word for y in names for word in ["--out", f"{y}=out_{y}.npy"]]
        run(op["name"], *words, *outs)
        ups = []
        for y in names:
            np.save(f"up_{y}.npy", random.uniform(0.5, 1.5, size=np.load(f"out_{y}.npy").shape))
            ups += ["--upstream", f"{y}=up_{y}.npy"]
        grads, hvps = [], []
        for name, x in real.items():
            np.save(f"v_{name}.npy", random.normal(size=x.shape))
            grads += ["--grad", f"{name}=g_{name}.npy"]
            hvps += ["--tangent", f"{name}=v_{name}.npy", "--hvp", f"{name}=h_{name}.npy"]
        at = {}
        for h in [1e-5, -1e-5, 0]:
            for name, x in real.items():
                np.save(f"{name}.npy", x + h * np.load(f"v_{name}.npy"))
            run(op["name"], *words, *outs, *ups, *grads, *(hvps if h == 0 else []))
            at[h] = [sum((np.load(f"up_{y}.npy") * np.load(f"out_{y}.npy")).sum() for y in names),
                     {name: np.load(f"g_{name}.npy") for name in real}]
        up, down, here = at[1e-5], at[-1e-5], at[0]
        along = sum((here[1][name] * np.load(f"v_{name}.npy")).sum() for name in real)
        scale = 1 + sum(np.abs(g).sum() for g in here[1].values())
        check(abs(along - (up[0] - down[0]) / 2e-5) < 1e-5 * scale, f"{op['name']} {sample}: gradient {along}")
        for name in real:
            h, off = np.load(f"h_{name}.npy"), (up[1][name] - down[1][name]) / 2e-5
            check(h.shape == real[name].shape, f"{op['name']} {sample}: shape of hvp {name}")
            check(np.abs(h - off).sum() < 1e-5 * (scale + np.abs(h).sum()), f"{op['name']} {sample}: hvp {name} {h} {off}")
        calls += 1
check(calls > 300, f"only {calls} calls")
print(f"{checks} checks, {calls} calls of {len(listing)} ops and losses")
