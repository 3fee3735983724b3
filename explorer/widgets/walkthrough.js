// The elements of a stage are made once for a network's shape, so that a slider keeps the focus while numbers change.

// From one picture to the next in widths of a picture: 28 pixels, and a gap of one that is not shown.
const PITCH = 29 / 28;

function render({ model, el }) {
  becomePart(el, "explorer-walkthrough");
  let shape = "";
  let parts = [];
  let urls = [];

  const toUrl = (png) => {
    const url = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    urls.push(url);
    return url;
  };
  const choose = (stage, unit) => model.send({ stage, unit });

  const strip = ({ name }, stage, n) => {
    const mark = make("span", { class: "explorer-strip-mark" });
    const cells = make("span", { class: "explorer-strip-cells", role: "img", onpointerdown: (event) => pick(event, stage, n) }, mark);
    const words = make("span", { class: "explorer-muted explorer-small" });
    return { row: make("div", { class: "explorer-strip" }, make("span", { class: "explorer-strip-name" }, name), cells, words), mark, cells, words };
  };
  const pick = (event, stage, n) => {
    const box = event.currentTarget.getBoundingClientRect();
    choose(stage, Math.min(n - 1, Math.max(0, Math.floor((n * (event.clientX - box.left)) / box.width))));
  };
  const chooser = (stage, n) => {
    const slider = make("input", { type: "range", class: "explorer-range", min: 0, max: n - 1, step: 1, "aria-label": "Unit", oninput: () => choose(stage, Number(slider.value)) });
    const where = make("output", { class: "explorer-small" });
    const row = make("div", { class: "explorer-strip" }, make("span", { class: "explorer-small explorer-muted", "aria-hidden": "true" }, "unit"), slider, where);
    return { row, slider, where };
  };
  const build = (stages) => {
    parts = stages.map((stage, index) => {
      const heading = make("h2", {});
      const strips = stage.strips.map((each) => strip(each, index, stage.n_units));
      const unit = stage.n_units ? chooser(index, stage.n_units) : null;
      const pictures = make("div", { class: "explorer-stage-pictures" });
      const forward = make("div", { class: "explorer-formulas" });
      const back = make("div", { class: "explorer-formulas" });
      const column = (name, formulas) => make("div", {}, name ? make("p", { class: "explorer-muted explorer-small" }, name) : null, formulas);
      const both = make("div", { class: "explorer-stage-ways" }, column(stage.back.length ? "forward" : "", forward), stage.back.length ? column("back", back) : null);
      const columns = make("div", { class: "explorer-stage-columns" }, pictures, both);
      const section = make("section", {}, heading, ...strips.map((each) => each.row), unit && unit.row, columns);
      return { section, heading, strips, unit, pictures, forward, back };
    });
    el.replaceChildren(...parts.map((part) => part.section), make("p", { class: "explorer-muted explorer-small" }, model.get("note")));
  };
  const formula = ({ name, symbols, numbers, value }) => {
    const last = numbers ? `= ${numbers} = ` : "= ";
    return make(
      "p",
      { class: "explorer-formula" },
      make("span", {}, name),
      make("span", {}, make("span", { class: "explorer-formula-part" }, `= ${symbols}`), make("span", { class: "explorer-formula-part" }, last, make("b", {}, value))),
    );
  };
  const showStrips = (part, { strips, sprite, n_units: n, unit }) => {
    const url = strips.length ? toUrl(sprite) : "";
    part.strips.forEach((each, index) => {
      const { name, words } = strips[index];
      // Each strip is one pixel of its picture, then one that is clear; so is the last column.
      const rows = 2 * strips.length;
      each.cells.style.backgroundImage = `url(${url})`;
      each.cells.style.backgroundSize = `${(100 * (n + 1)) / n}% ${100 * rows}%`;
      each.cells.style.backgroundPosition = `0 ${(100 * 2 * index) / (rows - 1)}%`;
      each.cells.setAttribute("aria-label", `${name} of all ${n} units: ${words}`);
      each.words.textContent = words;
      each.mark.style.left = `${(100 * unit) / n}%`;
      each.mark.style.width = `max(3px, ${100 / n}%)`;
    });
  };
  const showPictures = (part, { picture, captions }) => {
    part.pictures.hidden = captions.length === 0;
    const url = captions.length ? toUrl(picture) : "";
    part.pictures.replaceChildren(
      ...captions.map((caption, index) => {
        const image = make("div", { class: "explorer-stage-picture", role: "img", "aria-label": caption });
        image.style.backgroundImage = `url(${url})`;
        image.style.backgroundSize = `${100 * PITCH * captions.length}% ${100 * PITCH}%`;
        image.style.backgroundPosition = `${(100 * PITCH * index) / (PITCH * captions.length - 1)}% 0`;
        return make("figure", {}, image, make("figcaption", { class: "explorer-small explorer-muted", "aria-hidden": "true" }, caption));
      }),
    );
  };
  const show = () => {
    const stages = model.get("stages");
    const old = urls;
    urls = [];
    const wanted = JSON.stringify(stages.map((stage) => [stage.n_units, stage.strips.map(({ name }) => name), stage.back.length > 0]));
    if (wanted !== shape) {
      shape = wanted;
      build(stages);
    }
    stages.forEach((stage, index) => {
      const part = parts[index];
      part.heading.textContent = stage.title;
      showStrips(part, stage);
      showPictures(part, stage);
      part.forward.replaceChildren(...stage.forward.map(formula));
      part.back.replaceChildren(...stage.back.map(formula));
      if (!part.unit) return;
      // What is dragged is ahead of what Python has answered.
      if (!part.unit.slider.matches(":active")) part.unit.slider.value = stage.unit;
      part.unit.slider.style.setProperty("--filled", `${(100 * part.unit.slider.value) / Math.max(1, stage.n_units - 1)}%`);
      part.unit.slider.setAttribute("aria-label", `Unit, ${stage.title}`);
      part.unit.where.textContent = `${stage.unit} (0–${stage.n_units - 1})`;
    });
    setTimeout(() => old.forEach((url) => URL.revokeObjectURL(url)), 1000); // until the new ones are decoded
  };
  model.on("change:stages", show);
  show();
  return () => urls.forEach((url) => URL.revokeObjectURL(url));
}

export default { render };
