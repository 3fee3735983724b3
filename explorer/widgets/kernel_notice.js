// @ts-check
// Reports in a notebook that the widgets in its box have lost their kernel, and disables them; marks old figures.

const GONE = "Python was restarted or has ended, so nothing here answers any more. Run the cell again.";
const OVER = ["restarting", "autorestarting", "terminating", "dead"]; // JupyterLab's kernel statuses
const FIGURES = ".explorer-figure, .explorer-place-tiles"; // paler while they are a previous run's
const DISCONNECTED = "jupyter-widgets-disconnected"; // class that ipywidgets sets on widgets without a kernel

/**
 * @typedef {{ connect: (slot: (sender: unknown, status: string) => void) => void, disconnect: (slot: any) => void }} Signal
 * @typedef {{ statusChanged?: Signal, disposed?: Signal }} Kernel JupyterLab's; elsewhere there may be none
 */

/** @type {import("@anywidget/types").Render<{ busy: boolean }>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-kernel-notice", model);
  model.on("change:busy", () => {
    for (const part of el.parentElement?.querySelectorAll(FIGURES) ?? []) part.ariaBusy = String(model.get("busy"));
  });
  if ("voila" in document.body.dataset) return; // there `Heartbeat` monitors the kernel, and offers to reload
  const words = make("p", { role: "alert" });
  el.append(words);

  const lose = () => {
    const box = el.parentElement;
    if (signal.aborted) return;
    if (!box) return void requestAnimationFrame(lose); // it is drawn before it is attached
    box.dataset.explorerLost = "";
    for (const other of box.children) /** @type {HTMLElement} */ (other).inert = other !== el;
    write(words, GONE);
  };
  const look = () => el.classList.contains(DISCONNECTED) && lose();
  const watcher = new MutationObserver(look);
  watcher.observe(el, { attributeFilter: ["class"] });
  look();

  // If a kernel dies or is replaced, ipywidgets doesn't set that class.
  const { kernel } = /** @type {{ kernel?: Kernel | null }} */ (model.widget_manager);
  const onStatus = (/** @type {unknown} */ _, /** @type {string} */ status) => void (OVER.includes(status) && lose());
  kernel?.statusChanged?.connect(onStatus);
  kernel?.disposed?.connect(lose);
  signal.addEventListener("abort", () => {
    watcher.disconnect();
    kernel?.statusChanged?.disconnect(onStatus);
    kernel?.disposed?.disconnect(lose);
  });
}

export default { render };
