// Charts: drawn when they come into view, with a legend that a keyboard can
// use and the figures as a table behind each.

const shapes = ["circle", "triangle", "rect", "rectRot"];
const outlines = {
  circle: "M6 2a4 4 0 1 0 .01 0z",
  triangle: "M6 1.5 10.5 10h-9z",
  rect: "M2.3 2.3h7.4v7.4H2.3z",
  rectRot: "M6 .8 11.2 6 6 11.2.8 6z",
};

function cssColor(name) {
  return getComputedStyle(document.documentElement)
    .getPropertyValue(name).trim();
}

// Everything that is drawn anew when the theme changes.
const redraws = [];

const inView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    inView.unobserve(entry.target);
    entry.target.dispatchEvent(new Event("inview"));
  }
}, {rootMargin: "600px"});

// A canvas whose chart is made by config(), anew when draw() is called or the
// theme changes, but not before it is in view.
function makeCanvas(config) {
  const canvas = el("canvas", {role: "img"});
  const holder = el("div", {class: "canvas"}, canvas);
  let chart = null;
  let seen = false;
  function draw() {
    if (!seen) return;
    if (chart) chart.destroy();
    chart = new Chart(canvas, config());
  }
  function show() {
    if (seen) return;
    seen = true;
    draw();
  }
  holder.addEventListener("inview", show);
  window.addEventListener("beforeprint", show);
  inView.observe(holder);
  redraws.push(draw);
  return {holder, canvas, draw, chart: () => chart};
}

function decadesOf(values) {
  const kept = values.filter((v) => v > 0);
  return kept.length ? Math.log10(Math.max(...kept) / Math.min(...kept)) : 0;
}

// On a logarithmic axis: 1, 2 and 5 of each decade, fewer where there are many.
// Labels side by side need more room than those one above the other.
function logTicks(low, high, horizontal) {
  const decades = Math.log10(high / low);
  const mantissas = decades > (horizontal ? 1.5 : 3) ? [1]
    : decades > (horizontal ? 0.8 : 1.6) ? [1, 3] : [1, 2, 5];
  const step = Math.ceil(decades / 8);
  const ticks = [];
  for (let e = Math.floor(Math.log10(low)); e <= Math.log10(high); e += 1) {
    for (const m of mantissas) {
      const value = m * 10 ** e;
      if (value >= low && value <= high && e % step === 0) ticks.push({value});
    }
  }
  return ticks;
}

function axis(label, format, log, values) {
  const result = {
    type: log ? "logarithmic" : "linear",
    beginAtZero: !log,
    grace: log ? 0 : "5%",
    title: {display: Boolean(label), text: label, color: cssColor("--muted")},
    border: {display: false},
    grid: {color: cssColor("--grid"), drawBorder: false, drawTicks: false},
    ticks: {
      color: cssColor("--muted"),
      padding: 6,
      maxRotation: 0,
      autoSkip: !log,
      maxTicksLimit: 7,
      callback: (value) => shortened(format(value)),
    },
  };
  const positive = values.filter((v) => v > 0);
  if (log && positive.length) {
    Object.assign(result, {
      min: Math.min(...positive) / 1.3,
      max: Math.max(...positive) * 1.3,
      afterBuildTicks(scale) {
        scale.ticks = logTicks(scale.min, scale.max, scale.isHorizontal());
      },
    });
  }
  return result;
}

function baseConfig(type, datasets, scales) {
  const text = cssColor("--text");
  return {
    type,
    data: {datasets},
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: {mode: "nearest", intersect: false},
      layout: {padding: {right: 10, top: 4}},
      scales,
      plugins: {
        legend: {display: false},
        tooltip: {
          backgroundColor: cssColor("--surface"),
          borderColor: cssColor("--muted"),
          borderWidth: 1,
          titleColor: text,
          bodyColor: text,
          footerColor: cssColor("--muted"),
          usePointStyle: true,
          boxPadding: 5,
        },
      },
    },
  };
}

function seriesStyle(color, shape, ours) {
  return {
    borderColor: color,
    backgroundColor: color,
    pointStyle: shape,
    borderWidth: ours ? 3 : 1.5,
    pointRadius: ours ? 5 : 4,
    pointHoverRadius: 7,
    clip: 8,
    order: ours ? 0 : 1,
  };
}

// What happened at a time: bands behind the lines, with their labels on top,
// where there is room for one.
function marksPlugin(marks) {
  return {
    id: "marks",
    beforeDatasetsDraw({ctx, chartArea, scales}) {
      ctx.save();
      ctx.font = "11px system-ui, sans-serif";
      let free = chartArea.left;
      for (const mark of marks) {
        const left = scales.x.getPixelForValue(mark.from);
        const width = Math.max(2, scales.x.getPixelForValue(mark.to) - left);
        ctx.fillStyle = cssColor("--mark");
        ctx.fillRect(left, chartArea.top, width, chartArea.height);
        if (left < free) continue;
        ctx.fillStyle = cssColor("--muted");
        ctx.fillText(mark.label, left + 3, chartArea.top + 11);
        free = left + ctx.measureText(mark.label).width + 9;
      }
      ctx.restore();
    },
  };
}

// Labels of x stand at the values that were measured, where there is room.
function measuredTicks(xs, log) {
  const place = (x) => log ? Math.log(x) : x;
  const span = place(xs[xs.length - 1]) - place(xs[0]) || 1;
  const kept = [xs[xs.length - 1]];
  for (const x of xs.slice(0, -1).reverse()) {
    if ((place(kept[0]) - place(x)) / span > 0.07) kept.unshift(x);
  }
  return kept.map((value) => ({value}));
}

function lineConfig(chart, m, styles, hidden) {
  const measure = chart.measures[m];
  const names = chart.x.categories;
  const format = (v) => formatMetric(measure.metric, v);
  const formatX = (v) => chart.x.metric
    ? formatMetric(chart.x.metric, v) : formatCount(v);
  const ys = [];
  const datasets = chart.series.map((series, i) => ({
    label: series.name,
    hidden: hidden.has(series.name),
    showLine: series.joined,
    data: series.points.map((p, j) => {
      if (p[m + 1] !== null) ys.push(p[m + 1]);
      return {x: names.length ? names[p[0]] : p[0], y: p[m + 1],
        label: series.labels[j] || ""};
    }),
    ...styles[i],
  }));
  const xs = [...new Set(chart.series.flatMap((s) => s.points.map((p) => p[0])))]
    .sort((a, b) => a - b);
  const x = axis(chart.x.label, formatX, false, xs);
  if (names.length) {
    Object.assign(x, {type: "category", labels: names, offset: true});
    delete x.ticks.callback;
  } else {
    const pad = chart.x.log ? 1.06 : 1;
    const room = chart.x.log ? 0 : 0.03 * (xs[xs.length - 1] - xs[0]);
    Object.assign(x, {
      type: chart.x.log ? "logarithmic" : "linear",
      beginAtZero: false,
      grace: 0,
      min: xs[0] / pad - room,
      max: xs[xs.length - 1] * pad + room,
      afterBuildTicks(scale) {
        if (xs.length <= 12) scale.ticks = measuredTicks(xs, chart.x.log);
      },
    });
    x.ticks.autoSkip = xs.length > 12;
    x.ticks.callback = (value) => shortened(formatX(value));
  }
  const config = baseConfig("line", datasets, {
    x, y: axis("", format, measure.log, ys),
  });
  config.options.interaction = {mode: "x", intersect: false};
  if (!names.length) config.options.interaction = {mode: "nearest", axis: "x", intersect: false};
  if (chart.marks.length) config.plugins = [marksPlugin(chart.marks)];
  // Where points are many, the line is what is looked at.
  if (xs.length > 60) {
    for (const dataset of datasets) {
      Object.assign(dataset, {pointRadius: 0, pointHitRadius: 6});
    }
  }
  Object.assign(config.options.plugins.tooltip, {
    itemSort: (a, b) => b.parsed.y - a.parsed.y,
    callbacks: {
      title: (items) => items.length === 0 ? "" : names.length
        ? items[0].label : `${chart.x.label} ${shortened(formatX(items[0].parsed.x))}`,
      label: (item) => ` ${item.dataset.label}: ${format(item.parsed.y)}${
        item.raw.label ? ` (${item.raw.label})` : ""}`,
    },
  });
  return config;
}

function dotsConfig(chart, m, styles, hidden) {
  const measure = chart.measures[m];
  const format = (v) => formatMetric(measure.metric, v);
  const xs = [];
  const datasets = chart.series.map((series, i) => ({
    label: series.name,
    hidden: hidden.has(series.name),
    data: series.points.filter((p) => p[m + 1] !== null).map((p) => {
      xs.push(p[m + 1]);
      return {x: p[m + 1], y: chart.x.categories[p[0]]};
    }),
    ...styles[i],
  }));
  const config = baseConfig("scatter", datasets, {
    x: axis("", format, measure.log, xs),
    y: {
      type: "category", labels: chart.x.categories, offset: true,
      border: {display: false},
      grid: {color: cssColor("--grid"), drawBorder: false, drawTicks: false},
      ticks: {color: cssColor("--text"), autoSkip: false, padding: 6},
    },
  });
  config.options.interaction = {mode: "nearest", axis: "xy", intersect: false};
  config.options.plugins.tooltip.callbacks = {
    title: (items) => items.length ? items[0].raw.y : "",
    label: (item) => ` ${item.dataset.label}: ${format(item.parsed.x)}`,
  };
  return config;
}

// A row of buttons of which one is pressed, or a list where they are many.
function makeChoice(label, names, onchoose) {
  if (names.length < 2) return null;
  const long = names.join("").length > 44 || names.length > 4;
  if (long) {
    return el("select", {"aria-label": label, onchange(event) {
      onchoose(Number(event.target.value));
    }}, names.map((name, i) => el("option", {value: i}, name)));
  }
  const buttons = names.map((name, i) => el("button", {
    type: "button", "aria-pressed": i === 0, onclick() {
      buttons.forEach((b, j) => b.setAttribute("aria-pressed", j === i));
      onchoose(i);
    },
  }, name));
  return el("div", {class: "segments", role: "group", "aria-label": label},
    buttons);
}

// The numbers of a chart: a row for each x or category, a column for each
// series.
function chartTable(chart, m, caption) {
  const measure = chart.measures[m];
  const names = chart.x.categories;
  const xs = [...new Set(chart.series.flatMap((s) => s.points.map((p) => p[0])))]
    .sort((a, b) => a - b);
  const at = chart.series.map((s) =>
    new Map(s.points.map((p) => [p[0], p[m + 1]])));
  const first = chart.x.label || "benchmark";
  return el("div", {class: "scroll", tabindex: "0", role: "region",
    "aria-label": caption}, el("table", {},
    el("caption", {class: "visually-hidden"}, caption),
    el("thead", {}, el("tr", {}, el("th", {scope: "col"}, first),
      chart.series.map((s) => el("th", {scope: "col", class: "number"}, s.name)))),
    el("tbody", {}, xs.map((x) => el("tr", {},
      el("th", {scope: "row"}, names.length ? names[x] : x.toLocaleString("en-US")),
      at.map((values) => {
        const value = values.has(x) ? values.get(x) : null;
        return el("td", {class: "number", "data-value": value},
          formatMetric(measure.metric, value));
      }))))));
}

function marksList(chart) {
  const text = (x) => x.toLocaleString("en-US", {maximumFractionDigits: 2});
  return el("ul", {class: "marks"}, chart.marks.map((mark) => el("li", {},
    `${mark.label}: ${chart.x.label} ${text(mark.from)} to ${text(mark.to)}`)));
}

function swatch(style) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  svg.setAttribute("width", "12");
  svg.setAttribute("height", "12");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", outlines[style.shape]);
  path.setAttribute("style", `fill:var(${style.color})`);
  svg.append(path);
  return svg;
}

// rivals gives a rival its place among the area's colours, the same in every
// figure.
function makeFigure(figure, rivals) {
  const state = {chart: 0, measure: 0};
  const hidden = new Set();
  const current = () => figure.charts[state.chart];

  function styleOf(series, i) {
    const contest = current().series.some((s) => s.ours);
    if (series.ours) return {color: "--ours", shape: "circle", ours: true};
    const place = contest ? rivals.get(series.name) : i - 1;
    if (place < 0) return {color: "--ours", shape: "circle", ours: false};
    return {color: `--series-${place % 8 + 1}`,
      shape: shapes[(place + 1) % shapes.length], ours: false};
  }

  const canvas = makeCanvas(() => {
    const chart = current();
    const styles = chart.series.map((series, i) => {
      const style = styleOf(series, i);
      return seriesStyle(cssColor(style.color), style.shape, style.ours);
    });
    return (chart.kind === "dots" ? dotsConfig : lineConfig)(
      chart, state.measure, styles, hidden);
  });
  const legend = el("div", {class: "legend", role: "group",
    "aria-label": `Series of ${figure.title}`});
  const table = el("details");
  const measures = el("span");

  function drawLegend() {
    const chart = current();
    legend.hidden = chart.series.length < 2;
    legend.replaceChildren(...chart.series.map((series, i) => {
      const style = styleOf(series, i);
      return el("button", {
        type: "button",
        class: style.ours ? "ours" : null,
        "aria-pressed": !hidden.has(series.name),
        title: "Show or hide",
        onclick(event) {
          if (!hidden.delete(series.name)) hidden.add(series.name);
          event.currentTarget.setAttribute("aria-pressed",
            !hidden.has(series.name));
          canvas.draw();
        },
      }, swatch(style), series.name);
    }));
  }

  function drawValues() {
    const chart = current();
    const caption = `${figure.title}: ${chart.measures[state.measure].label}, ${
      chart.name.toLowerCase()}`;
    canvas.canvas.setAttribute("aria-label",
      `${caption}. ${chart.series.length} series; the table below has the figures.`);
    if (chart.kind === "dots") {
      canvas.holder.style.height = `${Math.max(150, 60 + 26 * chart.x.categories.length)}px`;
    } else {
      canvas.holder.style.height = "";
    }
    table.replaceChildren(el("summary", {}, "Table"),
      chartTable(chart, state.measure, caption),
      chart.marks.length ? marksList(chart) : "");
    canvas.draw();
  }

  function drawChart() {
    measures.replaceChildren();
    const choice = makeChoice("Measure",
      current().measures.map((m) => m.label), (i) => {
        state.measure = i;
        drawValues();
      });
    if (choice) measures.append(choice);
    drawLegend();
    drawValues();
  }

  drawChart();
  const choices = [makeChoice("View", figure.charts.map((c) => c.name), (i) => {
    state.chart = i;
    state.measure = 0;
    drawChart();
  }), measures].filter(Boolean);
  const single = figure.charts.length === 1 ? figure.charts[0].name : null;
  const subtitle = [figure.subtitle, single !== "Overview" ? single : null]
    .filter(Boolean).join(" · ");
  const wide = figure.charts.some((c) => c.x.categories.length > 12);
  return el("figure", {class: wide ? "panel wide" : "panel"},
    el("div", {class: "head"}, el("h3", {}, figure.title),
      subtitle ? el("span", {class: "muted"}, subtitle) : null),
    el("div", {class: "choices"}, choices),
    canvas.holder, legend, table);
}
