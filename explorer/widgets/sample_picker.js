// @ts-check

/**
 * @typedef {{ picture: DataView<ArrayBuffer>, words: string, right: boolean, has_mistakes: boolean }} Content
 * @type {import("@anywidget/types").Render<{
 *   n_samples: number, noun: string, index: number, arrivals: number, content: Content,
 * }>}
 */
function render({ model, el, signal }) {
  becomePart(el, "explorer-sample-picker");
  const picture = make("div", { class: "explorer-picture explorer-picture-alone", role: "img" });
  const words = make("p", { class: "explorer-strong", role: "status", tabindex: -1 });
  const field = make("input", { type: "number", id: freshId(), class: "explorer-field", min: 0, step: 1 });
  const label = make("label", { for: field.id, class: "explorer-small explorer-muted" });
  const random = makeButton("Random", () => model.send({ wish: "random" }));
  const mistake = makeButton("Next mistake", () => model.send({ wish: "mistake" }));
  const choice = make("div", { class: "explorer-sample-field explorer-line" }, label, field);
  const ways = make("div", { class: "explorer-sample-buttons" }, random, mistake);
  const section = make("section", {}, choice, ways, picture, words);
  el.append(section);
  let url = "";
  let typing = false;

  const number = () => {
    const last = model.get("n_samples") - 1;
    field.max = String(last);
    if (!typing) field.value = model.get("index") < 0 ? "" : String(model.get("index"));
    const noun = model.get("noun").replace(/^./, (first) => first.toUpperCase());
    section.setAttribute("aria-label", noun);
    label.textContent = `${noun} (0 to ${grouped(last)})`;
  };
  field.addEventListener("input", () => {
    typing = true;
  });
  field.addEventListener("blur", () => {
    typing = false;
  });
  field.addEventListener("change", () => {
    typing = false;
    const wanted = Math.round(Number(field.value));
    if (field.value.trim() !== "" && Number.isFinite(wanted)) {
      model.set("index", Math.min(Math.max(wanted, 0), model.get("n_samples") - 1));
      model.save_changes();
    }
    number();
  });
  const show = () => {
    const content = model.get("content");
    const old = url;
    url = pngUrl(content.picture);
    picture.hidden = !url;
    showPicture(picture.style, url);
    revoke([old], 1000);
    picture.setAttribute("aria-label", content.words);
    write(words, content.words);
    words.dataset.right = String(content.right);
    mistake.disabled = !content.has_mistakes;
    number();
  };
  // A user sent here from elsewhere continues from here; the part may not be visible yet.
  const arrive = () => {
    const watcher = new ResizeObserver(() => {
      if (el.clientHeight === 0) return;
      watcher.disconnect();
      words.focus();
    });
    watcher.observe(el);
    signal.addEventListener("abort", () => watcher.disconnect());
  };
  model.on("change:arrivals", arrive);
  if (model.get("arrivals") > 0) arrive();
  model.on("change:content", show);
  model.on("change:index", number);
  show();
  return () => revoke([url]);
}

export default { render };
