// @ts-check
// A file or a folder of images, or drawings and photographs of a few classes, which stay here until they are sent.

const SIDE = 140; // of ink, as the pad's

/** A photograph as ink: on light or even paper what is darker than that, else its brightness. @param {File} file */
async function inkOfPhoto(file) {
  const photo = await createImageBitmap(file);
  const side = Math.min(photo.width, photo.height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(SIDE, SIDE).getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, (photo.width - side) / 2, (photo.height - side) / 2, side, side, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  const gray = Float32Array.from({ length: SIDE ** 2 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);
  const sorted = gray.slice().sort();
  const [low, mid, high] = [SIDE, SIDE ** 2 / 2, SIDE ** 2 - SIDE].map((at) => sorted[at]);
  const paper = mid - 32; // its shadows are no ink
  const ink = paper < 96 && high - mid > mid - low ? gray : gray.map((one) => (255 * (paper - one)) / Math.max(paper - low, 1));
  return new Uint8Array(Uint8ClampedArray.from(ink).buffer);
}

/** A button that opens a field for files. @param {string} words @param {object} field @param {(files: File[]) => unknown} act */
function chooser(words, field, act) {
  const input = fileInput(field, act);
  const button = makeButton(words, () => input.click());
  return make("span", {}, button, input);
}

/** @type {import("@anywidget/types").Render<{}>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-own-images", model);
  /** The ink of each picture. @type {WeakMap<Element, Uint8Array<ArrayBuffer>>} */
  const inks = new WeakMap();
  const [rows, group] = [make("ul", { "aria-label": "Classes" }), freshId()];
  const status = make("p", { class: "explorer-muted explorer-small", role: "status" });
  const pictures = () => [...rows.children].map((row) => [...row.querySelectorAll("button")]);
  const checked = () => rows.querySelector(":has(> :checked)");
  const add = (/** @type {Uint8Array<ArrayBuffer>} */ ink, row = checked()) => {
    const canvas = make("canvas", { width: SIDE, height: SIDE });
    const pixels = Uint8ClampedArray.from({ length: 4 * ink.length }, (_, i) => (i % 4 === 3 ? 255 : ink[i >> 2]));
    canvas.getContext("2d")?.putImageData(new ImageData(pixels, SIDE), 0, 0);
    const remove = () => {
      picture.remove();
      row?.querySelector("input")?.focus(); // what had it is gone
      show();
    };
    const picture = make("button", { type: "button", "aria-label": "Remove this drawing", onclick: remove }, canvas);
    inks.set(picture, ink);
    row?.append(picture);
    show();
  };
  const addClass = () => {
    const words = `class ${rows.children.length + 1}`;
    const chosen = make("input", { type: "radio", name: group, checked: !rows.children.length, "aria-label": `Draw for ${words}` });
    const field = { class: "explorer-field", maxlength: 40, value: words, "aria-label": `Name of ${words}` };
    rows.append(make("li", { class: "explorer-wrap" }, chosen, make("input", { ...field, onfocus: () => chosen.click() })));
  };
  const send = () => {
    const names = [...rows.querySelectorAll("input")].filter(({ type }) => type === "text").map(({ value }) => value);
    const path = (/** @type {number} */ k, /** @type {number} */ i) => `${names[k].trim() || "?"}/${k}-${i}`;
    const files = pictures().flatMap((row, k) => row.map((one, i) => [path(k, i), new Blob([inks.get(one) ?? ""])]));
    sendImages(el, "Drawings/", files, { drawn: true });
  };
  const train = makeButton("Train on them", send, { "data-primary": true });
  const show = () => {
    const counts = pictures().flatMap((row) => row.length || []);
    turnOff(train, counts.length < 2 || Math.min(...counts) < 2, null);
    const how = "Choose a class, draw, and add the drawing: at least two for each of two classes, better seven";
    write(status, train.disabled ? how : `${counts.join(" + ")} drawings: with more of each the network gets better`);
  };
  for (let i = 0; i < 2; i++) addClass();
  show();
  const photos = chooser("Add photographs …", { accept: "image/*", multiple: true }, async (files) => {
    const row = checked(); // another may be by the time that the last is read
    const found = await Promise.allSettled(files.map(async (file) => add(await inkOfPhoto(file), row)));
    const unread = files.filter((_, k) => found[k].status === "rejected").map(({ name }) => name);
    if (unread.length) write(status, `The browser can't read ${unread.join(", ")}.`);
  });
  const tools = make("div", { class: "explorer-wrap" }, makeButton("Add a class", addClass), photos, train);
  const file = chooser("Choose a file …", { accept: ".npz,.zip,.csv,.tgz,.tar,.gz" }, ([one]) => sendImages(el, one.name, [["", one]]));
  const folder = chooser("Choose a folder …", { webkitdirectory: true }, (files) => {
    const parts = files.map((one) => [one.webkitRelativePath, one]);
    sendImages(el, files[0].webkitRelativePath.replace(/\/.*/, "/"), parts);
  });
  const how = "Drop them on the page: a folder with a folder of images for each class, a .zip of it, .npz, .csv or .tgz.";
  const drawing = make("details", {}, make("summary", {}, "Draw them"), rows, tools, status);
  el.append(make("h2", {}, "Your own images"), make("p", {}, how), make("div", { class: "explorer-wrap" }, file, folder), drawing);
  const keep = (/** @type {any} */ { target, detail }) => el.parentElement?.contains(target) && add(detail);
  document.addEventListener("explorer-kept", keep, { signal });
}

export default { render };
