// @ts-check
// Each image is the label of a native radio button: one Tab stop, and the arrow keys move.

/**
 * @typedef {{
 *   heading: string, sprite: DataView<ArrayBuffer>, first: number, n_images: number, columns: number, limit: string,
 *   page: number, n_pages: number,
 * }} Content
 */

/** @type {import("@anywidget/types").Render<{ selected: number, content: Content }>} */
function render({ model, el }) {
  becomePart(el, "explorer-weight-images");
  const group = freshId();
  const heading = make("h2", { id: freshId() });
  const low = make("span", {});
  const high = make("span", {});
  const scale = make(
    "div",
    { class: "explorer-weight-scale explorer-line explorer-muted explorer-small", role: "img" },
    low,
    make("span", { class: "explorer-weight-tones" }),
    high,
  );
  const turn = (/** @type {number} */ step) => model.send({ page: model.get("content").page + step });
  const previous = makeButton(icon("M10 3 5 8l5 5"), () => turn(-1), { "data-quiet": true, "aria-label": "Previous units" });
  const next = makeButton(icon("M6 3l5 5-5 5"), () => turn(1), { "data-quiet": true, "aria-label": "Next units" });
  const where = make("span", { class: "explorer-muted explorer-small" });
  const pages = make("div", { class: "explorer-pages" }, previous, where, next);
  const grid = make("div", { class: "explorer-weight-grid", role: "radiogroup", "aria-labelledby": heading.id });
  el.append(make("section", {}, make("header", { class: "explorer-line explorer-wrap" }, heading, scale, pages), grid));
  let url = "";
  let drawn = "";
  /** @type {{ unit: number, input: HTMLInputElement, picture: HTMLElement, label: HTMLElement }[]} */
  let images = [];

  const image = (/** @type {number} */ unit) => {
    const input = make("input", { type: "radio", name: group, value: unit, class: "explorer-unseen", "aria-label": `Unit ${unit}` });
    input.addEventListener("change", () => {
      model.set("selected", unit);
      model.save_changes();
    });
    const picture = make("span", { class: "explorer-weight-image" });
    return { unit, input, picture, label: make("label", { title: `Unit ${unit}` }, input, picture) };
  };
  const mark = () => {
    for (const { unit, input } of images) input.checked = unit === model.get("selected");
  };
  const show = () => {
    const { heading: words, sprite, first, n_images: n, columns, limit, page, n_pages: all } = model.get("content");
    const old = url;
    url = n ? pngUrl(sprite) : "";
    write(heading, words);
    scale.hidden = n === 0;
    low.textContent = `−${limit}`;
    high.textContent = `+${limit}`;
    scale.setAttribute("aria-label", `Scale from −${limit} to +${limit}, 0 in the middle`);
    pages.hidden = all < 2;
    where.textContent = `${page + 1} / ${all}`;
    turnPages(previous, next, page, all);
    // During training only the pictures change: the buttons stay, and with them the focus.
    const wanted = `${first} ${n}`;
    if (wanted !== drawn) {
      drawn = wanted;
      images = Array.from({ length: n }, (_, index) => image(first + index));
      grid.toggleAttribute("data-few", n <= 32);
      grid.replaceChildren(...images.map(({ label }) => label));
    }
    images.forEach(({ picture }, index) => {
      showTile(picture, url, index, columns, Math.ceil(n / columns));
    });
    mark();
    revoke([old], 1000);
  };
  model.on("change:content", show);
  model.on("change:selected", mark);
  show();
  return () => revoke([url]);
}

export default { render };
