// @ts-check
// Python draws each scene when it is asked for; this counts them, and listens to keys here and in the drawing. A noun of
// the sentence lights its part of the drawing, which style sheets do by `data-lit` of the drawing and `data-told` of one part.

const SCENE_MS = 4000; // as long as it takes to read a sentence

/** Parts of the drawing, and which nouns they mark. @type {[string, string][]} */
const PARTS = [
  [".explorer-network-unit", "unit"],
  [".explorer-network-class", "output"],
  [".explorer-drawing-ground, .explorer-plane-pad", "pixels"],
];
/** Symbols of a formula, those of a hidden layer and those of the outputs. */
const SYMBOL = /(\b(?:delta|[abdhy])\d?\[\w+\])/;

/**
 * @typedef {{
 *   scenes: string[], scene: number, of: "image" | "batch", code: boolean, noun: string, note: string, spoken: string, told: [string, string][], formula: string,
 * }} State
 */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-step-player explorer-line explorer-wrap", model);
  const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const last = model.get("scenes").length - 1;
  let timer = 0;

  const pause = () => {
    clearInterval(timer);
    timer = 0;
    show();
  };
  const go = (/** @type {number} */ scene) => {
    pause();
    sendState(model, { scene: Math.max(0, Math.min(scene, last)) });
  };
  const play = () => {
    const scene = model.get("scene");
    go(scene < 0 || scene === last ? 0 : scene);
    if (isStill()) return;
    timer = setInterval(() => (model.get("scene") < last ? sendState(model, { scene: model.get("scene") + 1 }) : pause()), SCENE_MS);
    show();
  };
  const leave = () => {
    sendState(model, { scene: -1 });
    if (document.activeElement === document.body) open.focus({ preventScroll: true });
  };

  const open = makeButton("Play a step", () => go(0), { title: "One step of training, scene by scene (.)" });
  const run = makeButton("", () => (timer ? pause() : play()), { "data-quiet": true });
  const previous = makeButton("←", () => go(model.get("scene") - 1), { "data-quiet": true, "aria-label": "Previous scene" });
  const next = makeButton("→", () => go(model.get("scene") + 1), { "data-quiet": true, "aria-label": "Next scene" });
  const steps = model.get("scenes").map((name, at) => makeButton(name, () => go(at), { "data-quiet": true }));
  const choices = Object.entries({ image: `this ${model.get("noun")}`, batch: "a mini-batch" }).map(([of, words]) => ({
    of,
    button: makeButton(words, () => sendState(model, { of: /** @type {State["of"]} */ (of) }), { "data-quiet": true }),
  }));
  const code = makeButton("code", () => sendState(model, { code: !model.get("code") }), {
    "data-quiet": true,
    title: "The lines that compute it",
  });
  const close = makeButton("✕", leave, { "data-quiet": true, "aria-label": "Leave the step", title: "Leave (Esc)" });
  const made = choices.map(({ button }) => button);
  const all = [previous, ...steps, next, run, ...made, code, close];
  const bar = make("div", { class: "explorer-wrap", role: "group", "aria-label": "One step of training" }, ...all);
  const note = make("p", { class: "explorer-muted explorer-small" });
  const spoken = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  const told = make("p", { class: "explorer-step-told" });
  const formula = make("p", { class: "explorer-step-formula explorer-muted" });
  el.append(open, bar, note, spoken, told, formula);

  const drawing = () => el.parentElement?.querySelector(".explorer-network");
  /** The kind of part that a noun names, and the part if it is only one. @param {Element} noun */
  const named = (noun) => {
    const [kind, layer, at] = noun.getAttribute("data-part")?.split(" ") ?? [""];
    const places = drawing()?.querySelectorAll(".explorer-network-layer")[Number(layer)]?.querySelectorAll("[role=option]");
    return { kind, one: kind === "link" ? drawing()?.querySelector(`path[data-from="${layer} ${at}"]`) : places?.[Number(at)] };
  };
  /** Light the part of a noun and fade all else, or light everything again. @param {Element | null} noun */
  const light = (noun) => {
    const { kind, one } = noun ? named(noun) : { kind: "" };
    drawing()?.querySelector("[data-told]")?.removeAttribute("data-told");
    if (kind) drawing()?.setAttribute("data-lit", one ? kind : kind.replace(/s?$/, "s"));
    else drawing()?.removeAttribute("data-lit");
    one?.setAttribute("data-told", "");
  };
  const nounOf = (/** @type {Event} */ event) => /** @type {Element} */ (event.target).closest("[data-part]");
  for (const type of ["pointerover", "focusin"]) told.addEventListener(type, (event) => light(nounOf(event)));
  for (const type of ["pointerleave", "focusout"]) told.addEventListener(type, () => light(told.querySelector(":focus")));
  /** Mark the nouns of the part under the pointer. @param {Event} event */
  const mark = ({ target }) => {
    if (model.get("scene") < 0 || !(target instanceof Element)) return;
    const within = drawing()?.closest(".explorer-place-network")?.contains(target);
    const [selector, kind] = PARTS.find(([one]) => within && target.closest(one)) ?? ["", "none"];
    for (const noun of told.children) {
      const { kind: its, one } = named(noun);
      noun.toggleAttribute("data-marked", its.startsWith(kind) && (!one || one === target.closest(selector)));
    }
  };
  document.addEventListener("pointerover", mark, { signal });

  const show = () => {
    const scene = model.get("scene");
    const isOn = scene >= 0;
    const losesFocus = (isOn ? [open] : [bar, told]).some((one) => one.contains(document.activeElement));
    open.hidden = isOn;
    bar.hidden = told.hidden = formula.hidden = !isOn;
    run.hidden = isStill();
    write(run, timer ? "❚❚ Pause" : "▶ Play");
    run.setAttribute("aria-label", timer ? "Pause" : "Play");
    if (isOn) turnPages(previous, next, scene, last + 1);
    for (const [at, button] of steps.entries()) button.setAttribute("aria-current", at === scene ? "step" : "false");
    for (const { of, button } of choices) button.setAttribute("aria-pressed", String(of === model.get("of")));
    code.setAttribute("aria-pressed", String(model.get("code")));
    if (losesFocus) (isOn ? next : open).focus({ preventScroll: true }); // on which Enter goes on
  };
  const showWords = () => {
    write(note, model.get("note"));
    write(spoken, model.get("spoken"));
  };
  const showTold = () => {
    const losesFocus = told.contains(document.activeElement);
    light(null);
    const noun = (/** @type {string} */ part) => ({ tabindex: 0, role: "button", "data-part": part });
    const nouns = model.get("told").map(([text, part]) => (part ? make("span", noun(part), text) : text));
    told.replaceChildren(make("b", {}, `${model.get("scenes")[model.get("scene")]}: `), ...nouns);
    const symbols = model.get("formula").split(SYMBOL); // every second one is one
    const axis = (/** @type {string} */ text) => ({ "data-part": text.startsWith("h") ? "units" : "outputs" });
    formula.replaceChildren(...symbols.map((text, at) => (at % 2 ? make("span", axis(text), text) : text)));
    if (losesFocus) next.focus({ preventScroll: true });
  };

  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const { key, target } = event;
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !(target instanceof Element)) return;
    const isAtIt = el.contains(target) || drawing()?.contains(target);
    const scene = model.get("scene");
    const isOn = scene >= 0;
    if (!isAtIt && !(isOn && isOwnPage() && target === document.body)) return;
    if (key === ".") isOn ? run.click() : go(0);
    else if (isOn && (key === "ArrowRight" || key === "ArrowLeft")) go(scene + (key === "ArrowRight" ? 1 : -1));
    else if (isOn && key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", onKey, { capture: true, signal });
  signal.addEventListener("abort", () => clearInterval(timer));
  model.on("change:scene", () => (model.get("scene") < 0 ? pause() : show()));
  model.on("change:of change:code", show);
  model.on("change:note change:spoken", showWords);
  model.on("change:told change:formula", showTold);
  show();
  showTold();
  showWords();
}

export default { render };
