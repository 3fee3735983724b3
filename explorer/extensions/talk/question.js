// @ts-check
// A question above covered pictures. On the talk's page digits enter the guess of the visible slide, and r uncovers it;
// the slide's element says in data-covered whether it is covered, which the page's keys heed.

const MOST_DIGITS = 6;

/**
 * @typedef {{ question: string, choices: string[], outcome: string, guess: string, votes: number[], right: string,
 *   is_open: boolean }} State
 */

/** The guess after a key: the choice of that number, or the typed digits.
 * @param {string} key @param {string[]} choices @param {string} guess */
export function guessAfter(key, choices, guess) {
  if (key === "Backspace") return choices.length ? "" : guess.slice(0, -1);
  if (!/^[0-9.]$/.test(key)) return guess;
  if (choices.length) return choices[Number(key) - 1] ?? guess;
  return (guess + key).slice(-MOST_DIGITS);
}

/** @type {import("@anywidget/types").Render<State>} */
function render({ model, el, signal }) {
  becomePart(el, "explorer-question explorer-line explorer-wrap", model);
  const keep = (/** @type {string} */ guess) => sendState(model, { guess });
  const words = make("p", { class: "explorer-question-words" });
  const choices = make("div", { class: "explorer-wrap", role: "group", "aria-label": "Your guess" });
  const typed = make("span", { class: "explorer-question-guess", role: "status", "aria-live": "polite" });
  const number = make("input", { inputMode: "decimal", size: MOST_DIGITS, "aria-label": "Your guess" }); // in a notebook
  number.addEventListener("input", () => keep(number.value.slice(0, MOST_DIGITS)));
  const turn = () => sendState(model, { is_open: !model.get("is_open") });
  const count = () => {
    const fields = [...choices.querySelectorAll("input")];
    const votes = fields.map((one) => Math.max(0, Math.trunc(one.valueAsNumber || 0)));
    sendState(model, { votes: fields.some((one) => one.value) ? votes : [] });
  };
  const choiceOf = (/** @type {string} */ choice, /** @type {number} */ at) => {
    const about = { type: "number", min: 0, placeholder: "votes", "aria-label": `Votes for ${choice}` };
    const votes = make("input", { class: "explorer-field", ...about });
    votes.addEventListener("input", count);
    const kbd = make("kbd", { "aria-hidden": "true" }, `${at + 1}`);
    const pick = makeButton([kbd, choice], () => keep(choice), { class: "explorer-button" });
    return make("span", { class: "explorer-line" }, pick, votes);
  };
  const button = makeButton([], turn, { class: "explorer-button explorer-reveal", "data-primary": true, "aria-keyshortcuts": "r" });
  el.append(words, choices, number, typed, button);

  const show = () => {
    const [guess, isOpen, right] = [model.get("guess"), model.get("is_open"), model.get("right")];
    const [offered, votes] = [model.get("choices"), model.get("votes")];
    words.textContent = model.get("question");
    if (choices.dataset.offered !== `${offered}`) choices.replaceChildren(...offered.map(choiceOf)); // a field keeps the focus
    choices.dataset.offered = `${offered}`;
    for (const [at, choice] of [...choices.children].entries()) {
      choice.querySelector("button")?.setAttribute("aria-pressed", `${offered[at] === guess}`);
      choice.toggleAttribute("data-right", isOpen && offered[at] === right);
      choice.querySelector("input")?.toggleAttribute("hidden", isOpen && !votes[at]);
    }
    choices.hidden = !offered.length;
    number.hidden = Boolean(offered.length) || isOpen || el.closest(".explorer-slides") !== null;
    const votesFor = (/** @type {number | undefined} */ n) => (n === undefined ? "" : `: ${n} ${n === 1 ? "vote" : "votes"}`);
    const answers = offered.map((choice, at) => `${at + 1} · ${choice}${choice === right ? " ✓" : ""}${votesFor(votes[at])}`);
    el.dataset.speaker = [`Answer: ${model.get("outcome")}`, ...answers].join("\n");
    const verdict = isOpen && right ? (guess === right ? ", right" : ", wrong") : "";
    const guessed = guess ? `Guessed: ${guess}${verdict}` : isOpen || !choices.hidden || !number.hidden ? "" : "Type a number";
    write(typed, isOpen ? [guessed, `Outcome: ${model.get("outcome")}`].filter(Boolean).join(" · ") : guessed);
    button.replaceChildren(isOpen ? "Cover" : "Reveal", make("kbd", { "aria-hidden": "true" }, "r"));
    el.closest(".explorer-slide")?.toggleAttribute("data-covered", !isOpen);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !el.closest("[data-present]")) return;
    if (event.target instanceof Element && event.target.closest(TAKES_LETTERS)) return;
    if (event.key === "r" && !event.repeat) turn();
    else if (!model.get("is_open")) {
      const guess = guessAfter(event.key, model.get("choices"), model.get("guess"));
      if (guess !== model.get("guess")) keep(guess);
    }
  };

  model.on("change", show);
  document.addEventListener("keydown", onKey, { signal });
  onSize(el, show, signal); // it is then in its slide
  show();
}

export default { render };
