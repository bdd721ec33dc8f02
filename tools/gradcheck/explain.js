// The scores of #bars can be dragged, typed and stepped with the keys; every element with data-v="NAME" shows the number
// of that name. The formulas are those of losses/softmax_ce.hpp, the texts those of softmax_ce_row.cpp.
"use strict";
(() => {
  const bars = document.getElementById("bars");
  const numbers = (name) => bars.dataset[name].split(",").map(Number);
  const given = numbers("scores"), weights = numbers("weights"), positives = Number(bars.dataset.positives);
  const low = Number(bars.dataset.low), high = Number(bars.dataset.high), step = Number(bars.dataset.step);
  const most = Number(bars.dataset.most) || 1;
  const command = document.querySelector("[data-v=command]").textContent;
  const scores = given.slice();
  const sum = (x) => x.reduce((a, b) => a + b, 0);

  const number = (x) => {
    if (x === 0) return "0";
    const size = Math.abs(x);
    return (size >= 0.001 && size < 1e6 ? x.toFixed(6) : x.toExponential(3)).replace(/-/g, "−");
  };
  const effect = (g) => (g < 0 ? "pulls the score up" : g > 0 ? "pushes the score down" : "leaves the score");
  const tone = (g) => (g < 0 ? "up" : g > 0 ? "down" : "");

  // W p - w; for the largest score without cancellation where p is close to 1.
  const gradient = (row, w) => {
    const others = sum(w.filter((_, k) => k !== row.top)), all = others + w[row.top];
    return row.p.map((p, k) => (k === row.top ? others - all * (row.tail / (1 + row.tail)) : all * p - w[k]));
  };

  const derive = (s) => {
    const m = Math.max(...s), top = s.indexOf(m), W = sum(weights);
    const d = s.map((x) => x - m), e = d.map(Math.exp);
    const tail = sum(e.filter((_, k) => k !== top));
    const row = { top, tail, p: e.map((x) => x / (1 + tail)) };
    const gap = -sum(d.map((x, k) => weights[k] * x));
    const g = gradient(row, weights);
    const divided = gradient(row, weights.map((w) => w / positives));
    const forgetful = row.p.map((p, k) => p - (weights[k] !== 0 ? 1 / positives : 0));
    const texts = {
      m: number(m), T: number(tail), gap: number(gap), loss: number(gap + W * Math.log1p(tail)),
      command: command.replace(/--scores \S+/, "--scores " + s.join(",")),
    };
    const tones = {};
    s.forEach((x, k) => {
      const off = forgetful[k] - divided[k];
      Object.assign(texts, {
        ["s." + k]: String(x).replace("-", "−"), ["d." + k]: number(d[k]), ["e." + k]: number(e[k]),
        ["p." + k]: number(row.p[k]), ["push." + k]: number(W * row.p[k]), ["g." + k]: number(g[k]),
        ["effect." + k]: effect(g[k]), ["divided." + k]: number(divided[k]),
        ["forgetful." + k]: number(forgetful[k]), ["off." + k]: Math.abs(off) <= 1e-14 ? "0" : number(off),
      });
      tones["g." + k] = tones["effect." + k] = tone(g[k]);
      tones["push." + k] = tone(W * row.p[k]);
    });
    return { p: row.p, g, texts, tones };
  };

  const percent = (x, from, to) => (100 * (Math.min(Math.max(x, from), to) - from)) / (to - from);
  const stretch = (rect, x, from, to) => {
    const zero = percent(0, from, to), end = percent(x, from, to);
    rect.setAttribute("x", Math.min(zero, end) + "%");
    rect.setAttribute("width", Math.abs(end - zero) + "%");
  };

  const classes = [...bars.querySelectorAll(".class")].map((element) => ({
    slider: element.querySelector(".slider"), score: element.querySelector(".score"),
    handle: element.querySelector(".handle"), input: element.querySelector("input"),
    p: element.querySelector(".cell.p rect"), g: element.querySelector(".cell.g rect"),
  }));
  const shown = [...document.querySelectorAll("[data-v]")];
  const reset = document.getElementById("reset");

  const show = () => {
    const { p, g, texts, tones } = derive(scores);
    for (const element of shown) {
      const name = element.dataset.v;
      if (element.textContent !== texts[name]) element.textContent = texts[name];
      if (name in tones) {
        element.classList.toggle("up", tones[name] === "up");
        element.classList.toggle("down", tones[name] === "down");
      }
    }
    classes.forEach((c, k) => {
      stretch(c.score, scores[k], low, high);
      c.handle.setAttribute("cx", percent(scores[k], low, high) + "%");
      c.slider.setAttribute("aria-valuenow", scores[k]);
      if (document.activeElement !== c.input) c.input.value = scores[k];
      stretch(c.p, p[k], 0, 1);
      stretch(c.g, g[k], -most, most);
      c.g.setAttribute("class", g[k] < 0 ? "up" : "down");
    });
    const moved = scores.some((s, k) => s !== given[k]);
    document.body.classList.toggle("moved", moved);
    reset.hidden = !moved;
  };

  const set = (k, s) => {
    if (!(Math.abs(s) <= 1e15)) return;
    scores[k] = s;
    show();
  };
  // Multiples of the step, without the digits that binary fractions leave behind.
  const snapped = (s) => Number((Math.round(Math.min(Math.max(s, low), high) / step) * step).toPrecision(12)) + 0;

  classes.forEach((c, k) => {
    const follow = (event) => {
      const box = c.slider.getBoundingClientRect();
      set(k, snapped(low + ((event.clientX - box.left) / box.width) * (high - low)));
    };
    c.slider.addEventListener("pointerdown", (event) => {
      c.slider.setPointerCapture(event.pointerId);
      c.slider.focus();
      follow(event);
    });
    c.slider.addEventListener("pointermove", (event) => {
      if (c.slider.hasPointerCapture(event.pointerId)) follow(event);
    });
    c.slider.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
      const to = event.key === "Home" ? low : event.key === "End" ? high : by && scores[k] + by * step;
      if (to === undefined) return;
      event.preventDefault();
      set(k, snapped(to));
    });
    c.input.addEventListener("input", () => c.input.value !== "" && set(k, Number(c.input.value)));
    c.input.addEventListener("blur", show);
  });
  reset.addEventListener("click", () => {
    given.forEach((s, k) => (scores[k] = s));
    show();
  });
})();
