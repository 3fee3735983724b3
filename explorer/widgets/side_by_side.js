// Two runs beside each other. Names are the person's own: they enter as text.

function render({ model, el }) {
  becomePart(el, "explorer-side-by-side");
  const verdict = make("p", { class: "explorer-verdict", role: "status", "aria-live": "polite" });
  const remarks = make("div", { class: "explorer-remarks" });
  const head = make("tr");
  const body = make("tbody");
  const caption = make("caption", { class: "explorer-unseen" }, "Two runs side by side");
  el.append(verdict, remarks, make("table", {}, caption, make("thead", {}, head), body));
  const heading = ({ words, colour }) => {
    const swatch = make("span", { class: "explorer-swatch", "aria-hidden": "true" });
    swatch.style.background = colour;
    return make("th", { scope: "col" }, swatch, words);
  };
  const show = () => {
    if (verdict.textContent !== model.get("verdict")) verdict.textContent = model.get("verdict");
    remarks.replaceChildren(...model.get("remarks").map((text) => make("p", {}, text)));
    head.replaceChildren(make("td"), ...model.get("heads").map(heading));
    body.replaceChildren(
      ...model.get("lines").map(({ label, a, b }) =>
        make("tr", {}, make("th", { scope: "row" }, label), make("td", {}, a), make("td", {}, b)),
      ),
    );
    el.classList.toggle("explorer-empty", model.get("lines").length === 0);
  };
  model.on("change:heads change:verdict change:remarks change:lines", show);
  show();
}

export default { render };
