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
  onSize(el, () => observer.observe(el.closest(".explorer-alone") ?? el), signal);
  const report = () => {
    if (shownTheme() !== model.get("theme")) sendState(model, { theme: shownTheme() });
  };
  onTheme(report, signal);
  report();
  signal.addEventListener("abort", () => {
    observer.disconnect();
    model.send({ view });
  });
}

export default { render };
