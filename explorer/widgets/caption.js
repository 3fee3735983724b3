// A line that is read out when it changes, but at most once in two seconds: training is faster than a voice.

const PAUSE_MS = 2000;

function render({ model, el, signal }) {
  becomePart(el, "explorer-caption");
  const seen = make("p", { "aria-hidden": "true" });
  const heard = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  el.append(seen, heard);
  let timer = null;
  const say = () => {
    timer = null;
    if (heard.textContent !== model.get("text")) heard.textContent = model.get("text");
  };
  const show = () => {
    seen.textContent = model.get("text");
    seen.title = model.get("text");
    timer ??= setTimeout(say, PAUSE_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  model.on("change:text", show);
  show();
  say();
}

export default { render };
