// @ts-check
// A stage's elements are created once per network shape, so that a slider keeps the focus while numbers change.

/**
 * @typedef {{ name: string, symbols: string, numbers: string, value: string }} Formula
 * @typedef {{
 *   title: string, forward: Formula[], back: Formula[], unit: number, n_units: number,
 *   strips: { name: string, words: string }[], sprite: DataView<ArrayBuffer>,
 *   picture: DataView<ArrayBuffer>, captions: string[],
 * }} Stage
 * @typedef {{ row: HTMLElement, mark: HTMLElement, cells: HTMLElement, words: HTMLElement }} StripParts
 * @typedef {{ row: HTMLElement, slider: HTMLInputElement, where: HTMLElement }} Chooser
 * @typedef {{
 *   section: HTMLElement, heading: HTMLElement, strips: StripParts[], chooser: Chooser | null, pictures: HTMLElement,
 *   forward: HTMLElement, back: HTMLElement,
 * }} StageParts
 * @typedef {(unit: number) => void} Choose
 */

/**
 * The unit at which a strip of n units was clicked.
 * @param {PointerEvent} event
 * @param {number} n
 */
function unitAt({ clientX, currentTarget }, n) {
  const box = /** @type {HTMLElement} */ (currentTarget).getBoundingClientRect();
  return Math.min(n - 1, Math.max(0, Math.floor((n * (clientX - box.left)) / box.width)));
}

/** @param {string} name @param {number} n @param {Choose} choose @returns {StripParts} */
function makeStrip(name, n, choose) {
  const mark = make("span", { class: "explorer-strip-mark" });
  const cells = make("span", { class: "explorer-strip-cells", role: "img" }, mark);
  cells.addEventListener("pointerdown", (event) => choose(unitAt(event, n)));
  const words = make("span", { class: "explorer-muted explorer-small" });
  const row = make("div", { class: "explorer-strip" }, make("span", { class: "explorer-mono" }, name), cells, words);
  return { row, mark, cells, words };
}

/** @param {number} n @param {Choose} choose @returns {Chooser} */
function makeChooser(n, choose) {
  const slider = make("input", { type: "range", class: "explorer-range", min: 0, max: n - 1, step: 1, "aria-label": "Unit" });
  slider.addEventListener("input", () => choose(Number(slider.value)));
  const where = make("output", { class: "explorer-small" });
  const word = make("span", { class: "explorer-small explorer-muted", "aria-hidden": "true" }, "unit");
  return { row: make("div", { class: "explorer-strip" }, word, slider, where), slider, where };
}

/** @param {Stage} stage @param {Choose} choose @returns {StageParts} */
function makeStage({ strips: named, n_units: n, back: backward }, choose) {
  const heading = make("h2", {});
  const strips = named.map(({ name }) => makeStrip(name, n, choose));
  const chooser = n ? makeChooser(n, choose) : null;
  const pictures = make("div", { class: "explorer-stage-pictures" });
  const forward = make("div", { class: "explorer-formulas" });
  const back = make("div", { class: "explorer-formulas" });
  const name = (/** @type {string} */ word) => make("p", { class: "explorer-muted explorer-small" }, word);
  const hasBoth = backward.length > 0;
  const ways = [make("div", {}, hasBoth ? name("forward") : null, forward), hasBoth ? make("div", {}, name("back"), back) : null];
  const columns = make("div", { class: "explorer-stage-columns" }, pictures, make("div", { class: "explorer-stage-ways" }, ...ways));
  const section = make("section", {}, heading, ...strips.map(({ row }) => row), chooser?.row, columns);
  return { section, heading, strips, chooser, pictures, forward, back };
}

/** @param {Formula} formula */
function formula({ name, symbols, numbers, value }) {
  const part = (/** @type {string} */ text, /** @type {Node | null} */ end) => make("span", { class: "explorer-formula-part" }, text, end);
  const parts = [part(`= ${symbols}`, null), part(numbers ? `= ${numbers} = ` : "= ", make("b", {}, value))];
  return make("p", { class: "explorer-formula explorer-mono explorer-small" }, make("span", {}, name), make("span", {}, ...parts));
}

/** @param {StageParts} parts @param {Stage} stage @param {string} url */
function showStrips(parts, { strips, n_units: n, unit }, url) {
  parts.strips.forEach(({ mark, cells, words }, index) => {
    const strip = strips[index];
    // Each strip is one row of pixels in its picture, followed by a transparent one; so is the last column.
    const rows = 2 * strips.length;
    showPicture(cells.style, url);
    cells.style.backgroundSize = `${(100 * (n + 1)) / n}% ${100 * rows}%`;
    cells.style.backgroundPosition = `0 ${(100 * 2 * index) / (rows - 1)}%`;
    cells.setAttribute("aria-label", `${strip.name} of ${n === 1 ? "the one unit" : `all ${n} units`}: ${strip.words}`);
    write(words, strip.words);
    mark.style.left = `${(100 * unit) / n}%`;
    mark.style.width = `max(3px, ${100 / n}%)`;
  });
}

/** @param {HTMLElement} place @param {string[]} captions @param {string} url */
function showPictures(place, captions, url) {
  place.hidden = captions.length === 0;
  place.replaceChildren(
    ...captions.map((caption, index) => {
      const image = make("div", { class: "explorer-picture", role: "img", "aria-label": caption });
      showTile(image, url, index, captions.length, 1);
      return make("figure", {}, image, make("figcaption", { class: "explorer-small explorer-muted", "aria-hidden": "true" }, caption));
    }),
  );
}

/** @param {Chooser | null} chooser @param {Stage} stage */
function showUnit(chooser, { unit, n_units: n, title }) {
  if (!chooser) return;
  const { slider, where } = chooser;
  // While dragging, the slider is ahead of Python's answers.
  if (!slider.matches(":active")) slider.value = String(unit);
  slider.style.setProperty("--filled", `${(100 * Number(slider.value)) / Math.max(1, n - 1)}%`);
  slider.setAttribute("aria-label", `Unit, ${title}`);
  slider.disabled = n === 1;
  write(where, n === 1 ? "0" : `${unit} (0–${n - 1})`);
}

/** @type {import("@anywidget/types").Render<{ note: string, stages: Stage[] }>} */
function render({ model, el }) {
  becomePart(el, "explorer-walkthrough");
  let shape = "";
  /** @type {StageParts[]} */
  let parts = [];
  /** @type {string[]} */
  let urls = [];

  const build = (/** @type {Stage[]} */ stages) => {
    parts = stages.map((stage, index) => makeStage(stage, (unit) => model.send({ stage: index, unit })));
    const note = make("p", { class: "explorer-muted explorer-small" }, model.get("note"));
    el.replaceChildren(...parts.map(({ section }) => section), note);
  };
  const show = () => {
    const stages = model.get("stages");
    const old = urls;
    urls = stages.flatMap(({ sprite, picture }) => [pngUrl(sprite), pngUrl(picture)]);
    const wanted = JSON.stringify(stages.map(({ n_units, strips, back }) => [n_units, strips.map(({ name }) => name), back.length > 0]));
    if (wanted !== shape) {
      shape = wanted;
      build(stages);
    }
    stages.forEach((stage, index) => {
      const part = parts[index];
      write(part.heading, stage.title);
      showStrips(part, stage, urls[2 * index]);
      showPictures(part.pictures, stage.captions, urls[2 * index + 1]);
      part.forward.replaceChildren(...stage.forward.map(formula));
      part.back.replaceChildren(...stage.back.map(formula));
      showUnit(part.chooser, stage);
    });
    revoke(old, 1000);
  };
  model.on("change:stages", show);
  show();
  return () => revoke(urls);
}

export default { render };
