"""The tab Demonstrations: famous experiments, guessed at, run, drawn, and compared with their papers."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from explorer.app.layout import box, close_all
from explorer.app.views import Drawing, Views, ViewState
from explorer.experiments import (
    Demonstration,
    Experiment,
    Result,
    failed_demonstrations,
    offered_demonstrations,
)
from explorer.network import NeuralNetwork
from explorer.session.state import Finding
from explorer.training import DivergedError
from explorer.widgets.assets import look_of
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Element, Rendered, button_element, element
from explorer.wording import percent

_MINE = "mine"  # the network of the session's run
_SECONDS_BETWEEN = 1.0
_BUTTON = "explorer-button"


class Demonstrations:
    """A gallery of cards, or the chosen one."""

    def __init__(self, views: Views) -> None:
        look_of(Path(__file__).parent)
        on_loop = views.on_loop
        self._views, self._theme, self.results = views, views.theme, dict[str, Result]()
        self._known = offered_demonstrations()
        self._networks: dict[str, NeuralNetwork] = {}
        self._guesses: dict[str, float | None] = {}
        self._dataset, self._series = views.dataset, views.state.series
        self._running: Experiment | None = None
        self._number, self._drawn_at = 0, 0.0
        self._replaced: Sequence[Any] = ()  # figures that are closed when the next one is drawn
        self.chosen: Demonstration | None = None
        self.choices: dict[str, Segmented] = {}
        self.cards = Rendered("explorer-demonstrations", *map(_card, self._known.values()))
        self.words = Rendered("explorer-demonstration-words")
        self.outcome = Rendered("explorer-demonstration-outcome")
        self.buttons, self.state, self.figure = Rendered("explorer-wrap"), Caption(), box("")
        self.cards.on_press(on_loop(self.open))
        self.buttons.on_press(on_loop(self._on_press))
        faults = [Caption(text=fault) for fault in failed_demonstrations()]
        self._cards, self._tools = box("", self.cards, *faults), box("explorer-tools")
        asked = box("explorer-column", self.words, self._tools, self.buttons, self.state, self.outcome)
        classes = "explorer-column explorer-two explorer-demonstration explorer-hidden"
        self._page = box(classes, asked, self.figure)
        classes = "explorer-panel explorer-column explorer-apart explorer-demonstration-tab"
        self.view = box(classes, self._cards, self._page)
        views.on_close(self.stop)

    def show(self, state: ViewState) -> None:
        """Draw in the state's theme; forget what another session has found."""
        if state.series != self._series:
            self.results.clear()
        if (state.series, state.theme) != (self._series, self._theme):
            self._series, self._theme = state.series, state.theme
            self._draw()

    def open(self, key: str) -> None:
        """Turn to a demonstration, by key, or back to all with an unknown one."""
        self.stop()
        before, focus = self.chosen, str(self._number)
        self.chosen = one = self._known.get(key)
        set_hidden(self._cards, one is not None)
        set_hidden(self._page, one is None)
        if one is None:
            cards = (_card(card, focus if card is before else None) for card in self._known.values())
            self.cards.draw(*cards)
            return
        question = element("p", one.texts.question, class_="explorer-prominent")
        self.words.draw(element("h2", one.texts.title, tabindex="-1", data_focus=focus), question)
        guesses = {f"{guess:g}": one.in_words(guess) for guess in one.texts.guesses}
        self.choices = {"guess": Segmented("Your guess", {"": "no guess"} | guesses)}
        if one.knob is not None:
            values = {f"{value:g}": f"{one.knob.label} = {value:g}" for value in one.knob.values}
            self.choices["knob"] = Segmented(one.knob.label, values, value=f"{one.knob.value:g}")
            self.choices["knob"].observe(self._views.on_loop(lambda _: self._on_knob(one)), "value")
        if one.uses_run:
            self.choices["network"] = Segmented("Network", {"new": "a new network", _MINE: "my run’s"})
        previous, self._tools.children = self._tools.children, tuple(self.choices.values())
        for old in previous:
            close_all(old)
        self.state.text = one.refused(self._views.dataset) or f"It takes about {one.texts.seconds:g} s."
        self._show_buttons()
        self._draw()

    def _chosen(self, name: str) -> str:
        return self.choices[name].value if name in self.choices else ""

    def stop(self) -> None:
        """End the running experiment; what it found so far stays."""
        self._number += 1
        if self._running is not None:
            self._running.stop()
            self._running = None
            self.state.text = "Stopped."

    def _on_press(self, press: str) -> None:
        match press:
            case "all":
                self.open("")
            case "stop":
                self.stop()
                self._show_buttons()
            case "run" if self.chosen is not None:
                self._begin(self.chosen)

    def _on_knob(self, one: Demonstration) -> None:
        if self._running is not None or (one.uses_run and one.key in self.results):
            self._begin(one)

    def _begin(self, one: Demonstration) -> None:
        self.stop()
        self.state.text, seed = one.refused(self._views.dataset), 0
        network = self._networks.get(one.key)
        if not self.state.text and self._chosen("network") == _MINE:
            network, seed = self._own_network()
        self._show_buttons()
        if self.state.text:
            return
        guess, self._dataset = self._chosen("guess"), self._views.dataset
        is_asked = one.knob is None or float(self._chosen("knob")) == one.knob.value
        self._guesses[one.key] = float(guess) if guess and is_asked else None
        options: dict[str, Any] = {one.knob.name: float(self._chosen("knob"))} if one.knob else {}
        if one.uses_drawing and isinstance(self._views.image, Drawing):
            options["drawing"] = self._views.image.image
        network = network and network.copy()  # a stopped experiment may still use it
        steps = one.run(self._dataset, seed, network, **options)
        deliver = partial(self._views.on_loop(self._on_event), self._number, one)
        self._running = Experiment(steps, deliver)
        self._show_buttons()

    def _own_network(self) -> tuple[NeuralNetwork | None, int]:
        """Return a copy of the current run's network, and the seed of its start; if there is none, say so."""
        subject = self._views.networks.of(self._views.state)
        if subject is None or subject.run.own is not None or subject.differs:
            self.state.text = "There is no network of a run to take: train one first, or choose a new one."
            if subject is not None:
                self.state.text = "The network of a class of your own can’t be taken: choose a new one."
            return None, 0
        with subject.network() as mine:
            return mine.copy(), subject.run.lineage[-1].config.seed

    def _on_event(self, number: int, one: Demonstration, event: Any) -> None:
        if number != self._number:
            return
        if self._views.dataset is not self._dataset:  # another one was chosen meanwhile
            self.stop()
        elif event is None or isinstance(event, Exception):
            self._running = None
            if isinstance(event, DivergedError | ValueError):
                self.state.text = f"It ended early: {str(event).rstrip('.')}."
            elif event is not None:
                self.state.text = f"It failed: {type(event).__name__}: {event}"
            else:
                self.state.text, numbers = "", self.results[one.key].plain_numbers
                self._views.session.note_finding(one.key, Finding(numbers, self._guesses[one.key]))
            self._show_buttons()
            self._draw()
        elif isinstance(event, float):
            self.state.text = f"{percent(event, 0)} done"
        elif isinstance(event, NeuralNetwork):
            if self._chosen("network") != _MINE:
                self._networks[one.key] = event
        else:
            self.results[one.key] = event
            if monotonic() - self._drawn_at > _SECONDS_BETWEEN:
                self._draw()

    def _show_buttons(self) -> None:
        is_running = self._running is not None
        run = button_element("run", "Run again" if is_running else "Run", class_=_BUTTON, data_primary=True)
        stop = button_element("stop", "Stop", class_=_BUTTON, disabled=not is_running)
        self.buttons.draw(run, stop, button_element("all", "All demonstrations", class_=_BUTTON))

    def _draw(self) -> None:
        """Draw the newest result; of one from a session's file, the words alone."""
        one, before, self._drawn_at = self.chosen, self.figure.children, monotonic()
        found = None if one is None else self.results.get(one.key)
        finding = None if one is None else self._views.state.findings.get(one.key)
        if one is None or (found is None and finding is None):
            self.figure.children = ()
            self.outcome.draw()
        else:
            sentences = ("", "", "")
            reported = finding if found is None else Finding(found.numbers, self._guesses.get(one.key))
            with suppress(ValueError):  # a number is still missing, or the file is of another version
                sentences = one.sentences(reported.numbers, reported.guess) if reported else sentences
            (answer, *seen), quiet = sentences, "explorer-muted explorer-small"
            words = [element("p", text, class_=look) for text, look in zip(seen, ("", quiet), strict=True)]
            self.outcome.draw(element("p", element("em", answer), class_="explorer-prominent"), *words)
            look: Any = {"theme": self._theme, "name": one.texts.title, "summary": sentences[1]}
            self.figure.children = [LiveFigure(one.figure(self._theme), **look) for one in (found,) if one]
        for old in self._replaced:
            close_all(old)
        self._replaced = before  # the page may still be making its view


def _card(one: Demonstration, focus: str | None = None) -> Element:
    values = one.texts.thumbnail
    points = (f"{300 * i / (len(values) - 1):.0f},{44 - 40 * y:.0f}" for i, y in enumerate(values))
    line = element("path", d=f"M{'L'.join(points)}")
    look = {"class_": "explorer-demonstration-curve", "viewBox": "0 0 300 48", "aria_hidden": True}
    curve = element("svg", line, **look)
    words = element("span", one.texts.question, class_="explorer-muted explorer-small")
    seconds = element("span", f"{one.texts.seconds:g} s", class_="explorer-muted explorer-small")
    parts = curve, element("em", one.texts.title), words, seconds
    return button_element(one.key, *parts, class_="explorer-demonstration-card", data_focus=focus)
