// @ts-check
// Native radio buttons, for arrow keys and screen readers.

/** @type {import("@anywidget/types").Render<{ label: string, options: [string, string][], value: string }>} */
function render({ model, el }) {
  becomePart(el, "explorer-segmented", model);
  const name = freshId();
  const inputs = model.get("options").map(([value, words]) => {
    const input = make("input", { type: "radio", name, value, class: "explorer-unseen" });
    input.addEventListener("change", () => sendState(model, { value }));
    return { input, label: make("label", {}, input, make("span", { class: "explorer-muted explorer-small" }, words)) };
  });
  el.append(make("div", { role: "radiogroup", "aria-label": model.get("label") }, ...inputs.map(({ label }) => label)));
  const show = () => {
    for (const { input } of inputs) input.checked = input.value === model.get("value");
  };
  model.on("change:value", show);
  show();
}

export default { render };
