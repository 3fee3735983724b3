"""The network drawn: an image or a drawing, the units that it lights, their sum, and the outputs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.app.help import first_words
from explorer.app.layout import box
from explorer.app.panels.drawings import Drawings
from explorer.app.panels.plane import PlaneSource, Units
from explorer.app.panels.weights import exciting_rows, full_tone, outgoing_bars
from explorer.app.views import Drawing, Pace, Subject, Views, ViewState
from explorer.datasets.preprocessing import preprocess
from explorer.figures.digits import as_images, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.inspection.contributions import Contributions, activations, last_contributions
from explorer.network import NeuralNetwork
from explorer.training import Moment, SampleRecord
from explorer.widgets.controls import Dropdown
from explorer.widgets.drawing_pad import DrawingPad
from explorer.widgets.network_drawing import FOLLOWED, DrawnLayer, DrawnSum, NetworkDrawing, Signal
from explorer.widgets.numbers import Bars
from explorer.widgets.page_part import set_hidden
from explorer.widgets.pictures import PictureRow, PictureRows, RowPicture
from explorer.widgets.rendered import Caption, Display, Rendered, button_element, element
from explorer.wording import counted, grouped, with_article

Array = NDArray[Any]

MOST_UNITS = 32
"""Units of a layer that are drawn before all are asked for."""

_REPLAY_SECONDS = 3.0  # of the first epoch, when the page opens
_SECONDS_BETWEEN = 0.15  # less than between two deliveries, none of which is to be left out
_SMOOTHED = 16  # levels of 255 by which a browser's smoothing may make ink paler as a stroke goes on
_TONES = 4  # on each side of 0: an image of 32 units stays below 15 kB
_COLUMNS = 8
_BLANK = "Nothing is drawn, so there is nothing to read."
_SYMBOLS = MappingProxyType({"sigmoid": "σ", "softmax": "softmax"})


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """One image's pass: activations of the hidden layers, the outputs, and the sum of the class looked at."""

    hidden: list[Array]
    outputs: Array
    sums: list[Contributions]
    """For each layer from the second on, the sum of the unit that the links lead to; the class's at the end."""


class NetworkPanel:
    """The drawing with its pad; while a unit is chosen, its card is next to it."""

    def __init__(self, views: Views) -> None:
        dataset, on_loop = views.dataset, views.on_loop
        self._views, self._dataset = views, dataset
        self.pad = DrawingPad()
        self.plane = PlaneSource(views, self._light) if dataset.is_plane else None
        self.drawing = NetworkDrawing(classes=list(dataset.class_names), columns=_COLUMNS)
        self.drawing.all_pictured = dataset.is_plane
        self.caption = Caption()
        self.unit = UnitCard(views, on_loop(lambda _: self.drawing.update(unit=[])))
        names = {str(k): name for k, name in enumerate(dataset.class_names)}
        self.truth = Dropdown("What did you draw?", {"": "", **names})
        self.drawings = Drawings(views, lambda ink: self.pad.set_trait("ink", ink))
        self._pace = Pace(_SECONDS_BETWEEN)
        self._ink = b""  # the image's
        self._drawn: int | Drawing = 0  # what the user's ink is
        self._loaded: tuple[bytes, int | Drawing] = b"", 0  # the last one put there: its ink, and the image
        self._cell: tuple[int, int] | None = None
        self._whole: set[int] = set()  # layers of which all units are shown
        self._shown: tuple[object, tuple[tuple[int, ...], ...]] = (None, ())  # the units, for image and run
        self._drawn_weights: tuple[object, ...] = ()
        self.replay = Replay(views)
        self.pad.observe(on_loop(self._on_ink), "ink")
        self.pad.on_mistake(on_loop(self._next_mistake))
        self.truth.observe(on_loop(self._on_truth), "value")
        self.drawing.observe(on_loop(self._redraw), ["chosen", "unit"])
        self.drawing.on_more(on_loop(self._on_more))
        self.drawing.on_arrival(on_loop(lambda moves: self.replay.begin(moves=moves)))
        self.question, self._said = box("explorer-hidden", self.truth), box("", self.caption)
        given = self.pad if self.plane is None else self.plane.view
        source = box("explorer-network-source", given, self._said, self.question)
        newcomer = Rendered("explorer-newcomer", element("p", first_words(dataset)))
        parts = source, self.unit.view, self.drawing, self.drawings.view, newcomer
        self.view = box("explorer-figure explorer-place-network", *parts, area="network")
        self._put_on_pad()

    def show(self, state: ViewState) -> None:
        """Draw the moment's network for the image, the first one of a newly selected cell of the matrix."""
        if state.cell != self._cell:
            self._cell = state.cell
            chosen = dict(zip(("true", "predicted"), state.cell or (), strict=False))
            if chosen and (found := state.select(**chosen)[0]).size:
                self.look_at(int(found[0]), draw=False)
        self._put_on_pad()  # other held-out images may be fewer
        if self.plane is not None:
            self.plane.show(state)
        self._draw(state)
        self.drawings.show(state)

    @property
    def image(self) -> int | Drawing:
        """The image on the pad: a held-out one, by index, or a drawing."""
        return self._views.image

    def look_at(self, image: int | Drawing, *, draw: bool = True) -> None:
        """Choose a held-out image, by index, or a drawing."""
        self._views.image = image
        self._put_on_pad()
        if draw:
            self._redraw()

    def _put_on_pad(self) -> None:
        image, dataset = self.image, self._views.state.scored_on
        if isinstance(image, int):
            self._views.image = image = min(image, len(dataset.test_images) - 1)
        elif image is self._drawn:
            return
        shown = self._views.looked_at(dataset).image
        if self.plane is not None:
            self.plane.put(shown)
            return
        self._ink = self.pad.ink_of(shown)
        self._loaded = self._ink, image
        self.pad.ink = self._ink
        self._ask()

    def _on_ink(self, _change: object) -> None:
        before, ink, (loaded, image) = self._ink, self.pad.ink, self._loaded
        if ink == before:
            return
        self._ink = ink
        if ink != loaded:
            image = self.drawings.kept.get(ink) or self._drawing_after(before)
        self._views.image = self._drawn = image
        self._ask()
        self._redraw()

    def _drawing_after(self, before: bytes) -> Drawing:
        """Return what is on the pad; a labeled drawing that only grew keeps its label and its place."""
        image, labeled = preprocess(self.pad.image), self.drawings.kept.get(before)
        has_less = any(now + _SMOOTHED < was for now, was in zip(self.pad.ink, before, strict=False))
        if labeled is None or has_less or not self.pad.ink:
            return Drawing(image)
        self.drawings.keep(before, Drawing(labeled.image))
        changed = Drawing(image, labeled.true)
        self.drawings.keep(self.pad.ink, changed)
        return changed

    def _light(self, point: Array) -> None:
        self._views.image = self._drawn = Drawing(point)
        self._redraw()

    def _ask(self) -> None:
        """Ask what was drawn, in place of the caption; of a held-out image and of a blank pad that is known."""
        image = self.image
        true = image.true if isinstance(image, Drawing) else None
        self.truth.value = "" if true is None else str(true)
        is_drawn = isinstance(image, Drawing) and bool(image.image.any())
        set_hidden(self.question, not is_drawn)
        (self._said.add_class if is_drawn else self._said.remove_class)("explorer-unseen")

    def _on_truth(self, _change: object) -> None:
        image, true = self.image, int(self.truth.value) if self.truth.value else None
        if isinstance(image, Drawing) and true != image.true:
            self._views.image = self._drawn = image = Drawing(image.image, true)
            self.drawings.keep(self.pad.ink, image)
            self._redraw()

    def _next_mistake(self) -> None:
        """Show the next misclassified image, highest loss first; without one, the next of all."""
        state = self._views.state
        wrong: list[int] = state.select(mistakes_only=True)[0].tolist()
        images = wrong or range(len(state.scored_on.test_labels))
        at = self.image if isinstance(self.image, int) else -1
        after = images.index(at) + 1 if at in images else 0
        self.look_at(images[after % len(images)])

    def _on_more(self, layer: int) -> None:
        self._whole ^= {layer}
        self._redraw()

    def _redraw(self, *_event: object) -> None:
        self.replay.stop()
        self._draw(self._views.state, at_once=True)

    def _draw(self, state: ViewState, *, at_once: bool = False) -> None:
        subject = self._views.subjects.of(state)
        chosen = self.drawing.chosen, tuple(self.drawing.unit), frozenset(self._whole)
        if not self._pace.is_due(state, subject, state.theme, self.image, *chosen, at_once=at_once):
            return
        if subject is None:
            self.drawing.nothing = state.nothing or "not trained yet"
            return
        image = self._views.looked_at(state.scored_on).pixels
        with subject.network() as network, np.errstate(all="ignore"):
            found = passed(network, image, self.drawing.chosen)
            self._draw_pass(state, subject, network, found)
            self.unit.show(state, subject, self.drawing.unit, image, found)
        self.caption.text = self._described(state, found)

    def _draw_pass(self, state: ViewState, subject: Subject, network: NeuralNetwork, found: _Pass) -> None:
        units = self._units(state, subject, found)
        layers = [
            DrawnLayer(f"{counted(len(h), 'unit')}, {network.hidden_activation}", shown, len(h))
            for h, shown in zip(found.hidden, units, strict=True)
        ]
        looked_at = self._views.looked_at(state.scored_on)
        if self.plane is None and isinstance(self.image, Drawing) and not looked_at.image.any():
            zeros, none = [floats(np.zeros(len(shown))) for shown in units], [""] * len(found.outputs)
            blank = Signal(zeros, outputs=[0.0] * len(none), figures=none, decided=-1, words=_BLANK)
            self.drawing.show(layers, self._sprite(subject, network, units, state.theme), blank)
            return
        true = looked_at.true
        outputs = np.nan_to_num(found.outputs, nan=0.0, posinf=0.0, neginf=0.0)
        signal = Signal(
            values=[floats(h[list(shown)]) for h, shown in zip(found.hidden, units, strict=True)],
            sums=sums_of(found.sums),
            symbol=_SYMBOLS.get(network.output, "f"),
            outputs=[float(value) for value in outputs],
            figures=[figure(value) for value in found.outputs.tolist()],
            decided=int(outputs.argmax()),
            true=-1 if true is None else true,
            looked_at=found.sums[-1].unit,
            words=subject.differs,
        )
        self.drawing.show(layers, self._sprite(subject, network, units, state.theme), signal)

    def _sprite(self, subject: Subject, network: NeuralNetwork, units: Units, theme: Theme) -> bytes | None:
        """Return the pictures of the units; None if those on the page are the same."""
        before, self._drawn_weights = self._drawn_weights, (subject, units, theme)
        if before == self._drawn_weights:
            return None
        if self.plane is not None:
            return self.plane.draw(network, units, theme, _COLUMNS)
        return unit_images(subject.weights[0], units[0], theme)

    def _units(self, state: ViewState, subject: Subject, found: _Pass) -> tuple[tuple[int, ...], ...]:
        """Return the shown units of each layer, all or the strongest; while a run trains, the same."""
        sizes = tuple(len(h) for h in found.hidden)
        image = self.image if isinstance(self.image, int) else "drawing"
        key = (subject.run.key, state.is_training, image, self.drawing.chosen, frozenset(self._whole), sizes)
        if key != self._shown[0]:
            units = list[tuple[int, ...]]()
            for layer, (h, outgoing) in enumerate(zip(found.hidden, subject.weights[2::2], strict=True)):
                order = found.sums[-1].largest(len(h))  # those first that add most to the class
                if layer < len(sizes) - 1:  # or to all units of the next layer
                    lengths = np.nan_to_num(np.abs(h) * np.linalg.norm(outgoing, axis=0))
                    order = np.argsort(-lengths, kind="stable")
                units.append(tuple(sorted(order[: None if layer in self._whole else MOST_UNITS].tolist())))
            self._shown = key, tuple(units)
        return self._shown[1]

    def _described(self, state: ViewState, found: _Pass) -> str:
        names, read = self._dataset.class_names, int(np.nan_to_num(found.outputs, nan=-np.inf).argmax())
        if isinstance(self.image, Drawing) and self.plane is not None:
            return f"This point, read as {names[read]}"
        if isinstance(self.image, Drawing):
            if not self.image.image.any():
                return f"Draw {with_article(names[0]) if not names[0].isdigit() else 'a digit'} here"
            return f"Your drawing, read as {with_article(names[read])}"
        true = names[int(state.scored_on.test_labels[self.image])]
        image = f"{state.scored_on.held_out_noun.capitalize()} {grouped(self.image)}, {with_article(true)}"
        return f"{image}, read as {with_article(names[read])}"


class Replay:
    """Shows every second moment of the first epoch of a run that has ended, in all views, in three seconds."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._left: list[Moment | SampleRecord] = []
        self._run: tuple[int, int] | None = None  # the one that is replayed
        self._seconds = 0.0

    def prepare(self) -> None:
        """Show the first moment of the current run until the page says whether it wants motion."""
        run = self._views.state.run
        if run is not None and run.status == "finished" and run.moments and self._views.loop.loop is not None:
            self._views.replayed = run.moments[0]
            self._views.refresh()

    def begin(self, *, moves: bool = True) -> None:
        """Replay the current run, or leave it; one that trains is in motion already."""
        views, run = self._views, self._views.state.run
        is_over = run is not None and run.status == "finished"
        if run is None or not is_over or views.loop.loop is None or self._left:
            return
        if views.opens_still or not moves:
            self.stop()
            return
        self._left = [one for one in run.moments if one.epoch <= 1][::2]  # later on, less changes
        self._run, self._seconds = run.key, _REPLAY_SECONDS / max(1, len(self._left))
        self._step()

    def stop(self) -> None:
        """Leave the rest out."""
        if self._left or self._views.replayed is not None:
            self._left, self._views.replayed = [], None
            self._views.refresh()

    def _step(self) -> None:
        run = self._views.state.run
        if not self._left or run is None or run.key != self._run:
            self.stop()
        else:
            self._views.replayed = self._left.pop(0)
            self._views.refresh()
            self._views.loop.call_later(self._seconds, self._views.loop.guarded, self._step)


class UnitCard:
    """What one hidden unit has learned: its weights, what they saw in the image, and where it leads."""

    def __init__(self, views: Views, on_close: Callable[[str], object]) -> None:
        self._dataset = views.dataset
        self.head, self.saw = Rendered("explorer-network-card-head"), Display(PictureRows())
        self.outgoing, self.exciting = Display(Bars(signed=True)), Display(PictureRows())
        self._of_pixels = saw, exciting = box("", self.saw), box("", self.exciting)
        classes = "explorer-network-card explorer-hidden"
        self.view = box(classes, self.head, saw, self.outgoing, exciting)
        self.head.on_press(on_close)

    def show(
        self, state: ViewState, subject: Subject, unit: Sequence[int], image: Array, found: _Pass
    ) -> None:
        """Describe a unit, as its layer from 0 and its number; an empty one hides the card."""
        if len(unit) != 2 or unit[0] >= len(found.hidden) or unit[1] >= len(found.hidden[unit[0]]):
            set_hidden(self.view, True)
            return
        layer, number = unit
        W, b = subject.weights[2 * layer], subject.weights[2 * layer + 1]
        inputs = image if layer == 0 else found.hidden[layer - 1]
        terms = W[number] * inputs
        total = float(terms.sum()) + float(b[number, 0])
        h = float(found.hidden[layer][number])
        close = button_element("close", "✕", class_="explorer-button", data_quiet=True, aria_label="Close")
        title = element("h2", f"Unit {number} of layer {layer + 1}")
        sums = f"Weights times inputs {written(float(terms.sum()))}, bias {written(float(b[number, 0]))}"
        sums = f"{sums}: a = {written(total)}, h = {written(h)}"
        words = element("p", sums, class_="explorer-muted explorer-small")
        self.head.draw(element("header", title, close, class_="explorer-line"), words)
        self.outgoing.show(outgoing_bars(subject, layer, number, self._dataset))
        for part in self._of_pixels:
            set_hidden(part, layer > 0)
        if layer == 0:
            pictures = [W[number] / (full_tone(W) or 1.0), terms / (np.abs(terms).max(initial=0.0) or 1.0)]
            images = as_images(np.nan_to_num(np.stack(pictures)))
            captions = (
                RowPicture("Its weights: ink on green raises its output, on purple lowers it", "weights"),
                RowPicture("Its weights times the image", "weights × image"),
            )
            png = weights_sprite(np.clip(images, -1, 1), 2, theme=state.theme, limit=1.0)
            self.saw.show(PictureRows("", (PictureRow("", captions),), png, 2))
            self.exciting.show(exciting_rows(subject, number, state.theme))
        set_hidden(self.view, False)


def passed(network: NeuralNetwork, image: Array, chosen: int) -> _Pass:
    """Return the pass of an image (n_inputs,), and the sums along the strongest way to a class."""
    _, *hidden, outputs = (np.array(h)[:, 0] for h in activations(network, image[:, None]))
    unit, sums = (None if chosen == FOLLOWED else chosen), list[Contributions]()
    for layer in range(network.n_layers, 1, -1):
        sums.insert(0, last_contributions(network, image, unit, layer=layer))
        unit = int(sums[0].largest(1)[0])
    return _Pass(hidden, outputs, sums)


def unit_images(W: Array, units: Sequence[int], theme: Theme, full: float | None = None) -> bytes:
    """Return the weights of units of the first layer as images; `full` is the weight shown in full tone."""
    shares = np.clip(np.nan_to_num(W[list(units)] / ((full_tone(W) if full is None else full) or 1.0)), -1, 1)
    return weights_sprite(as_images(np.rint(_TONES * shares) / _TONES), _COLUMNS, theme=theme, limit=1.0)


def sums_of(sums: Iterable[Contributions]) -> list[DrawnSum]:
    """Return sums as the drawing writes them and leads its links along them."""
    return [DrawnSum(one.unit, floats([*one.terms, one.bias])) for one in sums]


def floats(values: ArrayLike) -> bytes:
    """Return numbers as the drawing reads them, float32."""
    return np.asarray(values, "<f4").tobytes()


def signed(value: float, digits: int = 2) -> str:
    """Format a number with its sign, and so many decimals."""
    return f"{value:+.{digits}f}".replace("-", "−") if np.isfinite(value) else written(value)


def figure(value: float, digits: int = 2) -> str:
    """Format an output with so many decimals."""
    return f"{value:.{digits}f}" if np.isfinite(value) else written(value)
