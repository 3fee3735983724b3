// A native table; a click on a heading sorts by its column, a second one the other way round.

function render({ model, el }) {
  becomePart(el, "explorer-table");
  const caption = make("caption", { class: "explorer-unseen" }, model.get("caption"));
  const heads = model.get("columns").map((words, column) => {
    const button = make("button", { type: "button", onclick: () => sortBy(column) }, words);
    return make("th", { scope: "col" }, button);
  });
  const body = make("tbody");
  el.append(make("table", {}, caption, make("thead", {}, make("tr", {}, ...heads)), body));
  let sorted = { column: -1, sign: 1 };

  const sortBy = (column) => {
    sorted = { column, sign: sorted.column === column ? -sorted.sign : 1 };
    show();
  };
  const measure = (text) => {
    const number = Number.parseFloat(text.replace(/[^\d.-]/g, ""));
    return Number.isNaN(number) ? text : number;
  };
  const compare = (a, b) => {
    const [one, other] = [measure(a.cells[sorted.column]), measure(b.cells[sorted.column])];
    return sorted.sign * (typeof one === "number" && typeof other === "number" ? one - other : String(one).localeCompare(String(other)));
  };
  const show = () => {
    const marked = new Set(model.get("marked").map(([row, column]) => `${row},${column}`));
    const rows = model.get("rows").map((cells, index) => ({ cells, index }));
    if (sorted.column >= 0) rows.sort(compare);
    heads.forEach((head, column) => head.setAttribute("aria-sort", column !== sorted.column ? "none" : sorted.sign > 0 ? "ascending" : "descending"));
    body.replaceChildren(
      ...rows.map(({ cells, index }) =>
        make("tr", {}, ...cells.map((text, column) => make(column ? "td" : "th", { scope: column ? null : "row", "data-marked": marked.has(`${index},${column}`) }, text))),
      ),
    );
  };
  model.on("change:rows", show);
  model.on("change:marked", show);
  show();
}

export default { render };
