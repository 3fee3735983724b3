// @ts-check
// The buttons of a run. Python decides which of them are enabled and sends that as `enabled`.

/**
 * @typedef {{
 *   status: string, enabled: Record<string, boolean>, auto: boolean, fraction: number, text: string, resumes: string,
 *   trains: string, note: string, classes: string[], guess: string,
 * }} State
 */

const DOTS = ["M3.5 8v.01", "M8 8v.01", "M12.5 8v.01"];
const MORE = "Train again, reset, auto-train";
const GO = ["M5 3.5v9l7.5-4.5z"];
const AGAIN = ["M12.5 5.5A5.25 5.25 0 1 0 13.25 8", "M13 2.5v3.25H9.75"];
const STOP = ["stop", "Stop", "Ends the run and keeps what it has learned"];
const RESET = ["reset", "Reset", "Back to the initial weights, not trained"];
const STEPS = [
  ["step_batch", "+1 step", "Train on one mini-batch, then pause"],
  ["step_epoch", "+1 epoch", "Train to the end of one epoch, then pause"],
];
const BEGINS = "Begins again with the settings as they are: the same settings and seed give the same run";
const AUTO = "Train as soon as a setting changes; switched off, guess before you train";
const TAKES_SPACE =
  "input, textarea, select, button, a[href], summary, video, audio, [contenteditable], [role=button], [role=slider], dialog, [role=dialog], .cm-editor";

/** In a notebook the app must be focusable, so that the space bar is known to be meant for it.
 * @param {HTMLElement} el @param {AbortSignal} signal */
function takeFocusInNotebook(el, signal) {
  if (isOwnPage()) return;
  const watcher = new ResizeObserver(() => {
    const app = /** @type {HTMLElement} */ (el.closest(".explorer-app") ?? el);
    app.tabIndex = -1;
    app.dataset.lmSuppressShortcuts = "true";
    watcher.disconnect();
  });
  watcher.observe(el); // fires once the element is on the page
  signal.addEventListener("abort", () => watcher.disconnect());
}

/** Fields for what the user expects of the next run: its accuracy, and its most frequent mistake.
 * @param {import("@anywidget/types").AnyModel<State>} model */
function makeGuess(model) {
  const attributes = { class: "explorer-field", type: "number", min: 0, max: 100, step: "any", inputMode: "decimal" };
  const share = make("input", { ...attributes, "aria-label": "Guessed accuracy, %" });
  const pair = ["true class", "read as"].map((name) =>
    make("select", { class: "explorer-field", "aria-label": `Guessed most frequent mistake: ${name}` }),
  );
  const element = make("div", { class: "explorer-run-guess explorer-wrap explorer-small", role: "group", "aria-label": "Your guess" });
  element.append(
    make("span", { class: "explorer-line" }, "Guess first:", share, "%"),
    make("span", { class: "explorer-line" }, "most often confused:", pair[0], "read as", pair[1]),
  );
  element.addEventListener("change", () => {
    const [a, b] = pair.map((one) => one.value);
    pair[1].setCustomValidity(a && a === b ? "Expected another class than the true one" : "");
    for (const field of [share, pair[1]]) field.reportValidity();
    const words = [share.value && share.validity.valid ? `${share.value} %` : "", a && b && a !== b ? `${a} → ${b}` : ""];
    sendState(model, { guess: words.filter(Boolean).join(", ") });
  });
  /** @type {string[]} */
  let classes = [];
  let guessed = "";
  const show = () => {
    element.hidden = model.get("auto") || model.get("status") === "paused" || !model.get("enabled").train;
    if (classes !== model.get("classes")) {
      classes = model.get("classes");
      for (const one of pair) one.replaceChildren(...["", ...classes].map((name) => make("option", { value: name }, name || "–")));
    }
    if (guessed && !model.get("guess") && !element.contains(document.activeElement)) {
      for (const field of [share, ...pair]) field.value = ""; // noted with its run
    }
    guessed = model.get("guess");
  };
  return { element, show };
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-run", model);
  takeFocusInNotebook(el, signal);
  const press = (/** @type {string | undefined} */ action) => model.send({ action, state: { guess: model.get("guess") } });
  const named = { "data-primary": true, "aria-keyshortcuts": "Space", title: "Space bar" };
  const primary = makeButton([], () => press(primary.dataset.action), named);
  const button = (/** @type {string[]} */ [action, text, title]) => makeButton(text, () => press(action), { "data-action": action, title });
  const [stop, reset] = [button(STOP), button(RESET)];
  const steps = STEPS.map(button);
  const word = make("span", {});
  const again = makeButton([icon(...AGAIN), word], () => press("train"), { "data-action": "train", title: BEGINS });
  const auto = make("input", { type: "checkbox", role: "switch", class: "explorer-switch" });
  const autoLabel = make("label", { class: "explorer-auto explorer-line", title: AUTO }, "Auto-train", auto);
  const menu = make("div", { class: "explorer-run-menu", role: "group", "aria-label": "More" }, again, reset, autoLabel);
  const more = makeButton(icon(...DOTS), null, { "data-quiet": true, "aria-label": MORE, title: MORE });
  asMenu(more, menu, signal);
  menu.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("button") && menu.matches(":popover-open")) menu.hidePopover();
  });
  const guess = makeGuess(model);
  const bar = make("progress", { max: 1, "aria-label": "Training progress" });
  const text = make("p", { class: "explorer-progress-text explorer-muted explorer-small" });
  const note = make("p", { class: "explorer-progress-text explorer-muted explorer-small", role: "status" });
  const section = make("section", { "aria-label": "Training" });
  section.append(
    make("div", { class: "explorer-run-main" }, primary, stop),
    make("div", { class: "explorer-run-more explorer-wrap" }, ...steps, more, menu),
    make("div", { class: "explorer-progress" }, bar, text),
    make("div", { class: "explorer-run-below" }, note, guess.element),
  );
  el.append(section);

  const showEnabled = () => {
    const enabled = model.get("enabled");
    /** @type {[action: string, words: string, paths: string[]][]} */
    const verbs = [
      ["pause", "Pause", ["M5.5 3.5v9", "M10.5 3.5v9"]],
      ["resume", model.get("resumes") || "Resume", model.get("resumes").length > 8 ? [] : GO], // no room for both
      ["train", model.get("trains"), GO],
    ];
    const [action, label, paths] = verbs.find(([name]) => enabled[name]) ?? verbs[2];
    if (primary.dataset.action !== action || primary.textContent !== label) {
      primary.dataset.action = action;
      primary.replaceChildren(...(paths.length ? [icon(...paths)] : []), label);
    }
    write(word, model.get("trains"));
    for (const other of [stop, again, ...steps, reset]) {
      turnOff(other, !enabled[other.dataset.action ?? ""] || other.dataset.action === action, primary);
    }
    stop.hidden = !enabled.stop;
    again.hidden = action === "train"; // one button begins a run
  };
  const show = () => {
    showEnabled();
    auto.checked = model.get("auto");
    guess.show();
    bar.value = model.get("fraction");
    write(text, model.get("text"));
    write(note, model.get("note"));
    note.hidden = !model.get("note");
    el.dataset.status = model.get("status");
  };
  auto.addEventListener("change", () => sendState(model, { auto: auto.checked }));
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== " " || event.shiftKey || !el.checkVisibility() || !isForThePage(event, el, TAKES_SPACE)) return;
    event.preventDefault(); // so that the page does not scroll, and a second bar does not respond too
    event.stopPropagation();
    press(primary.dataset.action);
  };
  document.addEventListener("keydown", onKey, { signal, capture: true });
  model.on("change", show);
  show();
}

export default { render };
