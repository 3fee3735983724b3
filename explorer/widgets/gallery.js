// @ts-check
// One PNG holds all images of the page; each tile shows its part of it.

/**
 * @typedef {{ caption: string, note: string, detail: string, right: boolean }} Image
 * @typedef {{
 *   heading: string, empty: string, images: Image[], sprite: DataView<ArrayBuffer>, columns: number,
 *   page: number, n_pages: number, class_names: string[], true: number, predicted: number,
 * }} State
 */

/**
 * @param {Image} image
 * @param {string} url
 * @param {number} index
 * @param {number} columns
 * @param {number} rows
 */
function tile({ caption, note, detail, right }, url, index, columns, rows) {
  const picture = make("div", { class: "explorer-gallery-picture", role: "img", "aria-label": detail });
  showTile(picture, url, index, columns, rows);
  const words = make("div", { class: "explorer-gallery-caption", "aria-hidden": "true" }, caption);
  const quiet = make("div", { class: "explorer-gallery-note", "aria-hidden": "true" }, note);
  return make("li", { title: detail, "data-right": right }, picture, words, quiet);
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-gallery");
  const heading = make("h2", { class: "explorer-gallery-heading", "aria-live": "polite" });
  const choose = () => model.send({ filter: [Number(isTrue.value), Number(readAs.value)] });
  const filter = (/** @type {string} */ label) => {
    const options = ["any", ...model.get("class_names")].map((name, index) => make("option", { value: index - 1 }, name));
    return make("select", { class: "explorer-field", "aria-label": label, onchange: choose }, ...options);
  };
  const isTrue = filter("True class");
  const readAs = filter("Predicted class");
  const word = (/** @type {string} */ text) => make("span", { "aria-hidden": "true" }, text);
  const filters = make("div", { class: "explorer-gallery-filters explorer-small" }, word("true"), isTrue, word("read as"), readAs);
  const turn = (/** @type {number} */ step) => model.send({ page: model.get("page") + step });
  const previous = makeButton(icon("M10 3 5 8l5 5"), () => turn(-1), { "data-quiet": true, "aria-label": "Previous page" });
  const next = makeButton(icon("M6 3l5 5-5 5"), () => turn(1), { "data-quiet": true, "aria-label": "Next page" });
  const where = make("span", { class: "explorer-muted explorer-small" });
  const pages = make("div", { class: "explorer-gallery-pages" }, previous, where, next);
  const list = make("ul", { class: "explorer-gallery-images" });
  const empty = make("p", { class: "explorer-muted" });
  el.append(make("section", { "aria-label": "Images" }, make("header", {}, heading, filters, pages), list, empty));
  let url = "";

  const show = () => {
    const images = model.get("images");
    const columns = model.get("columns");
    const pagesInAll = model.get("n_pages");
    revoke([url]);
    url = images.length ? pngUrl(model.get("sprite")) : "";
    heading.title = model.get("heading");
    write(heading, model.get("heading"));
    isTrue.value = String(model.get("true"));
    readAs.value = String(model.get("predicted"));
    pages.hidden = pagesInAll < 2;
    where.textContent = `${model.get("page") + 1} / ${pagesInAll}`;
    previous.disabled = model.get("page") === 0;
    next.disabled = model.get("page") >= pagesInAll - 1;
    empty.textContent = model.get("empty");
    empty.hidden = images.length > 0;
    const rows = Math.ceil(images.length / columns);
    list.replaceChildren(...images.map((image, index) => tile(image, url, index, columns, rows)));
  };
  model.on("change", show); // all that belongs together arrives in one message, and is drawn once
  show();
  return () => revoke([url]);
}

export default { render };
