// The table of runs. A row stays the same element while its run is there, so that a field keeps its focus and its
// text while the rest of the table is brought up to date. Names and notes are values of fields: never markup.

const UNDO_MS = 10_000;
const ICONS = {
  pin: ["M5.5 2.25h5", "M6.25 2.25v4.5l-2 2.5h7.5l-2-2.5v-4.5", "M8 9.25v4.5"],
  hide: ["M1.5 8s2.25-4.5 6.5-4.5 6.5 4.5 6.5 4.5-2.25 4.5-6.5 4.5-6.5-4.5-6.5-4.5z", "M2.5 13.5l11-11"],
  load: ["M13.25 8h-9.5", "M7.25 4.25L3.5 8l3.75 3.75"],
  delete: ["M2.75 4.25h10.5", "M6 4.25v-1.5h4v1.5", "M4.25 4.25l.5 9h6.5l.5-9"],
};

function makeRow(number, model, choose) {
  const send = (verb, text = "") => model.send({ verb, number, text });
  const field = (verb, label, length) => {
    const input = make("input", { class: "explorer-field", type: "text", maxlength: length, "aria-label": `${label} of run ${number}` });
    input.addEventListener("change", () => send(verb, input.value));
    input.addEventListener("keydown", (event) => event.key === "Enter" && input.blur());
    return input;
  };
  const button = (verb, words) =>
    make("button", { type: "button", class: "explorer-button", "data-quiet": true, "data-verb": verb, title: words, "aria-label": `${words}: run ${number}`, onclick: () => send(verb) }, icon(...ICONS[verb]));
  const box = make("input", { type: "checkbox", "aria-label": `Compare run ${number}`, onchange: () => choose(number, box.checked) });
  const swatch = make("span", { class: "explorer-run-swatch", "aria-hidden": "true" });
  const name = field("name", "Name", 60);
  name.placeholder = `run ${number}`;
  const note = field("note", "Note", 2000);
  note.placeholder = "add a note";
  const buttons = {
    load: button("load", "Load settings into the controls"),
    pin: button("pin", "Pin: first in the table, always among the curves"),
    hide: button("hide", "Hide its curves"),
    delete: button("delete", "Delete"),
  };
  const first = [
    make("td", { class: "explorer-run-choice" }, make("label", {}, box)),
    make("th", { scope: "row" }, make("span", { class: "explorer-run-name" }, swatch, make("span", { class: "explorer-run-number" }, String(number)), name)),
  ];
  const last = [make("td", { class: "explorer-run-note" }, note), make("td", { class: "explorer-run-actions" }, ...Object.values(buttons))];
  const row = make("tr", { "data-number": number }, ...first, ...last);
  return { row, box, swatch, name, note, buttons, last, cells: [] };
}

function fill(parts, run, chosen) {
  const { row, box, swatch, name, note, buttons } = parts;
  row.toggleAttribute("data-present", run.present);
  row.toggleAttribute("data-hidden", run.hidden);
  box.checked = chosen;
  swatch.style.background = run.colour;
  for (const [input, text] of [[name, run.name], [note, run.note]]) {
    if (input !== document.activeElement) input.value = text;
    input.title = text;
  }
  buttons.pin.setAttribute("aria-pressed", run.pinned);
  buttons.hide.setAttribute("aria-pressed", run.hidden);
  for (const verb of ["hide", "delete"]) buttons[verb].disabled = run.present;
  while (parts.cells.length > run.cells.length) parts.cells.pop().remove();
  while (parts.cells.length < run.cells.length) {
    const cell = make("td");
    parts.last[0].before(cell);
    parts.cells.push(cell);
  }
  run.cells.forEach(({ text, differs }, index) => {
    const cell = parts.cells[index];
    if (cell.textContent !== text) cell.textContent = text;
    cell.toggleAttribute("data-differs", differs);
  });
}

function render({ model, el, signal }) {
  becomePart(el, "explorer-runs");
  const caption = make("caption", { class: "explorer-unseen" }, "Runs of this session; what differs from the present run is set bold");
  const head = make("tr");
  const body = make("tbody");
  const undo = make("button", { type: "button", class: "explorer-button", onclick: () => model.send({ verb: "undo" }) }, "Undo");
  const words = make("span", { role: "status", "aria-live": "polite" });
  const status = make("p", { class: "explorer-run-status" }, words, undo);
  const scroll = make("div", { class: "explorer-run-scroll", role: "region", "aria-label": "Table of runs", tabindex: 0 }, make("table", {}, caption, make("thead", {}, head), body));
  el.append(scroll, status);
  const rows = new Map();
  let sorted = { heading: "", sign: 1 };
  let headed = "";
  let timer = null;

  const choose = (number, wanted) => {
    const others = model.get("chosen").filter((other) => other !== number);
    model.set("chosen", wanted ? [...others, number].slice(-2) : others);
    model.save_changes();
  };
  const key = (run) => {
    if (sorted.heading === "Run") return run.name || `run ${String(run.number).padStart(9, "0")}`;
    if (sorted.heading === "Note") return run.note;
    const cell = run.cells[model.get("headings").indexOf(sorted.heading)];
    return cell === undefined ? run.number : (cell.order ?? cell.text);
  };
  const compare = (a, b) => {
    if (a.pinned !== b.pinned) return a.pinned ? -1 : 1;
    const [one, other] = [key(a), key(b)];
    const order = typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other));
    return sorted.heading === "" ? b.number - a.number : sorted.sign * order || b.number - a.number;
  };
  const heading = (text, attributes = {}) => {
    const sort = () => {
      sorted = { heading: text, sign: sorted.heading === text ? -sorted.sign : 1 };
      show();
      [...head.querySelectorAll("button")].find((button) => button.textContent === text)?.focus();
    };
    const direction = sorted.heading !== text ? "none" : sorted.sign > 0 ? "ascending" : "descending";
    return make("th", { scope: "col", "aria-sort": direction, ...attributes }, make("button", { type: "button", onclick: sort }, text));
  };
  // Only when there are others: a new row of headings would take the focus from the one that has it.
  const showHead = () => {
    const wanted = JSON.stringify([model.get("headings"), sorted]);
    if (wanted === headed) return;
    headed = wanted;
    head.replaceChildren(
      make("th", { scope: "col", title: "Tick two runs to compare them" }, make("span", { class: "explorer-unseen" }, "Compare")),
      heading("Run"),
      ...model.get("headings").map((text) => heading(text)),
      heading("Note", { class: "explorer-run-note" }),
      make("th", { scope: "col", class: "explorer-run-actions" }, make("span", { class: "explorer-unseen" }, "Actions")),
    );
  };
  const show = () => {
    showHead();
    const runs = [...model.get("earlier"), ...model.get("present")].sort(compare);
    const there = new Set(runs.map((run) => run.number));
    for (const [number, { row }] of rows) {
      if (there.has(number)) continue;
      row.remove();
      rows.delete(number);
    }
    const chosen = model.get("chosen");
    runs.forEach((run, index) => {
      if (!rows.has(run.number)) rows.set(run.number, makeRow(run.number, model, choose));
      const parts = rows.get(run.number);
      fill(parts, run, chosen.includes(run.number));
      if (body.children[index] === parts.row) return;
      const focused = parts.row.contains(document.activeElement) ? document.activeElement : null;
      body.insertBefore(parts.row, body.children[index] ?? null);
      focused?.focus();
    });
  };
  const wait = () => {
    clearTimeout(timer);
    if (!model.get("undo")) return;
    timer = setTimeout(() => (status.matches(":hover, :focus-within") ? wait() : model.send({ verb: "forget" })), UNDO_MS);
  };
  const showStatus = () => {
    const [at, nowhere] = [document.activeElement, document.body];
    const pressedDelete = at === null || at === nowhere || (body.contains(at) && at.dataset.verb === "delete");
    if (words.textContent !== model.get("status")) words.textContent = model.get("status");
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
