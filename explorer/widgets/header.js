// @ts-check
// The page's header. It decides the page's theme, and sets it on <html>, where every style sheet can read it.

/**
 * @typedef {"auto" | "light" | "dark"} Choice
 * @typedef {{
 *   dataset: string, datasets: Record<string, string[]>, status: keyof typeof STATUS, query: string, settled: boolean, link_limits: string,
 *   step: number, exports: Record<string, string>, unsaved: string, suffix: string,
 *   most_bytes: number, choice: Choice, theme: "light" | "dark", size: "" | "hall",
 * }} State
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 */

const STATUS = { idle: "ready", running: "training", paused: "paused", finished: "trained", stopped: "stopped", failed: "failed" };
/** @type {Record<Choice, Choice>} */
const NEXT = { auto: "light", light: "dark", dark: "auto" };
/** @type {Record<Choice, string[]>} */
const THEME_ICONS = {
  auto: ["M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z", "M8 1.75v12.5a6.25 6.25 0 0 0 0-12.5z"],
  light: [
    "M11 8a3 3 0 1 1-6 0a3 3 0 0 1 6 0z",
    "M8 1v1.25M8 13.75v1.25M1 8h1.25M13.75 8h1.25M3.05 3.05l.9.9M12.05 12.05l.9.9M3.05 12.95l.9-.9M12.05 3.95l.9-.9",
  ],
  dark: ["M13.5 9.75a5.75 5.75 0 0 1-7.25-7.25a5.75 5.75 0 1 0 7.25 7.25z"],
};
const COPY_ICON = ["M6.75 9.25l2.5-2.5", "M7.25 4.25l1-1a3.2 3.2 0 0 1 4.5 4.5l-1 1", "M8.75 11.75l-1 1a3.2 3.2 0 0 1-4.5-4.5l1-1"];
const SAVE_ICON = ["M2.75 2.75h8.25l2.25 2.25v8.25h-10.5z", "M5.25 2.75v3.5h5v-3.5", "M5 13.25v-4h6v4"];
const [TITLE, SAVES, OPENS, PRESENTS] = ["Neural network explorer", "Save session", "Open session …", "Present, larger (P)"];
const KEY = "explorer-theme";

/** The theme chosen earlier on this computer, if any. */
function remembered() {
  const choice = stored("localStorage", KEY) ?? "";
  return choice in NEXT ? /** @type {Choice} */ (choice) : null;
}

/** The preferred theme of the environment: JupyterLab's in a notebook, else the system's. */
function preferred() {
  const lab = document.body.dataset.jpThemeLight;
  if (!isOwnPage() && lab !== undefined) return lab === "false" ? "dark" : "light";
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** @param {Model} model @param {AbortSignal} signal @param {(choice: Choice) => void} show */
function keepTheme(model, signal, show) {
  const page = document.documentElement.dataset;
  const apply = () => {
    const choice = model.get("choice");
    const theme = choice === "auto" ? preferred() : choice;
    if (page.explorerTheme !== theme) page.explorerTheme = theme;
    show(choice);
    if (model.get("theme") !== theme) sendState(model, { theme });
  };
  const before = remembered();
  if (before && before !== model.get("choice")) sendState(model, { choice: before });
  const follow = () => {
    const shown = /** @type {Choice} */ (page.explorerTheme);
    if (shown === model.get("theme")) return apply();
    // Another app on the page has set it.
    const kept = remembered();
    const isMeant = kept && (kept === "auto" ? preferred() : kept) === shown;
    sendState(model, { choice: isMeant ? kept : shown }); // the theme in use
  };
  onTheme(follow, signal);
  model.on("change:choice", apply);
  apply();
}

/** The menu's theme button, which shows the choice and switches to the next.
 * @param {Model} model @param {AbortSignal} signal */
function themeButton(model, signal) {
  const next = () => {
    const choice = NEXT[model.get("choice")];
    store("localStorage", KEY, choice);
    sendState(model, { choice });
  };
  const button = makeButton([], next, { class: "explorer-theme", "data-quiet": true });
  keepTheme(model, signal, (choice) => {
    button.replaceChildren(icon(...THEME_ICONS[choice]), `Theme: ${choice}`);
    button.dataset.choice = choice;
  });
  return button;
}

/** The page's address with these settings; Voilà's own parameters stay, a token does not.
 * @param {string} query */
function address(query) {
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith("voila-"));
  const search = [query, new URLSearchParams(kept).toString()].filter(Boolean).join("&");
  return location.origin + location.pathname + (search ? `?${search}` : "");
}

/** Keep the page's address in sync with the link. In a notebook the address is JupyterLab's, and stays.
 * @param {Model} model @param {AbortSignal} signal */
function keepAddress(model, signal) {
  if (!isOwnPage()) return;
  let step = model.get("step");
  /** Addresses that Back and Forward have passed, which the app may still answer with. @type {Set<string>} */
  const passed = new Set();
  let here = "";
  const follow = () => {
    // Also empty at the start, before the app has read the link, which must not be discarded.
    const to = address(model.get("query"));
    if (to === location.href) passed.clear();
    if (passed.has(to)) return;
    const isStep = model.get("step") > step && to !== location.href;
    step = model.get("step");
    if (isStep) history.pushState(null, "", to);
    else history.replaceState(history.state, "", to);
    here = to;
  };
  const visit = () => {
    passed.add(here);
    here = location.href;
    passed.delete(here);
    model.send({ visit: location.search });
  };
  window.addEventListener("popstate", visit, { signal });
  model.on("change:query change:settled", follow);
  if (model.get("settled")) follow();
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard API without https: fall back to a selection.
    const field = make("textarea", { class: "explorer-unseen", readonly: true }, text);
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** The button that copies the link, and its feedback.
 * @param {Model} model @param {AbortSignal} signal */
function shareButton(model, signal) {
  const word = make("span", { class: "explorer-word" }, "Copy link");
  const popup = make("span", { class: "explorer-told explorer-popup explorer-unseen", role: "status" });
  let timer = 0;
  const forget = () => {
    word.textContent = "Copy link";
    popup.textContent = "";
    popup.classList.add("explorer-unseen");
  };
  const share = async () => {
    const text = (await copy(address(model.get("query")))) ? "Link copied" : "Copy the address";
    const lacks = model.get("link_limits");
    word.textContent = text;
    popup.textContent = lacks ? `${text}. ${lacks}` : text;
    // If the button has a visible label and there is no more to say, that is enough.
    popup.classList.toggle("explorer-unseen", !lacks && word.checkVisibility());
    clearTimeout(timer);
    timer = setTimeout(forget, lacks ? 10000 : 2500);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return [makeButton([icon(...COPY_ICON), word], share, { "data-quiet": true, "aria-label": "Copy link" }), popup];
}

/** A line below the header, and a function that shows text in it for a while.
 * @param {AbortSignal} signal @returns {[HTMLElement, (words: string) => void]} */
function passingLine(signal) {
  const line = make("span", { class: "explorer-lost explorer-popup explorer-unseen", role: "status" });
  let timer = 0;
  const say = (/** @type {string} */ words) => {
    write(line, words);
    line.classList.toggle("explorer-unseen", !words);
    clearTimeout(timer);
    if (words) timer = setTimeout(say, 15000, "");
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return [line, say];
}

/** The button that saves the session. While there is unsaved work it is marked, and closing the page asks first (see
 * page.js): the browser uses its own words, so the page itself shows what would be lost.
 * @param {Model} model @param {AbortSignal} signal */
function saveButton(model, signal) {
  const word = make("span", { class: "explorer-word" }, "Save");
  const [lost, tell] = passingLine(signal);
  const attributes = { class: "explorer-save", "data-quiet": true, "aria-label": SAVES };
  const button = makeButton([icon(...SAVE_ICON), word], () => model.send({ save: true }), attributes);
  const show = () => {
    const unsaved = model.get("unsaved");
    button.toggleAttribute("data-unsaved", unsaved !== "");
    button.title = [SAVES, unsaved].filter(Boolean).join(". ");
    if (isOwnPage()) document.documentElement.toggleAttribute("data-explorer-unsaved", unsaved !== "");
    if (!unsaved) tell("");
  };
  document.addEventListener("explorer-asked", () => tell(`${model.get("unsaved")} Save keeps all in a file.`), { signal });
  model.on("change:unsaved", show);
  show();
  return [button, lost];
}

const [KEPT, AGAIN] = ["explorer-kept", "explorer-again"]; // the second is set when heartbeat.js reloads the page

/** Keep a copy of the session for as long as the tab is open, replacing the previous one.
 * @param {string} words @param {DataView[]} buffers */
function keep(words, [copy]) {
  const [bytes, most] = [new Uint8Array(copy.buffer, copy.byteOffset, copy.byteLength), 4096]; // arguments of a call
  let letters = "";
  for (let at = 0; at < bytes.length; at += most) letters += String.fromCharCode(...bytes.subarray(at, at + most));
  store("sessionStorage", KEPT, letters ? JSON.stringify({ words, copy: btoa(letters) }) : null);
}

/** Request copies of the session, and open the one kept before a reload.
 * @param {Model} model @param {AbortSignal} signal */
function keepSession(model, signal) {
  if (!isOwnPage()) return;
  let timer = 0;
  const ask = () => {
    try {
      model.send({ keep: true });
    } catch {
      // the page is being left, and its connection is already closed
    }
  };
  const askSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 1000);
  };
  const asking = setInterval(() => model.get("status") === "running" && ask(), 30000);
  model.on("change:status change:unsaved", askSoon);
  signal.addEventListener("abort", () => [clearTimeout(timer), clearInterval(asking)]);
  const kept = stored("sessionStorage", AGAIN) && JSON.parse(stored("sessionStorage", KEPT) ?? "null");
  store("sessionStorage", AGAIN, null);
  if (!kept) return; // then only the address has the settings
  upload(new Blob([fromBase64(kept.copy)]), model, () => {}, "The session that was kept");
}

/** The menu's entries for files: the exports; the session, which on a phone is saved only here; and a file to open.
 * @param {Model} model @param {HTMLElement} menu @param {(words: string) => void} say */
function fileEntries(model, menu, say) {
  const exports = Object.entries(model.get("exports"));
  const input = fileInput({ accept: model.get("suffix") }, ([file]) => upload(file, model, say, file.name));
  return [
    ...exports.map(([name, words]) => menuEntry(menu, words, () => model.send({ export: name }))),
    menuEntry(menu, SAVES, () => model.send({ save: true }), { class: "explorer-apart" }),
    menuEntry(menu, OPENS, () => input.click(), { title: `A file of up to ${model.get("most_bytes") / 2 ** 20} MB` }),
    input,
    menuEntry(menu, PRESENTS, () => sendState(model, { size: "hall" }), { class: "explorer-apart" }),
  ];
}

/** The menu's button, and the menu.
 * @param {Model} model @param {AbortSignal} signal */
function exportMenu(model, signal) {
  const menu = make("div");
  const arrow = icon("M8 2v8", "M4.75 7l3.25 3.25l3.25-3.25", "M2.5 13.5h11");
  const attributes = { "data-quiet": true, "aria-label": "Export" };
  const button = makeButton([arrow, make("span", { class: "explorer-word" }, "Export")], null, attributes);
  asMenu(button, menu, signal);
  const [line, say] = passingLine(signal);
  const theme = themeButton(model, signal);
  const show = () => menu.replaceChildren(...fileEntries(model, menu, say), theme);
  model.on("change:exports", show);
  show();
  return [button, menu, line];
}

/** The button that leaves the presentation, which only that shows; the key P begins and ends it, and Escape, of which
 * whatever else is open comes first, ends it. A talk presents for good.
 * @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
function leaveButton(model, el, signal) {
  const leave = () => sendState(model, { size: "" });
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const isOn = model.get("size") === "hall";
    const isEnd = isOn && event.key === "Escape" && !document.querySelector(":popover-open");
    if ((event.key !== "p" && !isEnd) || !isForThePage(event, el, TAKES_LETTERS) || !el.checkVisibility()) return;
    if (isOn) leave();
    else sendState(model, { size: "hall" });
  };
  document.addEventListener("keydown", onKey, { signal });
  const words = { "aria-label": "Leave the presentation", title: "Leave the presentation (Esc)" };
  return makeButton(icon(...CROSS), leave, { class: "explorer-leave", "data-quiet": true, ...words });
}

/** The files of a dropped file or folder, with their paths.
 * @param {any} entry @returns {Promise<[string, File][]>} */
async function filesIn(entry) {
  if (entry instanceof File) return [[entry.name, entry]];
  if (entry.isFile) return [[entry.fullPath.slice(1), await new Promise((resolve, reject) => entry.file(resolve, reject))]];
  const [reader, found] = [entry.createReader(), /** @type {any[]} */ ([])];
  for (let some = [entry]; some.length; found.push(...some)) {
    some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most
  }
  return (await Promise.all(found.map(filesIn))).flat();
}

/** Send images that are dropped on the page or chosen on it; a line says how far one is, with a button that ends it.
 * @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
function imagesLine(model, el, signal) {
  const [line, say] = passingLine(signal);
  let [ending, last, timer] = [new AbortController(), Promise.resolve(), 0];
  const send = (/** @type {Blob} */ file, /** @type {string} */ name) => {
    ending.abort();
    ending = new AbortController();
    last = last.then(upload.bind(null, file, model, say, name, ending.signal));
  };
  const app = () => el.closest(".explorer-app") ?? el;
  const isOurs = (/** @type {Event} */ { target }) => isOwnPage() || app().contains(/** @type {Node} */ (target));
  const drag = async (/** @type {any} */ event) => {
    if (!event.dataTransfer.types.includes("Files") || !isOurs(event)) return;
    event.preventDefault(); // the browser would leave the page for the file
    const isOver = event.type === "dragover";
    clearTimeout(timer);
    app().toggleAttribute("data-dropping", isOver);
    timer = setTimeout(() => app().removeAttribute("data-dropping"), 500); // the next event comes sooner
    if (isOver) return;
    const dropped = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter((one) => one);
    const files = (await Promise.all(dropped.map(filesIn))).flat();
    const [[path, file] = ["", null]] = files;
    if (!file) say("No file is in what was dropped.");
    else if (path.endsWith(model.get("suffix"))) send(file, path);
    else sendImages(el, files.length === 1 && !path.includes("/") ? path : `${dropped[0].name}/`, files);
  };
  for (const type of ["dragover", "drop"]) document.addEventListener(type, drag, { signal });
  document.addEventListener("explorer-images", (/** @type {any} */ e) => isOurs(e) && send(e.detail.file, e.detail.name), { signal });
  const cancel = makeButton("Cancel", () => ending.abort());
  return make("div", { class: "explorer-sending" }, line, cancel);
}

/** The data set: its name, which opens the menu of all, and its sizes.
 * @param {Model} model @param {AbortSignal} signal */
function datasetChoice(model, signal) {
  const [name, menu] = [make("span", { class: "explorer-cut" }), make("div")];
  const sizes = make("span", { class: "explorer-sizes explorer-cut" });
  const button = makeButton([name, icon("M4 6.5l4 4 4-4")], null, { "data-quiet": true });
  const group = (/** @type {[string, string[]]} */ [heading, names]) => {
    const entries = names.map((one) => menuEntry(menu, one, () => model.send({ choose: one })));
    return make("div", { role: "group", "aria-label": heading }, make("p", {}, heading), ...entries);
  };
  const more = menuEntry(menu, "More about the data, or your own …", () => model.send({ about: true }), { class: "explorer-apart" });
  asMenu(button, menu, signal);
  const show = () => {
    menu.replaceChildren(...Object.entries(model.get("datasets")).map(group), more);
    const at = model.get("dataset").lastIndexOf(" · ");
    const chosen = model.get("dataset").slice(0, at);
    write(name, chosen);
    write(sizes, model.get("dataset").slice(at + 3));
    button.setAttribute("aria-label", `Data set: ${chosen}`);
    for (const entry of menu.querySelectorAll("button")) entry.setAttribute("aria-current", String(entry.textContent === chosen));
  };
  model.on("change:dataset change:datasets", show);
  show();
  return make("div", { class: "explorer-dataset explorer-line explorer-muted" }, button, menu, sizes);
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-header", model);
  if (isOwnPage()) document.documentElement.dataset.explorerHost = "page";
  const title = make("h1", { class: "explorer-strong" }, TITLE);
  const status = make("span", { class: "explorer-status explorer-muted" });
  const name = make("div", { class: "explorer-name explorer-line" }, title, datasetChoice(model, signal), status);
  const files = [...saveButton(model, signal), ...exportMenu(model, signal)];
  const tools = [...shareButton(model, signal), ...files, leaveButton(model, el, signal), imagesLine(model, el, signal)];
  el.append(make("header", {}, name, make("div", { class: "explorer-tools explorer-line" }, ...tools)));

  const show = () => {
    write(status, STATUS[model.get("status")]);
    status.dataset.status = model.get("status");
  };
  model.on("change", show);
  show();
  keepAddress(model, signal);
  keepSession(model, signal);
}

/** Save Python's data once, however many views there are. */
/** @type {import("@anywidget/types").Initialize<State>} */
function initialize({ model }) {
  model.on("msg:custom", (content, buffers) => {
    if (content.download) saveFile(content, buffers);
    if ("keep" in content) keep(content.keep, buffers);
  });
}

export default { initialize, render };
