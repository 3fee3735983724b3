// A description list: each number with its name and what it was measured on.

function render({ model, el }) {
  becomePart(el, "explorer-tiles");
  const list = make("dl", {});
  el.append(make("section", { "aria-label": "Results" }, list));
  let tiles = [];

  const build = (count) => {
    tiles = Array.from({ length: count }, () => {
      const tile = { label: make("dt"), value: make("dd", { class: "explorer-value" }), note: make("dd", { class: "explorer-note" }) };
      tile.node = make("div", {}, tile.label, tile.value, tile.note);
      return tile;
    });
    list.replaceChildren(...tiles.map((tile) => tile.node));
  };
  const show = () => {
    const shown = model.get("tiles");
    if (shown.length !== tiles.length) build(shown.length);
    shown.forEach(({ label, value, note, series }, index) => {
      const tile = tiles[index];
      tile.label.textContent = label;
      tile.value.textContent = value;
      tile.note.textContent = note;
      tile.node.dataset.series = series;
      tile.node.title = `${label}: ${value} ${note}`; // the whole text where the tile is too narrow for it
    });
  };
  model.on("change:tiles", show);
  show();
}

export default { render };
