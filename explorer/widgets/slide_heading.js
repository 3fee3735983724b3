// The title of a slide and its sentence.

function render({ model, el }) {
  becomePart(el, "explorer-slide-heading");
  const title = make("h2", {});
  const sentence = make("p", {});
  el.append(title, sentence);
  const show = () => {
    title.textContent = model.get("title");
    sentence.textContent = model.get("sentence");
  };
  model.on("change:title change:sentence", show);
  show();
}

export default { render };
