// @ts-check
// Tells Python whether its container is visible, not in a hidden tab or scrolled away, and the page's theme.

/** @typedef {{ theme: "light" | "dark" }} State */

/** @param {import("@anywidget/types").RenderProps<State> & { signal: AbortSignal }} props */
function render({ model, el, signal }) {
  const view = Math.random().toString(36).slice(2);
  el.style.height = "0";
  const observer = new IntersectionObserver((entries) => {
    model.send({ view, seen: entries.at(-1)?.isIntersecting ?? false });
  });
  // The element is in its container once it has a size. It stands at the lower edge, which may be out of sight alone.
  const placed = new ResizeObserver(() => observer.observe(el.closest(".explorer-alone") ?? el));
  placed.observe(el);
  const report = () => {
    if (shownTheme() === model.get("theme")) return;
    model.set("theme", shownTheme());
    model.save_changes();
  };
  onTheme(report, signal);
  report();
  signal.addEventListener("abort", () => {
    observer.disconnect();
    placed.disconnect();
    model.send({ view });
  });
}

export default { render };
