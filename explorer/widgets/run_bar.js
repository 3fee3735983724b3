// The buttons of a run. Which of them can be pressed is decided in Python and comes in `enabled`.

const PRIMARY = [
  ["train", "Train", ["M5 3.5v9l7.5-4.5z"]],
  ["pause", "Pause", ["M5.5 3.5v9", "M10.5 3.5v9"]],
  ["resume", "Resume", ["M5 3.5v9l7.5-4.5z"]],
];
const SECONDARY = [
  ["stop", "Stop", "Ends the run and keeps what it has learned"],
  ["reset", "Reset", "Back to the first weights, not trained"],
];
const STEPS = [
  ["step_batch", "Step batch", "Train on one mini-batch, then pause"],
  ["step_epoch", "Step epoch", "Train to the end of one epoch, then pause"],
];
const TAKES_SPACE = "input, textarea, select, button, a[href], summary, video, audio, [contenteditable], [role=button], [role=slider], .cm-editor";

/** Whether a press of the space bar is meant for the page and not for something that has the focus. */
function isForThePage(event, el) {
  if (event.key !== " " || event.repeat || event.defaultPrevented) return false;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return false;
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest(TAKES_SPACE)) return false;
  return isOwnPage() || (el.closest(".explorer-app") ?? el).contains(target);
}

/** In a notebook the app has to be able to have the focus, so that the space bar is known to be meant for it. */
function takeFocusInNotebook(el, signal) {
  if (isOwnPage()) return;
  const watcher = new ResizeObserver(() => {
    const app = el.closest(".explorer-app") ?? el;
    app.tabIndex = -1;
    app.dataset.lmSuppressShortcuts = "true";
    watcher.disconnect();
  });
  watcher.observe(el); // answers once the element stands in the page
  signal.addEventListener("abort", () => watcher.disconnect());
}

function render({ model, el, signal }) {
  becomePart(el, "explorer-run");
  takeFocusInNotebook(el, signal);
  const press = (action) => model.send({ action });
  const button = (action, text, title) =>
    make("button", { type: "button", class: "explorer-button", "data-action": action, title, onclick: () => press(action) }, text);

  const primary = make("button", { type: "button", class: "explorer-button", "data-primary": true, "aria-keyshortcuts": "Space" });
  primary.title = "Space bar";
  primary.addEventListener("click", () => press(primary.dataset.action));
  const others = SECONDARY.map((words) => button(...words));
  const steps = STEPS.map((words) => button(...words));
  const auto = make("input", { type: "checkbox", role: "switch", class: "explorer-switch" });
  const autoLabel = make("label", { class: "explorer-auto", title: "Train as soon as a setting changes" }, "Auto-train", auto);
  const bar = make("progress", { max: 1, "aria-label": "Training progress" });
  const text = make("p", { class: "explorer-progress-text" });

  el.append(
    make(
      "section",
      { "aria-label": "Training" },
      make("div", { class: "explorer-run-main" }, primary, ...others),
      make("div", { class: "explorer-run-more" }, ...steps, autoLabel),
      make("div", { class: "explorer-progress" }, bar, text),
    ),
  );

  const showEnabled = () => {
    const enabled = model.get("enabled");
    const [action, label, paths] = PRIMARY.find(([name]) => enabled[name]) ?? PRIMARY[0];
    if (primary.dataset.action !== action) {
      primary.dataset.action = action;
      primary.replaceChildren(icon(...paths), label);
    }
    for (const other of [...others, ...steps]) {
      const off = !enabled[other.dataset.action];
      // A disabled button loses the focus to nowhere: hand it to the primary one.
      if (off && other === document.activeElement) primary.focus();
      other.disabled = off;
    }
  };
  const showAuto = () => (auto.checked = model.get("auto"));
  const showProgress = () => {
    bar.value = model.get("fraction");
    text.textContent = model.get("text");
    el.dataset.status = model.get("status");
  };
  auto.addEventListener("change", () => {
    model.set("auto", auto.checked);
    model.save_changes();
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (!isForThePage(event, el)) return;
      event.preventDefault(); // the page does not scroll, and a second bar on it does not answer as well
      event.stopPropagation();
      press(primary.dataset.action);
    },
    { signal, capture: true },
  );
  for (const [event, show] of [
    ["change:enabled", showEnabled],
    ["change:auto", showAuto],
    ["change:fraction", showProgress],
    ["change:text", showProgress],
    ["change:status", showProgress],
  ]) {
    model.on(event, show);
    show();
  }
}

export default { render };
