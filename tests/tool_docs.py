"""usage: tool_docs.py <cmake> <build directory> <source directory> [write]

Runs docs/gradcheck.md as its reader would, with wengert installed in a prefix of its own and an empty directory that holds
only the source tree, as wengert/. A block ```console is a session: lines that begin with "$ " are commands, and
what follows is what they print, on either stream; of tables of check, op, order, type and verdict are compared. A block ```python NAME.py is a file. With `write`, what is printed is put into the document.
Exit status 77 where NumPy is not there; sessions with torch are left out where PyTorch is not."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

cmake, build, source = sys.argv[1], *map(os.path.abspath, sys.argv[2:4])
document = pathlib.Path(source, "docs/gradcheck.md")
root = tempfile.mkdtemp(prefix="tool_docs")
work, prefix, bin_ = (os.path.join(root, name) for name in ["work", "prefix", "bin"])
for directory in [work, bin_]:
    os.mkdir(directory)
os.symlink(source, os.path.join(work, "wengert"))
os.symlink(sys.executable, os.path.join(bin_, "python3"))
subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)

for installed in ["man/man1/gradcheck.1", "bash-completion/completions/gradcheck", "zsh/site-functions/_gradcheck"]:
    if not os.path.exists(os.path.join(prefix, "share", installed)):
        sys.exit(f"{installed} is not installed")

# The last digits are those of the oldest processor, on any.
environment = dict(os.environ, PATH=f"{prefix}/bin:{bin_}:{os.environ['PATH']}", CMAKE_PREFIX_PATH=prefix, CMAKE_GENERATOR="Ninja", HOME=work,
                   WENGERT_SIMD="baseline", OPENBLAS_CORETYPE="Prescott", OPENBLAS_NUM_THREADS="1", COLUMNS="100",
                   NO_COLOR="1", MANPATH=f"{prefix}/share/man")


def run(command):
    done = subprocess.run(["sh", "-c", command], cwd=work, env=environment, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    return done.stdout


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


if not has("numpy"):
    print("skipped: NumPy is not there")
    sys.exit(77)
torch = has("torch")
commands, wrong = 0, 0


def comparable(text):
    """Which entry comes closest to its bound, and its last digits, change whenever the checker looks closer."""
    text = re.sub(r"^(\w+) +([12])  (f64|f32)  .*  (\S+)$", r"\1 \2 \3 \4", text, flags=re.M)
    text = re.sub(r"^(op) +order .* verdict$", "table", text, flags=re.M)
    text = re.sub(r"(: WRONG), .* analytic .*$", r"\1", text, flags=re.M)
    return re.sub(r"of length \S+ is missed with a probability of at most \S+", "is missed", text)


def session(text):
    global commands, wrong
    result = ""
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M):
        if "torch" in command and not torch:
            print(f"PyTorch is not there, left out: {command}")
            result += f"$ {command}\n{expected}"
            continue
        printed = run(command)
        commands += 1
        if comparable(printed) != comparable(expected):
            wrong += 1
            print(f"$ {command}\n--- prints\n{printed}--- the document says\n{expected}---")
        result += f"$ {command}\n{printed}"
    return result


def block(match):
    kind, name, text = match.group(1), match.group(2), match.group(3)
    if kind == "console":
        return f"```console\n{session(text)}```\n"
    if kind == "python" and name:
        pathlib.Path(work, name).write_text(text)
    return match.group(0)


text = document.read_text()
changed = re.sub(r"^```(\w+)(?: (\S+))?\n(.*?)^```\n", block, text, flags=re.M | re.S)
shutil.rmtree(root)
if sys.argv[4:] == ["write"]:
    document.write_text(changed)
    sys.exit(0)
print(f"{commands} commands, {wrong} print something else than the document says")
sys.exit(1 if wrong or commands < 10 else 0)
