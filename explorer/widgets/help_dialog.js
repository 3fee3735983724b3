// @ts-check
// Help for the page: a native dialog, so that it traps the focus, Escape closes it, and the focus then returns.

const QUESTION = ["M5.75 5.75a2.25 2.25 0 1 1 3.4 1.9c-.75.45-1.15.85-1.15 1.85", "M8 12v.01"];

/** @type {import("@anywidget/types").Render<{ about: string[], shortcuts: [key: string, words: string][] }>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-help-place", model);
  const id = freshId();
  const rows = model.get("shortcuts").map(([key, words]) => {
    const caps = key.split(" ").map((cap) => make("kbd", {}, cap));
    return make("tr", {}, make("th", { scope: "row" }, ...caps), make("td", {}, words));
  });
  const caption = make("caption", {}, "Keys");
  const close = makeButton(icon(...CROSS), () => dialog.close(), { "data-quiet": true, "aria-label": "Close" });
  const dialog = make(
    "dialog",
    { class: "explorer-dialog explorer-popup", "aria-labelledby": id },
    make("header", { class: "explorer-line" }, make("h2", { id }, "Help"), close),
    ...model.get("about").map((words) => make("p", {}, words)),
    make("table", {}, caption, make("tbody", {}, ...rows)),
  );
  const open = () => dialog.open || dialog.showModal();
  const words = { "aria-label": "Help", "aria-haspopup": "dialog", "aria-keyshortcuts": "?", title: "Help (?)" };
  el.append(makeButton(icon(...QUESTION), open, { "data-quiet": true, class: "explorer-help-open", ...words }), dialog);

  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // on the backdrop
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "?" || !isForThePage(event, el, TAKES_LETTERS)) return;
    event.preventDefault();
    open();
  };
  document.addEventListener("keydown", onKey, { signal });
}

export default { render };
