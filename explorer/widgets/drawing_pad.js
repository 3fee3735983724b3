// @ts-check
// Drawings are stored as operations, not as pixels: so the last one can be undone, and lines are sharp at any screen
// density. Everything is drawn twice, large for display and small for Python.

const UNITS = 280; // width of the pad in its own units, whatever its size on screen
const CELLS = 28; // number of keyboard steps across the pad
const CELL = UNITS / CELLS;
const BRUSH = 24; // scaled to the 20 pixels of a digit, about as thick as MNIST's strokes
const MILLISECONDS_BETWEEN = 50;
/** @type {Record<string, Point>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HOW = "Mouse, pen or finger. With keys: arrows move the brush, Space puts it down and lifts it, Delete clears, Ctrl+Z undoes.";

/**
 * @typedef {[x: number, y: number]} Point
 * @typedef {{ erase: boolean, points: Point[] }} Stroke
 * @typedef {{ picture: HTMLCanvasElement }} Picture in place of everything
 * @typedef {{ blank: true }} Blank nothing in place of everything
 * @typedef {Stroke | Picture | Blank} Deed
 * @typedef {{ side: number, keeps: string, ink: DataView<ArrayBuffer> }} State
 */

/** The context of a new or given canvas, scaled to the pad's units.
 * @param {number} side @param {HTMLCanvasElement} [canvas] @param {CanvasRenderingContext2DSettings} [options] */
function makeLayer(side, canvas = make("canvas"), options = {}) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", options);
  if (!context) throw new Error("The browser can't draw");
  context.scale(side / UNITS, side / UNITS);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = BRUSH;
  // The color doesn't matter: a pixel's opacity counts as ink.
  context.imageSmoothingEnabled = false;
  return context;
}

/** Draw a stroke as one line, so that its edge is as smooth as its points; a single point is a dot.
 * @param {CanvasRenderingContext2D} context @param {Stroke} stroke */
function drawStroke(context, { erase, points: [first, ...others] }) {
  context.globalCompositeOperation = erase ? "destination-out" : "source-over";
  context.beginPath();
  if (others.length === 0) {
    context.arc(...first, BRUSH / 2, 0, 2 * Math.PI);
    context.fill();
  } else {
    context.moveTo(...first);
    for (const point of others) context.lineTo(...point);
    context.stroke();
  }
  context.globalCompositeOperation = "source-over";
}

/** Copy a layer onto another of its size, and draw the unfinished stroke on it.
 * @param {CanvasRenderingContext2D} onto @param {CanvasRenderingContext2D} layer @param {Stroke | null} stroke */
function compose(onto, layer, stroke) {
  onto.save();
  onto.resetTransform();
  onto.globalCompositeOperation = "copy";
  onto.drawImage(layer.canvas, 0, 0);
  onto.restore();
  if (stroke) drawStroke(onto, stroke);
}

/** Replay an operation.
 * @param {CanvasRenderingContext2D} context @param {Deed} deed */
function redo(context, deed) {
  if ("points" in deed) return drawStroke(context, deed);
  context.clearRect(0, 0, UNITS, UNITS);
  if ("picture" in deed) context.drawImage(deed.picture, 0, 0, UNITS, UNITS);
}

/** A picture from bytes of ink.
 * @param {DataView<ArrayBuffer>} ink @param {number} side @returns {Picture} */
function pictureOf(ink, side) {
  const context = makeLayer(side);
  const image = context.createImageData(side, side);
  for (let i = 0; i < ink.byteLength; i++) image.data[4 * i + 3] = ink.getUint8(i);
  context.putImageData(image, 0, 0);
  return { picture: context.canvas };
}

/** A layer's ink as bytes.
 * @param {CanvasRenderingContext2D} context */
function inkOf(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const ink = new Uint8Array(width * height);
  for (let i = 0; i < ink.length; i++) ink[i] = data[4 * i + 3];
  return new DataView(ink.buffer);
}

/** @param {import("@anywidget/types").RenderProps<State> & { signal: AbortSignal }} props */
function render({ model, el, signal }) {
  becomePart(el, "explorer-drawing-pad", model);
  const side = model.get("side");
  const how = make("p", { id: freshId(), class: "explorer-muted explorer-small" }, HOW);
  const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": "Sketch pad", "aria-describedby": how.id });
  const cursor = make("div", { class: "explorer-drawing-cursor", "aria-hidden": "true" });
  const spoken = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  const clearButton = makeButton("Clear", () => clear());
  const keep = () => {
    el.dispatchEvent(new CustomEvent("explorer-kept", { bubbles: true, detail: new Uint8Array(sent.buffer) }));
    clear();
  };
  const label = model.get("keeps");
  const mistakeButton = label ? makeButton(label, keep) : makeButton("A mistake", () => model.send({ mistake: true }));
  const tools = { class: "explorer-drawing-tools explorer-wrap", role: "group", "aria-label": "Sketch pad tools" };
  el.append(make("div", { class: "explorer-drawing-ground" }, canvas, cursor), make("div", tools, clearButton, mistakeButton), how, spoken);
  cursor.style.width = `${(100 * BRUSH) / UNITS}%`;

  const small = makeLayer(side);
  const read = makeLayer(side, make("canvas"), { willReadFrequently: true });
  let large = makeLayer(1);
  let shown = makeLayer(1, canvas);
  /** @type {Deed[]} */
  const done = [];
  /** @type {Stroke | null} */
  let stroke = null; // the one in progress
  /** @type {number | null} */
  let pointer = null; // the pointer that draws it; null for keys
  /** @type {Point} */
  let place = [CELLS / 2, CELLS / 2]; // of the keyboard's brush
  let sent = model.get("ink");
  let [timer, sentAt] = [0, 0];

  const send = () => {
    clearTimeout(timer);
    [timer, sentAt] = [0, performance.now()];
    compose(read, small, stroke);
    sent = inkOf(read);
    sendState(model, { ink: sent });
  };
  const sendSoon = () => {
    timer ||= setTimeout(send, sentAt + MILLISECONDS_BETWEEN - performance.now()); // after a pause at once
  };

  // The layers only store where ink is; the displayed image gets the theme's color.
  const paint = () => {
    compose(shown, large, stroke);
    shown.save();
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = getComputedStyle(canvas).color;
    shown.fillRect(0, 0, UNITS, UNITS);
    shown.restore();
  };
  const replay = (/** @type {CanvasRenderingContext2D[]} */ ...layers) => {
    for (const layer of layers) {
      layer.clearRect(0, 0, UNITS, UNITS);
      for (const deed of done) redo(layer, deed);
    }
    paint();
    showTools();
  };
  const showTools = () => {
    const last = done.at(-1);
    const isBlank = !stroke && (last === undefined || "blank" in last);
    // A disabled button loses the focus: move it to the pad.
    if (isBlank && clearButton === document.activeElement) canvas.focus({ preventScroll: true });
    clearButton.disabled = isBlank;
    mistakeButton.disabled = isBlank && label !== "";
  };
  const fit = () => {
    const pixels = Math.round(canvas.clientWidth * devicePixelRatio);
    if (pixels === 0) return;
    large = makeLayer(pixels);
    shown = makeLayer(pixels, canvas);
    replay(large);
  };

  const begin = (/** @type {Point} */ point, /** @type {boolean} */ erase) => {
    const last = done.at(-1);
    if (last && "picture" in last) {
      const drawing = pointer;
      replace({ blank: true });
      pointer = drawing;
    }
    stroke = { erase, points: [point] };
    extend(stroke, []);
    showTools();
  };
  const extend = (/** @type {Stroke} */ { points }, /** @type {Point[]} */ more) => {
    for (const point of more) {
      const last = points[points.length - 1];
      if (point.some((at, axis) => at !== last[axis])) points.push(point);
    }
    paint();
    sendSoon();
  };
  const end = () => {
    if (!stroke) return;
    done.push(stroke);
    for (const layer of [small, large]) drawStroke(layer, stroke);
    stroke = pointer = null;
    showTools();
    showCursor();
    send();
  };
  const undo = () => {
    if (!stroke) done.pop(); // the unfinished stroke is removed first
    stroke = pointer = null;
    replay(small, large);
    showCursor();
    send();
  };
  const replace = (/** @type {Deed} */ deed) => {
    if (stroke) done.push(stroke);
    stroke = pointer = null;
    done.push(deed);
    replay(small, large);
    showCursor();
  };
  const clear = () => {
    if (clearButton.disabled) return; // Delete also gets here
    replace({ blank: true });
    send();
  };

  /** @returns {Point} */
  const pointOf = (/** @type {PointerEvent} */ { clientX, clientY }) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    return [((clientX - left) * UNITS) / width, ((clientY - top) * UNITS) / width];
  };
  canvas.addEventListener("pointerdown", (event) => {
    const penEraser = (event.buttons & 32) !== 0;
    if (pointer !== null || (event.button !== 0 && !penEraser)) return;
    end();
    delete el.dataset.keys;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer); // so that a line may leave the pad and return
    begin(pointOf(event), penEraser);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer || !stroke) return;
    const all = event.getCoalescedEvents?.() ?? [];
    extend(stroke, (all.length ? all : [event]).map(pointOf));
  });
  const release = (/** @type {PointerEvent} */ event) => {
    if (event.pointerId !== pointer) return;
    const [x, y] = stroke?.points.at(-1) ?? placeOf(place);
    place = inGrid(Math.floor(x / CELL), Math.floor(y / CELL)); // the keys continue from here
    end();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);

  const within = (/** @type {number} */ cell) => Math.min(CELLS - 1, Math.max(0, cell));
  /** @returns {Point} */
  const inGrid = (/** @type {number} */ column, /** @type {number} */ row) => [within(column), within(row)];
  /** @returns {Point} */
  const placeOf = (/** @type {Point} */ [column, row]) => [(column + 0.5) * CELL, (row + 0.5) * CELL];
  const showCursor = () => {
    const [left, top] = placeOf(place);
    cursor.style.left = `${(100 * left) / UNITS}%`;
    cursor.style.top = `${(100 * top) / UNITS}%`;
    cursor.toggleAttribute("data-down", stroke !== null && pointer === null);
  };
  const say = (/** @type {string} */ words) => {
    spoken.textContent = words;
  };
  const where = () => `${stroke ? "down" : "up"}, column ${place[0] + 1}, row ${place[1] + 1}`;
  const move = (/** @type {Point} */ [right, down]) => {
    place = inGrid(place[0] + right, place[1] + down);
    if (stroke) extend(stroke, [placeOf(place)]);
  };
  const lower = () => (stroke ? end() : begin(placeOf(place), false));
  const actOn = (/** @type {string} */ key) => {
    if (key in STEPS) move(STEPS[key]);
    else if (key === " ") lower();
    else if (key === "Escape" && stroke) end();
    else if (key === "Delete" || key === "Backspace") clear();
    else return false;
    el.dataset.keys = "";
    showCursor();
    say(key in STEPS || key === " " ? where() : key === "Escape" ? "up" : "cleared");
    return true;
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const forUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    const plain = !(event.ctrlKey || event.metaKey || event.altKey) && event.target === canvas && pointer === null;
    if (forUndo && event.target instanceof Node && el.contains(event.target)) {
      undo();
      say("undone");
    } else if (!plain || (event.repeat && event.key === " ") || !actOn(event.key)) return;
    event.preventDefault(); // so that the page does not scroll
    event.stopPropagation(); // and does not take Space for Train: it listens on the document, so this stands before
  };
  window.addEventListener("keydown", onKey, { signal, capture: true });
  canvas.addEventListener("blur", () => {
    if (pointer === null) end();
    delete el.dataset.keys;
  });

  model.on("change:ink", () => {
    const ink = model.get("ink");
    if (ink === sent) return;
    clearTimeout(timer);
    timer = 0;
    sent = ink;
    replace(ink.byteLength ? pictureOf(ink, side) : { blank: true });
  });
  if (sent.byteLength) done.push(pictureOf(sent, side));
  replay(small);
  showCursor();

  onSize(canvas, fit, signal); // also when the tab becomes visible
  canvas.addEventListener("transitionend", paint); // the style sheet turns color changes into transitions
  return () => clearTimeout(timer);
}

export default { render };
