// @ts-check
// Saves a study, which Python sends on request, and uploads a file of the user.

/** @typedef {{ can_save: boolean, can_open: boolean, most_bytes: number }} State */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-study-files");
  const save = makeButton("Save the study", () => model.send({ save: true }), { "data-quiet": true });
  const sending = make("p", { class: "explorer-muted explorer-small", role: "status" });
  const input = fileInput(model, ".jsonl", (words) => write(sending, words));
  const open = makeButton("Open a study …", () => input.click(), { "data-quiet": true, title: sizeLimit(model) });
  el.append(sending, save, open, input);
  const show = () => {
    save.disabled = !model.get("can_save");
    open.disabled = !model.get("can_open");
  };
  model.on("change:can_save change:can_open", show);
  show();
}

/** Save Python's data once, however many views there are. */
/** @type {import("@anywidget/types").Initialize<State>} */
function initialize({ model }) {
  model.on("msg:custom", (/** @type {any} */ content, /** @type {DataView[]} */ buffers) => {
    if (content.download) saveFile(content, buffers);
  });
}

export default { initialize, render };
