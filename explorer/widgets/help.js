// @ts-check
// Shows an element's `data-help` sentence in the top layer, where nothing clips it. It opens on hover and on focus; on
// elements that only help, a click opens and closes it. Escape closes it. A second line is set apart.

const ONLY_HELPS = ".explorer-help-button, .explorer-term";
const HOVER_MS = 200; // a mouse that only passes over opens nothing

/** @param {EventTarget | null} target */
function helped(target) {
  return target instanceof Element ? target.closest("[data-help]") : null;
}

/** The page's only visible sentence, and its owner. */
function makeTip() {
  const tip = make("div", { id: freshId(), class: "explorer-part explorer-help explorer-popup", role: "tooltip", popover: "manual" });
  document.body.append(tip);
  /** @type {Element | null} */
  let owner = null;
  let described = ""; // the owner's own aria-describedby

  const place = () => {
    if (!owner) return;
    if (!owner.isConnected) return close();
    const [at, size] = [owner, tip].map((element) => element.getBoundingClientRect());
    // Under a word there is what it names.
    const isBelow = owner.matches(".explorer-term") ? at.top < size.height + 8 : at.bottom + size.height + 8 <= innerHeight;
    tip.style.left = `${Math.min(Math.max(8, at.left - 8), innerWidth - size.width - 8)}px`;
    tip.style.top = `${isBelow ? at.bottom : Math.max(8, at.top - size.height)}px`;
  };
  const close = () => {
    if (!owner) return;
    if (described) owner.setAttribute("aria-describedby", described);
    else owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidePopover();
  };
  /** @param {Element} element */
  const open = (element) => {
    if (element === owner) return;
    close();
    const [sentence, ...more] = (element.getAttribute("data-help") ?? "").split("\n");
    tip.replaceChildren(sentence, ...more.map((line) => make("span", { class: "explorer-help-more explorer-muted" }, line)));
    tip.showPopover();
    described = element.getAttribute("aria-describedby") ?? "";
    element.setAttribute("aria-describedby", `${described} ${tip.id}`.trim());
    owner = element;
    place();
  };
  return { tip, place, close, open, isOf: (/** @type {Element | null} */ element) => element !== null && element === owner };
}

function start() {
  const { tip, place, close, open, isOf } = makeTip();
  let timer = 0;
  let isTouched = false; // a finger can't hover: a tapped element keeps its help
  let wasOpen = false;

  document.addEventListener("pointerover", (event) => {
    clearTimeout(timer);
    const element = helped(event.target);
    if (event.pointerType === "touch" || isOf(element) || tip.contains(/** @type {Node} */ (event.target))) return;
    if (element) timer = setTimeout(open, HOVER_MS, element);
    else if (!isOf(helped(document.activeElement))) close();
  });
  const onPress = (/** @type {PointerEvent} */ event) => {
    const element = helped(event.target);
    clearTimeout(timer);
    isTouched = event.pointerType === "touch";
    wasOpen = isOf(element) && document.activeElement === element;
    if (!isOf(element)) close();
  };
  document.addEventListener("pointerdown", onPress, { capture: true });
  document.addEventListener("click", (event) => {
    const element = helped(event.target);
    if (!element) return;
    if (element.matches(ONLY_HELPS) ? wasOpen : !isTouched && event.detail > 0) close();
    else open(element);
    wasOpen = false;
  });
  document.addEventListener("focusin", (event) => {
    const element = helped(event.target);
    if (element?.matches(`${ONLY_HELPS}, :focus-visible`)) open(element);
  });
  document.addEventListener("focusout", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  // Focusing by keyboard scrolls the element into view: the sentence follows.
  document.addEventListener("scroll", place, { capture: true, passive: true });
  addEventListener("resize", place);
  new ResizeObserver(place).observe(document.body); // the content above has grown or shrunk
}

// Another kernel of the page, or the same one after a restart, loads the script again.
if (!document.querySelector("body > .explorer-help")) start();

export default {};
