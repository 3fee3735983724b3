// @ts-check
// Moves the slides with reveal.js, shares the keyboard between slides and widgets, and shows the speaker's notes.
//
// reveal.js takes every section within a slide for a vertical slide, and widgets have sections of their own. So its
// slides are empty: it tracks the current one, by keys, address and arrows, and the article with its name is shown.

(() => {
  // These get all keys while they have the focus; a button needs only those that press it.
  const TAKES_KEYS =
    "input, textarea, select, summary, iframe, [contenteditable], [tabindex='0'], .explorer-app, " +
    "[role=slider], [role=tab], [role=radio], [role=grid], [role=listbox], [role=menu]";
  const TAKES_PRESSES = "button, a[href], [role=button]";
  const root = document.documentElement;
  /** @type {HTMLElement[]} */
  const articles = [...document.querySelectorAll(".explorer-slides > article")].filter((one) => one instanceof HTMLElement);
  const present = () => articles[Reveal.getState().indexh ?? 0];

  /** Whether a key is meant for the slides and not for the focused element.
   * @param {KeyboardEvent} event */
  function isForSlides(event) {
    if (event.defaultPrevented) return false;
    const at = document.activeElement;
    if (!(at instanceof HTMLElement) || at === document.body || articles.includes(at)) return true;
    if (at.closest(TAKES_KEYS)) return false;
    return !at.closest(TAKES_PRESSES) || ![" ", "Enter"].includes(event.key);
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
        ["p", "notes"],
        ["p", "next"],
      ]) {
        const line = page.body.appendChild(page.createElement(tag));
        line.id = id;
        if (id === "where" || id === "next") line.style.color = "#56616e";
      }
      page.addEventListener("keydown", ({ key }) => {
        if (["ArrowRight", " ", "PageDown"].includes(key)) Reveal.next();
        if (["ArrowLeft", "PageUp"].includes(key)) Reveal.prev();
      });
      setInterval(() => this.show(), 1000);
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
    for (const article of articles) {
      article.toggleAttribute("data-present", article === slide);
      article.inert = article !== slide; // hidden slides must not receive keys either
    }
    if (document.activeElement && !slide.contains(document.activeElement)) giveKeysBack();
    notes.show();
  }

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
    keyboard: { 27: null, 68: changeTheme, 83: () => notes.open() },
  });
  // Before the widget's listeners, which may stop the key.
  document.addEventListener("keydown", (event) => event.key === "Escape" && giveKeysBack(), { capture: true });
  // After pressing a button with the mouse, keys go to the slides again.
  document.addEventListener("click", ({ detail, target }) => {
    const button = detail > 0 && target instanceof Element ? target.closest(TAKES_PRESSES) : null;
    if (button && !button.closest(TAKES_KEYS)) giveKeysBack();
  });
  addEventListener("pagehide", () => notes.window?.close());
})();
