// The page: reads the data, and builds one section after the other.

const report = JSON.parse(document.getElementById("report-data").textContent);
const main = document.getElementById("main");
const contents = el("ul");
document.getElementById("contents").append(contents);

function addSection(id, title, ...children) {
  contents.append(el("li", {}, el("a", {href: `#${id}`}, title)));
  const section = el("section", {id, "aria-labelledby": `${id}-title`},
    el("div", {class: "head"}, el("h2", {id: `${id}-title`}, title)), children);
  main.append(section);
  return section;
}

// --- Theme: the system's, until the reader chooses.

const themes = ["auto", "light", "dark"];
const system = matchMedia("(prefers-color-scheme: dark)");
let theme = "auto";
try {
  theme = localStorage.getItem("opsbench-theme") || "auto";
} catch { /* A file: page may have no storage; the choice then lasts as long. */ }

function applyTheme() {
  const dark = theme === "dark" || (theme === "auto" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent =
    `Theme: ${theme}`;
  for (const redraw of redraws) redraw();
}
document.getElementById("theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  try {
    localStorage.setItem("opsbench-theme", theme);
  } catch { /* As above. */ }
  applyTheme();
});
system.addEventListener("change", applyTheme);

// --- Head and summary.

function addHead() {
  const run = report.run;
  document.getElementById("title").textContent = run.areas.length
    ? `Benchmark report: ${run.areas.join(", ")}` : "Benchmark report";
  document.getElementById("meta").append(
    el("span", {}, `${run.git_branch} at `,
      el("span", {class: "mono"}, run.git_short_sha)),
    run.git_dirty ? el("span", {class: "badge warn"}, "uncommitted changes") : "",
    el("span", {}, formatDate(run.started)),
    el("span", {}, `${run.cpu_model}, ${run.cores} cores`),
    el("span", {}, `scale ${run.scale}`));
  document.getElementById("foot").textContent =
    `Run ${run.name}. Times are of one iteration; medians where a benchmark `
    + "was repeated. Nothing on this page is loaded from elsewhere.";
}

function verdictCards() {
  const counts = new Map();
  for (const row of report.comparison.rows) {
    counts.set(row.verdict, (counts.get(row.verdict) || 0) + 1);
  }
  const shown = [["slower", "bad"], ["error", "bad"], ["missing", "bad"],
    ["improved", "good"], ["same", ""], ["unsure", ""], ["new", ""]];
  return shown.filter(([verdict]) => counts.get(verdict)).map(([verdict, tone]) =>
    el("div", {class: `card ${tone}`},
      el("p", {class: "value"}, String(counts.get(verdict))),
      el("p", {class: "label"}, verdict),
      el("p", {class: "detail"}, `against ${report.comparison.base}`)));
}

function addSummary() {
  const several = report.areas.length > 1;
  const cards = report.headlines.map((h) =>
    el("div", {class: h.behind ? "card behind" : "card"},
      several ? el("p", {class: "area"}, h.area) : null,
      el("p", {class: "value"}, h.value),
      el("p", {class: "label"}, h.label),
      el("p", {class: "detail"}, h.detail)));
  if (report.comparison) cards.unshift(...verdictCards());
  const count = report.areas.reduce((n, area) => n + area.benchmarks.length, 0);
  if (!cards.length) {
    cards.push(el("div", {class: "card"}, el("p", {class: "value"}, String(count)),
      el("p", {class: "label"}, "benchmarks"),
      el("p", {class: "detail"}, report.run.areas.join(", "))));
  }
  const section = addSection("summary", "Summary");
  if (report.failures.length) {
    section.append(el("div", {class: "alert", role: "alert"},
      el("h3", {}, report.failures.length === 1 ? "1 failure"
        : `${report.failures.length} failures`),
      el("ul", {}, report.failures.slice(0, 20).map((f) => el("li", {}, f))),
      report.failures.length > 20
        ? el("p", {}, `and ${report.failures.length - 20} more`) : null));
  }
  for (const check of report.checks) {
    section.append(el("p", check.ok ? {class: "check"}
      : {class: "alert", role: "alert"}, check.text));
  }
  section.append(el("div", {class: "cards"}, cards));
}

// --- Comparison.

const tones = {slower: "bad", error: "bad", missing: "bad", improved: "good"};
const verdictOrder = ["error", "missing", "slower", "unsure", "improved", "new",
  "same"];

function forestConfig(rows) {
  const colors = {bad: cssColor("--bad"), good: cssColor("--good")};
  const colorOf = (row) => colors[tones[row.verdict]] || cssColor("--muted");
  const labels = rows.map((row) => `${row.name}  ${metricLabel(row.metric)}`);
  // Values alone: keys are the same from row to row, and how long each was
  // measured, and by which clock, tells none from another.
  const timing = /^(iterations|min_time|min_warmup_time|repeats):|^(real|process|manual)_time$/;
  const parts = rows.map((row) =>
    row.name.split("/").slice(1).filter((part) => !timing.test(part)));
  const shared = (part) => rows.length > 1 && parts.every((all) => all.includes(part));
  const narrow = innerWidth < 640;
  const short = rows.map((row, i) => {
    const words = parts[i].filter((part) => !shared(part))
      .map((part) => part.split(":").pop()).join(" ") || row.name;
    const metric = metricLabel(row.metric);
    const limit = narrow ? 21 : 67 - metric.length;
    const cut = words.length > limit ? `${words.slice(0, limit)}…` : words;
    return narrow ? [cut, metric] : `${cut} · ${metric}`;
  });
  const percent = (v) => formatPercent(v, true);
  // Changes by many times leave no room for those by some percent.
  const bounds = rows.flatMap((row) => [row.effect, row.low ?? row.effect, row.high ?? row.effect]);
  const ratios = Math.max(...bounds) > 3;
  const place = (effect) => ratios ? Math.max(1 + effect, 1e-3) : effect;
  const config = baseConfig("bar", [{
    label: "interval",
    data: rows.map((row, i) => ({
      x: [place(row.low ?? row.effect), place(row.high ?? row.effect)], y: i})),
    backgroundColor: rows.map(colorOf), barThickness: 2,
  }, {
    type: "scatter", label: "effect",
    data: rows.map((row, i) => ({x: place(row.effect), y: i})),
    backgroundColor: rows.map(colorOf), borderColor: rows.map(colorOf),
    pointRadius: 5, pointHoverRadius: 7,
  }], {
    x: ratios
      ? axis("head divided by base", (v) => `×${formatCount(v)}`, true, [1, ...bounds.map(place)])
      : axis("change of the head against the base", percent, false, []),
    y: {
      type: "category", labels: short, offset: true, border: {display: false},
      grid: {color: cssColor("--grid"), drawBorder: false, drawTicks: false},
      ticks: {color: cssColor("--text"), autoSkip: false, padding: 6},
    },
  });
  config.options.indexAxis = "y";
  config.options.plugins.tooltip.filter = (item) => item.datasetIndex === 1;
  config.options.plugins.tooltip.callbacks = {
    title: (items) => items.length ? labels[items[0].dataIndex] : "",
    label: (item) => {
      const row = rows[item.dataIndex];
      return ` ${row.verdict}: ${percent(row.effect)} (${percent(row.low)} to ${percent(row.high)})`;
    },
  };
  return config;
}

function addComparison() {
  const {comparison} = report;
  const section = addSection("comparison", "Comparison",
    el("p", {class: "muted"}, `${comparison.head} against ${comparison.base}; intervals of ${
      shortened(formatPercent(comparison.confidence))} confidence.`));
  if (comparison.warnings.length) {
    section.append(el("div", {class: "notice"}, el("ul", {},
      comparison.warnings.map((w) => el("li", {}, w)))));
  }
  const largest = comparison.rows.filter((row) => row.effect !== null)
    .sort((a, b) => verdictOrder.indexOf(a.verdict) - verdictOrder.indexOf(b.verdict)
      || Math.abs(b.effect) - Math.abs(a.effect)).slice(0, 25);
  if (largest.length) {
    const canvas = makeCanvas(() => forestConfig(largest));
    const rowHeight = innerWidth < 640 ? 34 : 24;  // Labels of two lines, or of one.
    canvas.holder.style.height = `${70 + rowHeight * largest.length}px`;
    canvas.canvas.setAttribute("aria-label",
      "Changes with their intervals; the table below has the figures.");
    section.append(el("figure", {class: "panel"}, el("div", {class: "head"},
      el("h3", {}, "Changes that matter most"),
      el("span", {class: "muted"}, "the dot is the estimate, the line its interval")),
    canvas.holder));
  }
  const verdicts = ["all verdicts", ...verdictOrder.filter((v) =>
    comparison.rows.some((row) => row.verdict === v))];
  const columns = [
    {key: "name", label: "Benchmark", className: "name", value: (r) => r.name,
      node: (r) => breakable(r.name)},
    {key: "metric", label: "Metric", value: (r) => metricLabel(r.metric)},
    {key: "verdict", label: "Verdict",
      value: (r) => verdictOrder.indexOf(r.verdict), text: (r) => r.verdict,
      node: (r) => el("span", {class: `badge ${tones[r.verdict] || ""}`}, r.verdict)},
    {key: "effect", label: "Change", number: true, value: (r) => r.effect,
      text: (r) => formatPercent(r.effect, true)},
    {key: "interval", label: "Interval", number: true, value: (r) => r.low,
      text: (r) => r.low === null ? "–"
        : `${formatPercent(r.low, true)} to ${formatPercent(r.high, true)}`},
    {key: "base", label: "Base", number: true, value: (r) => r.base,
      text: (r) => formatMetric(r.metric, r.base)},
    {key: "head", label: "Head", number: true, value: (r) => r.head,
      text: (r) => formatMetric(r.metric, r.head)},
    {key: "visible", label: "Visible from", number: true,
      value: (r) => r.smallest_visible, text: (r) => formatPercent(r.smallest_visible)},
    {key: "note", label: "Note", className: "note", value: (r) => r.note},
  ];
  const select = el("select", {"aria-label": "Verdict", onchange() {
    table.update(columns, comparison.rows.filter((row) =>
      select.value === verdicts[0] || row.verdict === select.value));
  }}, verdicts.map((v) => el("option", {}, v)));
  const sorted = [...comparison.rows].sort((a, b) =>
    verdictOrder.indexOf(a.verdict) - verdictOrder.indexOf(b.verdict));
  const table = makeTable({
    id: "comparison-table", caption: "Comparison", columns, rows: sorted,
    tools: [el("label", {}, select)], rowName: (r) => `${r.name} ${r.metric}`,
  });
  section.append(el("div", {class: "panel"}, table.node));
}

// --- Areas.

const own = new Set(["opsbench", "side_table"]);

function parameters(benchmark) {
  return benchmark.keys.map(([key, value]) => `${key} ${value}`).join(", ");
}
function metricOf(benchmark, metric) {
  return benchmark.metrics && benchmark.metrics[metric]
    ? benchmark.metrics[metric][0] : null;
}
function metricColumn(metric) {
  return {
    key: metric, label: metricLabel(metric), number: true,
    value: (b) => metricOf(b, metric),
    text: (b) => metric === "real_time_ns" && b.error !== undefined ? "error"
      : metric === "real_time_ns" && b.skipped !== undefined ? "skipped"
      : formatMetric(metric, metricOf(b, metric)),
  };
}

// For all families the time and the rate; for one also its keys and counters.
function resultColumns(benchmarks, one) {
  const columns = [];
  const keys = new Set();
  const metrics = new Set();
  for (const benchmark of benchmarks) {
    for (const [key] of benchmark.keys) keys.add(key);
    for (const metric of Object.keys(benchmark.metrics || {})) metrics.add(metric);
  }
  if (one && keys.size) {
    for (const key of keys) {
      const valueOf = (b) => (b.keys.find(([k]) => k === key) || [key, ""])[1];
      columns.push({key, label: key,
        className: key === "impl" || key === "strategy" ? "rival" : "",
        number: benchmarks.every((b) => valueOf(b) !== "" && !Number.isNaN(Number(valueOf(b)))),
        value: (b) => valueOf(b) !== "" && !Number.isNaN(Number(valueOf(b)))
          ? Number(valueOf(b)) : valueOf(b)});
    }
  } else {
    columns.push({key: "name", label: "Benchmark", className: "name",
      value: (b) => b.family},
    {key: "parameters", label: "Parameters", className: "name", value: parameters});
  }
  columns.push(metricColumn("real_time_ns"));
  const rates = ["operations_per_second", "items_per_second", "qps"]
    .filter((m) => metrics.has(m));
  columns.push(...rates.map(metricColumn));
  if (benchmarks.some((b) => b.samples > 1)) {
    columns.push({key: "spread", label: "spread", number: true,
      value: (b) => b.samples > 1
        ? (b.metrics.real_time_ns[2] - b.metrics.real_time_ns[1])
          / b.metrics.real_time_ns[0] : null,
      text: (b) => b.samples > 1 ? formatPercent(
        (b.metrics.real_time_ns[2] - b.metrics.real_time_ns[1])
          / b.metrics.real_time_ns[0]) : "–"},
    {key: "samples", label: "n", number: true, value: (b) => b.samples});
  }
  if (one) {
    const rest = [...metrics].filter((m) => !rates.includes(m)
      && m !== "real_time_ns" && m !== "cpu_time_ns");
    columns.push(...rest.map(metricColumn));
  }
  return columns;
}

function resultsTable(area) {
  const families = [...new Set(area.benchmarks.map((b) => b.family))];
  const rivalOf = (b) => (b.keys.find(([k]) => k === "impl" || k === "strategy") || [])[1];
  const select = el("select", {onchange() {
    const one = select.value !== "";
    const rows = area.benchmarks.filter((b) => !one || b.family === select.value);
    table.update(resultColumns(rows, one), rows);
  }}, el("option", {value: ""}, "all families"),
  families.map((family) => el("option", {value: family}, family)));
  const table = makeTable({
    id: `${area.name}-results`,
    caption: `Results of ${area.name}`,
    columns: resultColumns(area.benchmarks, false),
    rows: area.benchmarks,
    tools: [el("label", {}, "Family ", select)],
    rowClass: (b) => own.has(rivalOf(b)) ? "ours" : "",
    rowName: (b) => b.name,
  });
  return el("div", {class: "panel"},
    el("div", {class: "head"}, el("h3", {}, "All results"),
      el("span", {class: "muted"}, "choose a family to see its counters")),
    table.node);
}

function ratiosTable(area) {
  const {rivals, rows} = area.ratios;
  if (!rows.length) return null;
  const table = makeTable({
    id: `${area.name}-ratios`, filter: false,
    caption: `Times of each rival over ours in ${area.name}`,
    columns: [
      {key: "family", label: "Benchmark", value: (r) => r.family.split("/").pop()},
      {key: "threads", label: "Threads", number: true, value: (r) => Number(r.threads)},
      ...rivals.map((rival, i) => ({key: rival, label: rival, number: true,
        value: (r) => r.ratios[i],
        text: (r) => r.ratios[i] === null ? "–" : digits3(r.ratios[i])})),
    ],
    rows,
  });
  return el("div", {class: "panel"}, el("div", {class: "head"},
    el("h3", {}, "Against each rival"), el("span", {class: "muted"},
      "time of the rival over ours at the largest size: above 1, ours is faster")),
  table.node);
}

function addArea(area) {
  const rivals = new Map();
  for (const figure of area.figures) {
    for (const chart of figure.charts) {
      if (!chart.series.some((s) => s.ours)) continue;
      for (const series of chart.series) {
        if (!series.ours && !rivals.has(series.name)) {
          rivals.set(series.name, rivals.size);
        }
      }
    }
  }
  const section = addSection(`area-${area.name}`, area.name);
  section.querySelector(".head").append(
    el("span", {class: "muted"}, `${area.benchmarks.length} benchmarks`));
  if (area.figures.length) {
    section.append(el("div", {class: "figures"},
      area.figures.map((figure) => makeFigure(figure, rivals))));
  }
  section.append(...[ratiosTable(area), resultsTable(area)].filter(Boolean));
}

// --- Distributions: one benchmark at a time, head and base one above the other.

function stripConfig(entry) {
  const rows = [["base", entry.base, "--series-7"], ["head", entry.head, "--ours"]]
    .filter(([, values]) => values.length);
  const all = rows.flatMap(([, values]) => values);
  const log = decadesOf(all) > 1.3;
  const format = (v) => formatMetric(entry.metric, v);
  // Spread by their order, the same each time.
  const config = baseConfig("scatter", rows.map(([label, values, color], row) => ({
    label,
    data: values.map((x, i) => ({x, y: row + 0.36 * ((i * 0.618034) % 1 - 0.5)})),
    backgroundColor: `${cssColor(color)}99`, borderColor: cssColor(color),
    pointRadius: 4, pointHoverRadius: 6,
  })), {
    x: {...axis("", format, log, all), beginAtZero: false},
    y: {min: -0.6, max: rows.length - 0.4, border: {display: false},
      grid: {display: false, drawBorder: false},
      afterBuildTicks(scale) {
        scale.ticks = rows.map((_, value) => ({value}));
      },
      ticks: {color: cssColor("--text"), autoSkip: false,
        callback: (value) => rows[value] ? rows[value][0] : ""}},
  });
  config.options.plugins.tooltip.callbacks = {
    label: (item) => ` ${item.dataset.label}: ${format(item.parsed.x)}`,
  };
  return config;
}

function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.ceil(place);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

// A list with a filter of its own would be one thing more to learn: the browser's
// list finds by typing.
function picker(label, names, onpick) {
  return el("label", {}, label, el("select", {onchange(event) {
    onpick(Number(event.target.value));
  }}, names.map((name, i) => el("option", {value: i}, name))));
}

function addDistributions() {
  const entries = report.distributions;
  let entry = entries[0];
  const canvas = makeCanvas(() => stripConfig(entry));
  const table = el("div");
  function draw() {
    canvas.holder.style.height = entry.base.length && entry.head.length
      ? "210px" : "150px";
    canvas.canvas.setAttribute("aria-label",
      `Distribution of ${entry.name}; the table below has its quantiles.`);
    const quantiles = [["fastest", 0], ["quartile", 0.25], ["median", 0.5],
      ["upper quartile", 0.75], ["slowest", 1]];
    table.replaceChildren(chartTable({
      x: {label: "quantile", categories: quantiles.map(([name]) => name)},
      measures: [{metric: entry.metric}],
      series: [["base", entry.base], ["head", entry.head]]
        .filter(([, values]) => values.length).map(([name, values]) => ({
          name, points: quantiles.map(([, q], i) => [i, quantile(values, q)]),
        })),
    }, 0, `Quantiles of ${entry.name}`));
    canvas.draw();
  }
  draw();
  addSection("distributions", "Distributions",
    el("figure", {class: "panel"}, el("div", {class: "tools"},
      picker("Benchmark ", entries.map((e) => e.name), (i) => {
        entry = entries[i];
        draw();
      })), el("p", {class: "muted"}, "each dot is one repetition"),
    canvas.holder, table));
}

// --- History.

function historyConfig(series, runs) {
  const format = (v) => formatMetric(series.metric, v);
  const values = series.points.map(([, v]) => v);
  const changed = new Map(series.changes.map((c) => [c.at, c]));
  const color = cssColor("--ours");
  const mark = (i) => !changed.has(i) ? color
    : cssColor(changed.get(i).worse ? "--bad" : "--good");
  // Each level between two changes as a line of its own mean.
  const bounds = [0, ...series.changes.map((c) => c.at), values.length];
  const levels = values.map((_, i) => {
    const last = series.changes.filter((c) => c.at <= i).pop();
    return last ? last.after : series.changes.length ? series.changes[0].before : null;
  });
  const labels = series.points.map(([run]) => runs[run][0].slice(0, 10));
  const datasets = [{
    label: metricLabel(series.metric),
    data: values, borderColor: color, borderWidth: 1.5,
    pointRadius: values.map((_, i) => changed.has(i) ? 7 : 3),
    pointHoverRadius: 8,
    pointBackgroundColor: values.map((_, i) => mark(i)),
    pointBorderColor: values.map((_, i) => mark(i)),
    pointStyle: values.map((_, i) => changed.has(i) ? "rectRot" : "circle"),
  }];
  if (series.changes.length) {
    for (let i = 0; i + 1 < bounds.length; ++i) {
      datasets.push({
        label: "level", borderColor: cssColor("--muted"), borderWidth: 1.5,
        borderDash: [6, 4], pointRadius: 0, pointHoverRadius: 0,
        data: levels.map((v, j) => j >= bounds[i] && j < bounds[i + 1] ? v : null),
      });
    }
  }
  const config = baseConfig("line", datasets, {
    x: {type: "category", labels, offset: true, border: {display: false},
      grid: {display: false},
      ticks: {color: cssColor("--muted"), maxRotation: 0, autoSkipPadding: 24}},
    y: {...axis("", format, decadesOf(values) > 1.3, values),
      beginAtZero: false, grace: "15%"},
  });
  config.options.interaction = {mode: "index", intersect: false};
  config.options.plugins.tooltip.filter = (item) => item.datasetIndex === 0;
  config.options.plugins.tooltip.callbacks = {
    title: (items) => items.length
      ? formatDate(runs[series.points[items[0].dataIndex][0]][0]) : "",
    label: (item) => ` ${format(item.parsed.y)}`,
    footer: (items) => {
      if (!items.length) return "";
      const i = items[0].dataIndex;
      const lines = [`commit ${runs[series.points[i][0]][1].slice(0, 10)}`];
      const change = changed.get(i);
      if (change) {
        lines.push(`${change.worse ? "worse" : "better"}: ${
          formatPercent(change.after / change.before - 1, true)}`);
      }
      return lines;
    },
  };
  return config;
}

function changesTable(history) {
  const rows = history.series.flatMap((series) => series.changes.map((change) => ({
    series, change, run: history.runs[series.points[change.at][0]],
  }))).sort((a, b) => b.run[0].localeCompare(a.run[0]));
  if (!rows.length) return el("p", {class: "muted"}, "No change points.");
  return makeTable({
    id: "changes-table", caption: "Change points, the latest first", showCaption: true,
    rows, filter: rows.length > 10,
    columns: [
      {key: "since", label: "Since", value: (r) => r.run[0], text: (r) => formatDate(r.run[0])},
      {key: "commit", label: "Commit", value: (r) => r.run[1].slice(0, 10)},
      {key: "name", label: "Benchmark", className: "name", value: (r) => r.series.name},
      {key: "metric", label: "Metric", value: (r) => metricLabel(r.series.metric)},
      {key: "verdict", label: "Verdict", value: (r) => r.change.worse ? "worse" : "better",
        node: (r) => el("span", {class: `badge ${r.change.worse ? "bad" : "good"}`},
          r.change.worse ? "worse" : "better")},
      {key: "change", label: "Change", number: true,
        value: (r) => r.change.after / r.change.before - 1,
        text: (r) => formatPercent(r.change.after / r.change.before - 1, true)},
    ],
  }).node;
}

function addHistory() {
  const {history} = report;
  // What changed comes first.
  const all = [...history.series].sort((a, b) =>
    Number(b.changes.length > 0) - Number(a.changes.length > 0));
  let series = all[0];
  const canvas = makeCanvas(() => historyConfig(series, history.runs));
  const details = el("details");
  function draw() {
    canvas.canvas.setAttribute("aria-label",
      `History of ${series.name}, ${metricLabel(series.metric)}: ${
        series.points.length} runs; the table below has the figures.`);
    details.replaceChildren(el("summary", {}, "Table"), chartTable({
      x: {label: "run", categories: series.points.map(([run]) =>
        `${formatDate(history.runs[run][0])} ${history.runs[run][1].slice(0, 10)}`)},
      measures: [{metric: series.metric}],
      series: [{name: metricLabel(series.metric),
        points: series.points.map(([, value], i) => [i, value])}],
    }, 0, `History of ${series.name}`));
    canvas.draw();
  }
  draw();
  const section = addSection("history", "History", el("p", {class: "muted"},
    `Change points: ${history.method}.`));
  if (history.bad_lines.length) {
    section.append(el("div", {class: "notice"}, el("ul", {},
      history.bad_lines.map((bad) => el("li", {},
        `Line ${bad.line} of the history was skipped: ${bad.problem}`)))));
  }
  section.append(el("figure", {class: "panel"}, el("div", {class: "tools"},
    picker("Benchmark ", all.map((s) =>
      `${s.changes.length ? "◆ " : ""}${s.name} · ${metricLabel(s.metric)}`), (i) => {
      series = all[i];
      draw();
    })), canvas.holder, details),
  el("div", {class: "panel"}, changesTable(history)));
}

// --- Environment and commands.

function addEnvironment() {
  const run = report.run;
  const facts = [
    ["Run", run.name],
    ["Started", formatDate(run.started)],
    ["Status", run.status],
    ["Source", `${run.git_branch} at ${run.git_sha}${run.git_dirty ? " with uncommitted changes" : ""}`],
    ["Compiler", run.compiler],
    ["Flags", run.flags],
    ["Build type", run.build_type],
    ["Processor", `${run.cpu_model}, ${run.cores} cores`],
    ["Memory", formatBytes(run.memory_bytes)],
    ["Kernel", run.kernel],
    ["Scale and seed", `${run.scale}, ${run.seed}`],
  ];
  const section = addSection("environment", "Environment", el("div", {class: "panel"},
    el("dl", {class: "facts"}, facts.map(([name, value]) =>
      [el("dt", {}, name), el("dd", {}, value)]))));
  if (run.engines.length) {
    section.append(el("div", {class: "panel"}, el("h3", {}, "Engines"),
      run.engines.map((engine) => el("details", {},
        el("summary", {}, `${engine.name} ${engine.version}`),
        el("div", {class: "scroll", tabindex: "0", role: "region",
          "aria-label": `Settings of ${engine.name}`}, el("table", {},
          el("caption", {class: "visually-hidden"}, `Settings of ${engine.name}`),
          el("thead", {}, el("tr", {}, el("th", {scope: "col"}, "Setting"),
            el("th", {scope: "col"}, "Value"))),
          el("tbody", {}, Object.entries(engine.settings).map(([key, value]) =>
            el("tr", {}, el("th", {scope: "row", class: "mono"}, key),
              el("td", {class: "mono"}, value))))))))));
  }
  section.append(el("div", {class: "panel"}, el("h3", {}, "Measure it again"),
    report.commands.map((command) => el("div", {class: "command"},
      el("pre", {tabindex: "0"}, el("code", {}, command)),
      el("button", {type: "button", class: "button", "aria-label": `Copy: ${command}`,
        async onclick(event) {
          const button = event.currentTarget;
          try {
            await navigator.clipboard.writeText(command);
            button.textContent = "Copied";
          } catch {
            getSelection().selectAllChildren(button.parentNode.querySelector("code"));
            button.textContent = "Selected";
          }
        }}, "Copy")))));
}

Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
applyTheme();
addHead();
addSummary();
if (report.comparison) addComparison();
report.areas.forEach(addArea);
if (report.distributions.length) addDistributions();
if (report.history && report.history.series.length) addHistory();
addEnvironment();
document.documentElement.dataset.ready = "yes";
