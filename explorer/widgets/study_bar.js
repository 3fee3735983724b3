// The button of a study, and its progress.

const FACES = {
  true: ["Stop the study", ["M4 4h8v8H4z"]],
  false: ["Run the study", ["M5 3.5v9l7.5-4.5z"]],
};

function render({ model, el }) {
  becomePart(el, "explorer-study");
  const press = () => model.send({ running: model.get("running") });
  const button = make("button", { type: "button", class: "explorer-button", onclick: press });
  const bar = make("progress", { max: 1, "aria-label": "Progress of the study" });
  const text = make("p", { role: "status" });
  el.append(make("div", { class: "explorer-study-bar" }, button, make("div", {}, bar, text)));

  const showButton = () => {
    const [words, paths] = FACES[model.get("running")];
    button.toggleAttribute("data-primary", !model.get("running"));
    button.replaceChildren(icon(...paths), words);
  };
  const showProgress = () => {
    bar.value = model.get("fraction");
    bar.hidden = !model.get("running") && !bar.value;
    text.textContent = model.get("text");
  };
  for (const [event, show] of [
    ["change:running", showButton],
    ["change:running", showProgress],
    ["change:fraction", showProgress],
    ["change:text", showProgress],
  ]) {
    model.on(event, show);
    show();
  }
}

export default { render };
