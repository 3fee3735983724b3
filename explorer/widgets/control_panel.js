// The settings panel. What the user commits goes into `values`; Python checks it and answers with `values` and `errors`.

const MOVES = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"];

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** What was typed: a number, or the text itself where it is none (Python then says what is allowed). */
function typed(input) {
  const text = input.value.trim();
  return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function nearest(stops, value) {
  const distance = (stop) => Math.abs(Math.log(stop) - Math.log(Math.max(value, Number.MIN_VALUE)));
  return stops.reduce((best, stop, index) => (distance(stop) < distance(stops[best]) ? index : best), 0);
}

/** The frame of every control: label, unit, help, the place for what is wrong. */
function frame(spec, tools, ...inputs) {
  const id = freshId();
  const helpId = `${id}-help`;
  const errorId = `${id}-error`;
  const error = make("p", { id: errorId, class: "explorer-error", role: "alert" });
  const label = make("label", { id: `${id}-label`, for: `${id}-0` }, spec.label);
  const head = make("div", { class: "explorer-control-head" }, label);
  if (spec.unit) head.append(make("span", { class: "explorer-control-unit" }, spec.unit));
  head.append(tools.helpButton(spec, helpId));
  const node = make("div", { class: "explorer-control", "data-name": spec.name, "data-kind": spec.kind }, head);
  inputs.forEach((input, index) => {
    input.id = `${id}-${index}`;
    input.setAttribute("aria-describedby", `${helpId} ${errorId}`);
    if (index > 0) input.setAttribute("aria-labelledby", `${id}-label`);
  });
  const control = { node, head, error, spec, dirty: false };
  for (const input of inputs) {
    // What is being edited is not overwritten by an answer that comes in between.
    input.addEventListener("input", () => (control.dirty = true));
    const ends = input.type === "range" ? ["change", "blur", "pointerup"] : ["change", "blur"];
    for (const event of ends) input.addEventListener(event, () => (control.dirty = false));
    // JupyterLab swallows the key press that makes the browser say "change".
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && control.dirty) input.dispatchEvent(new Event("change"));
    });
  }
  control.showError = (text) => {
    if (error.textContent !== text) error.textContent = text;
    for (const input of inputs) {
      if (text) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  };
  return control;
}

/** Keep `commit` back while a key is held: one change a release, not one a repeat. */
function commitOnRelease(input, commit) {
  let held = false;
  let waiting = false;
  const release = () => {
    held = false;
    if (waiting) {
      waiting = false;
      commit();
    }
  };
  input.addEventListener("keydown", (event) => {
    if (MOVES.includes(event.key)) held = true;
  });
  input.addEventListener("keyup", release);
  input.addEventListener("blur", release);
  return () => {
    if (held) waiting = true;
    else commit();
  };
}

function scale(spec, tools) {
  const stops = spec.stops;
  const number = make("input", { type: "number", step: "any", class: "explorer-field explorer-number", autocomplete: "off" });
  const range = make("input", { type: "range", min: 0, max: stops.length - 1, step: 1, class: "explorer-range" });
  const control = frame(spec, tools, number, range);
  const note = make("span");
  control.head.append(number);
  const [low, high] = [spec.low, spec.high].map((text) => make("span", { "aria-hidden": "true" }, text));
  control.node.append(make("div", { class: "explorer-scale" }, range, make("div", { class: "explorer-ends" }, low, note, high)));
  control.node.append(control.error);
  let layers = null; // all hidden layers, where the slider moves the first of them

  const draw = (value) => {
    range.value = nearest(stops, Number(value));
    range.style.setProperty("--filled", `${(100 * range.value) / (stops.length - 1)}%`);
    range.setAttribute("aria-valuetext", `${grouped(Number(value))} ${spec.unit || spec.label.toLowerCase()}`);
  };
  const commit = () => {
    control.dirty = false;
    const value = typed(number);
    tools.commit({ [spec.name]: layers === null ? value : [value, ...layers.slice(1)] }, control);
  };
  const follow = (value) => {
    control.dirty = true;
    number.value = value;
    draw(value);
  };
  const rangeReleased = commitOnRelease(range, commit);
  const numberReleased = commitOnRelease(number, commit);
  range.addEventListener("input", () => follow(stops[range.value]));
  range.addEventListener("change", rangeReleased);
  number.addEventListener("input", () => {
    if (Number(number.value) > 0) draw(number.value);
  });
  number.addEventListener("change", numberReleased);
  number.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault(); // the browser's own step is 1, too coarse for a learning rate, too fine for a batch
    const value = Number(number.value);
    const up = stops.find((stop) => stop > value) ?? stops.at(-1);
    const down = stops.findLast((stop) => stop < value) ?? stops[0];
    follow(event.key === "ArrowUp" ? up : down);
    numberReleased();
  });

  control.show = (values) => {
    let value = values[spec.name];
    if (typeof value === "string" && spec.layers) return; // a list that is no list: said beside the list
    layers = Array.isArray(value) ? value : null;
    if (layers) value = layers[0];
    note.textContent = layers && layers.length > 1 ? `first of ${layers.length} layers` : "";
    if (control.dirty) return;
    number.value = value;
    draw(value);
  };
  return control;
}

function layers(spec, tools) {
  const text = make("input", { type: "text", class: "explorer-field", inputmode: "numeric", autocomplete: "off", spellcheck: "false" });
  const control = frame(spec, tools, text);
  control.node.append(text, control.error);
  text.addEventListener("change", () => tools.commit({ [spec.name]: text.value }, control));
  control.show = (values) => {
    const value = values[spec.name];
    if (!control.dirty) text.value = Array.isArray(value) ? value.join(", ") : value;
  };
  return control;
}

function choice(spec, tools) {
  const options = spec.options.map(([value, label]) => make("option", { value }, label));
  const select = make("select", { class: "explorer-field" }, ...options);
  const control = frame(spec, tools, select);
  control.node.append(select, control.error);
  select.addEventListener("change", () => tools.commit({ [spec.name]: select.value }, control));
  control.show = (values) => (select.value = values[spec.name]);
  return control;
}

function pair(spec, tools) {
  const key = (both) => both.join(" ");
  const select = make("select", { class: "explorer-field" });
  const control = frame(spec, tools, select);
  control.node.append(select, control.error);
  select.addEventListener("change", () => {
    const [output, loss] = select.value.split(" ");
    tools.commit({ output, loss }, control);
  });
  control.show = (values) => {
    const current = [values.output, values.loss];
    const listed = spec.options.some(([both]) => same(both, current));
    // A link may hold a pairing that is not offered: it is shown, and stays until another is chosen.
    const extra = listed ? [] : [[current, `${current[0]} + ${current[1]}`.replaceAll("_", " ")]];
    select.replaceChildren(...[...spec.options, ...extra].map(([both, label]) => make("option", { value: key(both) }, label)));
    select.value = key(current);
  };
  return control;
}

function whole(spec, tools) {
  const number = make("input", { type: "number", step: "1", class: "explorer-field", autocomplete: "off" });
  const fresh = make("button", { type: "button", class: "explorer-button" }, "New");
  fresh.setAttribute("aria-label", `New ${spec.label.toLowerCase()}`);
  const control = frame(spec, tools, number);
  control.node.append(make("div", { class: "explorer-row" }, number, fresh), control.error);
  const commit = commitOnRelease(number, () => tools.commit({ [spec.name]: typed(number) }, control));
  number.addEventListener("change", commit);
  fresh.addEventListener("click", () => tools.commit({ [spec.name]: Math.floor(Math.random() * 10000) }, control));
  control.show = (values) => {
    if (!control.dirty) number.value = values[spec.name];
  };
  return control;
}

function count(spec, tools) {
  const number = make("input", { type: "number", step: "1", class: "explorer-field", autocomplete: "off" });
  const all = make("input", { type: "checkbox", class: "explorer-check" });
  const control = frame(spec, tools, number);
  const label = make("label", { class: "explorer-check-label" }, all, `all ${grouped(spec.all)}`);
  control.node.append(make("div", { class: "explorer-row" }, number, label), control.error);
  const commit = commitOnRelease(number, () => tools.commit({ [spec.name]: typed(number) }, control));
  number.addEventListener("change", commit);
  all.addEventListener("change", () => {
    const some = Math.min(10000, spec.all);
    tools.commit({ [spec.name]: all.checked ? null : some }, control);
  });
  control.show = (values) => {
    const value = values[spec.name];
    all.checked = value === null;
    number.disabled = value === null;
    if (!control.dirty) number.value = value === null ? spec.all : value;
  };
  return control;
}

/** One sentence of help in the top layer, where nothing cuts it off. Opens on hover, focus and click; Escape closes it. */
function helpButtons(el, signal) {
  let open = null;
  const close = () => {
    if (!open) return;
    open.popover.hidePopover();
    open.button.setAttribute("aria-expanded", "false");
    open = null;
  };
  const place = () => {
    if (!open) return;
    const { button, popover } = open;
    const at = button.getBoundingClientRect();
    const size = popover.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left - 8), window.innerWidth - size.width - 8);
    const below = at.bottom + size.height + 8 <= window.innerHeight;
    popover.style.left = `${left}px`;
    popover.style.top = `${below ? at.bottom : Math.max(8, at.top - size.height)}px`;
  };
  const show = (button, popover) => {
    if (open?.popover === popover) return;
    close();
    popover.showPopover();
    button.setAttribute("aria-expanded", "true");
    open = { button, popover };
    place();
  };
  document.addEventListener("keydown", (event) => event.key === "Escape" && close(), { signal });
  // Reaching a control by keyboard scrolls it into view: the sentence goes along.
  document.addEventListener("scroll", place, { signal, capture: true, passive: true });
  window.addEventListener("resize", place, { signal });
  document.addEventListener("pointerdown", (event) => open && !open.button.contains(event.target) && close(), { signal });

  return (spec, helpId) => {
    const popover = make("div", { id: helpId, class: "explorer-help", popover: "manual" }, spec.help);
    if (spec.low !== undefined) popover.append(make("span", { class: "explorer-help-range" }, `${spec.low} to ${spec.high}`));
    const button = make(
      "button",
      { type: "button", class: "explorer-help-button", "aria-label": `About ${spec.label}`, "aria-describedby": helpId, "aria-expanded": "false" },
      icon("M8 7.25v4", "M8 4.75v.01", "M14.25 8a6.25 6.25 0 1 1-12.5 0a6.25 6.25 0 0 1 12.5 0z"),
    );
    let wasOpen = false;
    button.addEventListener("pointerdown", () => (wasOpen = open?.popover === popover && document.activeElement === button));
    button.addEventListener("click", () => (wasOpen ? close() : show(button, popover), (wasOpen = false)));
    button.addEventListener("focus", () => show(button, popover));
    button.addEventListener("blur", close);
    button.addEventListener("mouseenter", () => show(button, popover));
    button.addEventListener("mouseleave", () => document.activeElement !== button && close());
    return make("span", { class: "explorer-help-anchor" }, button, popover);
  };
}

const KINDS = { scale, layers, choice, pair, whole, count };

function render({ model, el, signal }) {
  becomePart(el, "explorer-controls");
  let edited = null;
  const tools = {
    helpButton: helpButtons(el, signal),
    commit(patch, control) {
      edited = control;
      const values = { ...model.get("values"), ...patch };
      if (same(values, model.get("values"))) return;
      model.set("values", values);
      model.save_changes();
    },
  };
  const controls = model.get("controls").map((spec) => KINDS[spec.kind](spec, tools));
  const nodes = (more) => controls.filter((control) => control.spec.more === more).map((control) => control.node);

  const presets = Object.entries(model.get("presets")).map(([name, values]) => {
    const press = () => tools.commit(values, null);
    return make("button", { type: "button", class: "explorer-button explorer-preset", "data-preset": name, onclick: press }, name);
  });
  const reset = make("button", { type: "button", class: "explorer-button", "data-quiet": true }, "Reset to defaults");
  reset.addEventListener("click", () => tools.commit(Object.values(model.get("presets"))[0], null));
  const more = make("details", { class: "explorer-more" }, make("summary", {}, "More settings"));
  more.append(make("div", { class: "explorer-more-body" }, ...nodes(true), reset));
  const group = make("div", { class: "explorer-presets", role: "group", "aria-label": "Presets" }, ...presets);
  el.append(make("section", { "aria-label": "Settings" }, group, ...nodes(false), more));

  const showValues = () => {
    const values = model.get("values");
    for (const control of controls) control.show(values);
  };
  const showErrors = () => {
    const errors = model.get("errors");
    for (const control of controls) {
      const name = control.spec.name;
      // Two controls may edit one setting: the one that was used says what is wrong.
      const speaker = edited?.spec.name === name ? edited : controls.find((other) => other.spec.name === name);
      const text = errors[name] ?? (control.spec.kind === "pair" ? errors.loss : undefined);
      control.showError(control === speaker && text ? text : "");
    }
  };
  const showPreset = () => {
    const active = model.get("preset");
    for (const button of presets) button.setAttribute("aria-pressed", String(button.dataset.preset === active));
    reset.disabled = active === Object.keys(model.get("presets"))[0];
  };
  const showShown = () => {
    const shown = model.get("shown");
    for (const control of controls) control.node.hidden = shown !== null && !shown.includes(control.spec.name);
    more.hidden = shown !== null && controls.every((control) => !control.spec.more || control.node.hidden);
    group.hidden = shown !== null && !shown.includes("presets");
  };
  for (const [event, show] of [
    ["change:values", showValues],
    ["change:errors", showErrors],
    ["change:preset", showPreset],
    ["change:shown", showShown],
  ]) {
    model.on(event, show);
    show();
  }
}

export default { render };
