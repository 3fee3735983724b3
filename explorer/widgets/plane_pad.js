// @ts-check
// A canvas, drawn in one go: the surface enlarged, then the points, then what is lit.

const FULL = 255;
const STEP = 8; // of an arrow key; with Shift 1
const MS_BETWEEN = 50; // points sent while the pointer moves
/** @type {Record<string, [number, number]>} */
const MOVES = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const MOST_ADDED = 200;
/** @type {[name: string, label: string, low: number, high: number, step: number][]} */
const SETTINGS = [
  ["n", "Points", 2, 2000, 2],
  ["noise", "Noise, in sides of the plane", 0, 0.3, 0.005],
  ["share", "Share of training points", 0.1, 0.9, 0.05],
  ["seed", "Seed", 0, 999, 1],
];

/**
 * @typedef {{
 *   names: string[], colors: string[], points: DataView, surface: DataView<ArrayBuffer>, n_added: number, point: [number, number],
 *   settings: Record<string, number>,
 * }} State
 */

const within = (/** @type {number} */ at) => Math.max(0, Math.min(FULL, Math.round(at)));

/** @param {DataView<ArrayBuffer>} surface */
function imageOf({ buffer, byteOffset, byteLength }) {
  const side = Math.sqrt(byteLength / 4);
  if (!side) return null;
  const image = new OffscreenCanvas(side, side);
  image.getContext("2d")?.putImageData(new ImageData(new Uint8ClampedArray(buffer, byteOffset, byteLength), side), 0, 0);
  return image;
}

/** @param {import("@anywidget/types").RenderProps<State> & { signal: AbortSignal }} props */
function render({ model, el, signal }) {
  becomePart(el, "explorer-plane-pad", model);
  const how = "Plane: arrow keys move the point, Enter adds it to the training points";
  const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": how });
  const spoken = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  const legend = make("span", { class: "explorer-muted explorer-small", "aria-hidden": "true" }, "● training ○ test");
  let adding = 0;
  const kinds = make("span", { class: "explorer-wrap explorer-plane-pad-kinds" });
  const undo = makeButton("Undo", () => model.send({ undo: true }), { title: "Remove the point that was added last" });
  const tools = make("div", { class: "explorer-plane-pad-tools explorer-wrap", role: "group", "aria-label": "Points to add" }, kinds, undo);
  const settings = make("div", { class: "explorer-plane-pad-settings" });
  el.append(make("div", {}, canvas, legend, tools), settings, spoken);
  const sliders = SETTINGS.map(([name, label, low, high, step]) => {
    const slider = make("input", { type: "range", class: "explorer-range", id: freshId(), min: low, max: high, step });
    const value = make("output", {});
    slider.addEventListener("input", () => show(Number(slider.value)));
    const send = () => sendState(model, { settings: { ...model.get("settings"), [name]: Number(slider.value) } });
    slider.addEventListener("change", send);
    const show = (/** @type {number} */ now) => {
      slider.value = String(now);
      slider.style.setProperty("--filled", `${(100 * (now - low)) / (high - low)}%`);
      write(value, slider.value);
    };
    settings.append(make("div", {}, make("label", { for: slider.id }, label), make("div", { class: "explorer-line" }, slider, value)));
    return { name, show };
  });
  const showSettings = () => {
    const now = model.get("settings");
    settings.hidden = !("n" in now);
    for (const { name, show } of sliders) show(now[name] ?? 0);
  };
  const choose = (/** @type {number} */ k) => {
    adding = k;
    for (const [other, kind] of [...kinds.children].entries()) kind.setAttribute("aria-pressed", String(other === k));
  };
  const showKinds = () => {
    const colors = model.get("colors");
    const makeKind = (/** @type {string} */ name, /** @type {number} */ k) => {
      const dot = make("span", { class: "explorer-plane-pad-dot", style: `--dot: ${colors[k]}` });
      return makeButton([dot, name], () => choose(k), { title: `A click adds a training point of class ${name}` });
    };
    kinds.replaceChildren(...model.get("names").map(makeKind));
    choose(0);
  };

  let [image, timer] = [imageOf(model.get("surface")), 0];
  const draw = () => {
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    const context = canvas.getContext("2d");
    if (!side || !context) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const { color, backgroundColor } = getComputedStyle(canvas);
    const circle = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ radius) => {
      context.beginPath();
      context.arc((x * side) / FULL, side - (y * side) / FULL, radius * devicePixelRatio, 0, 2 * Math.PI);
    };
    context.clearRect(0, 0, side, side);
    if (image) context.drawImage(image, 0, 0, side, side);
    const points = model.get("points");
    const n = points.byteLength / 4;
    context.lineWidth = devicePixelRatio;
    for (let i = 0; i < n; i++) {
      const [x, y, k, isTest] = [0, 1, 2, 3].map((part) => points.getUint8(4 * i + part));
      circle(x, y, n > 800 ? 2 : 3);
      context.fillStyle = isTest ? backgroundColor : model.get("colors")[k];
      context.strokeStyle = isTest ? model.get("colors")[k] : backgroundColor;
      context.fill();
      context.stroke();
    }
    const [x, y] = model.get("point");
    circle(x, y, 7);
    context.strokeStyle = color;
    context.lineWidth = 2 * devicePixelRatio;
    context.stroke();
  };
  const light = (/** @type {[number, number]} */ point) => {
    model.set("point", point);
    draw();
    timer ||= setTimeout(() => {
      timer = 0;
      model.save_changes();
    }, MS_BETWEEN);
  };
  const add = () => {
    const hasRoom = model.get("n_added") < MOST_ADDED;
    if (hasRoom) model.send({ add: [...model.get("point"), adding] });
    write(spoken, hasRoom ? `Added a point of class ${model.get("names")[adding]}` : `No more than ${MOST_ADDED} points can be added`);
  };
  const lightAt = (/** @type {MouseEvent} */ { clientX, clientY }) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    light([within((FULL * (clientX - left)) / width), within(FULL - (FULL * (clientY - top)) / width)]);
  };
  canvas.addEventListener("pointermove", lightAt);
  canvas.addEventListener("click", (event) => {
    lightAt(event);
    add();
  });
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.target !== canvas || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key];
    if (move) {
      const [x, y] = model.get("point").map((at, axis) => within(at + move[axis] * (event.shiftKey ? 1 : STEP)));
      light([x, y]);
      write(spoken, `x ${(x / FULL).toFixed(2)}, y ${(y / FULL).toFixed(2)}`);
    } else if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) add();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // the page listens for Space
  };
  window.addEventListener("keydown", onKey, { signal, capture: true });
  model.on("change:points change:point", draw);
  model.on("change:surface", () => {
    image = imageOf(model.get("surface"));
    draw();
  });
  const showUndo = () => turnOff(undo, model.get("n_added") === 0, canvas);
  model.on("change:n_added", showUndo);
  model.on("change:names", showKinds);
  model.on("change:settings", showSettings);
  canvas.addEventListener("transitionend", draw); // the style sheet turns color changes into transitions
  onSize(canvas, draw, signal);
  showKinds();
  showSettings();
  showUndo();
  return () => clearTimeout(timer);
}

export default { render };
