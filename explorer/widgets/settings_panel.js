// @ts-check
// The other parts of the settings panel: presets with a menu of situations, a situation's question, the next run's
// initial weights, the button that expands the rest, and the reset.

/**
 * @typedef {{ name: string, question: string, look: string, reason: string }} Situation
 * @typedef {{
 *   part: "presets" | "question" | "start" | "changes" | "more" | "reset", presets: string[], preset_changes: string[], preset: string,
 *   situations: [string, boolean][], situation: Partial<Situation>, start: string, problems: number,
 *   title: string, note: string, unfolded: boolean,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {(model: Model, el: HTMLElement, signal: AbortSignal) => () => void} Part
 */

const DEFAULTS = "The exercise";
const IN_SIGHT = 2; // visible presets; the others are in the menu
const LEAVE = "Start with freshly initialized weights";
const UNCHANGED = "Train without changes in mid-run";

/** The panel's own element. It appears shortly after its parts, and then gets its name for screen readers.
 * @param {HTMLElement} el @param {AbortSignal} signal @param {(panel: Element) => void} use */
function withPanel(el, signal, use) {
  if (signal.aborted) return;
  const panel = el.closest(".explorer-controls");
  if (panel) use(panel);
  else requestAnimationFrame(() => withPanel(el, signal, use));
}

/** @type {Part} */
function presets(model, el, signal) {
  becomePart(el, "explorer-presets", model);
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Presets");
  const inSight = model.get("presets").slice(0, IN_SIGHT);
  const buttons = inSight.map((name) =>
    makeButton(name, () => model.send({ preset: name }), { class: "explorer-preset", "data-preset": name }),
  );
  const others = othersMenu(model, signal);
  el.append(...buttons, ...others.parts);
  withPanel(el, signal, (panel) => {
    panel.setAttribute("role", "region");
    panel.setAttribute("aria-label", "Settings");
  });
  return () => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.preset === model.get("preset")));
    others.mark();
  };
}

/** The button for the other presets and the situations, and its menu.
 * @param {Model} model @param {AbortSignal} signal */
function othersMenu(model, signal) {
  const menu = make("div", { class: "explorer-situations" });
  const words = make("span", { class: "explorer-cut" });
  const button = makeButton([words, icon("M4 6.5l4 4 4-4")], null, { class: "explorer-preset" });
  const situations = (/** @type {boolean} */ wanted) =>
    model.get("situations").flatMap(([name, works]) => (works === wanted ? [name] : []));
  /** @type {[string, string[]][]} */
  const groups = [
    ["Modern, and a method more", model.get("presets").slice(IN_SIGHT)],
    ["These fail. Why?", situations(false)],
    ["These work. Why?", situations(true)],
  ];
  for (const [heading, names] of groups) {
    const entries = names.flatMap((name) => {
      const changes = model.get("preset_changes")[model.get("presets").indexOf(name)];
      const entry = menuEntry(menu, name, () => model.send({ preset: name }), { title: changes });
      return changes ? [entry, make("p", { "aria-hidden": "true" }, changes)] : [entry];
    });
    menu.append(make("div", { role: "group", "aria-label": heading }, make("p", {}, heading), ...entries));
  }
  asMenu(button, menu, signal);
  const mark = () => {
    const preset = model.get("presets").indexOf(model.get("preset")) < IN_SIGHT ? undefined : model.get("preset");
    const name = model.get("situation").name ?? preset;
    button.toggleAttribute("data-chosen", name !== undefined);
    write(words, name ?? "Experiments");
    button.title = name ?? "";
    button.setAttribute("aria-label", name ? `Experiments: ${name}` : "Experiments");
    for (const entry of menu.querySelectorAll("button")) entry.setAttribute("aria-current", String(entry.textContent === name));
  };
  return { parts: [button, menu], mark };
}

/**
 * The chosen situation's question, where to look for the answer, and the answer, collapsed.
 * @type {Part}
 */
function question(model, el) {
  becomePart(el, "explorer-question", model);
  const name = make("p", { class: "explorer-muted explorer-small" });
  const words = make("p");
  const spoken = make("div", { role: "status" }, name, words);
  const look = make("button", { type: "button", class: "explorer-look explorer-small", onclick: () => showPanel(model, el) });
  const reason = make("p");
  const details = make("details", { class: "explorer-muted explorer-small" }, make("summary", {}, "Why"), reason);
  el.append(spoken, look, details);
  details.addEventListener("toggle", () => details.open && model.send({ answer: true }));
  return () => {
    const asked = model.get("situation");
    if (name.textContent !== (asked.name ?? "")) details.open = false;
    write(name, asked.name ?? "");
    write(words, asked.question ?? "");
    write(look, asked.look ? `Look at ${asked.look}` : "");
    look.hidden = !asked.look;
    write(reason, asked.reason ?? "");
    el.classList.toggle("explorer-empty", !asked.name);
  };
}

/** Request the panel with the answer, and scroll to it: on a phone it is far up.
 * @param {Model} model @param {HTMLElement} el */
function showPanel(model, el) {
  model.send({ look: true });
  el.closest(".explorer-app")?.querySelector(".explorer-tab-bar")?.scrollIntoView({ block: "nearest" });
}

/**
 * The next run's initial weights, unless they are freshly initialized, or the mid-run changes that it repeats; and a
 * button to drop them.
 * @type {Part}
 */
function start(model, el) {
  becomePart(el, "explorer-start explorer-line", model);
  el.dataset.part = model.get("part");
  const words = make("span", { class: "explorer-small explorer-cut", role: "status" });
  const leave = () => {
    el.closest(".explorer-controls")?.querySelector("button")?.focus(); // this one disappears
    model.send({ leave: true });
  };
  const about = model.get("part") === "start" ? LEAVE : UNCHANGED;
  const close = makeButton(icon(...CROSS), leave, { "data-quiet": true, "aria-label": about, title: about });
  el.append(words, close);
  return () => {
    const from = model.get("start");
    write(words, from);
    words.title = from; // the text may be truncated
    el.classList.toggle("explorer-empty", !from);
  };
}

/**
 * Folding is local to the page: Python isn't involved.
 * @type {Part}
 */
function more(model, el) {
  becomePart(el, "explorer-more", model);
  const title = model.get("title");
  const attention = make("span", { "data-problems": true });
  const note = make("span", { class: "explorer-more-note explorer-small" });
  const isOpen = String(model.get("unfolded"));
  const button = make("button", { type: "button", class: "explorer-line", "aria-expanded": isOpen });
  button.append(icon("M4 3l8 5-8 5z"), title, attention, note);
  const spoken = make("span", { class: "explorer-unseen", role: "status" });
  el.append(button, ...(title === "More settings" ? [spoken] : [])); // one live region is enough
  const show = () => {
    const problems = model.get("problems");
    const words = problems ? `${problems} ${problems === 1 ? "needs" : "need"} attention` : "";
    const folded = button.getAttribute("aria-expanded") === "false";
    attention.textContent = words && `· ${words}`;
    write(note, folded ? model.get("note") : ""); // unfolded, the settings show it themselves
    spoken.textContent = words && folded ? `${title}: ${words}` : "";
  };
  button.addEventListener("click", () => {
    const fold = el.closest(".explorer-group, .explorer-controls");
    const unfolded = fold?.classList.toggle("explorer-unfolded") ?? false;
    button.setAttribute("aria-expanded", String(unfolded));
    show();
  });
  return show;
}

/** @type {Part} */
function reset(model, el) {
  becomePart(el, "explorer-reset", model);
  const button = makeButton("Reset to defaults", () => model.send({ preset: DEFAULTS }), { "data-quiet": true });
  el.append(button);
  return () => {
    button.disabled = model.get("preset") === DEFAULTS && model.get("problems") === 0;
  };
}

const PARTS = { presets, question, start, changes: start, more, reset };

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  const show = PARTS[model.get("part")](model, el, signal);
  model.on("change:preset change:situation change:start change:problems change:note", show);
  show();
}

export default { render };
