// @ts-check
// The table of runs. A row keeps its element while its run exists, so that a field keeps its focus and its text while
// the rest of the table is updated. Names and notes are values of fields: never markup.

const CAPTION = "Runs of this session, and the settings in which they differ from the current one";
const UNDO_MS = 10_000;
const ICONS = {
  pin: ["M5.5 2.25h5", "M6.25 2.25v4.5l-2 2.5h7.5l-2-2.5v-4.5", "M8 9.25v4.5"],
  hide: ["M1.5 8s2.25-4.5 6.5-4.5 6.5 4.5 6.5 4.5-2.25 4.5-6.5 4.5-6.5-4.5-6.5-4.5z", "M2.5 13.5l11-11"],
  open: ["M6.5 3.25h-3.25v9.5h9.5v-3.25", "M9 2.75h4.25v4.25", "M13 3l-5.5 5.5"],
  load: ["M13.25 8h-9.5", "M7.25 4.25L3.5 8l3.75 3.75"],
  delete: ["M2.75 4.25h10.5", "M6 4.25v-1.5h4v1.5", "M4.25 4.25l.5 9h6.5l.5-9"],
};

/**
 * @typedef {{ text: string, order: number | null, differs: boolean }} Cell
 * @typedef {{
 *   number: number, color: string, cells: Cell[], curve: number[], chips: string[], label: string,
 *   name: string, note: string, pinned: boolean, hidden: boolean, present: boolean,
 * }} Run
 * @typedef {{
 *   headings: string[], meanings: Record<string, string>, earlier: Run[], present: Run[], chosen: number[], status: string, undo: boolean,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {{ heading: string, sign: number }} Order the column that the table is sorted by, and 1 or -1
 * @typedef {ReturnType<typeof makeRow>} Row
 */

/** A run's sort key in a column.
 * @param {Run} run @param {string} heading @param {string[]} headings */
function sortKey(run, heading, headings) {
  if (heading === "Run") return run.name || `run ${String(run.number).padStart(9, "0")}`;
  if (heading === "Note") return run.note;
  const cell = run.cells[headings.indexOf(heading)];
  return cell === undefined ? run.number : (cell.order ?? cell.text);
}

/** The runs in the order of the table: pinned ones first, then by a column, or newest first.
 * @param {Run[]} runs @param {Order} order @param {string[]} headings */
export function inOrder(runs, { heading, sign }, headings) {
  return [...runs].sort((a, b) => {
    if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
    if (heading === "") return b.number - a.number;
    const [one, other] = [a, b].map((run) => sortKey(run, heading, headings));
    const areNumbers = typeof one === "number" && typeof other === "number";
    return sign * (areNumbers ? one - other : String(one).localeCompare(String(other))) || b.number - a.number;
  });
}

/** A run's accuracies as a line in a box of 56 by 16; `range` is that of all runs.
 * @param {number[]} curve @param {number[]} range */
export function sparkline(curve, [low, high]) {
  const x = (/** @type {number} */ index) => 1 + (54 * index) / Math.max(curve.length - 1, 1);
  const y = (/** @type {number} */ value) => 15 - (14 * (value - low)) / (high - low || 1);
  return curve.map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("");
}

/** The elements of a run's row.
 * @param {number} number @param {Model} model @param {(number: number, wanted: boolean) => void} choose */
function makeRow(number, model, choose) {
  const send = (/** @type {string} */ verb, text = "") => model.send({ verb, number, text });
  const field = (/** @type {string} */ label, /** @type {number} */ maxlength, placeholder = "") => {
    const attributes = { class: "explorer-field", type: "text", maxlength, placeholder };
    const input = make("input", { ...attributes, "aria-label": `${label} of run ${number}` });
    input.addEventListener("change", () => send(label.toLowerCase(), input.value));
    input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
    return input;
  };
  const button = (/** @type {keyof typeof ICONS} */ verb, /** @type {string} */ words) => {
    const attributes = { "data-quiet": true, "data-verb": verb, title: words, "aria-label": `${words}: run ${number}` };
    return makeButton(icon(...ICONS[verb]), () => send(verb), attributes);
  };
  const box = make("input", { type: "checkbox", class: "explorer-check", "aria-label": `Compare run ${number}` });
  box.addEventListener("change", () => choose(number, box.checked));
  const swatch = make("span", { class: "explorer-run-swatch", "aria-hidden": "true" });
  const name = field("Name", 60);
  const note = field("Note", 2000, "add a note");
  const buttons = {
    open: button("open", "Show it in all tabs"),
    load: button("load", "Load settings into the controls"),
    pin: button("pin", "Pin: first in the table, always among the curves"),
    hide: button("hide", "Hide its curves"),
    delete: button("delete", "Delete"),
  };
  const numbered = make("span", { class: "explorer-run-number explorer-muted" }, String(number));
  const called = make("span", { class: "explorer-run-name explorer-line" }, swatch, numbered, name);
  const first = [make("td", { class: "explorer-run-choice" }, make("label", {}, box)), make("th", { scope: "row" }, called)];
  const chips = make("td", { class: "explorer-run-chips" });
  const actions = make("td", { class: "explorer-run-actions" }, ...Object.values(buttons));
  const last = [chips, make("td", { class: "explorer-run-note" }, note), actions];
  const spark = icon("");
  spark.setAttribute("viewBox", "0 0 56 16");
  spark.classList.add("explorer-run-spark");
  const row = make("tr", { "data-number": number }, ...first, make("td", {}, spark), ...last);
  /** @type {HTMLElement[]} */
  const cells = [];
  return { row, box, swatch, name, note, buttons, spark, last, cells, chips };
}

/** @param {Row} parts @param {Run} run @param {number[]} range @param {boolean} chosen */
function fill(parts, run, range, chosen) {
  const { row, box, swatch, name, note, buttons, spark, chips } = parts;
  row.toggleAttribute("data-present", run.present);
  row.toggleAttribute("data-hidden", run.hidden);
  box.checked = chosen;
  swatch.style.background = run.color;
  name.placeholder = run.label || `run ${run.number}`; // its label until the user names it
  for (const [key, input] of Object.entries({ name, note })) {
    const text = run[/** @type {"name" | "note"} */ (key)];
    if (input !== document.activeElement) input.value = text;
    input.title = text || input.placeholder;
  }
  buttons.pin.setAttribute("aria-pressed", String(run.pinned));
  buttons.hide.setAttribute("aria-pressed", String(run.hidden));
  for (const button of [buttons.open, buttons.hide, buttons.delete]) turnOff(button, run.present, buttons.pin);
  while (parts.cells.length > run.cells.length) parts.cells.pop()?.remove();
  while (parts.cells.length < run.cells.length) {
    const cell = make("td");
    parts.last[0].before(cell);
    parts.cells.push(cell);
  }
  run.cells.forEach(({ text, differs }, index) => {
    const cell = parts.cells[index];
    write(cell, text);
    cell.toggleAttribute("data-differs", differs);
  });
  spark.style.color = run.color;
  spark.firstElementChild?.setAttribute("d", sparkline(run.curve, range));
  chips.replaceChildren(...run.chips.map((text) => make("span", {}, text)));
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-runs", model);
  const caption = make("caption", { class: "explorer-unseen" }, CAPTION);
  const head = make("tr");
  const undo = makeButton("Undo", () => model.send({ verb: "undo" }));
  const words = make("span", { role: "status", "aria-live": "polite" });
  const status = make("p", { class: "explorer-run-status explorer-line explorer-wrap explorer-muted explorer-small" }, words, undo);
  const body = make("tbody");
  const table = make("table", {}, caption, make("thead", {}, head), body);
  const attributes = { class: "explorer-run-scroll", role: "region", "aria-label": "Table of runs", tabindex: 0 };
  const scroll = make("div", attributes, table);
  el.append(scroll, status);
  /** @type {Map<number, Row>} */
  const rows = new Map();
  /** @type {Order} */
  let sorted = { heading: "", sign: 1 };
  let headed = "";
  let timer = 0;

  const choose = (/** @type {number} */ number, /** @type {boolean} */ wanted) => {
    const others = model.get("chosen").filter((other) => other !== number);
    sendState(model, { chosen: wanted ? [...others, number].slice(-2) : others });
  };
  const sortBy = (/** @type {string} */ text) => {
    const best = /accuracy|Best|Test/.test(text) ? -1 : 1; // the highest first
    sorted = { heading: text, sign: sorted.heading === text ? -sorted.sign : best };
    show();
    [...head.querySelectorAll("button")].find((button) => button.textContent === text)?.focus();
  };
  const heading = (/** @type {string} */ text, more = {}) => {
    const direction = sorted.heading !== text ? "none" : sorted.sign > 0 ? "ascending" : "descending";
    const help = model.get("meanings")[text];
    const button = make("button", { type: "button", "data-help": help, onclick: () => sortBy(text) }, text);
    return make("th", { scope: "col", "aria-sort": direction, ...more }, button);
  };
  const unseen = (/** @type {string} */ text) => make("span", { class: "explorer-unseen" }, text);
  // Only when they differ: a new row of headings would lose the focus.
  const showHead = () => {
    const wanted = JSON.stringify([model.get("headings"), sorted]);
    if (wanted === headed) return;
    headed = wanted;
    head.replaceChildren(
      make("th", { scope: "col", title: "Tick two runs to compare them" }, unseen("Compare")),
      heading("Run"),
      make("th", { scope: "col" }, unseen("Accuracy by epoch")),
      ...model.get("headings").map((text) => heading(text)),
      make("th", { scope: "col", class: "explorer-run-chips" }, "Differs in"),
      heading("Note", { class: "explorer-run-note" }),
      make("th", { scope: "col", class: "explorer-run-actions" }, unseen("Actions")),
    );
  };
  const rowOf = (/** @type {number} */ number) => {
    const there = rows.get(number) ?? makeRow(number, model, choose);
    rows.set(number, there);
    return there;
  };
  const show = () => {
    showHead();
    const runs = inOrder([...model.get("earlier"), ...model.get("present")], sorted, model.get("headings"));
    const there = new Set(runs.map((run) => run.number));
    for (const [number, { row }] of rows) {
      if (there.has(number)) continue;
      row.remove();
      rows.delete(number);
    }
    const chosen = model.get("chosen");
    const shares = runs.flatMap((run) => run.curve);
    const range = [Math.min(...shares), Math.max(...shares)];
    runs.forEach((run, index) => {
      const parts = rowOf(run.number);
      fill(parts, run, range, chosen.includes(run.number));
      if (body.rows[index] === parts.row) return;
      const focused = parts.row.contains(document.activeElement) ? document.activeElement : null;
      body.insertBefore(parts.row, body.rows[index] ?? null);
      if (focused instanceof HTMLElement) focused.focus();
    });
  };
  const wait = () => {
    clearTimeout(timer);
    if (!model.get("undo")) return;
    const isLookedAt = () => status.matches(":hover, :focus-within");
    timer = setTimeout(() => (isLookedAt() ? wait() : model.send({ verb: "forget" })), UNDO_MS);
  };
  const showStatus = () => {
    const at = document.activeElement;
    const isOnDelete = at instanceof HTMLElement && table.contains(at) && at.dataset.verb === "delete";
    const pressedDelete = at === null || at === document.body || isOnDelete;
    write(words, model.get("status"));
    if (at === undo && !model.get("undo")) scroll.focus({ preventScroll: true });
    undo.hidden = !model.get("undo");
    if (model.get("undo") && pressedDelete) undo.focus({ preventScroll: true });
    wait();
  };
  model.on("change:headings change:earlier change:present change:chosen", show);
  model.on("change:status change:undo", showStatus);
  signal.addEventListener("abort", () => clearTimeout(timer));
  show();
  showStatus();
}

export default { render };
