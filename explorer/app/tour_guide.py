"""Help for newcomers: a tour that demonstrates each step on the page, and a list of keys."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from explorer.app.panels.network import NetworkPanel
from explorer.app.panels.tabs import PanelHost
from explorer.app.views import ANY, Drawing, Views
from explorer.network import most_confused
from explorer.session import SessionRun, SessionState
from explorer.training import FIELDS
from explorer.widgets.pads import DrawingPad
from explorer.widgets.setting import stops
from explorer.widgets.settings_panel import SettingsPanel
from explorer.widgets.tour import HelpDialog, Tour, TourStep
from explorer.wording import class_noun, counted, percent, with_noun

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "Space": "Train, pause or resume, where no control has the focus",
        "?": "This help",
        ".": "On the drawing of the network: play a step. Arrows go through its scenes, Esc leaves",
        "← →": "On the tabs: the next one. On a slider: its next stop",
        "↑ ↓ ← →": "On the confusion matrix: the next cell, and what is in it. Esc leaves it",
        "↑ ↓": "In a number: the next that makes sense. Enter takes what is typed",
        "Ctrl Z": "On the sketch pad: undo. Arrows move the brush, Space puts it down, Delete clears",
        "Esc": "Close what is open",
    }
)
"""The effect of each key."""

_Image = tuple[tuple[int, int], int | Drawing, bytes]  # the chosen cell, the image on the pad, and its ink

_ABOUT = tuple(
    f"A neural network in NumPy learns to {learns}. Change a setting, and watch it learn again."
    for learns in ("tell images apart", "read handwritten digits")
)
_VALUES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"hidden_sizes": (8, 32), "batch_size": (64, 512), "learning_rate": (0.002, 0.01)}
)
"""Settings that the tour may move, and to which values: the first that differs from the current one is used."""

_TILES = (
    "It has gone through the training images again and again, and corrected itself a little each time. The tiles "
    "say how well it does by now. Point at a number to see what it means."
)
_EPOCHS = (
    "One pass over the training images is an epoch, and the network after each is kept. Go back, and all figures "
    "show what it knew then."
)
_MATRIX = (
    "A row is the true {}, a column what the network reads it as. Off the diagonal are its mistakes: click a cell "
    "to see their images."
)
_NETWORK = (
    "An image goes in on the left, and comes out as a guess on the right. Each tile is a hidden unit, drawn as "
    "the weight that it gives to each pixel; its frame lights up with it. Green links speak for the answer, "
    "purple ones against it. Draw over the image, or click a tile."
)
_MORE = (
    "The other tabs look deeper: mistakes, gradients, runs side by side, famous experiments. "
    "Copy link holds all settings of a run. Press ? for the keys, and for this tour again."
)
_DRAW = (
    "With mouse, finger or keys. The drawing is cropped, its longest side is scaled to 20 pixels, and the center "
    "of mass of its ink is put at the center of 28 × 28 pixels, as in MNIST. The network reads along."
)
_PAD = ".explorer-network-source"
_SEVEN = (((80, 60), (200, 60)), ((200, 60), (120, 220)))
_ENOUGH_EPOCHS = 10


def tour_steps(
    class_names: Sequence[str], shown: Sequence[str] | None = None, *, ends_a_run: bool = False
) -> list[TourStep]:
    """Return the steps of the tour, without those for controls that are not `shown`; None stands for all."""
    noun, name, tiles = class_noun(class_names), _movable(shown), ".explorer-place-tiles"
    cell = (".explorer-place-confusion", "Click the largest", ".explorer-place-gallery")
    draws = ("Draw a digit of yours", "Draw a 7") if noun == "digit" else ("Show it something of yours", "")
    steps = [
        TourStep("network", "This is the network", _NETWORK, _PAD),
        TourStep("tiles", "A network that learns", _TILES, tiles),
        TourStep("epochs", "Back to any epoch", _EPOCHS, ".explorer-time", "Go to the first", tiles),
        TourStep("matrix", "What it reads as what", _MATRIX.format(noun), *cell),
        TourStep("draw", draws[0], _DRAW, _PAD, draws[1]),
        TourStep("more", "There is more", _MORE, ".explorer-tab-bar [role=tablist]"),
    ]
    if name is not None:
        field, at = FIELDS[name], f'[data-name="{name}"][data-kind="scale"]'
        ends = " The run under way stops there, and is back at the end of the tour." if ends_a_run else ""
        text = f"{field.help} Move it, and the network trains again from the start.{ends}"
        title, shows = f"A setting: {field.label.lower()}", ".explorer-place-accuracy"
        steps.insert(2, TourStep("setting", title, text, at, "Move it", shows))
    return steps


def _movable(shown: Sequence[str] | None) -> str | None:
    return next((name for name in _VALUES if shown is None or name in shown), None)


class TourGuide:
    """Guides newcomers through an app: it demonstrates each step of its tour as a user would do it.

    A run in progress continues until the user lets a setting be moved. If runs don't start when settings change,
    the tour starts one. At the end everything is restored, except for the user's changes since.
    """

    def __init__(self, views: Views, panels: PanelHost, settings: SettingsPanel) -> None:
        is_digits = class_noun(views.dataset.class_names) == "digit"
        self.tour, self.help = Tour(), HelpDialog(with_noun(_ABOUT[is_digits], views.dataset.noun), KEYS)
        self.parts = (self.help, self.tour)
        self._views, self._session, self._panels, self._settings = views, views.session, panels, settings
        self._step = ""
        self._looked_at: float | None = None  # the epoch selected before the tour went back
        self._went_back = False
        self._before_drawing: _Image = ((ANY, ANY), 0, b"")
        self._heard_pad: DrawingPad | None = None
        self._before = self._session.state  # when the setting was moved
        self._moved = ""
        self._undo: list[Callable[[], object]] = []
        self._answer: Callable[[SessionState], str] | None = None
        self.tour.on_event(views.on_loop(self._on_event))
        self.help.on_tour(views.on_loop(self._begin))
        self._session.subscribe(self._follow)

    def _on_event(self, event: str, step: str) -> None:
        deeds = {"setting": self._move, "epochs": self._go_back, "matrix": self._choose, "draw": self._draw}
        if event == "begin":
            self._begin()
        elif event == "act" and step in deeds:
            deeds[step]()
        elif event == "slid":
            self._train()
        elif event in ("step", "leave"):
            self._go_to(step)
            self._put_back()

    def _begin(self) -> None:
        state = self._session.state
        names = state.dataset.class_names
        ends_a_run = state.status in ("running", "paused")
        steps = tour_steps(names, self._settings.shown, ends_a_run=ends_a_run)
        left_out = ("network", "draw") if state.dataset.is_plane else ()  # they are about images
        self.tour.start([step for step in steps if step.name not in left_out])

    def _go_to(self, step: str) -> None:
        self._step, self._answer = step, None
        if self._went_back:
            self._went_back = False
            self._session.select(self._looked_at)
        if step:
            bar, tab = self._panels.tab_bar, self._panels.tab_bar.selected
            bar.selected = "overview"
            self._did(tab, lambda: bar.selected, lambda tab: bar.set_trait("selected", tab))

    def _did(self, before: Any, look: Callable[[], object], put_back: Callable[[Any], object]) -> None:
        """Call ``put_back(before)`` at the end of the tour if `look` then still returns what it does now."""
        after = look()
        self._undo.append(lambda: put_back(before) if look() == after else None)
        self._put_back()  # if the user has left meanwhile

    def _put_back(self) -> None:
        while self._undo and not self._step:
            self._undo.pop()()

    def _put_back_run(self, before: SessionState) -> None:
        session, run = self._session, before.begun_run
        if run is not None and run.has_network:
            session.put_back(run)
        elif run is not None:  # it was in its first epoch
            session.train(run.config)
        session.config = before.config
        session.select(before.selected_epoch)

    def _follow(self, state: SessionState) -> None:
        words = "" if self._answer is None else self._answer(state)
        if words:
            self._answer = None
            self._say(words)

    def _say(self, words: str) -> None:
        self.tour.tell(self._step, words)

    def _move(self) -> None:
        name = _movable(self._settings.shown)
        if name is not None:
            here = self._settings[name].value
            here = here[0] if isinstance(here, tuple) else here
            value = next(value for value in _VALUES[name] if value != here)
            self._before, self._moved = self._session.state, name
            self.tour.slide("setting", name, stops(name).index(value))

    def _train(self) -> None:
        """Wait for the run with the moved setting; if runs don't start by themselves, start it."""
        state = self._session.state
        if state.run is None or state.run.config != state.config:
            self._session.train()
        self._did(self._before, lambda: self._session.config, self._put_back_run)
        self._say("It trains again: look at the curves.")
        self._answer = partial(_compared, self._before.run, self._moved)
        self._follow(self._session.state)

    def _go_back(self) -> None:
        run = self._session.state.run
        if run is None or run.newest is None or not run.timeline.epochs:
            self._say(self._session.state.nothing)
            return
        self._went_back, self._looked_at = True, self._session.state.selected_epoch
        self._session.select(run.timeline.epochs[0])
        moment, newest = self._session.state.moment, run.newest
        if moment is not None:
            then, now = (percent(one.record.test_accuracy) for one in (moment, newest))
            words = f"After epoch {moment.epoch:.4g}: {then} of the {run.dataset.held_out_noun}s correct."
            self._say(f"{words} By now: {now}.")

    def _choose(self) -> None:
        state = self._session.state
        pairs = () if state.moment is None else most_confused(state.moment.confusion, 1)
        if not pairs:
            self._say(state.nothing or "It makes no mistakes.")
            return
        pair, before = pairs[0], self._image()
        self._views.choose(pair.true, pair.predicted)
        self._did(before, self._image, self._put_back_image)
        true, predicted = (state.dataset.class_names[k] for k in (pair.true, pair.predicted))
        count = counted(pair.count, state.dataset.noun)
        self._say(f"{true} read as {predicted}: {count}, the worst mistake first.")

    def _draw(self) -> None:
        pad, self._before_drawing = self._network.pad, self._image()
        if pad is not self._heard_pad:
            self._heard_pad = pad
            pad.observe(self._views.on_loop(self._on_drawn), "drawn")
        pad.draw(_SEVEN)

    def _on_drawn(self, _change: object) -> None:
        self._say(f"{self._network.caption.text}.")
        self._did(self._before_drawing, self._image, self._put_back_image)

    @property
    def _network(self) -> NetworkPanel:
        network: NetworkPanel = self._panels[self._panels.home].network
        return network

    def _image(self) -> _Image:
        """Return the chosen cell, and the image on the pad with its ink."""
        return self._views.chosen, self._network.image, self._network.pad.ink

    def _put_back_image(self, before: _Image) -> None:
        chosen, image, ink = before
        self._views.choose(*chosen)
        if isinstance(image, int):
            self._network.look_at(image)
        else:
            self._network.pad.set_trait("ink", ink)


def _compared(before: SessionRun | None, setting: str, state: SessionState) -> str:
    run = state.run
    if run is None or (run.status in ("running", "paused") and run.epoch < _ENOUGH_EPOCHS):
        return ""
    if run.newest is None:
        return state.nothing
    now, label = percent(run.newest.record.test_accuracy), FIELDS[setting].label
    words, noun = f"{label} {run.config.text(setting)}: {now} of the", run.dataset.held_out_noun
    words = f"{words} {noun}s classified correctly"
    if before is None or before.newest is None:
        return f"{words}."
    then = percent(before.newest.record.test_accuracy)
    return f"{words}; before, with {before.config.text(setting)}, it was {then}."
