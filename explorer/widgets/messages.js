// @ts-check
// Messages. All text is inserted as text. A message keeps its element while its text follows the run: nothing is read
// out twice, an open "Why" stays open, and the button keeps the focus. One message is visible, an error or else the
// newest; a button shows the others.

/**
 * @typedef {"info" | "hint" | "warning" | "error"} Kind
 * @typedef {{ id: string, kind: Kind, text: string, why: string, action: string }} Message
 * @typedef {{ messages: Message[] }} State
 */

/** @type {Record<Kind, string[]>} */
const ICONS = {
  info: ["M8 7.25v4", "M8 4.75v.01", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z"],
  hint: ["M6 13.5h4", "M6.25 11.25c0-1.5-2-2.2-2-4.75a3.75 3.75 0 0 1 7.5 0c0 2.55-2 3.25-2 4.75z"],
  warning: ["M8 6.25v3.25", "M8 11.5v.01", "M8 2.25l6.25 11.25h-12.5z"],
  error: ["M5.75 5.75l4.5 4.5", "M10.25 5.75l-4.5 4.5", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z"],
};
/** @type {Record<Kind, string>} */
const KIND = { info: "Note", hint: "Hint", warning: "Warning", error: "Error" };

/** The order of messages: errors first, then newest first, those with an action before the others.
 * @param {Message[]} messages */
export function errorsFirst(messages) {
  const rank = (/** @type {Message} */ { kind }) => Number(kind !== "error");
  return [...messages].sort((one, other) => rank(one) - rank(other));
}

/** The element of the message with an id, and a function that fills it.
 * @param {string} id @param {import("@anywidget/types").AnyModel<State>} model */
function messageElement(id, model) {
  const kindName = make("span", { class: "explorer-unseen" });
  const text = make("span");
  const reason = make("p");
  const details = make("details", {}, make("summary", {}, "Why"), reason);
  const body = make("p", {}, kindName, text);
  const dismiss = { class: "explorer-dismiss", "data-quiet": true, "aria-label": "Dismiss" };
  const close = makeButton(icon(...CROSS), () => model.send({ dismiss: id }), dismiss);
  const fix = makeButton("", () => model.send({ id }), { class: "explorer-fix" });
  const element = make("li", { class: "explorer-message explorer-wrap", "data-id": id }, icon(), body, details, fix, close);

  const fill = (/** @type {Message} */ message) => {
    if (element.dataset.kind !== message.kind) {
      element.dataset.kind = message.kind;
      element.firstChild?.replaceWith(icon(...ICONS[message.kind]));
    }
    write(kindName, `${KIND[message.kind]}: `);
    write(text, message.text);
    write(reason, message.why);
    write(fix, message.action);
    details.hidden = !message.why;
    fix.hidden = !message.action;
  };
  return { element, fill };
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-messages explorer-wrap", model);
  const list = make("ul", { role: "list", "aria-label": "Messages", "aria-live": "polite", "aria-relevant": "additions text" });
  let isUnfolded = false;
  const unfold = () => {
    isUnfolded = !isUnfolded;
    show();
  };
  const more = makeButton("", unfold, { class: "explorer-messages-more", "data-quiet": true });
  el.append(list, more);
  /** @type {Map<string, ReturnType<typeof messageElement>>} */
  const shown = new Map();

  const show = () => {
    const messages = errorsFirst(model.get("messages"));
    for (const [id, { element }] of shown) {
      if (messages.some((message) => message.id === id)) continue;
      element.remove();
      shown.delete(id);
    }
    messages.forEach((message, index) => {
      const part = shown.get(message.id) ?? messageElement(message.id, model);
      shown.set(message.id, part);
      part.fill(message);
      part.element.hidden = index > 0 && !isUnfolded;
      if (list.children[index] !== part.element) list.insertBefore(part.element, list.children[index] ?? null);
    });
    more.setAttribute("aria-expanded", String(isUnfolded));
    write(more, isUnfolded ? "Show one" : `${messages.length - 1} more`);
    more.hidden = messages.length < 2;
    el.classList.toggle("explorer-empty", shown.size === 0);
  };
  model.on("change:messages", show);
  show();
}

export default { render };
