// @ts-check
// What stands round the settings in their panel: the presets, what the next run starts from, the button that unfolds
// the rest, and the reset.

/**
 * @typedef {{
 *   part: "presets" | "start" | "more" | "reset", presets: string[], preset: string, start: string, problems: number,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {(model: Model, el: HTMLElement, signal: AbortSignal) => () => void} Part
 */

const LEAVE = "Start with freshly initialised weights";

/**
 * The panel's own element. It is there a moment later than its parts, and then tells screen readers what it is.
 * @param {HTMLElement} el
 * @param {AbortSignal} signal
 * @param {(panel: Element) => void} use
 */
function withPanel(el, signal, use) {
  if (signal.aborted) return;
  const panel = el.closest(".explorer-controls");
  if (panel) use(panel);
  else requestAnimationFrame(() => withPanel(el, signal, use));
}

/** @type {Part} */
function presets(model, el, signal) {
  becomePart(el, "explorer-presets");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Presets");
  const buttons = model.get("presets").map((name) => {
    const press = () => model.send({ preset: name });
    return make("button", { type: "button", class: "explorer-button explorer-preset", "data-preset": name, onclick: press }, name);
  });
  el.append(...buttons);
  withPanel(el, signal, (panel) => {
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", "Settings");
  });
  return () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.preset === model.get("preset")));
  };
}

/**
 * The weights that the next run begins with, where they are not freshly initialised, and the way out of that.
 * @type {Part}
 */
function start(model, el) {
  becomePart(el, "explorer-start");
  const words = make("span", { role: "status" });
  const leave = () => {
    el.closest(".explorer-controls")?.querySelector("button")?.focus(); // this one goes
    model.send({ leave: true });
  };
  const cross = icon("M4.5 4.5l7 7", "M11.5 4.5l-7 7");
  const close = makeButton(cross, leave, { "data-quiet": true, "aria-label": LEAVE, title: LEAVE });
  el.append(words, close);
  return () => {
    const from = model.get("start");
    write(words, from);
    words.title = from; // it may be cut
    el.classList.toggle("explorer-empty", !from);
  };
}

/**
 * Folding is the page's own affair: Python neither knows nor is asked.
 * @type {Part}
 */
function more(model, el) {
  becomePart(el, "explorer-more");
  const note = make("span", { "data-problems": true });
  const button = make("button", { type: "button", "aria-expanded": "false" }, icon("M4 3l8 5-8 5z"), "More settings", note);
  const spoken = make("span", { class: "explorer-unseen", role: "status" });
  el.append(button, spoken);
  const show = () => {
    const problems = model.get("problems");
    const words = problems ? `${problems} ${problems === 1 ? "needs" : "need"} attention` : "";
    const folded = button.getAttribute("aria-expanded") === "false";
    note.textContent = words && `· ${words}`;
    spoken.textContent = words && folded ? `More settings: ${words}` : ""; // unfolded, the setting says it itself
  };
  button.addEventListener("click", () => {
    const unfolded = el.closest(".explorer-controls")?.classList.toggle("explorer-unfolded") ?? false;
    button.setAttribute("aria-expanded", String(unfolded));
    show();
  });
  return show;
}

/** @type {Part} */
function reset(model, el) {
  becomePart(el, "explorer-reset");
  const [first] = model.get("presets");
  const press = () => model.send({ preset: first });
  const button = make("button", { type: "button", class: "explorer-button", "data-quiet": true, onclick: press }, "Reset to defaults");
  el.append(button);
  return () => {
    button.disabled = model.get("preset") === first && model.get("problems") === 0;
  };
}

const PARTS = { presets, start, more, reset };

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  const show = PARTS[model.get("part")](model, el, signal);
  model.on("change:preset", show);
  model.on("change:start", show);
  model.on("change:problems", show);
  show();
}

export default { render };
