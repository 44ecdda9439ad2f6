// Numbers for people, and small helpers to build the page.

// An element with attributes (on… are listeners; null ones are left out) and
// children, which are nodes or texts. Texts are never parsed as HTML.
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined) continue;
    if (value === false && !name.startsWith("aria-")) continue;
    if (name.startsWith("on")) {
      node.addEventListener(name.slice(2), value);
    } else {
      node.setAttribute(name,
        value === true && !name.startsWith("aria-") ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

// A benchmark's name, which may go on in another line behind each of its parts.
function breakable(name) {
  return name.split(/(?<=\/)/).flatMap((part) => [part, el("wbr")]);
}

// Three significant digits, without an exponent.
function digits3(value) {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  if (size >= 1) return value.toFixed(2);
  return size === 0 ? "0" : String(Number(value.toPrecision(3)));
}

function scaled(value, steps) {
  let chosen = steps[0];
  for (const step of steps) {
    if (Math.abs(value) >= step[0] * 0.9995) chosen = step;
  }
  return value === 0 ? "0" : digits3(value / chosen[0]) + chosen[1];
}

function formatTime(ns) {
  return scaled(ns, [[1, " ns"], [1e3, " µs"], [1e6, " ms"], [1e9, " s"]]);
}
function formatCount(value) {
  return scaled(value, [[1, ""], [1e3, "k"], [1e6, "M"], [1e9, "G"]]);
}
function formatBytes(bytes) {
  return scaled(bytes, [[1, " B"], [1024, " KiB"], [1048576, " MiB"],
    [1073741824, " GiB"]]);
}

// Nanoseconds in the unit that a metric's name ends in.
const timeUnits = [["_ns", 1], ["_us", 1e3], ["_ms", 1e6], ["_s", 1e9]];

function formatMetric(metric, value) {
  if (value === null || value === undefined) return "–";
  if (metric.endsWith("_per_second") || metric === "qps") {
    return formatCount(value) + "/s";
  }
  if (!metric.endsWith("_per_s")) {
    for (const [suffix, ns] of timeUnits) {
      if (metric.endsWith(suffix)) return formatTime(value * ns);
    }
  }
  if (metric.endsWith("_mib")) return formatBytes(value * 1048576);
  if (metric.endsWith("_bytes") || metric.includes("bytes_per_")) {
    return formatBytes(value);
  }
  if (metric.endsWith("_pct")) return digits3(value) + "%";
  return Number.isInteger(value) ? value.toLocaleString("en-US") : digits3(value);
}

// On an axis "10 µs" says as much as "10.0 µs".
function shortened(text) {
  return text.replace(/(\.\d*?)0+(?!\d)/, "$1").replace(/\.(?!\d)/, "");
}

// "real_time_ns" is "time"; units are shown with the values.
function metricLabel(metric) {
  if (metric === "real_time_ns") return "time";
  if (metric === "cpu_time_ns") return "CPU time";
  return metric.replace(/_(ns|us|ms|s|bytes|mib|pct)$/, "")
    .replace(/_per_second$/, "/s").replaceAll("_", " ");
}

function formatPercent(fraction, signed) {
  if (fraction === null || fraction === undefined) return "–";
  if (signed && fraction > 1) return `×${digits3(1 + fraction)}`;
  const percent = 100 * fraction;
  const text = Math.abs(percent) >= 100 ? percent.toFixed(0) : percent.toFixed(1);
  return (signed && percent > 0 ? "+" : "") + text.replace("-", "−") + "%";
}

// "2026-01-31T12:00:00Z" as "2026-01-31 12:00 UTC".
function formatDate(iso) {
  return iso.slice(0, 16).replace("T", " ") + " UTC";
}
