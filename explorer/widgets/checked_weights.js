function render({ model, el }) {
  becomePart(el, "explorer-checked-weights");
  const verdict = make("p", { class: "explorer-verdict", role: "status" });
  const again = make("button", { type: "button", class: "explorer-button", onclick: () => model.send({ again: true }) }, "Check other weights");
  const head = ["weight", "analytic ∂L/∂w", "numeric ∂L/∂w", "relative difference"].map((name) => make("th", { scope: "col" }, name));
  head.push(make("th", { scope: "col" }, make("span", { class: "explorer-unseen" }, "verdict")));
  const body = make("tbody", {});
  const table = make("table", {}, make("thead", {}, make("tr", {}, ...head)), body);
  const how = make("p", { class: "explorer-muted explorer-small" });
  const scroll = make("div", { class: "explorer-table-scroll", role: "group", "aria-label": "Gradients", tabindex: 0 }, table);
  el.append(make("section", { "aria-label": "Gradient check" }, make("header", {}, verdict, again), scroll, how));
  const row = (w) => {
    const cells = [w.analytic, w.numeric, w.difference, w.verdict].map((text) => make("td", {}, text));
    return make("tr", { "data-agrees": String(w.agrees) }, make("th", { scope: "row" }, w.weight), ...cells);
  };
  const show = () => {
    const content = model.get("content");
    if (verdict.textContent !== content.verdict) verdict.textContent = content.verdict;
    verdict.dataset.agrees = content.agrees;
    how.textContent = content.how;
    scroll.hidden = again.hidden = content.rows.length === 0;
    body.replaceChildren(...content.rows.map(row));
  };
  model.on("change:content", show);
  show();
}

export default { render };
