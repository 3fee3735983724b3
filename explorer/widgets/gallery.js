// One PNG holds all images of the page; each tile shows its part of it.

function render({ model, el }) {
  becomePart(el, "explorer-gallery");
  const heading = make("h2", { class: "explorer-gallery-heading", "aria-live": "polite" });
  const filter = (label) => {
    const options = ["any", ...model.get("class_names")].map((name, index) => make("option", { value: index - 1 }, name));
    const choice = make("select", { class: "explorer-field", onchange: () => model.send({ filter: [Number(isTrue.value), Number(readAs.value)] }) }, ...options);
    choice.setAttribute("aria-label", label);
    return choice;
  };
  const isTrue = filter("True class");
  const readAs = filter("Predicted class");
  const filters = make("div", { class: "explorer-gallery-filters explorer-small" }, make("span", { "aria-hidden": "true" }, "true"), isTrue, make("span", { "aria-hidden": "true" }, "read as"), readAs);
  const previous = make("button", { type: "button", class: "explorer-button", "data-quiet": true, "aria-label": "Previous page", onclick: () => turn(-1) }, icon("M10 3 5 8l5 5"));
  const next = make("button", { type: "button", class: "explorer-button", "data-quiet": true, "aria-label": "Next page", onclick: () => turn(1) }, icon("M6 3l5 5-5 5"));
  const where = make("span", { class: "explorer-muted explorer-small" });
  const pages = make("div", { class: "explorer-gallery-pages" }, previous, where, next);
  const list = make("ul", { class: "explorer-gallery-images" });
  const empty = make("p", { class: "explorer-muted" });
  el.append(make("section", { "aria-label": "Images" }, make("header", {}, heading, filters, pages), list, empty));
  let url = "";

  const turn = (step) => model.send({ page: model.get("page") + step });
  const tile = ({ caption, note, detail, right }, index, columns, rows) => {
    const picture = make("div", { class: "explorer-gallery-picture", role: "img", "aria-label": detail });
    // In percent, the place of a background is measured on what is left over, hence the - 1.
    const x = columns > 1 ? (100 * (index % columns)) / (columns - 1) : 0;
    const y = rows > 1 ? (100 * Math.floor(index / columns)) / (rows - 1) : 0;
    picture.style.backgroundImage = `url(${url})`;
    picture.style.backgroundSize = `${100 * columns}% ${100 * rows}%`;
    picture.style.backgroundPosition = `${x}% ${y}%`;
    const words = make("div", { class: "explorer-gallery-caption", "aria-hidden": "true" }, caption);
    const quiet = make("div", { class: "explorer-gallery-note", "aria-hidden": "true" }, note);
    return make("li", { title: detail, "data-right": right }, picture, words, quiet);
  };
  const show = () => {
    const images = model.get("images");
    const columns = model.get("columns");
    const pagesInAll = model.get("n_pages");
    URL.revokeObjectURL(url);
    url = images.length ? URL.createObjectURL(new Blob([model.get("sprite")], { type: "image/png" })) : "";
    heading.textContent = heading.title = model.get("heading");
    isTrue.value = model.get("true");
    readAs.value = model.get("predicted");
    pages.hidden = pagesInAll < 2;
    where.textContent = `${model.get("page") + 1} / ${pagesInAll}`;
    previous.disabled = model.get("page") === 0;
    next.disabled = model.get("page") >= pagesInAll - 1;
    empty.textContent = model.get("empty");
    empty.hidden = images.length > 0;
    list.replaceChildren(...images.map((image, index) => tile(image, index, columns, Math.ceil(images.length / columns))));
  };
  // All that belongs together arrives in one message, the sprite last of it: draw once, behind it.
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      show();
    });
  };
  for (const trait of ["heading", "empty", "images", "sprite", "columns", "page", "n_pages", "true", "predicted"]) model.on(`change:${trait}`, soon);
  show();
  return () => URL.revokeObjectURL(url);
}

export default { render };
