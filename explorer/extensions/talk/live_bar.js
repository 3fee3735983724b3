// @ts-check
// The bar below a slide. On the talk's page the visible slide's buttons have keys: t, p, n and v; x stops all live runs.

const RUN = { label: "Run it live", path: "M5 3.5v9l7.5-4.5z" };
const STOP = { label: "Stop", path: "M4.5 4.5h7v7h-7z" };
const PACES = { epoch: "an epoch a second", fast: "as fast as it goes" };
const WIDTH = 1280; // px of a window in which figures have their normal size times BASE
const HEIGHT = 720;
const BASE = 1.25;

/**
 * @typedef {{
 *   settings: string, notes: string, fault: string, state: "recorded" | "running" | "paused" | "live", text: string,
 *   fraction: number, steps: boolean, theme: "light" | "dark", scale: number, pace: "epoch" | "fast",
 * }} State
 */

/** The size of a slide's figures relative to the app's: in steps, so that resizing doesn't redraw too often.
 * @param {HTMLElement} el */
function shownScale(el) {
  if (!el.closest(".explorer-slides")) return 1;
  const fit = BASE * Math.min(innerWidth / WIDTH, innerHeight / HEIGHT);
  return Math.min(3, Math.max(1, Math.round(8 * fit) / 8));
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-live-bar", model);
  const isLive = () => ["running", "paused"].includes(model.get("state"));
  const press = () => model.send({ live: isLive() ? "stop" : "run" });
  const pause = () => model.send({ live: "pause" });
  const step = () => model.send({ live: "step" });
  const changePace = () => sendState(model, { pace: model.get("pace") === "fast" ? "epoch" : "fast" });
  const keys = new Map(Object.entries({ t: press, p: pause, n: step, v: changePace }));
  const keyOf = (/** @type {string} */ key) => make("kbd", { "aria-hidden": "true" }, key);
  const small = (/** @type {() => void} */ onclick, /** @type {string} */ key) => makeButton([], onclick, { "aria-keyshortcuts": key });
  const button = makeButton([], press, { "data-primary": true, "aria-keyshortcuts": "t" });
  const [pauser, stepper, pacer] = [small(pause, "p"), small(step, "n"), small(changePace, "v")];
  const words = make("span", { class: "explorer-live-words", role: "status", "aria-live": "polite" });
  const settings = make("span", { class: "explorer-live-settings explorer-muted explorer-small" });
  const progress = make("progress", { max: 1, "aria-label": "Progress of the live run" });
  const notes = make("aside", { class: "notes" }); // where reveal.js looks for the speaker's notes
  const place = make("div", { class: "explorer-live-line explorer-line" }, button, pauser, stepper, pacer, words, settings);
  el.append(progress, place, notes);

  const showState = () => {
    const running = isLive();
    const { label, path } = running ? STOP : RUN;
    if (button.dataset.label !== label) button.replaceChildren(icon(path), label, keyOf("t"));
    button.dataset.label = label;
    pauser.replaceChildren(model.get("state") === "paused" ? "Continue" : "Pause", keyOf("p"));
    stepper.replaceChildren("Step", keyOf("n"));
    pacer.replaceChildren(`Pace: ${PACES[model.get("pace")]}`, keyOf("v"));
    pacer.hidden = !model.get("steps");
    pauser.hidden = stepper.hidden = !running || pacer.hidden;
    el.dataset.state = model.get("state");
    write(words, model.get("text"));
    progress.value = model.get("fraction");
    progress.style.visibility = running ? "visible" : "hidden";
  };
  const showWords = () => {
    settings.textContent = model.get("settings");
    notes.textContent = [model.get("fault"), model.get("notes")].filter(Boolean).join("\n\n");
    place.hidden = progress.hidden = !model.get("settings");
  };
  const report = () => {
    const [theme, scale] = [shownTheme(), shownScale(el)];
    if (theme !== model.get("theme") || scale !== model.get("scale")) sendState(model, { theme, scale });
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !el.closest("[data-present]")) return;
    if (event.target instanceof Element && event.target.closest(TAKES_LETTERS)) return;
    if (event.key === "x") model.send({ live: "reset" });
    else if (!place.hidden) keys.get(event.key)?.();
  };

  model.on("change:state change:text change:fraction change:pace", showState);
  model.on("change:settings change:notes change:fault", showWords);
  document.addEventListener("keydown", onKey, { signal });
  addEventListener("resize", report, { signal });
  onTheme(report, signal);
  onSize(el, report, signal); // it is then in its slide
  showState();
  showWords();
}

export default { render };
