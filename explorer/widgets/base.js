// @ts-check
// Shared helpers, prepended to every part's own module.

/**
 * Create an element. Text is only inserted as text: children are nodes or strings, never markup.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [attributes] "onclick" and the like are listeners; true stands for no value, false and
 *   null for no attribute
 * @param {...(Node | string | null | undefined)} children
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A button in the page's style.
 * @param {string | Node | (string | Node)[]} content @param {((event: PointerEvent) => void) | null} onclick
 * @param {Record<string, any>} [attributes] */
function makeButton(content, onclick, attributes = {}) {
  const given = { type: "button", ...attributes, class: `explorer-button ${attributes.class ?? ""}`.trim() };
  const button = make("button", given, ...[content].flat());
  if (onclick) button.addEventListener("click", /** @type {EventListener} */ (onclick));
  return button;
}

/** A line icon on a 16 × 16 grid; adjacent text has the same meaning, so it is hidden from screen readers.
 * @param {...string} paths */
function icon(...paths) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "explorer-icon");
  svg.setAttribute("aria-hidden", "true");
  for (const path of paths) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("d", path);
    svg.append(line);
  }
  return svg;
}

const CROSS = ["M4.5 4.5l7 7", "M11.5 4.5l-7 7"];

/** An entry of a menu, which it closes.
 * @param {HTMLElement} menu @param {string} words @param {() => void} act @param {Record<string, any>} [attributes] */
function menuEntry(menu, words, act, attributes = {}) {
  const choose = () => {
    menu.hidePopover();
    act();
  };
  return makeButton(words, choose, { "data-quiet": true, ...attributes });
}

/** Make a popover the menu of a button: it opens below it, arrow keys move in it, and it follows the button when the
 * page is scrolled, until the button is no longer visible.
 * @param {HTMLElement} button @param {HTMLElement} menu @param {AbortSignal} signal */
function asMenu(button, menu, signal) {
  menu.id = freshId();
  menu.popover = "auto";
  menu.classList.add("explorer-menu", "explorer-popup");
  button.setAttribute("popovertarget", menu.id);
  button.setAttribute("aria-expanded", "false");
  const place = () => {
    const at = button.getBoundingClientRect();
    menu.style.maxHeight = `${Math.max(240, innerHeight - at.bottom - 8)}px`; // it leaves its button in sight
    menu.style.top = `${Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 4)}px`;
    const width = document.documentElement.clientWidth;
    menu.style.right = `${Math.min(Math.max(8, width - at.right), Math.max(8, width - menu.offsetWidth - 8))}px`;
    return isInWindow(button);
  };
  menu.addEventListener("beforetoggle", place); // "toggle" may come a frame after it is seen
  menu.addEventListener("toggle", (event) => {
    const open = /** @type {ToggleEvent} */ (event).newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    place();
    const first = /** @type {HTMLElement | null} */ (menu.querySelector('[aria-current="true"]') ?? menu.querySelector("button"));
    first?.focus({ preventScroll: true });
    first?.scrollIntoView({ block: "nearest" });
  });
  menu.addEventListener("keydown", (event) => {
    const entries = [...menu.querySelectorAll("button")];
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!move) return;
    event.preventDefault();
    const at = entries.findIndex((entry) => entry.matches(":focus"));
    entries[(at + move + entries.length) % entries.length].focus();
  });
  const follow = () => {
    if (menu.matches(":popover-open") && !place()) menu.hidePopover();
  };
  document.addEventListener("scroll", follow, { signal, capture: true, passive: true });
}

/** Enable or disable a button; a disabled one can't keep the focus, which moves to another.
 * @param {HTMLButtonElement} button @param {boolean} off @param {HTMLElement | null | undefined} heir */
function turnOff(button, off, heir) {
  const hadFocus = off && button === document.activeElement;
  button.disabled = off;
  if (hadFocus) heir?.focus({ preventScroll: true });
}

/** Enable or disable the paging buttons, depending on whether `all` has a page before or after this one.
 * @param {HTMLButtonElement} previous @param {HTMLButtonElement} next @param {number} page @param {number} all */
function turnPages(previous, next, page, all) {
  if (page < all - 1) next.disabled = false; // before it gets the focus
  turnOff(previous, page === 0, next);
  turnOff(next, page >= all - 1, previous);
}

/** A button that only explains: `help.js` shows its `data-help`. Its name is "About …". */
function makeHelp() {
  const circled = icon("M8 7.25v4", "M8 4.75v.01", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z");
  return make("button", { type: "button", class: "explorer-help-button" }, circled);
}

/** An id that is unique on the page: one model may be shown twice. */
function freshId() {
  return `explorer-${Math.random().toString(36).slice(2, 10)}`;
}

/** Give a widget's element its classes, separated by spaces, and keep its key presses to itself.
 * @param {HTMLElement} el @param {string} names @param {import("@anywidget/types").AnyModel} model */
function becomePart(el, names, model) {
  followClasses(el, model);
  el.classList.add("explorer-part", ...names.split(" "));
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would handle Enter and the arrows itself
}

/** Apply changes of the classes that Python gives a widget: anywidget stops ipywidgets from doing so.
 * @param {HTMLElement} el @param {import("@anywidget/types").AnyModel} model */
function followClasses(el, model) {
  let before = model.get("_dom_classes") ?? [];
  model.on("change:_dom_classes", () => {
    el.classList.remove(...before);
    before = model.get("_dom_classes");
    el.classList.add(...before);
  });
}

/**
 * Set some of a model's values, and send them to Python.
 * @template {Record<string, any>} State
 * @param {import("@anywidget/types").AnyModel<State>} model
 * @param {Partial<State>} values
 */
function sendState(model, values) {
  for (const [name, value] of Object.entries(values)) model.set(/** @type {any} */ (name), value);
  model.save_changes();
}

/** Call back whenever an element gets another size, the first of them on the page.
 * @param {Element} element @param {() => void} callback @param {AbortSignal} signal */
function onSize(element, callback, signal) {
  const watcher = new ResizeObserver(callback);
  watcher.observe(element);
  signal.addEventListener("abort", () => watcher.disconnect());
}

/** The text that the browser stores under a name; null without one, or if storage is blocked.
 * @param {"localStorage" | "sessionStorage"} storage @param {string} name */
function stored(storage, name) {
  try {
    return globalThis[storage].getItem(name);
  } catch {
    return null;
  }
}

/** Store a text, or with null remove it. If storage is blocked or full, nothing is stored.
 * @param {"localStorage" | "sessionStorage"} storage @param {string} name @param {string | null} text */
function store(storage, name, text) {
  try {
    globalThis[storage].removeItem(name);
    if (text !== null) globalThis[storage].setItem(name, text);
  } catch {
    // it is then kept as long as the page
  }
}

/** Whether the page is the app's own (Voilà), not a notebook or a talk with other content. */
function isOwnPage() {
  if (document.documentElement.dataset.explorerHost === "talk") return false;
  return "voila" in document.body.dataset || document.getElementById("rendered_cells") !== null;
}

/** The page's theme: the chosen one, else JupyterLab's, else the system's, as in the style sheets.
 * @returns {"light" | "dark"} */
function shownTheme() {
  const decided = document.documentElement.dataset.explorerTheme;
  if (decided) return decided === "dark" ? "dark" : "light";
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false" ? "dark" : "light";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Call back whenever the page's theme may have changed.
 * @param {() => void} callback @param {AbortSignal} signal */
function onTheme(callback, signal) {
  const watcher = new MutationObserver(callback);
  watcher.observe(document.documentElement, { attributeFilter: ["data-explorer-theme"] });
  watcher.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback, { signal });
  signal.addEventListener("abort", () => watcher.disconnect());
}

/** Whether an element reaches past the outer `least` px of the window's height.
 * @param {Element} element */
function isInWindow(element, least = 0) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > least && top < innerHeight - least;
}

const TAKES_LETTERS = "input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable], .cm-editor";

/** Whether a pressed key is meant for the page, or in a notebook for the focused app, and not for an element that
 * handles the key itself.
 * @param {KeyboardEvent} event @param {HTMLElement} el a part of the app @param {string} takers what takes the key */
function isForThePage(event, el, takers) {
  if (event.repeat || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const target = event.target instanceof Element ? event.target : document.body;
  const app = el.closest(".explorer-app") ?? el;
  if (target.closest(takers) || app.closest("[inert]") || document.querySelector("dialog:modal")) return false;
  return isOwnPage() || app.contains(target);
}

/** Write text only if it differs: a live region reads out every write.
 * @param {Element} element @param {string} words */
function write(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

/** 60000 as "60 000".
 * @param {number} number */
function grouped(number) {
  return Math.abs(number) < 1000 ? String(number) : String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** The bytes that a base64 text stands for. @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** An object URL of a PNG, to be revoked; empty without one.
 * @param {DataView<ArrayBuffer>} png */
function pngUrl(png) {
  return png.byteLength ? URL.createObjectURL(new Blob([png], { type: "image/png" })) : "";
}

const REVOKE_MS = 10000; // until the successor of a picture is loaded, also on a busy machine

/** Revoke object URLs when nothing shows them any longer. @param {string[]} urls */
function revokeLater(urls) {
  setTimeout(() => urls.forEach(URL.revokeObjectURL), REVOKE_MS);
}

/** Show a picture as an element's background. The previous one stays below it until it is loaded, and is then removed:
 * it would show through transparent areas.
 * @param {CSSStyleDeclaration} style @param {string} url */
function showPicture(style, url) {
  const [before] = style.backgroundImage.split(", ");
  const now = url && `url("${url}")`;
  if (now === before) return;
  style.backgroundImage = now && before ? `${now}, ${before}` : now;
  if (!now || !before) return;
  const image = new Image();
  image.onload = () => {
    if (style.backgroundImage.startsWith(now)) style.backgroundImage = now;
  };
  image.src = url;
}

const PITCH = 29 / 28; // distance between a PNG's pictures, in picture widths: 28 pixels, and a hidden gap

/** Show one of the many pictures in a PNG as an element's background.
 * @param {HTMLElement} element @param {string} url @param {number} index @param {number} columns
 * @param {number} rows */
function showTile({ style }, url, index, columns, rows) {
  // CSS measures a background position in percent against the remaining space, hence the - 1.
  const place = (/** @type {number} */ at, /** @type {number} */ count) => (100 * PITCH * at) / (PITCH * count - 1);
  // The previous picture keeps its size and position below the new one.
  const over = (/** @type {string} */ now, /** @type {string} */ before) => (before ? `${now}, ${before.split(", ")[0]}` : now);
  style.backgroundSize = over(`${100 * PITCH * columns}% ${100 * PITCH * rows}%`, style.backgroundSize);
  style.backgroundPosition = over(
    `${place(index % columns, columns)}% ${place(Math.floor(index / columns), rows)}%`,
    style.backgroundPosition,
  );
  showPicture(style, url);
}

/** Let the browser save data from Python.
 * @param {{ download: string, type: string }} content @param {DataView[]} buffers */
function saveFile({ download, type }, buffers) {
  const url = URL.createObjectURL(new Blob(/** @type {DataView<ArrayBuffer>[]} */ (buffers), { type }));
  make("a", { href: url, download }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

const PIECE = 1 << 17; // chunk size: on a slow connection, other messages get through between two
const ON_THE_WAY = 4 * PIECE; // bytes that Python has not confirmed yet
const [QUIET_MS, LOST_MS] = [500, 60000]; // delays until an upload is reported, and until it is given up

/**
 * Send a file in chunks, as Python accepts them, and report progress; for one that is too large send only its size.
 * @param {Blob} file
 * @param {{
 *   get: (name: "most_bytes") => number, send: (...message: any[]) => void,
 *   on: (event: "msg:custom", listener: (content: any) => void) => void, off: (event: "msg:custom", listener: any) => void,
 * }} model
 * @param {(words: string) => void} say
 * @param {string} name @param {AbortSignal} [signal] ends it
 */
async function upload(file, model, say, name, signal) {
  const shown = name.replace(/^images\//, "").replace(/\/$/, "");
  const sent = (/** @type {number} */ at, /** @type {ArrayBuffer[]} */ buffers) =>
    model.send({ open: name, size: file.size, at }, undefined, buffers);
  if (file.size > model.get("most_bytes") || file.size === 0) return sent(0, []);
  const began = performance.now();
  let [taken, wake] = [0, () => {}];
  const listen = (/** @type {any} */ content) => {
    if (!("taken" in content)) return;
    taken = content.taken;
    const percent = 10 * Math.floor((10 * taken) / file.size);
    if (performance.now() - began > QUIET_MS) say(`Sending ${shown}: ${percent} %`);
    wake();
  };
  const untilTaken = async (/** @type {number} */ bytes) => {
    while (taken >= 0 && taken < bytes && !signal?.aborted) {
      /** @type {ReturnType<typeof setTimeout> | undefined} */
      let timer;
      await new Promise((resolve, reject) => {
        wake = () => resolve(null);
        timer = setTimeout(reject, LOST_MS);
      }).finally(() => clearTimeout(timer));
    }
    if (taken < 0 || signal?.aborted) throw new Error("Python has dropped it");
  };
  model.on("msg:custom", listen);
  signal?.addEventListener("abort", () => wake());
  try {
    for (let at = 0; at < file.size; at += PIECE) {
      const piece = await file.slice(at, at + PIECE).arrayBuffer();
      await untilTaken(at + PIECE - ON_THE_WAY);
      sent(at, [piece]);
    }
    await untilTaken(file.size);
    say("");
  } catch {
    if (signal?.aborted) model.send({ cancel: true });
    say(`${shown} was not opened${signal?.aborted ? "" : ": not all of it arrived. Open it again"}.`);
  } finally {
    model.off("msg:custom", listen);
  }
}

/** A hidden field with which the user chooses files; what is done with them may take a while.
 * @param {object} attributes @param {(files: File[]) => unknown} act */
function fileInput(attributes, act) {
  const input = make("input", { type: "file", hidden: true, tabindex: -1, ...attributes });
  input.addEventListener("change", async () => {
    input.disabled = true;
    if (input.files?.length) await act([...input.files]);
    input.value = ""; // so that choosing the same file again triggers a change
    input.disabled = false;
  });
  return input;
}

/** Let the header send a file of images, or a folder, whose name ends in a slash: its files, each as a path and a blob.
 * @param {HTMLElement} el @param {string} name @param {any[][]} files @param {object} [about] */
function sendImages(el, name, files, about) {
  const line = JSON.stringify({ ...about, files: files.map(([path, { size }]) => [path, size]) });
  const file = new Blob([name.endsWith("/") ? `${line}\n` : "", ...files.map(([, one]) => one)]);
  el.dispatchEvent(new CustomEvent("explorer-images", { bubbles: true, detail: { file, name: `images/${name}` } }));
}
