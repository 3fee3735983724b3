// @ts-check
// The speaker's window: this slide and the next one as the room sees them, the notes, the answer with the votes, a clock.
// The slides in it are copies of what is drawn on the page. Each is in a frame of the page's own size that is made smaller,
// so that it lies as it does there.

const speaker = (() => {
  // Without a doctype a frame would be laid out by other rules.
  const BODY = `
    <header><p id="where"></p><p id="clock"></p><button class="explorer-button">Set the clock to 0:00</button></header>
    <figure><figcaption id="title"></figcaption><div id="now"><iframe srcdoc="<!doctype html>" inert></iframe></div></figure>
    <figure><figcaption id="next"></figcaption><div id="then"><iframe srcdoc="<!doctype html>" inert></iframe></div></figure>
    <p id="notes"></p><p id="answer"></p>`;
  const root = document.documentElement;
  /** @type {Window | null} */
  let opened = null;
  let began = Date.now();
  let isChanged = true;
  const observer = new MutationObserver(() => {
    isChanged = true;
  });
  const words = (/** @type {HTMLElement | undefined} */ article, /** @type {string} */ what) =>
    article?.querySelector(what)?.textContent ?? "";

  /** Return a copy of the page's body in which there is just one slide.
   * @param {HTMLElement} article */
  function bodyOf(article) {
    let copy = /** @type {HTMLElement} */ (article.cloneNode(true));
    copy.dataset.present = "";
    const canvases = copy.querySelectorAll("canvas");
    for (const [at, drawn] of article.querySelectorAll("canvas").entries()) {
      if (drawn.width && drawn.height) canvases[at].getContext("2d")?.drawImage(drawn, 0, 0);
    }
    for (let outer = article.parentElement; outer && outer !== root; outer = outer.parentElement) {
      const shell = /** @type {HTMLElement} */ (outer.cloneNode(false));
      shell.append(copy);
      copy = shell;
    }
    return copy;
  }

  /** Return the text of all style sheets: only where there is none rule by rule, which loses what depends on a variable. */
  async function styles() {
    const written = (/** @type {CSSStyleSheet} */ sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
    const texts = [...document.styleSheets, ...document.adoptedStyleSheets].map((sheet) => {
      if (!sheet.href) return sheet.ownerNode?.textContent || written(sheet);
      const answer = fetch(sheet.href, { cache: "force-cache" });
      return answer.then((found) => found.text()).catch(() => written(sheet));
    });
    return (await Promise.all(texts)).join("\n");
  }

  /** Show a slide's copy in its place, or none.
   * @param {HTMLElement | null} place @param {HTMLElement | undefined} article */
  function draw(place, article) {
    const frame = place?.querySelector("iframe");
    const other = frame?.contentDocument;
    if (!place || !frame || !other?.body) return;
    place.hidden = !article;
    frame.style.cssText = `width:${innerWidth}px;height:${innerHeight}px;scale:${place.clientWidth / innerWidth}`;
    if (!article || (!isChanged && frame.title === words(article, "h2"))) return;
    frame.title = words(article, "h2");
    other.documentElement.dataset.explorerTheme = root.dataset.explorerTheme;
    other.body.replaceWith(bodyOf(article));
  }

  return {
    /** Open the window; false if the browser doesn't allow it. Its keys are those of the slides.
     * @param {() => void} show @param {(event: KeyboardEvent) => void} onKey */
    open(show, onKey) {
      if (opened && !opened.closed) {
        opened.focus();
        return true;
      }
      opened = window.open("", "explorer-notes", "popup,width=1120,height=760");
      if (!opened) return false;
      const page = opened.document;
      const style = styles();
      const dress = async (/** @type {Document} */ other) => {
        other.head.appendChild(other.createElement("style")).textContent = await style;
      };
      page.title = "Speaker’s window";
      page.documentElement.lang = "en";
      page.body.className = "explorer-speaker";
      page.body.innerHTML = BODY;
      dress(page);
      for (const frame of page.querySelectorAll("iframe")) {
        frame.addEventListener("load", () => {
          if (frame.contentDocument) dress(frame.contentDocument);
          isChanged = true;
          show();
        });
      }
      const reset = page.querySelector("button");
      reset?.addEventListener("click", () => {
        began = Date.now();
        reset.blur();
        show();
      });
      opened.addEventListener("resize", show);
      page.addEventListener("keydown", (event) => {
        const isOwn = ["s", "Tab"].includes(event.key) || event.ctrlKey || event.altKey || event.metaKey;
        if (!isOwn && page.activeElement !== reset) onKey(event);
      });
      observer.observe(root, { subtree: true, childList: true, attributes: true, characterData: true });
      return true;
    },

    /** Show where the talk is.
     * @param {HTMLElement[]} articles @param {HTMLElement} present */
    show(articles, present) {
      const page = opened?.document;
      if (!page || opened?.closed) return;
      const at = articles.indexOf(present);
      const seconds = Math.floor((Date.now() - began) / 1000);
      const lines = {
        where: `${at + 1} of ${articles.length}`,
        clock: `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`,
        title: words(present, "h2"),
        next: articles[at + 1] ? `Next: ${words(articles[at + 1], "h2")}` : "This is the last slide.",
        notes: words(present, "aside.notes"),
        answer: present.querySelector(".explorer-question")?.getAttribute("data-speaker") ?? "",
      };
      for (const [id, text] of Object.entries(lines)) page.getElementById(id)?.replaceChildren(text);
      page.documentElement.dataset.explorerTheme = root.dataset.explorerTheme;
      page.body.style.setProperty("--room", `${innerWidth / innerHeight}`);
      draw(page.getElementById("now"), present);
      draw(page.getElementById("then"), articles[at + 1]);
      isChanged = false;
    },
    close: () => opened?.close(),
  };
})();
