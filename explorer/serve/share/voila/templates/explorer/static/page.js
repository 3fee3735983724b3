// @ts-check
// Takes the skeleton away when there is something to see, and says so when there is nothing for too long. Has widgets
// shown as soon as they come. Asks before the page is left where something would be lost.

/**
 * @typedef {(sender: unknown, id: string) => void} Registered
 * @typedef {{
 *   get_model: (id: string) => Promise<unknown>, has_model: (id: string) => boolean,
 *   modelRegistered: { connect: (slot: Registered) => void, disconnect: (slot: Registered) => void },
 * }} WidgetManager
 */

(() => {
  const LATE_SECONDS = 20;

  // The app, or whatever another notebook shows; not the place that is kept for a widget on its way.
  const APP = ".explorer-app .explorer-part > *, .explorer-failed";
  const OTHER = ".jp-OutputArea-output:is(.jp-RenderedHTMLCommon, .jp-RenderedImage), .jp-OutputArea-output .jupyter-widgets";

  /** @param {HTMLElement} main */
  function hasContent(main) {
    return main.querySelector(`${APP}, ${OTHER}`) !== null;
  }

  /** @param {HTMLElement} main */
  function reveal(main) {
    main.removeAttribute("aria-busy");
    document.getElementById("explorer-skeleton")?.remove();
  }

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
      if (!hasContent(main)) return;
      clearTimeout(late);
      observer.disconnect();
      reveal(main);
    };
    const observer = new MutationObserver(look);
    observer.observe(main, { childList: true, subtree: true });
    look();
  }

  // Who wants a widget that has yet to come looks for it every 0.1 s, and after two seconds no more. One that came
  // between the last look and the giving up would never be shown. So it is handed over as it comes.
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

  // Voilà leaves its program there just before it shows the first widget.
  Object.defineProperty(globalThis, "jupyterapp", {
    configurable: true,
    set(/** @type {{ widgetManager?: WidgetManager }} */ program) {
      Object.defineProperty(globalThis, "jupyterapp", { configurable: true, writable: true, value: program });
      if (program.widgetManager?.modelRegistered) handOver(program.widgetManager);
    },
  });

  // Voilà ends the kernel as it hears that the page may be left, also where the user then stays. Whoever listens first
  // can keep that from it; it is told when the page is left indeed.
  let asked = false;
  addEventListener("beforeunload", (event) => {
    asked = event.isTrusted && document.documentElement.hasAttribute("data-explorer-unsaved");
    if (!asked) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    document.dispatchEvent(new Event("explorer-asked"));
  });
  addEventListener("pagehide", () => asked && dispatchEvent(new Event("beforeunload")));

  // The page arrives in pieces, the last of them when Python is done: don't wait for its end.
  const arrival = new MutationObserver(() => {
    const main = document.getElementById("rendered_cells");
    if (!main) return;
    arrival.disconnect();
    watch(main);
  });
  arrival.observe(document, { childList: true, subtree: true });
})();
