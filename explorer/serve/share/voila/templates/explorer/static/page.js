// Takes the skeleton away when there is something to see, and says so when there is nothing for too long.

(() => {
  const LATE_SECONDS = 20;

  // The app, or whatever another notebook shows; not the place that is kept for a widget on its way.
  const APP = ".explorer-app .explorer-part > *, .explorer-failed";
  const OTHER = ".jp-OutputArea-output:is(.jp-RenderedHTMLCommon, .jp-RenderedImage), .jp-OutputArea-output .jupyter-widgets";

  function hasContent(main) {
    return main.querySelector(`${APP}, ${OTHER}`) !== null;
  }

  function reveal(main) {
    main.removeAttribute("aria-busy");
    document.getElementById("explorer-skeleton")?.remove();
  }

  function sayLate() {
    const notice = document.getElementById("explorer-late");
    if (!notice) return;
    notice.querySelector("span").textContent = LATE_SECONDS;
    notice.querySelector("button").addEventListener("click", () => location.reload());
    notice.hidden = false;
  }

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

  // The page arrives in pieces, the last of them when Python is done: don't wait for its end.
  const arrival = new MutationObserver(() => {
    const main = document.getElementById("rendered_cells");
    if (!main) return;
    arrival.disconnect();
    watch(main);
  });
  arrival.observe(document, { childList: true, subtree: true });
})();
