// @ts-check
// A native select, for keyboards and screen readers. Options are inserted as text.

/** @type {import("@anywidget/types").Render<{ label: string, options: [string, string][], value: string }>} */
function render({ model, el }) {
  becomePart(el, "explorer-dropdown", model);
  const select = make("select", { class: "explorer-field" });
  el.append(
    make("label", { class: "explorer-line" }, make("span", { class: "explorer-muted explorer-small" }, model.get("label")), select),
  );
  select.addEventListener("change", () => sendState(model, { value: select.value }));
  const show = () => {
    const options = model.get("options");
    const offered = [...select.options].map(({ value, text }) => [value, text]);
    if (JSON.stringify(offered) !== JSON.stringify(options)) {
      select.replaceChildren(...options.map(([value, words]) => make("option", { value }, words)));
    }
    select.value = model.get("value");
  };
  model.on("change:options change:value", show);
  show();
}

export default { render };
