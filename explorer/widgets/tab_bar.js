// @ts-check
// An ARIA tab list (arrows move, Home and End jump), and a slider over the run's moments with playback.

const MILLISECONDS_PER_MOMENT = 400;
const FORK = "Train on from these weights, with the settings in the controls, as a run of its own";

/**
 * @typedef {{
 *   tabs: [string, string][], offered: string[], selected: string, epochs: number[], position: number, newest: number, note: string,
 *   can_fork: boolean,
 * }} State
 */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-tab-bar");
  const set = (/** @type {keyof State} */ trait, /** @type {any} */ value) => {
    model.set(trait, value);
    model.save_changes();
  };
  const panelId = freshId();
  const tabs = model.get("tabs").map(([name, words]) => {
    const attributes = { type: "button", role: "tab", id: freshId(), class: "explorer-tab", "aria-controls": panelId };
    return { name, tab: make("button", { ...attributes, onclick: () => set("selected", name), "data-name": name }, words) };
  });
  const list = make("div", { role: "tablist", "aria-label": "Views" }, ...tabs.map(({ tab }) => tab));
  const playIcon = icon("M5 3.5v9l7-4.5z");
  const pauseIcon = icon("M5.5 3.5v9M10.5 3.5v9");
  const play = makeButton([], () => (timer ? pause() : start()), { "data-quiet": true });
  const slider = make("input", { type: "range", class: "explorer-range", min: 0, step: 1, "aria-label": "Epoch shown" });
  const where = make("output", { class: "explorer-muted explorer-small" });
  const note = make("span", { class: "explorer-time-note explorer-muted explorer-small" });
  const live = makeButton([icon("M4 3.5v9l6-4.5z", "M12 3.5v9"), make("span", {}, "Newest")], () => pauseAt(-1), {
    class: "explorer-time-newest",
    "data-quiet": true,
    "aria-label": "Newest",
    title: "Show the newest epoch",
  });
  const fork = makeButton("Train on from here", () => model.send({ fork: true }), { "data-quiet": true, title: FORK });
  const time = make(
    "div",
    { class: "explorer-time explorer-line", role: "group", "aria-label": "Moments of the run" },
    note,
    play,
    slider,
    where,
    live,
    fork,
  );
  el.append(list, time);
  let timer = 0;

  list.addEventListener("keydown", (event) => {
    const listed = tabs.filter(({ tab }) => !tab.hidden);
    const at = listed.findIndex(({ name }) => name === model.get("selected"));
    const there = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: listed.length - 1 }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    const { name, tab } = listed[(there + listed.length) % listed.length];
    set("selected", name);
    tab.focus();
  });
  slider.addEventListener("input", () => pauseAt(slider.value === slider.max ? -1 : Number(slider.value)));
  const go = (/** @type {number} */ position) => set("position", position);
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
  // The tabs switch the children of a box of Python's, which can't set its own ARIA role.
  const namePanel = () => {
    const panel = el.closest(".explorer-app")?.querySelector(".explorer-place-panels");
    if (!panel) return;
    panel.id = panelId;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tabs.find(({ name }) => name === model.get("selected"))?.tab.id ?? "");
  };
  /** On a phone the last tabs are scrolled out of view; the page itself doesn't scroll.
   * @param {Element} tab */
  const scrollTo = (tab) => {
    const [own, all] = [tab.getBoundingClientRect(), list.getBoundingClientRect()];
    list.scrollLeft += Math.min(0, own.left - all.left) + Math.max(0, own.right - all.right);
  };
  const showTabs = () => {
    const offered = model.get("offered");
    for (const { name, tab } of tabs) {
      const chosen = name === model.get("selected");
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      tab.hidden = offered.length > 0 && !offered.includes(name) && !chosen;
      if (chosen) scrollTo(tab);
    }
    namePanel();
  };
  const show = () => {
    showTabs();
    const epochs = model.get("epochs");
    const position = model.get("position");
    const shown = position < 0 ? epochs.length - 1 : position;
    // Keeps its space: a bar that changes its height would shift the figures below it with every run.
    time.style.visibility = epochs.length < 1 ? "hidden" : "";
    slider.disabled = play.disabled = epochs.length < 2;
    slider.max = String(Math.max(0, epochs.length - 1));
    slider.value = String(shown);
    slider.style.setProperty("--filled", `${(100 * shown) / Math.max(1, epochs.length - 1)}%`);
    const epoch = position < 0 ? model.get("newest") : epochs[shown];
    where.textContent = epochs.length ? `epoch ${Number.isInteger(epoch) ? epoch : epoch.toFixed(2)}` : "";
    slider.setAttribute("aria-valuetext", where.textContent);
    turnOff(live, position < 0, slider);
    fork.disabled = !model.get("can_fork");
    note.textContent = time.title = model.get("note");
    play.replaceChildren(timer ? pauseIcon : playIcon);
    play.setAttribute("aria-label", timer ? "Pause the replay" : "Replay the run");
  };
  model.on("change", show);
  show();
  const arrival = requestAnimationFrame(namePanel); // before that, the bar isn't on the page
  return () => {
    clearInterval(timer);
    cancelAnimationFrame(arrival);
  };
}

export default { render };
