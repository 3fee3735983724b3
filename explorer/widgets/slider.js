// @ts-check

/**
 * @typedef {{ label: string, low: number, high: number, step: number, unit: string, value: number, text: string }} State
 * @type {import("@anywidget/types").Render<State>}
 */
function render({ model, el }) {
  becomePart(el, "explorer-slider", model);
  const slider = make("input", { type: "range", class: "explorer-range", id: freshId() });
  const label = make("label", { for: slider.id });
  const value = make("output", {});
  const text = make("p", { class: "explorer-muted", "aria-live": "polite" });
  el.append(label, make("div", { class: "explorer-line" }, slider, value), text);
  slider.addEventListener("input", () => sendState(model, { value: Number(slider.value) }));
  const show = () => {
    const low = model.get("low");
    const high = model.get("high");
    slider.min = String(low);
    slider.max = String(high);
    slider.step = String(model.get("step"));
    slider.value = String(model.get("value"));
    slider.style.setProperty("--filled", `${(100 * (Number(slider.value) - low)) / (high - low)}%`);
    const shown = `${slider.value.replace("-", "−")}${model.get("unit")}`;
    write(label, model.get("label"));
    write(value, shown);
    slider.setAttribute("aria-valuetext", shown);
    write(text, model.get("text"));
  };
  for (const name of ["label", "low", "high", "step", "unit", "value", "text"]) model.on(`change:${name}`, show);
  show();
}

export default { render };
