"""The parts that only slides have: a question that covers the pictures, the bar below them, and Markdown."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import traitlets
from mistune import create_markdown

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.widgets.rendered import Element, element

_FOLDER = Path(__file__).parent
_NUMBER = re.compile(r"([+-]?\d+(?:\.\d+)?)(\D*)")
_TAGS = MappingProxyType(
    {"list_item": "li", "emphasis": "em", "strong": "em", "codespan": "code", "block_code": "pre"}
)


class Question(PagePart):
    """Covers the pictures of its slide; the guess, by one key or two, stands next to the outcome."""

    _esm, _folder = script("question", _FOLDER), _FOLDER

    question = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The answers to choose from, the first by the key 1; without any, a number is typed."""
    outcome = traitlets.Unicode().tag(sync=True)
    """Shown next to the guess once the pictures are uncovered."""
    guess = traitlets.Unicode().tag(sync=True, page=True)
    votes = traitlets.List(traitlets.Int(min=0)).tag(sync=True, page=True)
    """How many of the room are for each choice, if they were counted; the guess is then what most are for."""
    is_open = traitlets.Bool(False).tag(sync=True, page=True)
    """Whether the pictures are uncovered; set by the page."""
    right = traitlets.Unicode().tag(sync=True)
    """The choice, or the typed number, that is right; empty where that can't be said."""

    @traitlets.observe("choices", "outcome", "guess")
    def _on_outcome(self, _change: object) -> None:
        self.right = right_choice(self.choices or [self.guess], self.outcome)

    @traitlets.observe("votes")
    def _on_votes(self, _change: object) -> None:
        most = [at for at, n in enumerate(self.votes) if n == max(self.votes)]
        if len(self.votes) == len(self.choices) and len(most) == 1:
            self.guess = self.choices[most[0]]


class LiveBar(PagePart):
    """One line below a slide's figures. It also reports the page's theme and the size of the screen."""

    _esm, _folder = script("live_bar", _FOLDER), _FOLDER

    settings = traitlets.Unicode().tag(sync=True)
    """The run's settings in one line; empty for a slide without a run, which has no button either."""
    notes = traitlets.Unicode().tag(sync=True)
    fault = traitlets.Unicode().tag(sync=True)
    """Notes, and what went wrong with a live run; only the speaker sees both."""
    steps = traitlets.Bool(True).tag(sync=True)
    """Whether a live run can be paused, stepped and slowed down; a demonstration can't."""
    state = traitlets.Enum(("recorded", "running", "paused", "live"), "recorded").tag(sync=True)
    """The recorded run, or a live one: running, paused or finished."""
    text = traitlets.Unicode().tag(sync=True)
    fraction = traitlets.Float(0.0).tag(sync=True)
    """The state in words, and the progress of the live run, 0 to 1."""
    theme = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    scale = traitlets.Float(1.0, min=1.0, max=3.0).tag(sync=True, page=True)
    """The page's theme, and the size of text and lines relative to the app's; set by the page."""
    pace = traitlets.Enum(("epoch", "fast"), "epoch").tag(sync=True, page=True)
    """How fast a live run goes, an epoch a second or as fast as it can; set by the page."""
    on_live = PartEvent[[str]]("live")
    """Calls ``callback("run")`` to request a live run, ``"stop"`` to end it, ``"pause"`` to pause or continue it,
    ``"step"`` to advance it by a step, and ``"reset"`` to return to the recording."""

    def __init__(self, settings: str = "", notes: str = "", **traits: Any) -> None:
        super().__init__(settings=settings, notes=notes, **traits)

    def show(self, state: str, text: str, fraction: float = 0.0) -> None:
        """Show the slide's state, in one message."""
        self.update(state=state, text=text, fraction=min(1.0, max(0.0, fraction)))

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        wish, is_running = content.get("live"), self.state in ("running", "paused")
        # A press may arrive after the run has ended: actions that are no longer possible are dropped.
        of_run = {"stop", "pause", "step"} if is_running else {"run"}
        if wish == "reset" or (self.settings and wish in of_run):
            self._emit("live", wish)


def right_choice(choices: Sequence[str], outcome: str) -> str:
    """Return the choice that an outcome says; of several numbers the nearest one, a single one if it rounds to it.

    Empty if that can't be said: other words, other units, or two that are equally near.
    """
    same = [choice for choice in choices if choice.casefold() == outcome.rstrip(".").casefold()]
    found = [_NUMBER.fullmatch(re.sub(r"\s", "", text)) for text in (*choices, outcome)]
    numbers = [(float(one[1]), one[2]) for one in found if one]
    units = {unit for _, unit in numbers if len(choices) > 1}  # a typed number has none
    if same or len(numbers) < len(found) or len(units) > 1:
        return same[0] if same else ""
    *offered, (true, _) = numbers
    near = [abs(number - true) for number, _ in offered]
    if len(near) == 1:
        decimals = len(choices[0].partition(".")[2])
        return choices[0] if round(true, decimals) == offered[0][0] else outcome
    return choices[near.index(min(near))] if near.count(min(near)) == 1 else ""


def markdown(text: str) -> list[Element]:
    """Return the paragraphs and lists of a Markdown text; HTML, links and pictures in it are plain text."""
    tokens: Any = create_markdown(renderer=None)(text)
    return [
        element("p", *parts) if isinstance(parts[0], str) else parts[0]
        for one in tokens
        if (parts := _parts(one))
    ]


def plain(text: str) -> str:
    """Return a text without the signs of Markdown."""
    return "\n".join(map(_words, markdown(text))).replace("\n\n", "\n").strip()


def _words(part: Element | str) -> str:
    if isinstance(part, str):
        return part
    words = "".join(map(_words, part[2:]))
    return f"\n– {words}" if part[0] == "li" else words


def _parts(token: Mapping[str, Any]) -> list[Element | str]:
    kind, children = token["type"], token.get("children")
    inside = [part for one in children for part in _parts(one)] if children else [token.get("raw", "")]
    if kind in ("softbreak", "linebreak"):
        return [" "]
    if kind == "list":
        return [element("ol" if token["attrs"]["ordered"] else "ul", *inside)]
    if kind in _TAGS or kind in ("paragraph", "heading", "block_quote"):
        return [element(_TAGS.get(kind, "p"), *inside)]
    return [part for part in inside if part]
