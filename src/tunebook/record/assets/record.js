"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const word = data.labels;

  // Light and dark. Where the browser keeps nothing for local files, the choice lasts until the page is closed.
  const root = document.documentElement;
  const stored = () => { try { return localStorage.getItem("tunebook-theme"); } catch { return null; } };
  if (stored()) root.dataset.theme = stored();
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try { localStorage.setItem("tunebook-theme", root.dataset.theme); } catch { /* not kept */ }
  });

  // Elements are built from text nodes only; no text is ever read as markup.
  const make = (tag, text, name) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (name) element.className = name;
    return element;
  };
  const draw = (tag, values, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };

  // What is folded away opens for a link into it, and all of it for printing.
  const folds = [...document.querySelectorAll("details.fold")];
  const reveal = (id) => {
    const target = document.getElementById(id);
    const fold = target && target.closest("details.fold");
    if (fold) fold.open = true;
  };
  document.querySelectorAll("a[href^='#']").forEach((a) => a.addEventListener("click", () => reveal(a.hash.slice(1))));
  reveal(location.hash.slice(1));
  let shut = [];
  addEventListener("beforeprint", () => {
    shut = folds.filter((fold) => !fold.open);
    shut.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => shut.forEach((fold) => { fold.open = false; }));

  // The best configuration, to copy.
  const copy = document.getElementById("copy");
  if (copy) {
    const yaml = document.getElementById("yaml");
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      getSelection().selectAllChildren(yaml);
      try { await navigator.clipboard.writeText(yaml.textContent); } catch { document.execCommand("copy"); }
      copy.textContent = word.copied;
      setTimeout(() => { copy.textContent = word.copy; }, 1500);
    });
  }

  // The marks of a figure say their values when they are pointed at, or reached by Tab and the arrow keys.
  const tip = document.getElementById("tip");
  const tell = (mark) => {
    const box = mark.getBoundingClientRect();
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${box.top > tip.offsetHeight + 12 ? box.top - tip.offsetHeight - 8 : box.bottom + 8}px`;
  };
  const quiet = () => { tip.hidden = true; };
  for (const plot of document.querySelectorAll("svg.plot")) {
    const marks = [...plot.querySelectorAll(".v")];
    marks.forEach((mark, i) => {
      const title = mark.querySelector("title");
      mark.setAttribute("aria-label", title.textContent);
      title.remove();
      mark.setAttribute("tabindex", i ? "-1" : "0");
      mark.addEventListener("mouseenter", () => tell(mark));
      mark.addEventListener("mouseleave", quiet);
      mark.addEventListener("focus", () => tell(mark));
      mark.addEventListener("blur", quiet);
      mark.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
        if (event.key === "Escape") quiet();
        if (!step) return;
        event.preventDefault();
        marks[(i + step + marks.length) % marks.length].focus();
      });
    });
  }
  addEventListener("scroll", quiet, { passive: true });

  // The full table: sort by a column, filter by text and state.
  const table = document.getElementById("full");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const value = (row, column) => {
      const cell = row.cells[column];
      const raw = cell.dataset.v ?? cell.textContent;
      const number = raw === "inf" ? Infinity : raw === "-inf" ? -Infinity : Number(raw);
      return raw.trim() === "" || Number.isNaN(number) ? raw : number;
    };
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const compare = (a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        if (typeof x === "number" && typeof y === "number") return x === y ? 0 : x < y ? -1 : 1;
        return String(x).localeCompare(String(y));
      };
      const missing = (row) => value(row, column) === Infinity;
      rows.sort((a, b) => missing(a) - missing(b) || (up ? compare(a, b) : compare(b, a)) || rows.indexOf(a) - rows.indexOf(b));
      body.append(...rows);
    }));
    const text = document.getElementById("filter");
    const state = document.getElementById("state");
    const shown = document.getElementById("shown");
    const filter = () => {
      const wanted = text.value.trim().toLowerCase();
      let count = 0;
      for (const row of rows) {
        row.hidden = !((!wanted || row.textContent.toLowerCase().includes(wanted)) &&
          (!state.value || row.dataset.state === state.value));
        count += row.hidden ? 0 : 1;
      }
      shown.textContent = `${count} ${word.rows_shown}`;
    };
    text.addEventListener("input", filter);
    state.addEventListener("change", filter);
    filter();
    body.addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row && !getSelection().toString()) open(row.id.slice("trial-".length));
    });
  }

  // One trial: configuration, curve, and the examples that it scores otherwise than the baseline.
  const dialog = document.getElementById("trial");
  const place = document.getElementById("trial-body");
  const open = (id) => {
    const trial = data.trials[id];
    if (!trial) return;
    document.getElementById("trial-title").textContent = trial.t;
    const [left, right] = [make("div"), make("div")];
    left.append(make("p", trial.s), ...settings(trial));
    right.append(...curve(trial));
    const top = make("div", undefined, "halves");
    top.append(left, right);
    place.replaceChildren(top, ...differences(trial));
    dialog.showModal();
    dialog.scrollTop = 0;
  };
  const settings = (trial) => {
    const grid = (rows) => {
      const element = make("table");
      const head = element.createTHead().insertRow();
      for (const title of [word.factor, word.here, word.baseline]) head.append(make("th", title));
      const body = element.createTBody();
      for (const [name, here, there, differs] of rows) {
        const row = body.insertRow();
        row.append(make("td", name), make("td", here, differs ? "differs" : ""), make("td", there));
      }
      return element;
    };
    const changed = trial.c.filter((row) => row[3]);
    const rest = make("details");
    rest.append(make("summary", word.other_settings), grid(trial.c.filter((row) => !row[3])));
    return changed.length ? [grid(changed), rest] : [make("p", word.as_baseline), rest];
  };
  const curve = (trial) => {
    const [xs, ys, vx, vy] = trial.k;
    if (!xs.length) return [];
    const [width, height, left, bottom] = [480, 220, 44, 34];
    const most = Math.max(...xs, ...vx, 1e-9);
    const sorted = [...ys, ...vy].sort((a, b) => a - b);
    const ends = [Math.max(sorted[sorted.length - 1], 1e-9), most];
    const [yStep, xStep] = ends.map((end) => {
      const rough = end / 4;
      const power = 10 ** Math.floor(Math.log10(rough));
      return power * [1, 2, 5, 10].find((times) => times * power >= rough * 0.999);
    });
    const top = Math.ceil(ends[0] / yStep - 1e-6) * yStep;
    const px = (x) => left + (x / most) * (width - left - 12);
    const py = (y) => 10 + (1 - y / top) * (height - 10 - bottom);
    const line = (x, y) => x.map((v, i) => `${i ? "L" : "M"}${px(v).toFixed(1)} ${py(y[i]).toFixed(1)}`).join("");
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${word.training_loss}, ${word.validation_loss}` });
    svg.append(draw("path", { class: "c-axis", d: `M${left} 10V${height - bottom}H${width - 12}` }));
    for (let y = 0; y <= top * 1.001; y += yStep) {
      svg.append(draw("text", { class: "c-text", x: left - 6, y: py(y) + 4, "text-anchor": "end" }, String(Number(y.toPrecision(3)))));
    }
    for (let x = 0; x <= most * 1.001; x += xStep) {
      svg.append(draw("text", { class: "c-text", x: px(x), y: height - bottom + 15, "text-anchor": "middle" }, String(Number(x.toPrecision(3)))));
    }
    svg.append(draw("text", { class: "c-text", x: width - 12, y: height - 4, "text-anchor": "end" }, word.epoch));
    svg.append(draw("path", { class: "c-train", d: line(xs, ys) }));
    if (vx.length) svg.append(draw("path", { class: "c-valid", d: line(vx, vy) }));
    vx.forEach((x, i) => svg.append(draw("circle", { class: "c-dot", cx: px(x), cy: py(vy[i]), r: 3 })));
    const key = vx.length ? `${word.training_loss} —${word.list_gap}${word.validation_loss} - -` : word.training_loss;
    return [make("h3", `${word.curve}${word.colon}${word.word_gap}${key}`), svg];
  };
  const differences = (trial) => {
    const parts = [make("h3", word.differs)];
    if (!trial.d) return [...parts, make("p", word.no_outcomes)];
    parts.push(make("p", `${word.compared_with} ${trial.b}${word.list_gap}${trial.p}${word.stop}` + (data.shortened ? `${word.sentence_gap}${word.shortened}` : ""), "hint"));
    if (!trial.d.length) return [...parts, make("p", word.no_difference)];
    const both = make("div", undefined, "halves");
    for (const [better, title] of [[1, word.gains], [0, word.losses]]) {
      const found = trial.d.filter((row) => row[1] === better);
      const block = make("details");
      block.open = true;
      block.append(make("summary", `${title}${word.colon}${word.word_gap}${found.length}`));
      let filled = false;
      const fill = () => {
        if (filled || !block.open) return;
        filled = true;
        for (const row of found) block.append(example(trial, row));
      };
      block.addEventListener("toggle", fill);
      fill();
      both.append(block);
    }
    return [...parts, both];
  };
  const example = (trial, [index, , here, there]) => {
    const [prompt, gold, group] = data.examples[trial.x][index] ?? [-1, -1, ""];
    const article = make("article", undefined, "example");
    const head = make("h3", `${word.number} ${index}`);
    if (group) head.append(" ", make("span", group, "group"));
    const list = make("dl");
    const add = (title, text, tag) => {
      if (text === undefined) return;
      const entry = make("dd");
      entry.append(make(tag, text));
      list.append(make("dt", title), entry);
    };
    add(word.prompt, data.prompts[prompt], "pre");
    add(word.gold, data.answers[gold], "code");
    add(word.trial_answer, data.answers[here], "code");
    add(word.baseline_answer, data.answers[there], "code");
    article.append(head, list);
    return article;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-trial]");
    if (!link) return;
    event.preventDefault();
    open(link.dataset.trial);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
})();
