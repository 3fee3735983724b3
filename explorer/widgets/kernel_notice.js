// @ts-check
// Says in a notebook that the widgets of its box have lost their kernel, and switches them off.

const GONE = "Python was restarted or has ended, so nothing here answers any more. Run the cell again.";
const OVER = ["restarting", "autorestarting", "terminating", "dead"]; // JupyterLab's words for what a kernel does
const DISCONNECTED = "jupyter-widgets-disconnected"; // the class that ipywidgets gives to what has lost its kernel

/**
 * @typedef {{ connect: (slot: (sender: unknown, status: string) => void) => void, disconnect: (slot: any) => void }} Signal
 * @typedef {{ statusChanged?: Signal, disposed?: Signal }} Kernel JupyterLab's; elsewhere there may be none
 */

/** @type {import("@anywidget/types").Render<{}>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-kernel-notice");
  if ("voila" in document.body.dataset) return; // there the page asks by itself, and offers to reload
  const words = make("p", { role: "alert" });
  el.append(words);

  const lose = () => {
    const box = el.parentElement;
    if (signal.aborted) return;
    if (!box) return void requestAnimationFrame(lose); // it is drawn before it stands anywhere
    box.dataset.explorerLost = "";
    for (const other of box.children) /** @type {HTMLElement} */ (other).inert = other !== el;
    write(words, GONE);
  };
  const look = () => el.classList.contains(DISCONNECTED) && lose();
  const watcher = new MutationObserver(look);
  watcher.observe(el, { attributeFilter: ["class"] });
  look();

  // A kernel that dies, and one that another takes the place of, leave that class as it is.
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
