// @ts-check
// Two ARIA tab lists (arrows move, Home and End jump): groups, and the views of the open group, if it has several.

/** @typedef {{ tabs: [name: string, words: string, group: string][], offered: string[], selected: string }} State */

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-tab-bar explorer-line explorer-wrap", model);
  const panelId = freshId();
  /** @type {Record<string, string>} the view last seen of each group */
  const seen = {};
  const select = (/** @type {string} */ selected) => sendState(model, { selected });
  const offered = (/** @type {string} */ name) => {
    const names = model.get("offered");
    return names.length === 0 || names.includes(name) || name === model.get("selected");
  };
  const makeTab = (/** @type {string} */ words, /** @type {Record<string, any>} */ attributes) =>
    make("button", { type: "button", role: "tab", id: freshId(), class: "explorer-tab", "aria-controls": panelId, ...attributes }, words);
  const makeList = (/** @type {string} */ label, /** @type {{ tab: HTMLElement }[]} */ listed) => {
    const all = listed.map(({ tab }) => tab);
    const list = make("div", { role: "tablist", "aria-label": label }, ...all);
    list.addEventListener("keydown", (event) => {
      const tabs = all.filter((tab) => !tab.hidden);
      const at = tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
      const there = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (there === undefined) return;
      event.preventDefault();
      const tab = tabs[(there + tabs.length) % tabs.length];
      tab.click();
      tab.focus();
    });
    return list;
  };
  const tabs = model.get("tabs").map(([name, words, group]) => {
    return { name, group, tab: makeTab(words, { "data-name": name, onclick: () => select(name) }) };
  });
  const groups = [...new Set(tabs.map(({ group }) => group))].map((group) => {
    const members = tabs.filter((tab) => tab.group === group);
    const open = () => {
      const names = members.map(({ name }) => name).filter(offered);
      select(names.find((name) => name === seen[group]) ?? names[0]);
    };
    return { group, members, tab: makeTab(group, { onclick: open }) };
  });
  const list = makeList("Views", groups);
  const inner = makeList("In this view", tabs);
  inner.classList.add("explorer-tab-inner");
  el.append(list, inner);

  // The tabs switch the children of a box of Python's, which can't set its own ARIA role.
  const chosenTab = () => [...tabs, ...groups].find(({ tab }) => !tab.hidden && tab.getAttribute("aria-selected") === "true")?.tab;
  const namePanel = () => {
    const panel = el.closest(".explorer-app")?.querySelector(".explorer-place-panels");
    if (!panel) return;
    panel.id = panelId;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", chosenTab()?.id ?? "");
  };
  /** On a phone the last tabs are scrolled out of view; the page itself doesn't scroll.
   * @param {HTMLElement} tab */
  const scrollTo = (tab) => {
    const within = /** @type {HTMLElement} */ (tab.parentElement);
    const [own, all] = [tab.getBoundingClientRect(), within.getBoundingClientRect()];
    within.scrollLeft += Math.min(0, own.left - all.left) + Math.max(0, own.right - all.right);
  };
  const mark = (/** @type {HTMLElement} */ tab, /** @type {boolean} */ chosen) => {
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    if (chosen) scrollTo(tab);
  };
  const show = () => {
    const selected = model.get("selected");
    const open = tabs.find(({ name }) => name === selected)?.group ?? "";
    seen[open] = selected;
    const inOpen = tabs.filter(({ name, group }) => group === open && offered(name));
    for (const { name, tab } of tabs) {
      tab.hidden = inOpen.length < 2 || inOpen.every((other) => other.tab !== tab);
      mark(tab, name === selected);
    }
    for (const { group, members, tab } of groups) {
      tab.hidden = members.every(({ name }) => !offered(name));
      mark(tab, group === open);
    }
    inner.hidden = inOpen.length < 2;
    el.classList.toggle("explorer-empty", inner.hidden && groups.filter(({ tab }) => !tab.hidden).length < 2);
    namePanel();
  };
  // A press in a panel may open another tab: the focus, whose element is then hidden, moves to that tab.
  let inPanel = false;
  const follow = (/** @type {FocusEvent} */ { target }) => {
    inPanel = target instanceof Element && target.closest(".explorer-place-panels") !== null;
  };
  document.addEventListener("focusin", follow, { signal });
  model.on("change", show);
  model.on("change:selected", () => {
    show();
    if (inPanel) chosenTab()?.focus();
  });
  show();
  const arrival = requestAnimationFrame(namePanel); // before that, the bar isn't on the page
  return () => cancelAnimationFrame(arrival);
}

export default { render };
