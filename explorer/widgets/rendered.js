// @ts-check
// Shows the elements that Python describes as [tag, attributes, ...children]; a string is text. Unchanged elements are
// not touched: nothing is read out twice, and focus and scroll positions are kept.

/**
 * @typedef {string | [tag: string, attributes: Attributes, ...children: any[]]} Described
 * @typedef {Record<string, any> & { style?: Record<string, string>, picture?: number, pace?: number }} Attributes
 * @typedef {{ png: DataView<ArrayBuffer>, url: string }} Picture
 * @typedef {HTMLElement | SVGElement} Styled
 */

const TAGS = new Set(
  "button caption code dd div dl dt em h2 header li ol p path pre progress section span svg table tbody td th thead tr ul".split(" "),
);
const ATTRIBUTE = /^(aria-[a-z]+|data-[a-z-]+|class|d|disabled|hidden|max|role|scope|tabindex|title|type|value|viewBox)$/;
const SVG = ["svg", "path"];

/** Whether two pictures are equal, byte by byte.
 * @param {DataView} one @param {DataView} other */
function isSame(one, other) {
  if (one.byteLength !== other.byteLength) return false;
  for (let at = 0; at < one.byteLength; at++) if (one.getUint8(at) !== other.getUint8(at)) return false;
  return true;
}

const urls = (/** @type {Picture[]} */ pictures) => pictures.map(({ url }) => url);

/** Set changed attributes, and remove missing ones.
 * @param {Styled} element @param {Attributes} before @param {Attributes} now @param {Picture[]} pictures */
function dress(element, before, now, pictures) {
  for (const name of Object.keys({ ...before, ...now })) {
    const [was, is] = [before[name], now[name]];
    if (name === "pace") continue;
    if (name === "picture") showPicture(element.style, is === undefined ? "" : pictures[is].url);
    else if (name === "style") {
      for (const property of Object.keys({ ...was, ...is })) element.style.setProperty(property, is?.[property] ?? "");
    } else if (!ATTRIBUTE.test(name)) throw new Error(`A part can't have the attribute ${name}`);
    else if (is === undefined) element.removeAttribute(name);
    else if (is !== was) {
      element.setAttribute(name, is === true ? "" : is);
      // With another value it gets the focus, once it and what is around it are there.
      if (name === "data-focus") requestAnimationFrame(() => element.focus());
    }
  }
}

/** @type {import("@anywidget/types").Render<{ kind: string, content: Described[], pictures: DataView<ArrayBuffer>[] }>} */
function render({ model, el, signal }) {
  becomePart(el, model.get("kind"), model);
  /** @type {WeakMap<Node, Attributes>} */
  const dressed = new WeakMap();
  /** @type {Map<Element, Described[]>} */
  const waiting = new Map(); // pending content of elements that may not change yet
  /** @type {Picture[]} */
  let pictures = [];

  /** @param {Described} described */
  const create = (described) => {
    if (typeof described === "string") return document.createTextNode(described);
    const [tag] = described;
    if (!TAGS.has(tag)) throw new Error(`A part can't show the element ${tag}`);
    const element = SVG.includes(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
    update(element, described);
    return element;
  };
  /** @param {Element} element @param {Exclude<Described, string>} described */
  const update = (element, [, attributes, ...children]) => {
    const before = dressed.get(element);
    dress(/** @type {Styled} */ (element), before ?? {}, attributes, pictures);
    dressed.set(element, attributes);
    if (before && attributes.pace) fillLater(element, children, attributes.pace);
    else fill(element, children);
  };
  /** @param {Element} parent @param {Described[]} children */
  const fill = (parent, children) => {
    children.forEach((child, index) => {
      const there = parent.childNodes[index];
      if (there instanceof Text && typeof child === "string") {
        if (there.data !== child) there.data = child;
      } else if (there instanceof Element && typeof child !== "string" && there.localName === child[0]) {
        update(there, child);
      } else if (there instanceof Text || there instanceof Element) there.replaceWith(create(child));
      else parent.append(create(child));
    });
    while (parent.childNodes.length > children.length) parent.lastChild?.remove();
  };
  /** @param {Element} element @param {Described[]} children @param {number} pace */
  const fillLater = (element, children, pace) => {
    if (!waiting.has(element)) setTimeout(fillNow, pace, element);
    waiting.set(element, children);
  };
  /** @param {Element} element */
  const fillNow = (element) => {
    if (!signal.aborted) fill(element, waiting.get(element) ?? []);
    waiting.delete(element);
  };
  const load = () => {
    const old = pictures;
    pictures = model.get("pictures").map((png, index) => {
      const there = old[index];
      return there && isSame(there.png, png) ? there : { png, url: pngUrl(png) };
    });
    revokeLater(urls(old.filter((picture) => !pictures.includes(picture))));
  };
  const show = () => {
    load();
    fill(el, model.get("content"));
  };

  el.addEventListener("click", ({ target }) => {
    const pressed = target instanceof Element ? target.closest("[data-press]") : null;
    if (pressed instanceof HTMLElement) model.send({ press: pressed.dataset.press });
  });
  model.on("change", show);
  show();
  return () => revokeLater(urls(pictures));
}

export default { render };
