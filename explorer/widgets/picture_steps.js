// One PNG holds all pictures; each frame shows its part of it.

function render({ model, el }) {
  becomePart(el, "explorer-picture-steps");
  const steps = model.get("steps");
  const pictures = steps.map(([, detail], index) => {
    const picture = make("div", { class: "explorer-step-picture", role: "img", "aria-label": detail });
    // In percent, the place of a background is measured on what is left over, hence the - 1.
    picture.style.backgroundPosition = `${(100 * index) / Math.max(1, steps.length - 1)}% 0`;
    picture.style.backgroundSize = `${100 * steps.length}% 100%`;
    return picture;
  });
  const items = steps.map(([caption, detail], index) => make("li", { title: detail }, pictures[index], make("div", { "aria-hidden": "true" }, caption)));
  el.append(make("ol", { "aria-label": "Steps" }, ...items));
  let url = "";
  const show = () => {
    const sprite = model.get("sprite");
    URL.revokeObjectURL(url);
    url = sprite.byteLength ? URL.createObjectURL(new Blob([sprite], { type: "image/png" })) : "";
    for (const picture of pictures) picture.style.backgroundImage = url && `url(${url})`;
  };
  model.on("change:sprite", show);
  show();
  return () => URL.revokeObjectURL(url);
}

export default { render };
