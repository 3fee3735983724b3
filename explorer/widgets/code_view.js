// @ts-check
// A recorded call: Python says what a step shows and where moves lead. Elements stay from step to step, so that focus and
// scroll positions are kept. What belongs together lights up: a value in the code and as a figure, all sizes of an axis.

/** Move, label, key and title of each button. */
const MOVES = [
  ["first", "⇤", "Home", "First step (Home)"],
  ["back", "← back", "ArrowLeft", "Step back (←)"],
  ["next", "→ next", "ArrowRight", "Next step, also into a call (→)"],
  ["over", "↓ over", "ArrowDown", "Next statement, over a call (↓)"],
  ["out", "↑ out", "ArrowUp", "To the end of the loop, or else of the call (↑)"],
  ["last", "⇥", "End", "Last step (End)"],
];
const PACE_MS = 500; // of what is read out
const MOST_WIDE = 182; // of a picture, so that two figures are next to each other in half a page
const MUTED = { class: "explorer-muted explorer-small" };

/**
 * @typedef {[line: number, column: number, end_line: number, end_column: number, value?: number]} Mark from 1, 0; end excluded
 * @typedef {{
 *   name: string, kind: string, words?: string, shape: number[], kept: number[], type: string, measures: string[],
 *   numbers?: string, png?: DataView<ArrayBuffer>, drawn: "images" | "bars" | "cells", part: string,
 * }} Figure a number or something else in words, or an array, whose PNG shows a part of what was kept of it
 * @typedef {{
 *   n_steps: number, alert: string, ended: string, axes: Record<string, string>, lines: [number, number], spoken: string,
 *   function: string, first: number, tokens: [kind: string, text: string][], shapes: Record<string, [name: string, shape: number[]][]>,
 *   figures: Figure[], marks: Mark[], wrong: Mark | [] | null, over: number, out: number, on_line: Record<string, number>, turn: number, whole: boolean,
 *   turns: Record<string, [step: number, made: Record<string, [words: string, number: number | null]>]>,
 * }} Shown without steps, only the first three
 * @typedef {{ at: number, theme: "light" | "dark", shown: Shown }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

/** A function's lines without their common indentation, in pieces of one kind that belong to the same values.
 * @param {Pick<Shown, "tokens" | "first" | "marks" | "wrong">} shown */
export function codeLines({ tokens, first, marks, wrong }) {
  const code = tokens.map(([, text]) => text).join("");
  const indent = Math.min(...code.split("\n").map((line) => (line.trim() ? line.search(/\S/) : Number.POSITIVE_INFINITY)));
  /** @type {{ text: string, class: string | null, "data-value": string | null, "data-wrong": boolean }[][]} */
  const lines = [[]];
  let column = 0; // in characters, as in Python, not in UTF-16 units
  const isWithin = (/** @type {Mark | []} */ [line = 0, begin = 0, endLine = 0, end = 0]) => {
    const n = first + lines.length - 1;
    return (line < n || (line === n && begin <= column)) && (n < endLine || (n === endLine && column < end));
  };
  for (const [letter, kind] of tokens.flatMap(([kind, text]) => [...text].map((letter) => [letter, kind]))) {
    const line = lines[lines.length - 1];
    const values = [...new Set(marks.filter(isWithin).map((mark) => mark[4]))].join(" ");
    const piece = { class: kind || null, "data-value": values || null, "data-wrong": isWithin(wrong ?? []) };
    const { text, ...look } = line[line.length - 1] ?? { text: "" };
    if (letter === "\n") lines.push([]);
    else if (text && JSON.stringify(look) === JSON.stringify(piece)) line[line.length - 1].text += letter;
    else if (column >= indent) line.push({ ...piece, text: letter });
    column = letter === "\n" ? 0 : column + 1;
  }
  return lines;
}

/** Show a PNG as an array's picture; returns its URL. @param {HTMLElement} picture @param {Figure} figure */
function showArray({ style }, { png, drawn }) {
  if (!png) return "";
  const [columns, rows] = [png.getUint32(16), png.getUint32(20)]; // as its header says; the last ones are transparent
  const fitted = (/** @type {number} */ pixels, /** @type {number} */ least, /** @type {number} */ most) =>
    Math.max(least, Math.min(most, Math.floor(pixels)));
  const room = MOST_WIDE / (columns - 1);
  const image = room < 1 ? room : fitted(room, 1, 3);
  const high = { images: image, bars: 1, cells: fitted(88 / (rows - 1), 2, 12) }[drawn];
  const wide = { images: image, bars: fitted(room, 2, 12), cells: fitted(room, 2, Math.min(12, 4 * high)) }[drawn];
  style.width = `${wide * (columns - 1)}px`;
  style.height = `${high * (rows - 1)}px`;
  style.imageRendering = wide < 1 ? "auto" : "";
  style.backgroundSize = `${wide * columns}px ${high * rows}px`;
  const url = pngUrl(png);
  showPicture(style, url);
  return url;
}

/** Scroll a list so that one of its lines is in sight, and nothing else. @param {HTMLElement | null} line */
function scrollToLine(line) {
  const list = line?.parentElement;
  if (!line || !list) return;
  const [seen, { top, bottom, height }] = [list.getBoundingClientRect(), line.getBoundingClientRect()]; // at any zoom
  if (top < seen.top || bottom > seen.bottom) list.scrollTop += top - seen.top - (seen.height - height) / 2;
}

/** Replace what is in an element; the focus goes to what is then in the same place.
 * @param {Element} parent @param {(Node | string)[]} children */
function replace(parent, children) {
  const focusable = () => /** @type {HTMLElement[]} */ ([...parent.querySelectorAll("[tabindex], :enabled")]);
  const at = focusable().indexOf(/** @type {HTMLElement} */ (document.activeElement));
  parent.replaceChildren(...children);
  if (at >= 0) focusable()[at]?.focus({ preventScroll: true });
}

/** A word or a size in the color of its axis, if it has just one.
 * @param {string} words @param {string | undefined} axis @param {Record<string, any>} [more] */
const colored = (words, axis, more) =>
  make("span", { "data-axis": axis, style: !axis?.includes(" ") && `--axis: var(--explorer-${axis})`, ...more }, words);

/** A shape. @param {number[]} shape @param {Shown} shown */
const sized = (shape, { axes }) =>
  make("span", {}, ...shape.flatMap((size) => ["\u00a0×\u00a0", colored(String(size), axes[size])]).slice(1));

/** A line of code, its pieces, and the shapes of what it made. @param {Shown} shown @param {ReturnType<typeof codeLines>[0]} pieces */
function codeLine(shown, pieces, /** @type {number} */ n) {
  const isCurrent = shown.lines[0] <= n && n <= shown.lines[1];
  const number = make("button", { type: "button", "aria-label": `Line ${n}`, disabled: !(n in shown.on_line) }, String(n));
  const code = pieces.map(({ text, ...look }) => make("span", look, text));
  const made = shown.shapes[n] ?? [];
  const sizes = made.flatMap(([name, shape]) => [", ", made.length > 1 ? `${name}\u00a0` : "", sized(shape, shown)]).slice(1);
  const indent = pieces
    .map(({ text }) => text)
    .join("")
    .search(/\S|$/); // lines that wrap go on right of it
  const now = { "aria-current": isCurrent ? "step" : null, "data-failed": isCurrent && shown.wrong !== null };
  return make(
    "li",
    { "data-step": shown.on_line[n], ...now },
    number,
    make("code", { style: `--indent: ${indent}ch` }, ...code),
    make("span", {}, ...sizes),
  );
}

/** A value as a figure: an array's picture and measures, or words. @param {Figure} figure @param {number} k @param {HTMLElement} picture */
function valueFigure({ name, kind, words, shape, kept, type, measures, numbers, png, part }, k, picture, /** @type {Shown} */ shown) {
  const muted = (/** @type {string | undefined} */ text, /** @type {Node[]} */ ...more) => (text ? make("p", MUTED, text, ...more) : null);
  let told = [make("b", {}, words?.replace(/(\d) by (?=\d)/g, "$1\u00a0×\u00a0") ?? ""), null];
  if (measures) {
    const [low, high, mean, others] = measures;
    const range = muted(high ? `${low} … ${high}, mean\u00a0${mean}` : `all ${low}`, make("em", {}, others));
    told = [make("p", {}, sized(shape, shown), make("span", MUTED, ` ${type}`)), muted(numbers), range];
    if (String(kept) !== String(shape)) told.push(muted(`of the first ${kept.join(" × ")}`));
  }
  const isEarlier = kind !== "made" && shown.figures.some((one) => one.kind === "made" && one.name === name);
  const heading = make("code", { title: name }, name, isEarlier ? ", before" : "");
  const content = make("div", {}, png ? picture : null, muted(part), make("div", {}, ...told));
  return make("li", { tabindex: 0, "data-value": k, "data-kind": kind }, heading, content);
}

/** Numbers as a line. @param {number[]} numbers */
function curve(numbers) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const points = numbers.map((one, k) => `${6 * k + 1} ${1 + (14 * (high - one)) / (high - low || 1)}`);
  const svg = icon(`M${points.join("L")}`);
  svg.setAttribute("viewBox", `0 0 ${6 * numbers.length} 16`);
  svg.style.cssText = `width: ${6 * numbers.length}px; margin-inline-start: 8px`;
  return svg;
}

/** The rows of a loop's table: what it made, and below it each turn, which leads to its first step. @param {Shown} shown */
function turnRows({ turn, turns }) {
  const rows = Object.entries(turns); // in their order, as their names are numbers
  const names = [...new Set(rows.flatMap(([, [, made]]) => Object.keys(made)))];
  const headings = names.map((name) => {
    const numbers = rows.flatMap(([, [, made]]) => made[name]?.[1] ?? []);
    const isCurve = numbers.length > 2 && numbers.length === rows.length;
    return make("th", {}, make("code", {}, name), isCurve ? curve(numbers) : null);
  });
  const body = rows.map(([n, [step, made]]) => {
    const button = make("button", { type: "button", "aria-label": `Turn ${n}`, "data-step": step }, n);
    const cells = names.map((name) => make("td", {}, made[name]?.[0] ?? "–"));
    return make("tr", { "data-current": Number(n) === turn }, make("th", {}, button), ...cells);
  });
  return [make("tr", {}, make("th", {}, "turn"), ...headings), ...body];
}

/** Light up what belongs to the part under the pointer, or else to the focused one; returns a function that does so again.
 * @param {HTMLElement} el */
function lighting(el) {
  const light = (/** @type {Element | null} */ target) => {
    const one = /** @type {HTMLElement | null | undefined} */ (target?.closest("[data-axis], [data-value]"));
    const { axis, value } = one?.dataset ?? {};
    for (const lit of el.querySelectorAll("[data-lit]")) lit.removeAttribute("data-lit");
    const kin = axis ? `[data-axis="${axis}"]` : value ? `[data-value~="${value.split(" ")[0]}"]` : "";
    for (const lit of kin ? el.querySelectorAll(kin) : []) lit.setAttribute("data-lit", "");
  };
  const again = () => light(el.querySelector(":is([data-axis], [data-value]):hover") ?? el.querySelector(":focus"));
  for (const type of ["pointerover", "focusin"]) el.addEventListener(type, ({ target }) => light(/** @type {Element} */ (target)));
  for (const type of ["pointerleave", "focusout"]) el.addEventListener(type, again);
  return again;
}

/** The buttons and the slider that lead from step to step. @param {Model} model @param {HTMLElement} el */
function moveBar(model, el) {
  const press = (/** @type {string} */ move) => {
    const [at, { n_steps, over, out }] = [model.get("at"), model.get("shown")];
    const last = n_steps - 1;
    /** @type {Record<string, number>} */
    const targets = { first: 0, back: Math.max(0, at - 1), next: Math.min(at + 1, last), over, out, last };
    sendState(model, { at: targets[move] });
  };
  const buttons = MOVES.map(([move, label, , title]) => makeButton(label, () => press(move), { title }));
  const slider = make("input", { type: "range", class: "explorer-range", "aria-label": "Step" });
  const position = make("span", { class: "explorer-muted" });
  const steps = make("div", { class: "explorer-line", role: "group", "aria-label": "Steps" }, ...buttons);
  slider.addEventListener("input", () => sendState(model, { at: Number(slider.value) }));
  el.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const at = MOVES.findIndex(([, , key]) => key === event.key);
    if (at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    buttons[at].click();
  });
  const show = (/** @type {Shown} */ shown, /** @type {number} */ at) => {
    const last = shown.n_steps - 1;
    slider.max = String(last);
    slider.value = String(at);
    slider.style.setProperty("--filled", `${(100 * at) / Math.max(1, last)}%`);
    write(position, `${at + 1} of ${last + 1}`);
    slider.setAttribute("aria-valuetext", `${position.textContent}, line ${shown.lines[0]} of ${shown.function}`);
    for (const [k, button] of buttons.entries()) button.setAttribute("aria-disabled", String(at === (k < 2 ? 0 : last)));
  };
  return { bar: make("div", { class: "explorer-code-bar" }, steps, slider, position), slider, show };
}

/** The innermost loop around the step: a button that opens its turns as a table. */
function loopTable() {
  const [note, table] = [make("p"), make("table")];
  const section = make("section", { tabindex: 0 }, note, table);
  let isWanted = false;
  const press = () => {
    isWanted = !isWanted;
    reveal();
    section.scrollIntoView({ block: "nearest" });
  };
  const toggle = makeButton("", press, { "data-quiet": true });
  const reveal = () => {
    section.hidden = !isWanted || toggle.disabled;
    toggle.setAttribute("aria-expanded", String(!section.hidden));
  };
  const show = (/** @type {Shown} */ shown, /** @type {HTMLElement} */ heir) => {
    const turns = Object.keys(shown.turns);
    const last = turns[turns.length - 1];
    turnOff(toggle, !last, heir);
    const end = shown.whole ? `of ${last} of the loop` : `of the loop, which was left in turn ${last}`;
    write(toggle, last ? `Turn ${shown.turn} ${end}` : "Not in a loop");
    write(note, turns.length < Number(last) ? `${turns.length} of the ${last} turns were kept.` : "");
    replace(table, turnRows(shown));
    reveal();
  };
  return { toggle, section, show };
}

/** The values of the step. Their pictures stay, so that each shows the last PNG until the next is loaded. */
export function valueList() {
  const list = make("ul");
  /** @type {HTMLElement[]} */
  const pictures = [];
  /** @type {string[]} */
  let urls = [];
  const show = (/** @type {Shown} */ shown) => {
    const old = urls;
    for (const one of pictures) if (!one.isConnected) one.style.backgroundImage = ""; // of another step, and revoked
    while (pictures.length < shown.figures.length) pictures.push(make("span", { class: "explorer-code-picture" }));
    urls = shown.figures.map((figure, k) => showArray(pictures[k], figure));
    list.setAttribute("aria-label", `Values of line ${shown.lines[0]}`);
    const items = shown.figures.map((figure, k) => valueFigure(figure, k, pictures[k], shown));
    replace(list, items);
    revokeLater(old);
  };
  return { list, show, release: () => revokeLater(urls) };
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-code-view", model);
  const [{ bar, slider, show: showBar }, values, loop] = [moveBar(model, el), valueList(), loopTable()];
  const [lines, nouns] = [make("ol"), make("p")];
  const [alert, ended] = [make("p", { class: "explorer-code-alert", role: "alert" }), make("p", MUTED)];
  const panes = make("div", { class: "explorer-code-panes" }, lines, values.list);
  const foot = make("div", { class: "explorer-code-foot" }, loop.toggle, loop.section, nouns);
  const spoken = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  el.append(bar, alert, ended, panes, foot, spoken);
  const lightAgain = lighting(el);
  let timer = 0;

  const showStep = (/** @type {Shown} */ shown) => {
    const hadFocus = el.contains(document.activeElement);
    showBar(shown, model.get("at"));
    lines.setAttribute("aria-label", shown.function);
    const items = codeLines(shown).map((pieces, k) => codeLine(shown, pieces, shown.first + k));
    replace(lines, items);
    scrollToLine(items[shown.lines[0] - shown.first]);
    values.show(shown);
    loop.show(shown, slider);
    const noun = { tabindex: 0, role: "button" };
    const sizes = Object.entries(shown.axes).map(([size, name]) => colored(`${name} ${size}`, name, noun));
    const scales = shown.figures.some(({ png }) => png) ? [make("span", MUTED, "Each picture has its own scale")] : [];
    replace(nouns, [...sizes, ...scales]);
    if (hadFocus && !el.contains(document.activeElement)) slider.focus({ preventScroll: true }); // what had it is gone
    lightAgain();
  };
  const show = () => {
    const shown = model.get("shown");
    write(alert, shown.alert);
    write(ended, shown.ended);
    [alert.hidden, ended.hidden] = [!shown.alert, !shown.ended];
    bar.hidden = panes.hidden = foot.hidden = !shown.n_steps;
    el.hidden = bar.hidden && alert.hidden && ended.hidden;
    clearTimeout(timer);
    if (!shown.n_steps) return;
    timer = setTimeout(write, PACE_MS, spoken, shown.spoken);
    showStep(shown);
  };
  const report = () => {
    if (shownTheme() !== model.get("theme")) sendState(model, { theme: shownTheme() });
  };
  el.addEventListener("click", ({ target }) => {
    const step = /** @type {HTMLElement} */ (target).closest("[data-step]")?.getAttribute("data-step");
    if (step) sendState(model, { at: Number(step) });
  });
  model.on("change", show);
  onSize(el, () => scrollToLine(lines.querySelector("[aria-current]")), signal);
  onTheme(report, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
  show();
  report();
  return values.release;
}

export default { render };
