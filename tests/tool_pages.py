"""The pages of gradcheck in a real browser: python3 tool_pages.py GRADCHECK. Exit status 77 where there is no Chromium."""

import json
import os
import re
import subprocess
import sys
import tempfile

import webdriver

gradcheck = sys.argv[1]
failures = 0


def check(holds, what):
    global failures
    if not holds:
        failures += 1
        print("FAILED:", what)


def page(name, *arguments, status=0):
    """The page that a command writes."""
    path = os.path.join(directory, name)
    done = subprocess.run([gradcheck, *arguments, "--html", path], capture_output=True, text=True)
    check(done.returncode == status, f"{arguments}: exit status {done.returncode}, {done.stderr}")
    return path


def named(browser):
    """name -> text of all that the script keeps up to date; one that shows twice must show the same."""
    pairs = browser.run("return [...document.querySelectorAll('[data-v]')].map((e) => [e.dataset.v, e.textContent])")
    for name, text in pairs:
        check(text == dict(pairs)[name], f"{name} shows {text} and {dict(pairs)[name]}")
    return dict(pairs)


def value(text):
    return float(text.replace("−", "-"))


def close(a, b):
    """The same text, or numbers that differ by 1 in the last digit."""
    if a == b:
        return True
    try:
        x, y = value(a), value(b)
    except ValueError:
        return False
    return abs(x - y) <= max(1.01e-6, 1.01e-3 * abs(x)) if max(abs(x), abs(y)) > 1e-4 else abs(x - y) <= 2e-3 * abs(x)


def column(browser, caption, heading):
    """The cells of a table's column, the row of sums left out."""
    return browser.run("""
        const figure = [...document.querySelectorAll('figure')].find((f) => f.querySelector('figcaption').textContent === arguments[0]);
        const headings = [...figure.querySelectorAll('thead th')].map((h) => h.textContent);
        return [...figure.querySelectorAll('tbody tr')].filter((r) => r.cells[0].textContent !== 'sum')
            .map((r) => r.cells[headings.indexOf(arguments[1])].textContent)""", caption, heading)


def common(browser, what):
    """What holds of every page."""
    check(browser.console() == [], f"{what}: the console is not empty")
    check(browser.run("return document.documentElement.scrollWidth <= window.innerWidth"), f"{what}: wider than the window")
    check(browser.run("return performance.getEntriesByType('resource').length") == 0, f"{what}: something was loaded")
    check(browser.run("return document.querySelectorAll('[src], [href^=http]').length") == 0, f"{what}: refers to elsewhere")
    check(browser.run("return [...document.querySelectorAll('table')].length > 0 && "
                      "[...document.querySelectorAll('table')].every((t) => t.rows.length > 1)"), f"{what}: has no tables")


def explanation(browser, kind, *options):
    """Moves the scores in all three ways, and holds all numbers against those of the engine for these scores."""
    name = f"explain {' '.join(options)}"
    path = page(f"{kind}.html", "explain", "softmax_ce", "--scores", "2,1,0.1,-1", *options)
    browser.open(path)
    common(browser, name)
    before = named(browser)
    width = browser.run("return document.querySelector('.slider').getBoundingClientRect().width")
    browser.drag("[data-k='0'] .handle", int(0.2 * width))
    browser.drag("[data-k='3'] .handle", int(-0.1 * width))
    for _ in range(3):
        browser.press("[data-k='1'] .slider", "\ue014")  # the right arrow
    browser.run("const i = document.querySelector(\"[data-k='2'] input\"); i.value = '1.2345'; i.dispatchEvent(new Event('input'))")
    after = named(browser)
    moved = [k for k in range(4) if before[f"s.{k}"] != after[f"s.{k}"]]
    check(moved == [0, 1, 2, 3], f"{name}: only the scores {moved} have moved")
    check(value(after["s.0"]) > 2 and value(after["s.3"]) < -1 and value(after["s.2"]) == 1.2345, f"{name}: {after}")
    check(before["loss"] != after["loss"], f"{name}: the loss has not followed")
    check(browser.run("return document.querySelector('.stale').checkVisibility()"), f"{name}: does not say that the tape's numbers are old")
    check(browser.console() == [], f"{name}: the console is not empty after moving scores")

    # The command it shows is the one that answers for these scores.
    words = after["command"].split()
    check(words[:4] == ["gradcheck", "explain", "softmax_ce", "--scores"], f"{name}: {after['command']}")
    browser.run("document.getElementById('reset').click()")
    check(named(browser) == before, f"{name}: the button does not bring back what was given")
    browser.open(page(f"{kind}_engine.html", *words[1:]))
    engine = named(browser)
    check(engine.keys() == after.keys(), f"{name}: other numbers are shown")
    for key, text in after.items():
        check(close(text, engine[key]), f"{name}: {key} is {text}, the engine's {engine[key]}")
    tape = column(browser, "The gradient three times, and the tape's in other circumstances", "tape")
    check(len(tape) == 4, f"{name}: {len(tape)} rows of the tape")
    for k, text in enumerate(tape):
        check(close(after[f"g.{k}"], text), f"{name}: the gradient of class {k} is {after[f'g.{k}']}, the tape's {text}")


def comparison(browser, dtype):
    """The tables hold what --json says."""
    json_path = os.path.join(directory, f"{dtype}.json")
    browser.open(page(f"{dtype}.html", "compare", "softmax_ce", "--dtype", dtype, "--json", json_path))
    common(browser, f"compare {dtype}")
    with open(json_path) as file:
        points = json.load(file)["points"]
    for way in ("fused", "libtorch-style", "unfused"):
        for what in ("loss", "gradient"):
            shown = column(browser, f"{what.capitalize()}: the worst error in ulp, by margin", way)
            figures = [point[way][what] for point in points if point["offset"] == 0]
            check(len(shown) == len(figures) > 10, f"compare {dtype}: {len(shown)} margins, {len(figures)} in the file")
            for text, f in zip(shown, figures):
                whole = (f["lost"] == f["values"]) - (f["not_finite"] == f["values"])
                check(text == {1: "all lost", -1: "none finite"}.get(whole, text), f"compare {dtype}: {text} for {f}")
                check(("lost" in text) == (f["lost"] > 0), f"compare {dtype}: {text} for {f}")
                if re.match("[0-9.e]+(,|$)", text):
                    check(abs(value(text.split(",")[0]) - f["worst_ulp"]) <= max(0.051, 0.51 * f["worst_ulp"]), f"compare {dtype}: {text} for {f}")
    check(browser.run("return document.querySelectorAll('svg.chart .curve').length") >= 4 * 3, f"compare {dtype}: curves are missing")


def curve(browser, name):
    browser.open(page(f"{name}.html", "sweep", name))
    common(browser, f"sweep {name}")
    circles, path = browser.run("return [document.querySelectorAll('svg.chart circle').length, document.querySelector('svg.chart path.curve').getTotalLength()]")
    check(circles > 40 and path > 300, f"sweep {name}: {circles} points, a curve of {path}")
    check(browser.run("return [...document.querySelectorAll('.note')].some((n) => n.textContent === 'chosen step')"), f"sweep {name}: the chosen step is not marked")


def verdicts(browser, *names):
    """The page of check says of each op what --json says."""
    what, json_path = f"check {' '.join(names)}", os.path.join(directory, "check.json")
    browser.open(page("check.html", "check", *names, "--json", json_path))
    common(browser, what)
    with open(json_path) as file:
        checks = json.load(file)["checks"]
    rows = browser.run("return [...document.querySelectorAll('#verdicts tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))")
    check([row[0] for row in rows] == list(dict.fromkeys(c["op"] for c in checks)), f"{what}: other ops: {rows}")
    for row in rows:
        mine = [c for c in checks if c["op"] == row[0]]
        check(row[1:1 + len(mine)] == [c["verdict"] for c in mine], f"{what}: {row}")
        worst = mine[0]["samples"][mine[0]["worst"]]["worst"]
        check(row[-5] == worst["where"] and value(row[-4]) == float("%.8g" % worst["analytic"]), f"{what}: {row}, not {worst}")
    # Behind a link to an op are its heat map and its curve, a cell for each entry.
    browser.run("document.querySelector('#verdicts a').click(); document.querySelectorAll('details').forEach((d) => d.open = true)")
    for name in names:
        first = next(c for c in checks if c["op"] == name)
        entries = first["samples"][first["worst"]]["comparisons"]
        titles = browser.run(f"return [...document.getElementById('op-{name}').parentElement.querySelectorAll('.heat td')].map((c) => c.title.split(':')[0])")
        check(sorted(titles) == sorted(e["where"] for e in entries), f"{what}: the cells of {name} are {titles}")
        check(browser.run(f"return document.getElementById('op-{name}').parentElement.querySelectorAll('svg.chart').length") == 1, f"{what}: {name} has no curve")
    common(browser, what)


if webdriver.missing():
    print("skipped: there is no", " and no ".join(webdriver.missing()))
    sys.exit(77)

with tempfile.TemporaryDirectory() as directory:
    for width in (1200, 390):
        with webdriver.Browser(width) as browser:
            explanation(browser, "label", "--label", "1")
            explanation(browser, "shared", "--targets", "0.7,0,2,0", "--multilabel")
            explanation(browser, "targets", "--targets", "0.7,0,2,-0.5")
            comparison(browser, "f32")
            comparison(browser, "f64")
            curve(browser, "softmax")
            curve(browser, "add")
            verdicts(browser, "softmax_ce", "matmul", "tanh", "conv2d")
            verdicts(browser)
print("pages in the browser:", f"{failures} failures" if failures else "all as they should be")
sys.exit(failures > 0)
