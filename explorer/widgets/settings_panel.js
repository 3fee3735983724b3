// @ts-check
// What stands round the settings in their panel: the presets, the button that unfolds the rest, and the reset.

/**
 * @typedef {{ part: "presets" | "more" | "reset", presets: string[], preset: string, problems: number }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {(model: Model, el: HTMLElement, signal: AbortSignal) => () => void} Part
 */

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

const PARTS = { presets, more, reset };

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  const show = PARTS[model.get("part")](model, el, signal);
  model.on("change:preset", show);
  model.on("change:problems", show);
  show();
}

export default { render };
