// Drawings are kept as what was done, not as pixels: so the last thing can be undone, and lines are sharp on a
// screen of any density. Everything is drawn twice, large for the eye and small for Python.

const UNITS = 280; // the pad is so wide, however wide it is on the screen
const CELLS = 28; // the keys move by one of so many steps
const CELL = UNITS / CELLS;
const BRUSH = 24; // scaled to the 20 pixels of a digit, about as thick as MNIST's strokes
const MILLISECONDS_BETWEEN = 50;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MEMORY = "explorer-sketch-pad";
const HOW = "Mouse, pen or finger. With keys: arrows move the brush, Space puts it down and lifts it, Delete clears, Ctrl+Z undoes.";

/** The context of a new canvas or of one that is given, which counts in units of the pad. */
function makeLayer(side, { canvas = make("canvas"), ...options } = {}) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", options);
  context.scale(side / UNITS, side / UNITS);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = BRUSH;
  // The colour is as it comes: how opaque a pixel is counts as ink.
  context.imageSmoothingEnabled = false;
  return context;
}

/** Draw a stroke as one line, so that its edge is as smooth as its points; a single point is a dot. */
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

/** Copy a layer onto another of its size, and draw the stroke on it that is not finished yet. */
function compose(onto, layer, stroke) {
  onto.save();
  onto.resetTransform();
  onto.globalCompositeOperation = "copy";
  onto.drawImage(layer.canvas, 0, 0);
  onto.restore();
  if (stroke) drawStroke(onto, stroke);
}

/** Do again what was done: a stroke, or another picture (or none) in place of everything. */
function redo(context, done) {
  if (done.points) return drawStroke(context, done);
  context.clearRect(0, 0, UNITS, UNITS);
  if (done.picture) context.drawImage(done.picture, 0, 0, UNITS, UNITS);
}

/** What was done, as a text that `recalled` reads again. A picture is kept as its ink. */
function remembered(done) {
  const base64 = ({ buffer, byteOffset, byteLength }) =>
    btoa(new Uint8Array(buffer, byteOffset, byteLength).reduce((text, byte) => text + String.fromCharCode(byte), ""));
  return JSON.stringify(done.map((deed) => (deed.ink ? { ink: base64(deed.ink) } : deed)));
}

function recalled(text, side) {
  const bytes = (base64) => new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
  return JSON.parse(text).map((deed) => (deed.ink ? pictureOf(bytes(deed.ink), side) : deed));
}

/** Bytes of ink as a deed: a picture in place of everything. */
function pictureOf(ink, side) {
  const context = makeLayer(side);
  const image = context.createImageData(side, side);
  for (let i = 0; i < ink.byteLength; i++) image.data[4 * i + 3] = ink.getUint8(i);
  context.putImageData(image, 0, 0);
  return { picture: context.canvas, ink };
}

/** The ink of a layer as bytes. */
function inkOf(context) {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const ink = new Uint8Array(width * height);
  for (let i = 0; i < ink.length; i++) ink[i] = data[4 * i + 3];
  return new DataView(ink.buffer);
}

function render({ model, el, signal }) {
  becomePart(el, "explorer-sketch-pad");
  const side = model.get("side");
  const how = make("p", { id: freshId(), class: "explorer-muted explorer-small" }, HOW);
  const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": "Sketch pad", "aria-describedby": how.id });
  const cursor = make("div", { class: "explorer-sketch-cursor", "aria-hidden": "true" });
  const said = make("p", { class: "explorer-unseen", role: "status", "aria-live": "polite" });
  const button = (words, onclick, more = {}) => make("button", { type: "button", class: "explorer-button", onclick, ...more }, words);
  const undoButton = button("Undo", () => undo(), { "aria-keyshortcuts": "Control+Z" });
  const clearButton = button("Clear", () => clear());
  const eraser = button("Eraser", () => setErasing(!erasing), { "aria-pressed": "false" });
  const offer = model.get("offer") && button(model.get("offer"), () => model.send({ offer: true }));
  el.append(
    make("div", { class: "explorer-sketch-ground" }, canvas, cursor),
    make("div", { class: "explorer-sketch-tools", role: "group", "aria-label": "Sketch pad tools" }, undoButton, clearButton, eraser, offer || null),
    how,
    said,
  );
  cursor.style.width = `${(100 * BRUSH) / UNITS}%`;

  const small = makeLayer(side);
  const read = makeLayer(side, { willReadFrequently: true });
  let large = makeLayer(1);
  let shown = makeLayer(1, { canvas });
  let done = [];
  let stroke = null; // the one that is being drawn
  let pointer = null; // by which pointer; the keys have none
  let erasing = false;
  let place = [CELLS / 2, CELLS / 2]; // of the brush that the keys move
  let sent = model.get("ink");
  let timer = 0;

  // A reload of the app's own page brings a new kernel, which knows nothing of the drawing.
  const remember = () => {
    if (!isOwnPage()) return;
    try {
      sessionStorage.setItem(MEMORY, remembered(done));
    } catch (error) {
      console.info("The drawing will not survive a reload.", error); // the browser stores nothing, or no more
    }
  };
  const recall = () => {
    try {
      return recalled(sessionStorage.getItem(MEMORY) ?? "[]", side);
    } catch (error) {
      console.info("The drawing did not survive the reload.", error);
      return [];
    }
  };

  const send = () => {
    clearTimeout(timer);
    timer = 0;
    if (!stroke) remember();
    compose(read, small, stroke);
    sent = inkOf(read);
    model.set("ink", sent);
    model.save_changes();
  };
  const sendSoon = () => (timer ||= setTimeout(send, MILLISECONDS_BETWEEN));

  // The layers only know where ink is; what is shown gets the colour of the theme.
  const paint = () => {
    compose(shown, large, stroke);
    shown.save();
    shown.globalCompositeOperation = "source-in";
    shown.fillStyle = getComputedStyle(canvas).color;
    shown.fillRect(0, 0, UNITS, UNITS);
    shown.restore();
  };
  const replay = (...layers) => {
    for (const layer of layers) {
      layer.clearRect(0, 0, UNITS, UNITS);
      for (const deed of done) redo(layer, deed);
    }
    paint();
    showTools();
  };
  const showTools = () => {
    const nothing = !stroke && done.length === 0;
    const blank = nothing || (!stroke && done.at(-1).blank === true);
    for (const [tool, off] of [[undoButton, nothing], [clearButton, blank]]) {
      // A disabled button loses the focus to nowhere: hand it to the pad.
      if (off && tool === document.activeElement) canvas.focus({ preventScroll: true });
      tool.disabled = off;
    }
    eraser.setAttribute("aria-pressed", erasing);
  };
  const fit = () => {
    const pixels = Math.round(canvas.clientWidth * devicePixelRatio);
    if (pixels === 0) return;
    large = makeLayer(pixels);
    shown = makeLayer(pixels, { canvas });
    replay(large);
  };

  const begin = (point, erase) => {
    stroke = { erase, points: [point] };
    extend([]);
    showTools();
  };
  const extend = (points) => {
    for (const point of points) {
      if (point.some((at, axis) => at !== stroke.points.at(-1)[axis])) stroke.points.push(point);
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
    if (!stroke) done.pop(); // the stroke that is being drawn goes first
    stroke = pointer = null;
    replay(small, large);
    showCursor();
    send();
  };
  const replace = (deed) => {
    if (stroke) done.push(stroke);
    stroke = pointer = null;
    done.push(deed);
    replay(small, large);
    showCursor();
  };
  const clear = () => {
    if (clearButton.disabled) return; // Delete comes here too
    replace({ blank: true });
    send();
  };
  const setErasing = (value) => {
    erasing = value;
    showTools();
  };

  const pointOf = ({ clientX, clientY }) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    return [((clientX - left) * UNITS) / width, ((clientY - top) * UNITS) / width];
  };
  canvas.addEventListener("pointerdown", (event) => {
    const penEraser = (event.buttons & 32) !== 0;
    if (pointer !== null || (event.button !== 0 && !penEraser)) return;
    end();
    delete el.dataset.keys;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer); // a line may leave the pad and come back
    begin(pointOf(event), erasing || penEraser);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents?.() ?? [];
    extend((all.length ? all : [event]).map(pointOf));
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (event.pointerId !== pointer) return;
      place = stroke.points.at(-1).map((at) => inGrid(Math.floor(at / CELL))); // the keys go on from there
      end();
    });
  }

  const inGrid = (cell) => Math.min(CELLS - 1, Math.max(0, cell));
  const placeOf = ([column, row]) => [(column + 0.5) * CELL, (row + 0.5) * CELL];
  const showCursor = () => {
    const [left, top] = placeOf(place);
    cursor.style.left = `${(100 * left) / UNITS}%`;
    cursor.style.top = `${(100 * top) / UNITS}%`;
    cursor.toggleAttribute("data-down", stroke !== null && pointer === null);
  };
  const say = (words) => (said.textContent = words);
  const where = () => `${stroke ? "down" : "up"}, column ${place[0] + 1}, row ${place[1] + 1}`;
  const move = ([right, down]) => {
    place = [place[0] + right, place[1] + down].map(inGrid);
    if (stroke) extend([placeOf(place)]);
  };
  const lower = () => (stroke ? end() : begin(placeOf(place), erasing));
  const actOn = (key) => {
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
  const onKey = (event) => {
    const forUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "z";
    const plain = !(event.ctrlKey || event.metaKey || event.altKey) && event.target === canvas && pointer === null;
    if (forUndo && el.contains(event.target)) {
      undo();
      say("undone");
    } else if (!plain || (event.repeat && event.key === " ") || !actOn(event.key)) return;
    event.preventDefault(); // the page does not scroll
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
    remember();
  });
  if (sent.byteLength) done.push(pictureOf(sent, side));
  else if (isOwnPage()) done = recall();
  replay(small);
  showCursor();
  if (!sent.byteLength && done.length > 0) send();

  const watcher = new ResizeObserver(fit); // also when the tab comes into sight
  watcher.observe(canvas);
  canvas.addEventListener("transitionend", paint); // the style sheet makes a change of colour one of these
  return () => {
    clearTimeout(timer);
    watcher.disconnect();
  };
}

export default { render };
