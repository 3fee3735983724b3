// The few lines under every part. They stand in front of the part's own module.

/** Make an element. Text only ever enters as text: children are nodes or strings, never markup. */
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

/** A line icon on a 16 × 16 grid; the words beside it say the same, so it is hidden from screen readers. */
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

/** A name that no other element of the page has: one model may be shown twice. */
function freshId() {
  return `explorer-${Math.random().toString(36).slice(2, 10)}`;
}

/** Give the element of a widget the look of a part of the page, and its keys to itself. */
function becomePart(el, name) {
  el.classList.add("explorer-part", name);
  el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take Enter and the arrows for the notebook
}

/** Whether the page is the app's own (Voilà) and not a notebook or a talk that shows much else beside it. */
function isOwnPage() {
  if (document.documentElement.dataset.explorerHost === "talk") return false;
  return "voila" in document.body.dataset || document.getElementById("rendered_cells") !== null;
}

/** 60000 as "60 000". */
function grouped(number) {
  return Math.abs(number) < 1000 ? String(number) : String(number).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
