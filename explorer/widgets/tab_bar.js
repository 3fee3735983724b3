// A tab list by the book (arrows move, Home and End jump), and a slider over the run's moments with playback.

const MILLISECONDS_PER_MOMENT = 400;

function render({ model, el }) {
  becomePart(el, "explorer-tab-bar");
  const tabs = model.get("tabs").map(([name, words]) =>
    make("button", { type: "button", role: "tab", class: "explorer-tab", onclick: () => select(name), "data-name": name }, words),
  );
  const panelId = freshId();
  for (const tab of tabs) {
    tab.id = freshId();
    tab.setAttribute("aria-controls", panelId);
  }
  const list = make("div", { role: "tablist", "aria-label": "Views", onkeydown: (event) => moveFocus(event) }, ...tabs);
  const playIcon = icon("M5 3.5v9l7-4.5z");
  const pauseIcon = icon("M5.5 3.5v9M10.5 3.5v9");
  const play = make("button", { type: "button", class: "explorer-button", "data-quiet": true, onclick: () => (timer ? pause() : start()) });
  const slider = make("input", { type: "range", class: "explorer-range", min: 0, step: 1, "aria-label": "Epoch shown", oninput: () => pauseAt(slider.value === slider.max ? -1 : Number(slider.value)) });
  const where = make("output", { class: "explorer-small" });
  const note = make("span", { class: "explorer-time-note explorer-muted explorer-small" });
  const live = make("button", { type: "button", class: "explorer-button", "data-quiet": true, onclick: () => pauseAt(-1) }, "Newest");
  const fork = make("button", { type: "button", class: "explorer-button", "data-quiet": true, title: "Train on from these weights, with the settings in the controls, as a run of its own", "aria-label": "Train on from here", onclick: () => model.send({ fork: true }) }, make("span", {}, "Train on", make("span", { class: "explorer-time-here" }, " from here")));
  const time = make("div", { class: "explorer-time", role: "group", "aria-label": "Moments of the run" }, note, play, slider, where, live, fork);
  el.append(list, time);
  let timer = 0;

  const set = (trait, value) => {
    model.set(trait, value);
    model.save_changes();
  };
  const select = (name) => set("selected", name);
  const moveFocus = (event) => {
    const here = tabs.findIndex((tab) => tab.dataset.name === model.get("selected"));
    const there = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    const tab = tabs[(there + tabs.length) % tabs.length];
    select(tab.dataset.name);
    tab.focus();
  };
  const go = (position) => set("position", position);
  const start = () => {
    const last = model.get("epochs").length - 1;
    const now = model.get("position");
    go(now < 0 || now >= last ? 0 : now + 1);
    timer = setInterval(() => {
      const next = model.get("position") + 1;
      if (next >= model.get("epochs").length) {
        pause();
        go(-1);
      } else go(next);
    }, MILLISECONDS_PER_MOMENT);
    show();
  };
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    show();
  };
  const pauseAt = (position) => {
    pause();
    go(position);
  };
  // What the tabs switch between is a box of Python's, which can't say of itself what it is.
  const namePanel = () => {
    const panel = el.closest(".explorer-app")?.querySelector(".explorer-place-panels");
    if (!panel) return;
    panel.id = panelId;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tabs.find((tab) => tab.getAttribute("aria-selected") === "true")?.id ?? "");
  };
  const show = () => {
    for (const tab of tabs) {
      const chosen = tab.dataset.name === model.get("selected");
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
    namePanel();
    const epochs = model.get("epochs");
    const position = model.get("position");
    const shown = position < 0 ? epochs.length - 1 : position;
    // Kept in its place: a bar that changes its height would shift the figures under it with every run.
    time.style.visibility = epochs.length < 1 ? "hidden" : "";
    slider.disabled = play.disabled = epochs.length < 2;
    slider.max = Math.max(0, epochs.length - 1);
    slider.value = shown;
    slider.style.setProperty("--filled", `${(100 * shown) / Math.max(1, epochs.length - 1)}%`);
    const epoch = position < 0 ? model.get("newest") : epochs[shown];
    where.textContent = epochs.length ? `epoch ${Number.isInteger(epoch) ? epoch : epoch.toFixed(2)}` : "";
    slider.setAttribute("aria-valuetext", where.textContent);
    live.disabled = position < 0;
    note.textContent = time.title = model.get("note");
    play.replaceChildren(timer ? pauseIcon : playIcon);
    play.setAttribute("aria-label", timer ? "Pause the replay" : "Replay the run");
  };
  for (const trait of ["selected", "epochs", "position", "newest", "note"]) model.on(`change:${trait}`, show);
  show();
  const arrival = requestAnimationFrame(namePanel); // before it, the bar stands in no page
  return () => {
    clearInterval(timer);
    cancelAnimationFrame(arrival);
  };
}

export default { render };
