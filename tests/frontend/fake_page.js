// A model as anywidget hands it to a part, and as much of a document as the parts that are tested here use. Elements
// keep count of how often they are written to.

import { readFile } from "node:fs/promises";

const FOLDER = new URL("../../explorer/widgets/", import.meta.url);

/** The module of a part as the page runs it: the lines that all share, then its own. */
export async function load(name) {
  const texts = await Promise.all(["base", name].map((file) => readFile(new URL(`${file}.js`, FOLDER), "utf8")));
  return import(`data:text/javascript,${encodeURIComponent(texts.join("\n"))}`);
}

export class FakeModel {
  sent = [];
  #listeners = [];

  constructor(state) {
    this.state = state;
  }

  get(name) {
    return this.state[name];
  }

  on(events, listener) {
    this.#listeners.push(...events.split(" ").map((event) => ({ event, listener })));
  }

  off(event, listener) {
    this.#listeners = this.#listeners.filter((one) => one.event !== event || one.listener !== listener);
  }

  set(name, value) {
    this.receive({ [name]: value });
  }

  save_changes() {}

  send(content) {
    this.sent.push(content);
  }

  /** Hear what Python sends besides the state. */
  hear(content) {
    for (const { event, listener } of this.#listeners) if (event === "msg:custom") listener(content);
  }

  get hears() {
    return this.#listeners.some(({ event }) => event === "msg:custom");
  }

  /** Change the state as a message from Python does: all of it, then everybody hears. */
  receive(state) {
    Object.assign(this.state, state);
    const events = [...Object.keys(state).map((name) => `change:${name}`), "change"];
    for (const { event, listener } of this.#listeners) if (events.includes(event)) listener();
  }
}

class FakeNode {
  parent = null;
  writes = 0;

  remove() {
    this.parent.childNodes.splice(this.parent.childNodes.indexOf(this), 1);
  }

  replaceWith(other) {
    other.parent = this.parent;
    this.parent.childNodes[this.parent.childNodes.indexOf(this)] = other;
  }
}

class FakeText extends FakeNode {
  #data;

  constructor(data) {
    super();
    this.#data = data;
  }

  get data() {
    return this.#data;
  }

  set data(data) {
    this.writes++;
    this.#data = data;
  }

  get textContent() {
    return this.#data;
  }
}

class FakeElement extends FakeNode {
  attributes = {};
  childNodes = [];
  classList = { add: () => {} };
  dataset = {};
  listeners = {};
  style = { backgroundImage: "", setProperty: (name, value) => Object.assign(this.style, { [name]: value }) };

  constructor(localName) {
    super();
    this.localName = localName;
  }

  get lastChild() {
    return this.childNodes.at(-1);
  }

  get textContent() {
    return this.childNodes.map((node) => node.textContent).join("");
  }

  set textContent(text) {
    this.childNodes = [];
    this.append(text);
  }

  append(...nodes) {
    for (const node of nodes) {
      this.childNodes.push(typeof node === "string" ? new FakeText(node) : node);
      this.lastChild.parent = this;
    }
  }

  get isConnected() {
    return this === document.body || Boolean(this.parent?.isConnected);
  }

  replaceChildren(...nodes) {
    for (const node of this.childNodes) node.parent = null;
    this.childNodes = [];
    this.append(...nodes);
  }

  setAttribute(name, value) {
    this.writes++;
    this.attributes[name] = String(value);
    if (name.startsWith("data-")) this.dataset[name.slice(5)] = String(value);
  }

  contains() {
    return false; // no element has the focus
  }

  removeAttribute(name) {
    this.writes++;
    delete this.attributes[name];
  }

  addEventListener(name, listener) {
    this.listeners[name] = listener;
  }

  /** The nearest of itself and those it stands in that has the attribute: all that is asked for here. */
  closest(selector) {
    const name = selector.slice(1, -1);
    return name in this.attributes ? this : (this.parent?.closest(selector) ?? null);
  }
}

/** A picture that loads once a test calls its `onload`. */
class FakeImage {
  static all = [];

  constructor() {
    FakeImage.all.push(this);
  }
}

/** Make the names that scripts of a page take for granted; return an element to draw into. */
export function fakePage() {
  const createElement = (name) => new FakeElement(name);
  Object.assign(globalThis, {
    document: {
      createElement,
      createElementNS: (_space, name) => createElement(name),
      createTextNode: (data) => new FakeText(data),
      body: new FakeElement("body"),
    },
    Element: FakeElement,
    HTMLElement: FakeElement,
    Image: FakeImage,
    Text: FakeText,
  });
  return createElement("div");
}
