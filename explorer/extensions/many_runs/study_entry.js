// @ts-check
// A native text field, for keyboards and screen readers. Input is committed on blur or Enter.

/** @type {import("@anywidget/types").Render<{ label: string, text: string, hint: string, error: string }>} */
function render({ model, el }) {
  becomePart(el, "explorer-study-entry", model);
  const error = make("p", { class: "explorer-error explorer-small", id: freshId(), role: "status" });
  const hint = make("p", { class: "explorer-muted explorer-small", id: freshId() });
  const attributes = { type: "text", class: "explorer-field", autocomplete: "off", spellcheck: "false" };
  const input = make("input", { ...attributes, "aria-describedby": `${error.id} ${hint.id}` });
  const label = make("span", { class: "explorer-muted explorer-small" });
  el.append(make("label", { class: "explorer-line" }, label, input), error, hint);
  input.addEventListener("change", () => sendState(model, { text: input.value }));
  const show = () => {
    write(label, model.get("label"));
    write(error, model.get("error"));
    write(hint, model.get("hint"));
    input.setAttribute("aria-invalid", String(model.get("error") !== ""));
    if (input.value !== model.get("text")) input.value = model.get("text");
  };
  model.on("change:label change:hint change:error change:text", show);
  show();
}

export default { render };
