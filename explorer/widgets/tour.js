// @ts-check
// A tour of the page. The card is next to the element that it explains, which is framed; all else stays usable. Python
// runs the demonstrations, so that they work like any change; only a slider is moved here, visibly.

/**
 * @typedef {{ name: string, title: string, text: string, at: string, deed: string, shows: string }} Step
 * @typedef {import("@anywidget/types").AnyModel<object>} Model
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Place
 * @typedef {{ width: number, height: number }} Size
 */

const KEY = "explorer-tour";
const OFFER = ["New here?", "A tour takes a minute."];
const GAP = 12; // px from the framed element, and from the edge of the window
const NARROW = 600; // px of a window in which the card has full width
const WIDE = 1024; // px from which the settings are a column on the left, whose foot is free
const LOOK_MS = 200; // polling interval for positions: elements move as the page fills
const SLIDE_MS = 700;

/**
 * Position of a card: next to its target if there is room, on a phone at the other end of the screen; without a target
 * at the foot of the settings, and without room in the corner.
 * @param {Size} card
 * @param {Place | null} at
 * @param {Size} screen
 */
export function cardPlace(card, at, screen) {
  const most = { left: screen.width - card.width - GAP, top: screen.height - card.height - GAP };
  if (!at) return { left: screen.width < WIDE ? most.left : GAP, top: most.top };
  if (screen.width < NARROW) return { left: GAP, top: at.top + at.bottom < screen.height ? most.top : GAP };
  const within = (/** @type {number} */ wanted, /** @type {number} */ largest) => Math.max(GAP, Math.min(wanted, largest));
  const [left, top] = [within(at.left, most.left), within(at.top, most.top)];
  if (at.left - GAP - card.width >= GAP) return { left: at.left - GAP - card.width, top };
  if (at.right + GAP <= most.left) return { left: at.right + GAP, top };
  if (at.bottom + GAP <= most.top) return { left, top: at.bottom + GAP };
  if (at.top - GAP - card.height >= GAP) return { left, top: at.top - GAP - card.height };
  return most;
}

/** Whether this browser has been offered the tour; true if it can't remember. */
function wasOffered() {
  try {
    const was = localStorage.getItem(KEY) !== null;
    localStorage.setItem(KEY, "offered");
    return was;
  } catch {
    return true;
  }
}

const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Move a slider to a stop step by step, and release it.
 * @param {HTMLInputElement} range
 * @param {number} stop
 */
async function slide(range, stop) {
  const [from, begun] = [Number(range.value), performance.now()];
  const go = (/** @type {number} */ to) => {
    range.value = String(Math.round(to));
    range.dispatchEvent(new Event("input", { bubbles: true }));
  };
  while (!isStill() && performance.now() - begun < SLIDE_MS) {
    go(from + ((stop - from) * (performance.now() - begun)) / SLIDE_MS);
    await new Promise(requestAnimationFrame);
  }
  go(stop);
  range.dispatchEvent(new Event("change", { bubbles: true }));
}

/** The card, and the frame around its target. */
function makeCard() {
  const id = freshId();
  const [title, text] = [make("h2", { id }), make("p", { id: `${id}-text` })];
  const [told, count] = [make("p", { class: "explorer-tour-told" }), make("span", { class: "explorer-muted explorer-small" })];
  const words = make("div", { "aria-live": "polite" }, title, text, told);
  const [back, on, act] = [
    makeButton("Back", null, { "data-quiet": true }),
    makeButton("", null),
    makeButton("", null, { "data-primary": true }),
  ];
  const close = makeButton(icon("M4.5 4.5l7 7", "M11.5 4.5l-7 7"), null, {
    class: "explorer-tour-close",
    "data-quiet": true,
    "aria-label": "End the tour",
  });
  const named = { role: "dialog", "aria-labelledby": id, "aria-describedby": text.id, popover: "manual", tabindex: -1 };
  const foot = make("div", { class: "explorer-tour-foot explorer-line" }, count, back, on, act);
  const card = make("div", { class: "explorer-tour-card explorer-popup", ...named }, words, foot, close);
  const ring = make("div", { class: "explorer-tour-ring", popover: "manual", "aria-hidden": "true" });
  return { card, ring, title, text, told, count, back, on, act, close };
}

/** @typedef {ReturnType<typeof makeCard>} Card */

/**
 * Keeps the card and the frame at a selector's first visible match, and scrolls it into view.
 * @param {Card} parts
 * @param {() => Element} app
 */
function makeFollower({ card, ring }, app) {
  let selector = "";
  /** @type {Element | null} */
  let found = null;
  let timer = 0;

  const place = () => {
    const { width, height } = card.getBoundingClientRect();
    const screen = { width: document.documentElement.clientWidth, height: innerHeight };
    const at = found?.getBoundingClientRect() ?? null;
    const { left, top } = cardPlace({ width, height }, at, screen);
    Object.assign(card.style, { left: `${left}px`, top: `${top}px` });
    ring.hidden = !at;
    if (!at) return;
    const [x, y] = [Math.max(2, at.left - 4), Math.max(2, at.top - 4)];
    const [right, bottom] = [Math.min(screen.width - 2, at.right + 4), Math.min(screen.height - 2, at.bottom + 4)];
    Object.assign(ring.style, { left: `${x}px`, top: `${y}px`, width: `${right - x}px`, height: `${bottom - y}px` });
  };
  const look = () => {
    const all = selector ? [...app().querySelectorAll(selector)] : [];
    const now = all.find((element) => element.checkVisibility()) ?? null;
    const isNew = now !== found;
    found = now;
    if (now && isNew) {
      const block = innerWidth < NARROW || now.clientHeight > innerHeight ? "start" : "center";
      now.scrollIntoView({ block, behavior: isStill() ? "auto" : "smooth" });
    }
    place();
  };
  const refit = () => {
    found = null; // when a phone is rotated, the target is scrolled into view again
    look();
  };
  return {
    at(/** @type {string} */ next) {
      selector = next;
      look();
    },
    start() {
      ring.showPopover(); // first, so that the card is above it
      card.showPopover();
      timer ||= setInterval(look, LOOK_MS);
      addEventListener("scroll", place, { capture: true, passive: true });
      addEventListener("resize", refit);
    },
    stop() {
      clearInterval(timer);
      timer = 0;
      removeEventListener("scroll", place, { capture: true });
      removeEventListener("resize", refit);
      for (const part of [ring, card]) if (part.matches(":popover-open")) part.hidePopover();
    },
  };
}

/** @type {() => import("@anywidget/types").AnyWidget<object>} */
export default () => {
  /** @type {HTMLElement | null} */
  let holder = null; // the view that shows the tour: an app may be shown several times

  return {
    render({ model, el, signal }) {
      becomePart(el, "explorer-tour");
      const app = () => el.closest(".explorer-app") ?? document.body;
      const parts = makeCard();
      const { card, ring, title, text, told, count, back, on, act, close } = parts;
      const follower = makeFollower(parts, app);
      el.append(ring, card);
      /** @type {Step[]} */
      let steps = []; // empty while it is only offered
      let at = 0;
      /** @type {Element | null} */
      let before = null; // the previously focused element
      const say = (/** @type {string} */ event, step = "") => model.send({ event, step });

      const isOpen = () => card.matches(":popover-open");
      const setActs = (/** @type {string} */ words) => {
        const hadFocus = act === document.activeElement;
        act.hidden = !words;
        write(act, words);
        on.toggleAttribute("data-primary", !words);
        on.toggleAttribute("data-quiet", Boolean(words));
        write(on, words ? "Skip" : at === steps.length - 1 ? "Done" : "Next");
        if (hadFocus && !words) on.focus();
      };
      const show = (/** @type {number} */ next) => {
        if (next >= steps.length) return leave();
        at = next;
        const step = steps[at];
        write(title, step.title);
        write(text, step.text);
        write(told, "");
        write(count, `${at + 1} of ${steps.length}`);
        back.hidden = at === 0;
        const hadFocus = [back, on, act].some((button) => button === document.activeElement);
        setActs(step.deed);
        if (hadFocus) (step.deed ? act : on).focus();
        follower.at(step.at);
        say("step", step.name);
      };
      const open = () => {
        if (isOpen()) return;
        holder = el;
        follower.start();
      };
      const leave = () => {
        if (holder !== el) return; // a removed view is hidden before it is notified
        holder = null;
        const hadFocus = card.contains(document.activeElement);
        follower.stop();
        if (steps.length > 0) say("leave");
        steps = [];
        const to = before?.isConnected && before !== document.body ? before : app().querySelector(".explorer-help-open");
        if (hadFocus && to instanceof HTMLElement) to.focus({ preventScroll: true });
      };
      const start = (/** @type {Step[]} */ given) => {
        if (!isOpen()) before = document.activeElement;
        if (holder !== null && holder !== el) return; // another view shows it
        steps = given;
        card.toggleAttribute("data-on", true); // not while the tour is only offered
        open();
        show(0);
        card.focus({ preventScroll: true });
      };
      const offer = () => {
        open();
        [title.textContent, text.textContent] = OFFER;
        back.hidden = close.hidden = true;
        setActs("Take the tour");
        write(on, "No, thanks");
        follower.at("");
      };

      act.addEventListener("click", () => {
        if (steps.length === 0) return say("begin");
        say("act", steps[at].name);
        setActs("");
      });
      on.addEventListener("click", () => (steps.length ? show(at + 1) : leave()));
      back.addEventListener("click", () => show(at - 1));
      close.addEventListener("click", leave);
      card.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        leave();
      });
      // A user who starts to use the page needs no offer.
      const decline = (/** @type {Event} */ { target }) => {
        if (steps.length === 0 && !card.contains(/** @type {Node} */ (target))) leave();
      };
      document.addEventListener("pointerdown", decline, { signal, capture: true });

      model.on("msg:custom", async (content) => {
        if (content.start) return start(content.start);
        const step = steps[at];
        if (!isOpen() || content.step !== step?.name) return;
        if ("told" in content) {
          write(told, content.told);
          if (content.told && step.shows) follower.at(step.shows);
        } else if (content.slide) {
          const range = app().querySelector(`[data-name="${content.slide}"] input[type=range]`);
          if (range instanceof HTMLInputElement) await slide(range, content.stop);
          say("slid", step.name);
        }
      });

      const waiting = setInterval(() => {
        if (document.getElementById("explorer-skeleton") || !app().querySelector(".explorer-value, .js-plotly-plot")) return;
        clearInterval(waiting);
        if (isOwnPage() && !isOpen() && !wasOffered()) offer();
      }, LOOK_MS);
      signal.addEventListener("abort", () => {
        clearInterval(waiting);
        leave();
      });
    },
  };
};
