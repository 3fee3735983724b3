// @ts-check
// A slider over the run's moments, with playback.

const MILLISECONDS_PER_MOMENT = 400;
const FORK = "Train on from these weights, with the settings in the controls, as a run of its own";

/** @typedef {{ epochs: number[], position: number, newest: number, n_steps: number, note: string, note_rest: string, can_fork: boolean }} State */

/** A moment in words: "epoch 3", "step 8" within the first epoch, or "epoch 3 + 1 step".
 * @param {number} epoch @param {number} nSteps of an epoch */
function inWords(epoch, nSteps) {
  const [whole, step] = [Math.floor(epoch), Math.round((epoch % 1) * nSteps)];
  if (whole === 0) return `step ${step}`;
  return `epoch ${whole}${step ? ` + ${step} step${step > 1 ? "s" : ""}` : ""}`;
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-time-bar", model);
  const playIcon = icon("M5 3.5v9l7-4.5z");
  const pauseIcon = icon("M5.5 3.5v9M10.5 3.5v9");
  const play = makeButton([], () => (timer ? pause() : start()), { "data-quiet": true });
  const slider = make("input", { type: "range", class: "explorer-range", min: 0, step: 1, "aria-label": "Epoch shown" });
  const where = make("output", { class: "explorer-muted explorer-small" });
  const note = make("span", { class: "explorer-time-note explorer-muted explorer-small" });
  const branch = () => model.send({ fork: true, state: { position: model.get("position") } });
  const fork = makeButton("Branch", branch, { class: "explorer-branch", "data-quiet": true, title: FORK });
  const time = make("div", { class: "explorer-time explorer-line", role: "group", "aria-label": "Moments of the run" });
  time.append(note, play, slider, where, fork);
  el.append(time);
  let timer = 0;

  slider.addEventListener("input", () => pauseAt(slider.value === slider.max ? -1 : Number(slider.value)));
  const go = (/** @type {number} */ position) => sendState(model, { position });
  const step = () => {
    const next = model.get("position") + 1;
    if (next < model.get("epochs").length) return go(next);
    pause();
    go(-1);
  };
  const start = () => {
    const last = model.get("epochs").length - 1;
    const now = model.get("position");
    go(now < 0 || now >= last ? 0 : now + 1);
    timer = setInterval(step, MILLISECONDS_PER_MOMENT);
    show();
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    show();
  };
  const pauseAt = (/** @type {number} */ position) => {
    pause();
    go(position);
  };
  const show = () => {
    const epochs = model.get("epochs");
    const position = model.get("position");
    const newest = epochs.indexOf(model.get("newest")); // during the opening replay, not the last
    const shown = position >= 0 ? position : newest >= 0 ? newest : epochs.length - 1;
    // Keeps its space: a bar that changes its height would shift the figures below it with every run.
    time.style.visibility = epochs.length < 1 ? "hidden" : "";
    slider.disabled = play.disabled = epochs.length < 2;
    slider.min = String(epochs.length === 1 ? -1 : 0); // a single moment is the latest: it stands at the end
    slider.max = String(Math.max(0, epochs.length - 1));
    slider.value = String(shown);
    slider.style.setProperty("--filled", `${epochs.length === 1 ? 100 : (100 * shown) / Math.max(1, epochs.length - 1)}%`);
    const epoch = position < 0 ? model.get("newest") : epochs[shown];
    const opening = position < 0 && newest >= 0 && newest < epochs.length - 1 ? "Replay: " : "";
    where.textContent = epochs.length ? opening + inWords(epoch, model.get("n_steps")) : "";
    slider.setAttribute("aria-valuetext", where.textContent);
    el.toggleAttribute("data-latest", position < 0);
    fork.disabled = !model.get("can_fork");
    fork.setAttribute("aria-label", `Branch from ${where.textContent}`);
    note.textContent = model.get("note");
    note.toggleAttribute("data-long", model.get("note_rest") !== "");
    time.title = slider.ariaDescription = model.get("note") + model.get("note_rest");
    play.replaceChildren(timer ? pauseIcon : playIcon);
    play.setAttribute("aria-label", timer ? "Pause the replay" : "Replay the run");
  };
  model.on("change", show);
  show();
  return () => clearInterval(timer);
}

export default { render };
