// @ts-check
// One setting of a run. Committed input is sent to Python as typed; Python answers with `value` or `error`.

/**
 * @typedef {string | number | null} Single
 * @typedef {Single | Single[]} Value
 * @typedef {{
 *   name: string, kind: "scale" | "layers" | "choice" | "few" | "pair" | "whole" | "count", unit: string, low?: string, high?: string,
 *   stops: number[], options: [value: Value, words: string][], all: number,
 * }} Described low and high as they are written, the stops of a slider, the options of a choice, how many images there are
 * @typedef {{
 *   _control: Described, value: Value, description: string, tooltip: string | null, disabled: boolean, error: string,
 *   now: number | null, _answered: string,
 * }} State now: in a run that trains
 * @typedef {import("@anywidget/types").AnyModel<State>} Model
 * @typedef {ReturnType<typeof frame>} Control
 */

const MOVES = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];

const same = (/** @type {unknown} */ one, /** @type {unknown} */ other) => JSON.stringify(one) === JSON.stringify(other);

/** The typed input: a number, or the text itself if it isn't one (Python then says what is expected).
 * @param {HTMLInputElement} input */
function typed(input) {
  const text = input.value.trim();
  return text === "" || !Number.isFinite(Number(text)) ? text : Number(text);
}

/** The stop closest to a value on a log scale, on which 0 is slightly below the smallest positive one.
 * @param {number[]} stops @param {number} value */
export function nearest(stops, value) {
  const least = (stops.find((stop) => stop > 0) ?? 1) / 2;
  const distance = (/** @type {number} */ stop) => Math.abs(Math.log((stop + least) / (Math.max(value, 0) + least)));
  return stops.reduce((best, stop, index) => (distance(stop) < distance(stops[best]) ? index : best), 0);
}

/** Delay `commit` while a key is down: one change per release, not per repeat.
 * @param {HTMLElement} input @param {() => void} commit */
function commitOnRelease(input, commit) {
  let isDown = false;
  let waiting = false;
  const release = () => {
    isDown = false;
    if (waiting) {
      waiting = false;
      commit();
    }
  };
  input.addEventListener("keydown", (event) => {
    isDown ||= MOVES.includes(event.key);
  });
  input.addEventListener("keyup", release);
  input.addEventListener("blur", release);
  return () => {
    if (isDown) waiting = true;
    else commit();
  };
}

/** The frame of every control: label, unit, help, the error message, and when input is committed.
 * @param {Model} model @param {HTMLElement} el @param {...(HTMLInputElement | HTMLSelectElement)} inputs */
function frame(model, el, ...inputs) {
  const { unit } = model.get("_control");
  const id = freshId();
  const label = make("label", { id: `${id}-label`, for: `${id}-0` });
  const help = make("span", { id: `${id}-help`, hidden: true });
  const about = makeHelp();
  const anchor = make("span", { class: "explorer-help-anchor" }, about, help);
  const units = unit ? make("span", { class: "explorer-control-unit explorer-muted" }, unit) : null;
  const head = make("div", { class: "explorer-control-head explorer-line" }, label, units, anchor);
  const error = make("p", { id: `${id}-error`, class: "explorer-error explorer-small", role: "alert" });
  el.append(head);

  const control = {
    head,
    error,
    draw: () => {}, // shows the value, differently for each kind
    read: /** @returns {unknown} */ () => null, // what is typed or chosen
    dirty: false, // whether the field is being edited and must not be overwritten by a new value
    sent: "", // number of the newest change that Python has not answered yet
    /** @param {unknown} [raw] */
    commit(raw = control.read()) {
      control.dirty = false;
      if (!control.sent && same(raw, model.get("value")) && !model.get("error")) {
        control.draw();
        return;
      }
      control.sent = freshId();
      model.send({ typed: raw, number: control.sent });
    },
    answered() {
      if (model.get("_answered") !== control.sent) return;
      control.sent = "";
      if (!model.get("error")) control.show(); // invalid input stays for correction
    },
    /** @param {HTMLElement} input @param {() => void} commit */
    onChange(input, commit) {
      input.addEventListener("change", () => {
        if (control.dirty) commit();
      });
    },
    show() {
      if (!control.dirty && !control.sent) control.draw(); // ignores the answer to an older change
    },
    showWords() {
      const sentence = model.get("tooltip");
      const { low, high, unit } = model.get("_control"); // another data set has a different number of images, or points
      units?.replaceChildren(unit);
      const sentences = low === undefined ? [sentence] : [sentence, `${low} to ${high}`];
      label.textContent = model.get("description");
      help.textContent = sentences.join(" ");
      about.dataset.help = sentences.join("\n");
      about.setAttribute("aria-label", `About ${label.textContent}`);
      anchor.hidden = !sentence;
    },
    showError() {
      const text = model.get("error");
      write(error, text);
      for (const input of inputs) {
        if (text) input.setAttribute("aria-invalid", "true");
        else input.removeAttribute("aria-invalid");
      }
      if (!text) control.show();
      else if (inputs.some((input) => input === document.activeElement)) error.scrollIntoView({ block: "nearest" });
    },
    showDisabled() {
      const all = /** @type {NodeListOf<HTMLInputElement>} */ (el.querySelectorAll("input, select, .explorer-button"));
      for (const input of all) input.disabled = model.get("disabled");
      control.show();
    },
  };
  // Uncommitted edits are replaced by the value; on a touch screen the change event follows the release.
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let left;
  const settle = () => {
    clearTimeout(left);
    left = setTimeout(() => {
      if (!control.dirty) return;
      control.dirty = false;
      control.showError();
    }, 250);
  };
  const edit = () => {
    clearTimeout(left);
    control.dirty = true;
  };
  inputs.forEach((input, index) => {
    input.id = `${id}-${index}`;
    input.setAttribute("aria-describedby", `${help.id} ${error.id}`);
    if (index > 0) input.setAttribute("aria-labelledby", label.id);
    input.addEventListener("input", edit);
    input.addEventListener("blur", settle);
    if (input.type === "range") input.addEventListener("pointerup", settle);
    // JupyterLab swallows the key press that triggers the browser's "change" event.
    input.addEventListener("keydown", (event) => {
      if (/** @type {KeyboardEvent} */ (event).key === "Enter" && control.dirty) input.dispatchEvent(new Event("change"));
    });
  });
  return control;
}

/** @type {Record<string, [words: string, factor: number, does: string][]>} */
const FACTORS = {
  learning_rate: [
    ["÷10", 0.1, "Divide % by 10"],
    ["÷2", 0.5, "Halve %"],
    ["×2", 2, "Double %"],
  ],
  batch_size: [
    ["÷2", 0.5, "Halve %"],
    ["×2", 2, "Double %"],
  ],
};

/** During a run: the value in use, and buttons that change it, in place of the slider's ends.
 * @param {Model} model @param {HTMLElement} ends */
function nowInRun(model, ends) {
  const name = model.get("_control").name;
  const value = make("span");
  const buttons = (FACTORS[name] ?? []).map(([words, factor, does]) => {
    const about = `${does.replace("%", `the ${name.replace("_", " ")} of this run`)}, from its next mini-batch on`;
    return makeButton(words, () => model.send({ factor }), { "data-quiet": true, "aria-label": about, title: about });
  });
  const row = make("div", { class: "explorer-now explorer-line explorer-small", role: "group", "aria-label": "This run" });
  row.append(value, ...buttons);
  const show = () => {
    const now = model.get("now");
    const isOver = now === null && row.contains(document.activeElement);
    if (isOver) /** @type {HTMLElement | null} */ (row.parentElement?.querySelector("input"))?.focus();
    write(value, now === null ? "" : `this run: ${grouped(now)}`);
    row.hidden = now === null;
    ends.hidden = !row.hidden;
  };
  model.on("change:now", show);
  show();
  return row;
}

/** @type {(model: Model, el: HTMLElement) => Control} */
function scale(model, el) {
  const { name } = model.get("_control");
  let { stops } = model.get("_control");
  const number = make("input", { type: "number", step: "any", class: "explorer-field explorer-number", autocomplete: "off" });
  const range = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1, class: "explorer-range" });
  const control = frame(model, el, number, range);
  const note = make("span");
  const [lowest, highest] = [0, 1].map(() => make("span", { "aria-hidden": "true" }));
  const ends = make("div", { class: "explorer-ends explorer-line explorer-muted explorer-small" }, lowest, note, highest);
  control.head.append(number);
  el.append(make("div", { class: "explorer-scale" }, range, ends, nowInRun(model, ends)));
  el.append(control.error);

  const mark = (/** @type {number} */ value) => {
    const stop = nearest(stops, value);
    range.value = String(stop);
    range.style.setProperty("--filled", `${(100 * stop) / (stops.length - 1)}%`);
    range.setAttribute("aria-valuetext", `${grouped(value)} ${model.get("_control").unit || model.get("description").toLowerCase()}`);
  };
  const values = () => [model.get("value")].flat(); // with several hidden layers the slider moves the first
  control.read = () => (name === "hidden_sizes" ? [typed(number), ...values().slice(1)] : typed(number));
  const follow = (/** @type {number} */ value) => {
    control.dirty = true;
    number.value = String(value);
    mark(value);
  };
  const numberReleased = commitOnRelease(number, control.commit);
  control.onChange(range, commitOnRelease(range, control.commit));
  control.onChange(number, numberReleased);
  range.addEventListener("input", () => follow(stops[Number(range.value)]));
  number.addEventListener("input", () => {
    if (Number(number.value) > 0) mark(Number(number.value));
  });
  number.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault(); // the native step is 1, too coarse for a learning rate, too fine for a batch
    const value = Number(number.value);
    const up = stops.find((stop) => stop > value) ?? stops[stops.length - 1];
    const down = stops.findLast((stop) => stop < value) ?? stops[0];
    follow(event.key === "ArrowUp" ? up : down);
    numberReleased();
  });
  control.draw = () => {
    const { low, high } = model.get("_control");
    stops = model.get("_control").stops; // another data set has a different number of images
    range.max = String(stops.length - 1);
    lowest.textContent = (low === "0" ? "off" : low) ?? "";
    highest.textContent = high ?? "";
    const [value, ...others] = values();
    note.textContent = others.length ? `first of ${others.length + 1} layers` : "";
    number.value = String(value);
    mark(Number(value));
  };
  return control;
}

/** @type {(model: Model, el: HTMLElement) => Control} */
function layers(model, el) {
  const text = make("input", { type: "text", class: "explorer-field", autocomplete: "off", spellcheck: "false" });
  const control = frame(model, el, text);
  el.append(text, control.error);
  control.onChange(text, control.commit);
  control.read = () => {
    const sizes = text.value.split(",").map((size) => size.trim());
    return sizes.every((size) => /^\d+$/.test(size)) ? sizes.map(Number) : text.value;
  };
  control.draw = () => {
    text.value = [model.get("value")].flat().join(", ");
  };
  return control;
}

/** @type {(model: Model, el: HTMLElement) => Control} */
function choice(model, el) {
  const { options } = model.get("_control");
  const select = make("select", { class: "explorer-field" });
  const control = frame(model, el, select);
  el.append(select, control.error);
  control.onChange(select, control.commit);
  control.read = () => options.find(([value]) => String(value) === select.value)?.[0];
  control.draw = () => {
    const current = model.get("value");
    // A link may have a pairing that is not offered: it is shown until another is chosen.
    const unlisted = options.every(([value]) => !same(value, current));
    const shown = [...options];
    if (unlisted) shown.push([current, [current].flat().join(" + ").replaceAll("_", " ")]);
    select.replaceChildren(...shown.map(([value, words]) => make("option", { value }, words)));
    select.value = String(current);
  };
  return control;
}

/** A choice with all options in sight. @type {(model: Model, el: HTMLElement) => Control} */
function few(model, el) {
  const [{ options }, name] = [model.get("_control"), freshId()];
  const inputs = options.map(([value]) => make("input", { type: "radio", name, value, class: "explorer-unseen" }));
  const control = frame(model, el, ...inputs);
  const label = /** @type {HTMLLabelElement} */ (control.head.querySelector("label"));
  label.removeAttribute("for"); // a click would choose the first
  const group = make("div", { role: "radiogroup", "aria-labelledby": label.id });
  for (const [index, input] of inputs.entries()) {
    input.removeAttribute("aria-labelledby");
    input.addEventListener("change", () => control.commit(input.value));
    group.append(make("label", {}, input, make("span", { class: "explorer-muted explorer-small" }, options[index][1])));
  }
  control.head.append(make("div", { class: "explorer-segmented" }, group));
  el.append(control.error);
  control.draw = () => {
    for (const input of inputs) input.checked = input.value === model.get("value");
  };
  return control;
}

/** An integer, and the elements next to its field.
 * @param {Model} model @param {HTMLElement} el @param {HTMLElement} tool */
function numberWith(model, el, tool) {
  const number = make("input", { type: "number", step: "1", class: "explorer-field", autocomplete: "off" });
  const control = frame(model, el, number);
  el.append(make("div", { class: "explorer-row explorer-line" }, number, tool), control.error);
  control.onChange(number, commitOnRelease(number, control.commit));
  control.read = () => typed(number);
  control.draw = () => {
    number.value = String(model.get("value"));
  };
  return { number, control };
}

/** @type {(model: Model, el: HTMLElement) => Control} */
function whole(model, el) {
  const renew = () => control.commit(Math.floor(Math.random() * 10000));
  const { control } = numberWith(model, el, makeButton("New", renew, { "aria-label": `New ${model.get("description").toLowerCase()}` }));
  return control;
}

/** @type {(model: Model, el: HTMLElement) => Control} */
function count(model, el) {
  const most = () => model.get("_control").all;
  const all = make("input", { type: "checkbox", class: "explorer-check" });
  const words = make("span", {});
  const label = make("label", { class: "explorer-check-label explorer-line" }, all, words);
  const { number, control } = numberWith(model, el, label);
  all.addEventListener("change", () => control.commit(all.checked ? null : Math.min(10000, most())));
  control.draw = () => {
    const value = model.get("value");
    words.textContent = `all ${grouped(most())}`;
    all.checked = value === null;
    number.disabled = value === null || model.get("disabled");
    number.value = String(value ?? most());
  };
  return control;
}

const KINDS = { scale, layers, choice, few, pair: choice, whole, count };

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el }) {
  becomePart(el, "explorer-control", model);
  const { name, kind } = model.get("_control");
  Object.assign(el.dataset, { name, kind });
  const control = KINDS[kind](model, el);
  model.on("change:description change:tooltip change:_control", control.showWords);
  model.on("change:disabled", control.showDisabled);
  model.on("change:value change:_control", control.show);
  model.on("change:_answered", control.answered);
  model.on("change:error", control.showError);
  control.showWords();
  control.showDisabled(); // also shows the value
  control.showError();
}

export default { render };
