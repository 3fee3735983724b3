// @ts-check
// One PNG has all images of the page; each tile shows its part of it. A tile keeps its element while its image changes,
// so that focus and pointer stay on it. A single card shows the network's prediction for an image, on hover or focus.

/**
 * @typedef {{
 *   caption: string, note: string, detail: string, right: boolean, key: number, title: string, about: string, shares: number[],
 * }} Image
 * @typedef {{
 *   heading: string, empty: string, images: Image[], sprite: DataView<ArrayBuffer>, columns: number,
 *   page: number, n_pages: number, class_names: string[], true: number, predicted: number, opens: string, filters: boolean,
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const HOVER_MS = 150; // so that a pointer that only passes over the images opens no card

/** The tile that an arrow key leads to from the one at `at`, of `count` in rows of `columns`.
 * @param {string} key @param {number} at @param {number} count @param {number} columns */
export function nextTile(key, at, count, columns) {
  /** @type {Record<string, number>} */
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: count - 1 - at };
  const there = at + (steps[key] ?? Number.NaN);
  return there >= 0 && there < count ? there : null;
}

/** A share in the card, as a bar like those of other parts.
 * @param {string} name @param {number} share @param {boolean} chosen */
function bar(name, share, chosen) {
  const fill = make("span", { class: "explorer-bars-fill", style: `width: ${100 * share}%` });
  return make(
    "li",
    { "data-kind": chosen ? "chosen" : "" },
    make("span", { class: "explorer-bars-name explorer-cut" }, name),
    make("span", { class: "explorer-bars-track", "aria-hidden": "true" }, fill),
    make("span", { class: "explorer-bars-text" }, `${Math.round(100 * share)} %`),
  );
}

/** The card, and functions to show and hide it.
 * @param {Model} model */
function imageCard(model) {
  const card = make("div", { id: freshId(), role: "tooltip", popover: "manual" });
  card.className = "explorer-part explorer-bars explorer-gallery-card explorer-popup";
  let timer = 0;
  const fill = (/** @type {Image} */ { title, about, shares }) => {
    const most = Math.max(...shares);
    const bars = shares.map((share, k) => bar(model.get("class_names")[k], share, share === most));
    const quiet = (/** @type {string} */ words) => make("p", { class: "explorer-muted explorer-small" }, words);
    const opens = model.get("opens");
    card.replaceChildren(make("h2", {}, title), make("ul", {}, ...bars), quiet(about), ...(opens ? [quiet(opens)] : []));
  };
  const hide = () => {
    clearTimeout(timer);
    card.parentElement?.querySelector("[aria-describedby]")?.removeAttribute("aria-describedby");
    if (card.isConnected && card.matches(":popover-open")) card.hidePopover();
    card.remove();
  };
  const show = (/** @type {HTMLElement} */ tile, /** @type {Image | undefined} */ image) => {
    hide();
    if (!image?.shares.length) return;
    fill(image);
    tile.append(card); // inside the tile, so that the pointer can move onto the card
    card.showPopover();
    tile.firstElementChild?.setAttribute("aria-describedby", card.id);
    const at = tile.getBoundingClientRect();
    const left = at.right + card.offsetWidth < innerWidth ? at.right : Math.max(0, at.left - card.offsetWidth);
    card.style.left = `${left}px`;
    card.style.top = `${Math.max(4, Math.min(at.top, innerHeight - card.offsetHeight - 4))}px`;
  };
  const showSoon = (/** @type {HTMLElement} */ tile, /** @type {() => Image | undefined} */ image) => {
    clearTimeout(timer);
    timer = setTimeout(() => show(tile, image()), HOVER_MS);
  };
  return { card, fill, hide, show, showSoon };
}

/** The images as tiles: buttons if they can be opened; one is a Tab stop, arrow keys reach the others.
 * @param {Model} model */
function imageList(model) {
  const long = model.get("class_names").some((name) => name.length > 3); // words, which need more room than digits
  const list = make("ul", { class: "explorer-gallery-images", "data-long": long });
  const { card, fill, hide, show, showSoon } = imageCard(model);
  /** @type {{ tile: HTMLElement, item: HTMLElement, picture: HTMLElement, words: HTMLElement, note: HTMLElement }[]} */
  const tiles = [];
  let reached = 0;

  const reach = (/** @type {number} */ index) => {
    reached = index;
    for (const [at, { item }] of tiles.entries()) if (item instanceof HTMLButtonElement) item.tabIndex = at === reached ? 0 : -1;
  };
  const add = () => {
    const index = tiles.length;
    const image = () => /** @type {Image | undefined} */ (model.get("images")[index]);
    const open = () => {
      hide();
      model.send({ open: image()?.key });
    };
    const picture = make("div", { class: "explorer-gallery-picture explorer-picture" });
    const words = make("div", { class: "explorer-gallery-caption explorer-small explorer-strong", "aria-hidden": "true" });
    const note = make("div", { class: "explorer-gallery-note explorer-muted", "aria-hidden": "true" });
    const kind = model.get("opens") ? { type: "button", onclick: open } : {};
    const item = make(model.get("opens") ? "button" : "div", { class: "explorer-gallery-tile", ...kind }, picture, words, note);
    const tile = make("li", {}, item);
    tile.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && showSoon(tile, image));
    tile.addEventListener("pointerleave", hide);
    item.addEventListener("focus", () => item.matches(":focus-visible") && show(tile, image()));
    item.addEventListener("blur", hide);
    tiles.push({ tile, item, picture, words, note });
    list.append(tile);
  };
  const columns = () => tiles.findIndex(({ tile }) => tile.offsetTop > tiles[0].tile.offsetTop);
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && card.isConnected) {
      event.stopPropagation();
      hide();
      return;
    }
    const there = nextTile(event.key, reached, tiles.length, columns() < 0 ? tiles.length : columns());
    if (there === null) return;
    event.preventDefault();
    reach(there);
    tiles[there].item.focus();
  });

  const draw = (/** @type {string} */ url) => {
    const images = model.get("images");
    while (tiles.length < images.length) add();
    for (const { tile } of tiles.splice(images.length)) {
      if (tile.contains(card)) hide();
      tile.remove();
    }
    const rows = Math.ceil(images.length / model.get("columns"));
    for (const [index, { tile, item, picture, words, note }] of tiles.entries()) {
      const { caption, detail, right, title, ...image } = images[index];
      tile.toggleAttribute("data-right", right);
      if (!title) tile.title = detail;
      const named = item instanceof HTMLButtonElement ? item : picture;
      if (named === picture) picture.setAttribute("role", "img");
      named.setAttribute("aria-label", detail);
      words.textContent = caption;
      note.textContent = image.note;
      showTile(picture, url, index, model.get("columns"), rows);
      if (tile.contains(card)) fill(images[index]);
    }
    reach(Math.min(reached, Math.max(0, tiles.length - 1)));
  };
  return { list, draw, hide };
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-gallery", model);
  const heading = make("h2", { class: "explorer-gallery-heading", "aria-live": "polite" });
  const choose = () => model.send({ filter: [Number(isTrue.value), Number(readAs.value)] });
  const filter = (/** @type {string} */ label) => {
    const options = ["any", ...model.get("class_names")].map((name, index) => make("option", { value: index - 1 }, name));
    return make("select", { class: "explorer-field", "aria-label": label, onchange: choose }, ...options);
  };
  const isTrue = filter("True class");
  const readAs = filter("Predicted class");
  const word = (/** @type {string} */ text) => make("span", { "aria-hidden": "true" }, text);
  const filters = make("div", { class: "explorer-gallery-filters explorer-line explorer-muted explorer-small" });
  filters.append(word("true"), isTrue, word("read as"), readAs);
  const turn = (/** @type {number} */ step) => model.send({ page: model.get("page") + step });
  const previous = makeButton(icon("M10 3 5 8l5 5"), () => turn(-1), { "data-quiet": true, "aria-label": "Previous page" });
  const next = makeButton(icon("M6 3l5 5-5 5"), () => turn(1), { "data-quiet": true, "aria-label": "Next page" });
  const where = make("span", { class: "explorer-muted explorer-small" });
  const pages = make("div", { class: "explorer-gallery-pages explorer-pages" }, previous, where, next);
  const { list, draw, hide } = imageList(model);
  const empty = make("p", { class: "explorer-muted" });
  el.append(make("section", { "aria-label": "Images" }, make("header", { class: "explorer-line" }, heading, filters, pages), list, empty));
  let url = "";

  const show = () => {
    const images = model.get("images");
    const pagesInAll = model.get("n_pages");
    const old = url;
    url = images.length ? pngUrl(model.get("sprite")) : "";
    heading.title = model.get("heading");
    write(heading, model.get("heading"));
    filters.hidden = !model.get("filters");
    isTrue.value = String(model.get("true"));
    readAs.value = String(model.get("predicted"));
    pages.hidden = pagesInAll < 2;
    where.textContent = `${model.get("page") + 1} / ${pagesInAll}`;
    turnPages(previous, next, model.get("page"), pagesInAll);
    empty.textContent = model.get("empty");
    empty.hidden = images.length > 0;
    draw(url);
    revokeLater([old]);
  };
  model.on("change", show); // changes arrive together in one message, and are drawn once
  show();
  return () => {
    hide();
    revokeLater([url]);
  };
}

export default { render };
