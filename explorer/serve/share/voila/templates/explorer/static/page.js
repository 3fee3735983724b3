// @ts-check
// Removes the skeleton when there is content, and reports if there is none for too long. Shows widgets as soon as they
// arrive. Asks for confirmation before the page is left if something would be lost.

/**
 * @typedef {(sender: unknown, id: string) => void} Registered
 * @typedef {{
 *   get_model: (id: string) => Promise<unknown>, has_model: (id: string) => boolean,
 *   modelRegistered: { connect: (slot: Registered) => void, disconnect: (slot: Registered) => void },
 * }} WidgetManager
 */

(() => {
  const LATE_SECONDS = 20;

  // The app, or the content of another notebook; not the placeholder of a pending widget.
  const APP = ".explorer-app .explorer-part > *, .explorer-failed";
  const OTHER = ".jp-OutputArea-output:is(.jp-RenderedHTMLCommon, .jp-RenderedImage), .jp-OutputArea-output .jupyter-widgets";

  function sayLate() {
    const notice = document.getElementById("explorer-late");
    const [seconds, button] = [notice?.querySelector("span"), notice?.querySelector("button")];
    if (!notice || !seconds || !button) return;
    seconds.textContent = String(LATE_SECONDS);
    button.addEventListener("click", () => location.reload());
    notice.hidden = false;
  }

  /** @param {HTMLElement} main */
  function watch(main) {
    const late = setTimeout(sayLate, 1000 * LATE_SECONDS);
    const look = () => {
      if (!main.querySelector(`${APP}, ${OTHER}`)) return;
      clearTimeout(late);
      observer.disconnect();
      main.removeAttribute("aria-busy");
      document.getElementById("explorer-skeleton")?.remove();
    };
    const observer = new MutationObserver(look);
    observer.observe(main, { childList: true, subtree: true });
    look();
  }

  // Code that waits for a widget polls every 0.1 s, and gives up after two seconds. A widget that arrives between the
  // last poll and the timeout would never be shown. So it is passed on when it arrives.
  /** @param {WidgetManager} widgets */
  function handOver(widgets) {
    const look = widgets.get_model.bind(widgets);
    widgets.get_model = (id) => {
      if (widgets.has_model(id)) return look(id);
      /** @type {PromiseWithResolvers<unknown>} */
      const coming = Promise.withResolvers();
      const come = (/** @type {unknown} */ _, /** @type {string} */ registered) => {
        if (registered === id) coming.resolve(look(id));
      };
      widgets.modelRegistered.connect(come);
      return Promise.race([coming.promise, look(id)]).finally(() => widgets.modelRegistered.disconnect(come));
    };
  }

  // Voilà puts its program there just before it shows the first widget.
  Object.defineProperty(globalThis, "jupyterapp", {
    configurable: true,
    set(/** @type {{ widgetManager?: WidgetManager }} */ program) {
      Object.defineProperty(globalThis, "jupyterapp", { configurable: true, writable: true, value: program });
      if (program.widgetManager?.modelRegistered) handOver(program.widgetManager);
    },
  });

  // Voilà ends the kernel on `beforeunload`, even if the user then stays. An earlier listener can prevent that; Voilà
  // is notified when the page is really left.
  let asked = false;
  addEventListener("beforeunload", (event) => {
    asked = event.isTrusted && document.documentElement.hasAttribute("data-explorer-unsaved");
    if (!asked) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    document.dispatchEvent(new Event("explorer-asked"));
  });
  addEventListener("pagehide", () => asked && dispatchEvent(new Event("beforeunload")));

  // A line tells a newcomer what to do first. It goes with the first press; its place stays, so that nothing moves.
  function greet() {
    try {
      if (localStorage.getItem("explorer-greeted")) return;
      localStorage.setItem("explorer-greeted", "yes");
    } catch {
      return; // the browser can't remember
    }
    const { dataset } = document.documentElement;
    dataset.explorerNewcomer = "here";
    const press = () => {
      dataset.explorerNewcomer = "pressed";
    };
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, press, { capture: true, once: true });
  }
  greet();

  // The page arrives in pieces, the last of them when Python is done: don't wait for the end.
  const arrival = new MutationObserver(() => {
    const main = document.getElementById("rendered_cells");
    if (!main) return;
    arrival.disconnect();
    watch(main);
  });
  arrival.observe(document, { childList: true, subtree: true });
})();
