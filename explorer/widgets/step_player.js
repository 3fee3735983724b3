// @ts-check
// Python draws each scene when it is asked for; this counts them, and listens to keys here and in the drawing.

const SCENE_MS = 1200;

/**
 * @typedef {{ scenes: string[], scene: number, of: "image" | "batch", noun: string, note: string, spoken: string }} State
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
    pause();
    sendState(model, { scene: -1 });
  };

  const start = makeButton("Play a step", play, { title: "One step of training, scene by scene (.)" });
  const run = makeButton("", () => (timer ? pause() : play()));
  const steps = model.get("scenes").map((name, at) => makeButton(name, () => go(at), { "data-quiet": true }));
  const choices = Object.entries({ image: `this ${model.get("noun")}`, batch: "a mini-batch" }).map(([of, words]) => ({
    of,
    button: makeButton(words, () => sendState(model, { of: /** @type {State["of"]} */ (of) }), { "data-quiet": true }),
  }));
  const close = makeButton("✕", leave, { "data-quiet": true, "aria-label": "Leave the step", title: "Leave (Esc)" });
  const made = choices.map(({ button }) => button);
  const bar = make("div", { class: "explorer-wrap", role: "group", "aria-label": "One step of training" }, run, ...steps, ...made, close);
  const note = make("p", { class: "explorer-muted explorer-small" });
  const spoken = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  el.append(start, bar, note, spoken);

  const show = () => {
    const scene = model.get("scene");
    const isOn = scene >= 0;
    const losesFocus = (isOn ? start : bar).contains(document.activeElement);
    start.hidden = isOn;
    bar.hidden = !isOn;
    run.hidden = isStill();
    write(run, timer ? "❚❚" : "▶");
    run.setAttribute("aria-label", timer ? "Pause" : "Play");
    for (const [at, button] of steps.entries()) button.setAttribute("aria-current", at === scene ? "step" : "false");
    for (const { of, button } of choices) button.setAttribute("aria-pressed", String(of === model.get("of")));
    if (losesFocus) (isOn ? steps[scene] : start).focus({ preventScroll: true });
  };
  const showWords = () => {
    write(note, model.get("note"));
    write(spoken, model.get("spoken"));
  };

  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const { key, target } = event;
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !(target instanceof Element)) return;
    const drawing = el.parentElement?.querySelector(".explorer-network");
    const isAtIt = el.contains(target) || drawing?.contains(target);
    const scene = model.get("scene");
    const isOn = scene >= 0;
    if (!isAtIt && !(isOn && isOwnPage() && target === document.body)) return;
    if (key === "." && !timer) play();
    else if (isOn && (key === "ArrowRight" || key === "ArrowLeft")) go(scene + (key === "ArrowRight" ? 1 : -1));
    else if (isOn && key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("keydown", onKey, { capture: true, signal });
  signal.addEventListener("abort", () => clearInterval(timer));
  model.on("change:scene", () => (model.get("scene") < 0 ? pause() : show()));
  model.on("change:of", show);
  model.on("change:note change:spoken", showWords);
  show();
  showWords();
}

export default { render };
