// @ts-check

/** @type {import("@anywidget/types").Render<{ value: number, text: string }>} */
function render({ model, el }) {
  becomePart(el, "explorer-threshold");
  const slider = make("input", { type: "range", class: "explorer-range", min: 0, max: 100, step: 1, id: freshId() });
  const value = make("output", {});
  const text = make("p", { "aria-live": "polite" });
  el.append(make("label", { for: slider.id }, "Answer only when the confidence is at least"), make("div", {}, slider, value), text);
  slider.addEventListener("input", () => {
    model.set("value", Number(slider.value) / 100);
    model.save_changes();
  });
  const show = () => {
    slider.value = String(Math.round(100 * model.get("value")));
    slider.style.setProperty("--filled", `${slider.value}%`);
    write(value, `${slider.value} %`);
    slider.setAttribute("aria-valuetext", `${slider.value} %`);
    write(text, model.get("text"));
  };
  model.on("change:value", show);
  model.on("change:text", show);
  show();
}

export default { render };
