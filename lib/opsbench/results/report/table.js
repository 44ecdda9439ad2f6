// Tables that can be sorted by each column and filtered by words.
//
// A column is {key, label, number, value(row), text(row), node(row), className}.
// Rows are sorted by value(row), null last; text(row) is what stands in the
// cell, and what is searched. A heading is a button: Enter and space sort.

const rowsAtFirst = 60;

function makeTable(options) {
  const state = {column: null, descending: false, words: "", all: false};
  let columns = options.columns;
  let rows = options.rows;
  const head = el("tr");
  const body = el("tbody");
  const count = el("span", {class: "count", role: "status"});
  const more = el("button", {type: "button", class: "button", onclick() {
    state.all = true;
    drawBody();
  }});
  const table = el("table", {id: options.id},
    el("caption", {class: options.showCaption ? null : "visually-hidden"},
      options.caption),
    el("thead", {}, head), body);

  function textOf(column, row) {
    if (column.text) return column.text(row);
    const value = column.value(row);
    return value === null || value === undefined ? "–" : String(value);
  }

  function shown() {
    const words = state.words.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((row) => {
      if (!words.length) return true;
      const text = columns.map((c) => textOf(c, row)).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    if (!state.column) return kept;
    const {value} = state.column;
    const sign = state.descending ? -1 : 1;
    const isNothing = (v) => v === null || v === undefined || v === "";
    return kept.map((row) => [value(row), row]).sort(([a], [b]) => {
      if (isNothing(a) || isNothing(b)) return isNothing(a) - isNothing(b);
      if (typeof a === "number" && typeof b === "number") return sign * (a - b);
      return sign * String(a).localeCompare(String(b), "en", {numeric: true});
    }).map(([, row]) => row);
  }

  function cell(column, row, first) {
    const content = column.node ? column.node(row) : textOf(column, row);
    const value = column.value(row);
    return el(first ? "th" : "td", {
      scope: first ? "row" : null,
      class: [column.number ? "number" : "", column.className || ""]
        .join(" ").trim() || null,
      "data-key": column.key,
      "data-value": typeof value === "number" ? value : null,
    }, content);
  }

  function drawBody() {
    const list = shown();
    const visible = state.all ? list : list.slice(0, rowsAtFirst);
    body.replaceChildren(...visible.map((row) => el("tr", {
      class: options.rowClass ? options.rowClass(row) || null : null,
      "data-name": options.rowName ? options.rowName(row) : null,
    }, columns.map((column, i) => cell(column, row, i === 0)))));
    count.textContent = list.length === rows.length
      ? `${rows.length} rows` : `${list.length} of ${rows.length} rows`;
    more.hidden = visible.length === list.length;
    more.textContent = `Show all ${list.length} rows`;
  }

  function drawHead() {
    head.replaceChildren(...columns.map((column) => el("th", {
      scope: "col",
      class: column.number ? "number" : null,
      "aria-sort": state.column !== column ? "none"
        : state.descending ? "descending" : "ascending",
    }, el("button", {type: "button", class: "sort", onclick(event) {
      // Names begin at A, a first look at numbers at either end.
      state.descending = state.column === column ? !state.descending : false;
      state.column = column;
      const place = columns.indexOf(column);
      drawHead();
      drawBody();
      if (event.isTrusted) head.querySelectorAll(".sort")[place].focus();
    }}, column.label))));
  }

  const tools = el("div", {class: "tools"}, options.tools || []);
  if (options.filter !== false) {
    tools.append(el("label", {}, el("span", {class: "visually-hidden"},
      `Filter: ${options.caption}`), el("input", {
      type: "search", placeholder: "Filter, e.g. insert threads 8",
      oninput(event) {
        state.words = event.target.value;
        drawBody();
      },
    })), count);
  }
  drawHead();
  drawBody();
  return {
    node: el("div", {}, tools.childNodes.length ? tools : null,
      el("div", {class: "scroll", tabindex: "0", role: "region",
        "aria-label": options.caption}, table), more),
    // Other rows or columns; the order is kept where its column still exists.
    update(newColumns, newRows) {
      columns = newColumns;
      rows = newRows;
      const key = state.column && state.column.key;
      state.column = columns.find((column) => column.key === key) || null;
      drawHead();
      drawBody();
    },
  };
}
