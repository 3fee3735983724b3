// Each image is the label of a native radio button: one stop for the Tab key, and the arrows move.

// From one image of the sprite to the next in widths of an image: 28 pixels, and a gap of one that is not shown.
const PITCH = 29 / 28;

function render({ model, el }) {
  becomePart(el, "explorer-weight-images");
  const group = freshId();
  const heading = make("h2", { id: freshId() });
  const low = make("span", {});
  const high = make("span", {});
  const scale = make("div", { class: "explorer-weight-scale explorer-small", role: "img" }, low, make("span", { class: "explorer-weight-tones" }), high);
  const previous = make("button", { type: "button", class: "explorer-button", "data-quiet": true, "aria-label": "Previous units", onclick: () => turn(-1) }, icon("M10 3 5 8l5 5"));
  const next = make("button", { type: "button", class: "explorer-button", "data-quiet": true, "aria-label": "Next units", onclick: () => turn(1) }, icon("M6 3l5 5-5 5"));
  const where = make("span", { class: "explorer-muted explorer-small" });
  const pages = make("div", { class: "explorer-weight-pages" }, previous, where, next);
  const images = make("div", { class: "explorer-weight-grid", role: "radiogroup", "aria-labelledby": heading.id });
  el.append(make("section", {}, make("header", {}, heading, scale, pages), images));
  let url = "";
  let drawn = "";
  let inputs = [];

  const turn = (step) => model.send({ page: model.get("content").page + step });
  const image = (unit) => {
    const input = make("input", { type: "radio", name: group, value: unit, class: "explorer-unseen", "aria-label": `Unit ${unit}` });
    input.addEventListener("change", () => {
      model.set("selected", unit);
      model.save_changes();
    });
    inputs.push(input);
    return make("label", { title: `Unit ${unit}` }, input, make("span", { class: "explorer-weight-image" }));
  };
  const place = (label, index, columns, rows) => {
    // In percent, the place of a background is measured on what is left over, hence the - 1.
    const x = (100 * PITCH * (index % columns)) / (PITCH * columns - 1);
    const y = (100 * PITCH * Math.floor(index / columns)) / (PITCH * rows - 1);
    const { style } = label.lastChild;
    style.backgroundImage = `url(${url})`;
    style.backgroundSize = `${100 * PITCH * columns}% ${100 * PITCH * rows}%`;
    style.backgroundPosition = `${x}% ${y}%`;
  };
  const mark = () => inputs.forEach((input) => (input.checked = Number(input.value) === model.get("selected")));
  const show = () => {
    const { heading: words, sprite, first, n_images: n, columns, limit, page, n_pages: all } = model.get("content");
    const old = url;
    url = n ? URL.createObjectURL(new Blob([sprite], { type: "image/png" })) : "";
    heading.textContent = words;
    scale.hidden = n === 0;
    low.textContent = `−${limit}`;
    high.textContent = `+${limit}`;
    scale.setAttribute("aria-label", `Scale from −${limit} to +${limit}, 0 in the middle`);
    pages.hidden = all < 2;
    where.textContent = `${page + 1} / ${all}`;
    previous.disabled = page === 0;
    next.disabled = page >= all - 1;
    // While training only the pictures change: the buttons stay, and with them the focus.
    const wanted = `${first} ${n}`;
    if (wanted !== drawn) {
      drawn = wanted;
      inputs = [];
      images.toggleAttribute("data-few", n <= 32);
      images.replaceChildren(...Array.from({ length: n }, (_, index) => image(first + index)));
    }
    [...images.children].forEach((label, index) => place(label, index, columns, Math.ceil(n / columns)));
    mark();
    setTimeout(() => URL.revokeObjectURL(old), 1000); // the old picture stands until the new one is decoded
  };
  model.on("change:content", show);
  model.on("change:selected", mark);
  show();
  return () => URL.revokeObjectURL(url);
}

export default { render };
