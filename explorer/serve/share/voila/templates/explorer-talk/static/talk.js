// @ts-check
// Moves the slides with reveal.js, shares the keyboard between slides and widgets, fills the screen with one figure, and
// shows the speaker's notes and the keys.
//
// reveal.js takes every section within a slide for a vertical slide, and widgets have sections of their own. So its
// slides are empty: it tracks the current one, by keys, address and arrows, and the article with its name is shown.

(() => {
  // These get all keys while they have the focus; a button needs only those that press it.
  const TAKES_KEYS =
    "input, textarea, select, summary, iframe, [contenteditable], [tabindex='0'], .explorer-app, " +
    "[role=slider], [role=tab], [role=radio], [role=grid], [role=listbox], [role=menu]";
  const TAKES_PRESSES = "button, a[href], [role=button]";
  const FORWARD = ["ArrowRight", "ArrowDown", "PageDown", " ", "Enter"];
  const FIGURES = ".explorer-slide-pictures > :not(.explorer-slide-cells), .explorer-slide-cells > *";
  const KEYS = {
    "→ or Space, ←": "next and previous slide; → first uncovers the pictures",
    "Home, End": "first and last slide",
    "1 to 9, digits": "enter the room’s guess",
    r: "reveal the pictures, or cover them",
    t: "train the slide’s run live, or stop it",
    "p, n": "pause or continue a live run; one step",
    v: "the pace of live runs: an epoch a second, or as fast as it goes",
    z: "one figure fills the screen, then the next",
    x: "back to a good state: live runs stopped, recordings shown",
    s: "the speaker’s window",
    d: "light or dark",
    "f, b": "full screen; blank screen",
    Esc: "leave a control, a figure or this list",
    "?": "this list",
  };
  const NO_KEYS = [58, 59, 71, 72, 74, 75, 76, 78, 79, 80, 86, 191]; // of reveal.js: letters that move, v and / that blank
  const root = document.documentElement;
  /** @type {HTMLElement[]} */
  const articles = [...document.querySelectorAll(".explorer-slides > article")].filter((one) => one instanceof HTMLElement);
  const present = () => articles[Reveal.getState().indexh ?? 0];

  /** Whether a key is meant for the slides and not for the focused element.
   * @param {KeyboardEvent} event */
  function isForSlides(event) {
    const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    return isForThem(event) && !(isPlain && FORWARD.includes(event.key) && uncovered());
  }

  /** @param {KeyboardEvent} event */
  function isForThem(event) {
    if (event.defaultPrevented) return false;
    if (event.key === "." && present()?.querySelector("[data-covered]")) return false; // of a number
    const at = document.activeElement;
    if (!(at instanceof HTMLElement) || at === document.body || articles.includes(at)) return true;
    if (at.closest(TAKES_KEYS)) return false;
    return !at.closest(TAKES_PRESSES) || ![" ", "Enter"].includes(event.key);
  }

  /** Uncover the pictures of the visible slide; false if they are not covered. */
  function uncovered() {
    const button = present()?.querySelector("[data-covered] button.explorer-reveal");
    if (button instanceof HTMLElement) button.click();
    return Boolean(button);
  }

  /** Let the next figure of the slide fill the screen; after the last one, or with false, none. */
  function zoom(further = true) {
    const isCovered = present()?.querySelector("[data-covered]") ?? null;
    const figures = isCovered ? [] : [...(present()?.querySelectorAll(FIGURES) ?? [])];
    const at = figures.findIndex((figure) => figure.hasAttribute("data-zoomed"));
    for (const name of ["data-zoomed", "data-zooms"]) {
      for (const element of document.querySelectorAll(`[${name}]`)) element.removeAttribute(name);
    }
    const next = further ? figures[at + 1] : undefined;
    next?.toggleAttribute("data-zoomed", true);
    for (const name of [".explorer-slide-cells", ".explorer-slide-pictures", ".explorer-slide"]) {
      next?.closest(name)?.toggleAttribute("data-zooms", true);
    }
    root.toggleAttribute("data-explorer-zoomed", Boolean(next));
    dispatchEvent(new Event("resize"));
  }

  /** Show the keys, or hide them. */
  function toggleKeys(shown = !document.getElementById("explorer-keys")) {
    document.getElementById("explorer-keys")?.remove();
    if (!shown) return;
    const list = document.createElement("dl");
    for (const [key, words] of Object.entries(KEYS)) {
      const [term, meaning] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = key;
      meaning.textContent = words;
      list.append(term, meaning);
    }
    const made = document.createElement("aside");
    made.id = "explorer-keys";
    made.setAttribute("aria-label", "Keys");
    made.append(list);
    document.body.append(made);
  }

  /** Leave whatever hides the slide or takes its keys; the slide's bar stops live runs. */
  function recover() {
    Reveal.togglePause(false);
    toggleKeys(false);
    zoom(false);
    giveKeysBack();
  }

  /** Blur the focused element, so that keys move the slides. */
  function giveKeysBack() {
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    present()?.focus({ preventScroll: true });
  }

  /** Switch between light and dark, and notify the explorer's own switch if it is there. */
  function changeTheme() {
    const before = root.dataset.explorerTheme;
    const own = /** @type {HTMLElement | null} */ (document.querySelector("button.explorer-theme"));
    for (let presses = 0; own && presses < 3 && root.dataset.explorerTheme === before; presses++) own.click();
    if (root.dataset.explorerTheme === before) root.dataset.explorerTheme = before === "dark" ? "light" : "dark";
  }

  const words = (/** @type {HTMLElement | undefined} */ article, /** @type {string} */ what) =>
    article?.querySelector(what)?.textContent ?? "";
  const notes = {
    window: /** @type {Window | null} */ (null),
    began: Date.now(),

    /** Open the notes in a separate window, for a screen that the audience doesn't see. */
    open() {
      if (this.window && !this.window.closed) {
        this.window.focus();
        return;
      }
      this.window = window.open("", "explorer-notes", "popup,width=760,height=560");
      if (!this.window) {
        this.toggleStrip(); // popups are blocked: show them over the slide
        return;
      }
      const page = this.window.document;
      page.title = "Speaker’s notes";
      page.documentElement.lang = "en";
      page.body.style.cssText = "margin:0;padding:24px 32px;font:22px/1.5 system-ui,sans-serif;color:#18202a;background:#fff";
      for (const [tag, id] of [
        ["p", "where"],
        ["h1", "title"],
        ["p", "answer"],
        ["p", "notes"],
        ["p", "next"],
      ]) {
        const line = page.body.appendChild(page.createElement(tag));
        line.id = id;
        line.style.whiteSpace = "pre-line";
        if (id === "where" || id === "next") line.style.color = "#56616e";
      }
      const reset = page.body.appendChild(page.createElement("button"));
      reset.textContent = "Set the clock to 0:00";
      reset.style.font = "inherit";
      reset.addEventListener("click", () => {
        this.began = Date.now();
        reset.blur();
        this.show();
      });
      // The same keys as on the slides.
      page.addEventListener("keydown", (event) => {
        const { key, code, keyCode, shiftKey, ctrlKey, altKey, metaKey, repeat } = event;
        if (key === "s" || key === "Tab" || ctrlKey || altKey || metaKey || page.activeElement === reset) return;
        event.preventDefault();
        giveKeysBack(); // on the slides no control has them
        const same = { key, code, keyCode, shiftKey, ctrlKey, altKey, metaKey, repeat, bubbles: true, cancelable: true };
        document.body.dispatchEvent(new KeyboardEvent("keydown", same));
      });
      this.show();
    },

    toggleStrip() {
      const strip = document.getElementById("explorer-notes");
      if (strip) {
        strip.remove();
        return;
      }
      const made = document.createElement("aside");
      made.id = "explorer-notes";
      document.body.append(made);
      this.show();
    },

    show() {
      const strip = document.getElementById("explorer-notes");
      if (strip) strip.textContent = words(present(), "aside.notes");
      const page = this.window?.document;
      if (!page || this.window?.closed) return;
      const at = articles.indexOf(present());
      const seconds = Math.floor((Date.now() - this.began) / 1000);
      const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      const next = words(articles[at + 1], "h2");
      const lines = {
        where: `${at + 1} of ${articles.length} · ${clock}`,
        title: words(present(), "h2"),
        answer: present().querySelector(".explorer-question")?.getAttribute("data-speaker") ?? "",
        notes: words(present(), "aside.notes"),
        next: next ? `Next: ${next}` : "This is the last slide.",
      };
      for (const [id, text] of Object.entries(lines)) {
        const line = page.getElementById(id);
        if (line) line.textContent = text;
      }
    },
  };

  /** Show the slide that reveal.js is at. */
  function show() {
    const slide = present();
    zoom(false);
    for (const article of articles) {
      article.toggleAttribute("data-present", article === slide);
      article.inert = article !== slide; // hidden slides must not receive keys either
    }
    if (document.activeElement && !slide.contains(document.activeElement)) giveKeysBack();
    notes.show();
  }

  setInterval(() => notes.show(), 1000);
  for (const article of articles) {
    const slide = document.createElement("section");
    slide.id = article.dataset.slide ?? "";
    document.querySelector(".reveal .slides")?.append(slide);
  }
  Reveal.on("ready", show);
  Reveal.on("slidechanged", show);
  Reveal.initialize({
    disableLayout: true, // slides fill the window: scaled ones would blur figures and misplace the pointer
    scrollActivationWidth: null,
    touch: false, // a finger scrolls a slide and moves a slider
    transition: "none",
    backgroundTransition: "none",
    overview: false,
    hash: true,
    slideNumber: "c/t",
    controlsTutorial: false,
    keyboardCondition: isForSlides,
    jumpToSlide: false,
    help: false,
    keyboard: {
      ...Object.fromEntries(NO_KEYS.map((code) => [code, null])),
      27: null,
      68: changeTheme,
      83: () => notes.open(),
      90: () => zoom(),
    },
  });
  // Before the widget's listeners, which may stop the key.
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      toggleKeys(false);
      zoom(false);
      giveKeysBack();
    },
    { capture: true },
  );
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !isForThem(event)) return;
    if (event.key === "?") toggleKeys();
    if (event.key === "x") recover(); // reveal.js would hear nothing of it while the screen is blank
  });
  // After pressing a button with the mouse, keys go to the slides again.
  document.addEventListener("click", ({ detail, target }) => {
    const button = detail > 0 && target instanceof Element ? target.closest(TAKES_PRESSES) : null;
    if (button && !button.closest(TAKES_KEYS)) giveKeysBack();
  });
  addEventListener("pagehide", () => notes.window?.close());
})();
