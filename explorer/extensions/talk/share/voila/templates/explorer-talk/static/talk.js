// @ts-check
// Moves the slides with reveal.js, shares the keyboard between slides and widgets, fills the screen with one figure, and
// shows an overview and the keys.
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
    o: "overview of all slides; Enter or a click goes to one",
    x: "back to a good state: live runs stopped, recordings shown",
    s: "the speaker’s window",
    d: "light or dark",
    "f, b": "full screen; blank screen",
    Esc: "leave a control, a figure or this list",
    "?": "this list",
  };
  const NO_KEYS = [58, 59, 71, 72, 74, 75, 76, 78, 80, 86, 191]; // of reveal.js: letters that move, v and / that blank
  const root = document.documentElement;
  /** @type {HTMLElement[]} */
  const articles = [...document.querySelectorAll(".explorer-slides > article")].filter((one) => one instanceof HTMLElement);
  const present = () => articles[Reveal.getState().indexh ?? 0];
  const make = (/** @type {string} */ tag, /** @type {Partial<HTMLElement>} */ properties) =>
    Object.assign(document.createElement(tag), properties);
  const words = (/** @type {HTMLElement} */ article, /** @type {string} */ what) => article.querySelector(what)?.textContent ?? "";

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
    const list = make("dl", {});
    for (const [key, words] of Object.entries(KEYS)) list.append(make("dt", { textContent: key }), make("dd", { textContent: words }));
    document.body.appendChild(make("aside", { id: "explorer-keys", ariaLabel: "Keys" })).append(list);
  }

  /** Leave whatever hides the slide or takes its keys; the slide's bar stops live runs. */
  function recover() {
    Reveal.togglePause(false);
    toggleKeys(false);
    overview.close();
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

  /** Show the speaker where the talk is, and over the slide the notes if they are there. */
  function showSpeaker() {
    const strip = document.getElementById("explorer-notes");
    if (strip) strip.textContent = words(present(), "aside.notes");
    speaker.show(articles, present());
  }

  /** Open the speaker's window, for a screen that the audience doesn't see; if none is allowed, notes lie over the slide. */
  function openSpeaker() {
    const strip = document.getElementById("explorer-notes");
    strip?.remove();
    if (!strip && !speaker.open(showSpeaker, press)) document.body.append(make("aside", { id: "explorer-notes" }));
    showSpeaker();
  }

  /** Press on the slides the key that was pressed in the speaker's window.
   * @param {KeyboardEvent} event */
  function press(event) {
    const { key, code, keyCode, shiftKey, repeat } = event;
    event.preventDefault();
    giveKeysBack(); // on the slides no control has them
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, code, keyCode, shiftKey, repeat, bubbles: true, cancelable: true }));
  }

  const overview = {
    list: /** @type {HTMLElement | null} */ (null),
    at: 0,
    columns: Math.ceil(Math.sqrt(articles.length)),

    /** Show all slides at once, each below a button that goes to it. */
    open() {
      zoom(false);
      this.list = document.body.appendChild(make("nav", { id: "explorer-overview", ariaLabel: "All slides" }));
      for (const [at, article] of articles.entries()) {
        const [textContent, onfocus] = [`${at + 1} · ${words(article, "h2")}`, () => Object.assign(this, { at })];
        this.list.append(make("button", { textContent, onfocus, onclick: () => this.close(at) }));
      }
      root.style.setProperty("--columns", `${this.columns}`);
      root.toggleAttribute("data-explorer-overview", true);
      show(); // no slide has the keys
      this.focus(articles.indexOf(present()));
    },

    /** Go to a slide, or back to the one before; without an overview, do nothing. */
    close(at = articles.indexOf(present())) {
      if (!this.list) return;
      this.list.remove();
      this.list = null;
      root.toggleAttribute("data-explorer-overview", false);
      Reveal.slide(at);
      show();
    },
    focus(/** @type {number} */ at) {
      /** @type {HTMLElement | undefined} */ (this.list?.children[at])?.focus();
    },

    /** Whether a key is the overview's.
     * @param {string} key */
    takes(key) {
      const [at, down] = [this.at, this.columns];
      /** @type {Record<string, number>} */
      const places = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + down, ArrowUp: at - down, Home: 0, End: articles.length - 1 };
      if (key in places) this.focus(places[key]);
      else if (key === "Enter" || key === " ") this.close(at);
      else if (key === "o" || key === "Escape") this.close();
      else return false;
      return true;
    },
  };

  /** Show the slide that reveal.js is at. */
  function show() {
    const slide = present();
    zoom(false);
    for (const article of articles) {
      const isPresent = article === slide && !overview.list;
      article.toggleAttribute("data-present", isPresent);
      article.inert = !isPresent; // hidden slides must not receive keys either
    }
    if (document.activeElement && !slide.contains(document.activeElement)) giveKeysBack();
    showSpeaker();
  }

  setInterval(showSpeaker, 500);
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
      79: () => overview.open(),
      83: openSpeaker,
      90: () => overview.list || zoom(),
    },
  });
  // Before the widget's listeners, which may stop the key.
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const isPlain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (isPlain && overview.list && overview.takes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
    if (event.key !== "Escape") return;
    toggleKeys(false);
    zoom(false);
    giveKeysBack();
  };
  document.addEventListener("keydown", onKey, { capture: true });
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
  addEventListener("pagehide", speaker.close);
})();
