// @ts-check
// Draws the figures of a notebook in the colors of the page's theme, and again when the theme changes.
//
// Each figure pushes [its element, its text as JSON] onto window.explorerLesson. Until this script runs that is an
// array, so the order in which the cells appear in the page does not matter; from then on, pushing draws.

/** @typedef {HTMLElement & { lessonFigure?: string, lessonDrawn?: Promise<void> }} Drawn */

/** @param {Record<string, string>} colors for each light color the dark one */
function drawLessonFigures(colors) {
  const { Plotly } = window;
  const waiting = window.explorerLesson ?? [];
  if (!Array.isArray(waiting)) return; // the cell has run before

  const isDark = () => document.body.dataset.jpThemeLight === "false";
  const inTheme = (/** @type {string} */ text) =>
    isDark() ? text.replace(/#[0-9a-f]{6}|rgba\(\d+,\d+,\d+/g, (color) => colors[color] ?? color) : text;

  // One at a time: a drawing takes Plotly several turns of the event loop, and another must not begin meanwhile.
  const afterwards = (/** @type {Drawn} */ element, /** @type {() => void} */ work) => {
    element.lessonDrawn = (element.lessonDrawn ?? Promise.resolve()).finally(work);
  };

  const draw = (/** @type {Drawn} */ element) =>
    afterwards(element, () => {
      const { data, layout } = JSON.parse(inTheme(element.lessonFigure ?? "{}"));
      return Plotly.react(element, data, layout, { displayModeBar: false, responsive: true });
    });

  // A cell can be laid out while it is hidden: its plots take their width when they get one.
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) {
      const target = /** @type {Drawn} */ (entry.target);
      if (target.clientWidth > 0) afterwards(target, () => target.clientWidth > 0 && Plotly.Plots.resize(target));
    }
  });

  const push = (/** @type {[Drawn, string]} */ [element, text]) => {
    element.lessonFigure = text;
    element.textContent = "";
    draw(element);
    sizes.observe(element);
  };

  const redraw = () => {
    for (const plot of document.querySelectorAll(".lesson-plot")) {
      const element = /** @type {Drawn} */ (plot);
      if (element.lessonFigure) draw(element);
    }
  };
  new MutationObserver(redraw).observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  window.explorerLesson = { push };
  waiting.forEach(push);
}
