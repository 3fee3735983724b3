function render({ model, el }) {
  becomePart(el, "explorer-bars");
  const label = model.get("label");
  const heading = make("h2", {});
  const picture = make("div", { class: "explorer-bars-picture", role: "img" });
  const list = make("ul", { "aria-label": label || null });
  const note = make("p", { class: "explorer-muted explorer-small" });
  el.append(make("section", {}, heading, picture, list, note));
  let url = "";

  const row = ({ name, share, text, note: word, kind }) => {
    const fill = make("span", { class: "explorer-bars-fill", "data-sign": share < 0 ? "negative" : "positive" });
    const length = Math.min(1, Math.abs(share)) * (model.get("signed") ? 50 : 100);
    fill.style.width = `${length}%`;
    if (model.get("signed")) fill.style.insetInlineStart = `${share < 0 ? 50 - length : 50}%`;
    const track = make("span", { class: "explorer-bars-track", "aria-hidden": "true" }, fill);
    const words = make("span", { class: "explorer-bars-text" }, text, word ? make("em", {}, ` ${word}`) : null);
    return make("li", { "data-kind": kind }, make("span", { class: "explorer-bars-name" }, name), track, words);
  };
  const show = () => {
    const content = model.get("content");
    URL.revokeObjectURL(url);
    url = content.picture.byteLength ? URL.createObjectURL(new Blob([content.picture], { type: "image/png" })) : "";
    picture.hidden = !url;
    picture.style.backgroundImage = url ? `url(${url})` : "";
    picture.setAttribute("aria-label", content.picture_words);
    el.dataset.signed = model.get("signed");
    for (const [line, text] of [[heading, content.heading], [note, content.note]]) {
      line.textContent = text;
      line.hidden = !text;
    }
    list.replaceChildren(...content.bars.map(row));
    const isEmpty = content.bars.every(({ text }) => !text);
    list.toggleAttribute("data-none", isEmpty);
    list.ariaHidden = isEmpty ? "true" : null; // there is nothing to read out yet
  };
  model.on("change:content", show);
  show();
  return () => URL.revokeObjectURL(url);
}

export default { render };
