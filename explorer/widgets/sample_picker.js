function render({ model, el }) {
  becomePart(el, "explorer-sample-picker");
  const picture = make("div", { class: "explorer-sample-picture", role: "img" });
  const words = make("p", { role: "status" });
  const field = make("input", { type: "number", id: freshId(), class: "explorer-field", min: 0, step: 1, onchange: () => choose() });
  const label = make("label", { for: field.id, class: "explorer-small explorer-muted" }, "Test image");
  const random = make("button", { type: "button", class: "explorer-button", onclick: () => model.send({ wish: "random" }) }, "Random");
  const mistake = make("button", { type: "button", class: "explorer-button", onclick: () => model.send({ wish: "mistake" }) }, "Next mistake");
  el.append(
    make("section", { "aria-label": "Test image" }, make("div", { class: "explorer-sample-field" }, label, field), make("div", { class: "explorer-sample-buttons" }, random, mistake), picture, words),
  );
  let url = "";

  const choose = () => {
    const last = model.get("n_samples") - 1;
    const wanted = Math.round(Number(field.value));
    if (field.value.trim() !== "" && Number.isFinite(wanted)) {
      model.set("index", Math.min(Math.max(wanted, 0), last));
      model.save_changes();
    }
    number();
  };
  const number = () => {
    field.max = model.get("n_samples") - 1;
    field.value = model.get("index");
    label.textContent = `Test image (0 to ${grouped(model.get("n_samples") - 1)})`;
  };
  const show = () => {
    const content = model.get("content");
    URL.revokeObjectURL(url);
    url = content.picture.byteLength ? URL.createObjectURL(new Blob([content.picture], { type: "image/png" })) : "";
    picture.hidden = !url;
    picture.style.backgroundImage = url ? `url(${url})` : "";
    picture.setAttribute("aria-label", content.words);
    picture.dataset.right = content.right;
    if (words.textContent !== content.words) words.textContent = content.words;
    words.dataset.right = content.right;
    mistake.disabled = !content.has_mistakes;
    number();
  };
  model.on("change:content", show);
  model.on("change:index", number);
  show();
  return () => URL.revokeObjectURL(url);
}

export default { render };
