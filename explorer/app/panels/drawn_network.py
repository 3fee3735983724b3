"""An image's way through the network, drawn, and its units: their weights, and what excites them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.app.layout import box
from explorer.app.panels.data import PlaneSource
from explorer.app.panels.sections import Section
from explorer.app.views import Drawing, InspectedNetwork, Pace, Views, ViewState
from explorer.datasets import Dataset
from explorer.figures.digits import as_images, sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.inspection.contributions import Contributions, activations, contributions
from explorer.network import NeuralNetwork
from explorer.session import SessionRun
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.gallery import Gallery, GalleryImage, PictureRow, PictureRows, RowPicture
from explorer.widgets.network_drawing import FOLLOWED, DrawnLayer, DrawnSum, NetworkDrawing, Signal, answers
from explorer.widgets.numbers import Bar, Bars
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Display, Rendered, button_element, element
from explorer.wording import counted, grouped, with_article

Array = NDArray[Any]

MOST_UNITS, MOST_OF_FIRST = 32, 20
"""Units of a layer that are drawn before all are asked for, and of the first layer of a deep network."""

PER_PAGE = 64
_MOST_BARS = 10
_MOST_VALUES = 50_000  # a quantile of more is the same, and takes longer than a tick
_SHARE_WITHIN = 0.995
_N_EXCITING = 8
_CHUNK = 1000  # test images converted to float at a time: all of them take 31 MB
_SECONDS_BETWEEN = 0.15  # less than between two deliveries, none of which is to be left out
_TONES = 4  # on each side of 0: an image of 32 units stays below 15 kB
_COLUMNS = 8
_N_PIXELS, _MOST_TRACED = 12, 64  # pixels that a unit's lines lead from; more units have none
_BLANK = "Nothing is drawn, so there is nothing to read."
_SYMBOLS = MappingProxyType({"sigmoid": "σ", "softmax": "softmax"})


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One image's pass: activations of the hidden layers, the outputs, and the sum of the class looked at."""

    hidden: list[Array]
    outputs: Array
    sums: list[Contributions]
    """For each layer from the second on, the sum of the unit that the links lead to; the class's at the end."""


class DrawnNetwork:
    """The drawing of the network, lit by the page's image; while a unit is chosen, its card is next to it."""

    def __init__(self, views: Views) -> None:
        self._views, names, is_plane = views, list(views.dataset.class_names), views.dataset.is_plane
        self.view = self.drawing = NetworkDrawing(classes=names, columns=_COLUMNS, all_pictured=is_plane)
        self.drawing.answers = answers(names)
        self.unit = UnitCard(views, views.on_loop(lambda _: self.drawing.update(unit=[])))
        self.caption = Caption()
        self.plane: PlaneSource | None = None
        """The plane of which the units are pictured; None for images."""
        self.whole: set[int] = set()
        """The layers of which all units are shown."""
        self.units: tuple[tuple[int, ...], ...] = ()
        """The shown units of each layer."""
        self._units_of: object = None  # run, image, and what else they depend on
        self._weights: tuple[SessionRun, tuple[int, ...], Array] | None = None  # as they were drawn
        self.forget()

    def forget(self) -> None:
        """Draw everything the next time, even the same."""
        self._pace, self._pictured = Pace(_SECONDS_BETWEEN), tuple[object, ...]()

    @property
    def chosen(self) -> tuple[object, ...]:
        """What the user has chosen to see."""
        return self._views.image, self.drawing.chosen, tuple(self.drawing.unit), frozenset(self.whole)

    def show(self, state: ViewState, *, at_once: bool = False) -> None:
        inspected = self._views.networks.of(state)
        if not self._pace.is_due(state, inspected, state.theme, *self.chosen, at_once=at_once):
            return
        if inspected is None:
            self.drawing.nothing = state.nothing or "not trained yet"
            return
        with inspected.network() as network, np.errstate(all="ignore"):
            self.draw(state, inspected, network, self.drawing.chosen)

    def draw(self, state: ViewState, inspected: InspectedNetwork, network: NeuralNetwork, k: int) -> None:
        """Draw the image's pass, with the sum of class k."""
        image = self._views.looked_at(state.scored_on)
        found = passed(network, image.pixels, k)
        self._choose_units(state, inspected, found)
        layers = [
            DrawnLayer(f"{counted(len(h), 'unit')}, {network.hidden_activation}", shown, len(h))
            for h, shown in zip(found.hidden, self.units, strict=True)
        ]
        n = len(found.hidden[0])
        seen = f"{counted(n, 'line')} it draws" if self.plane else f"{counted(n, 'pattern')} it looks for"
        layers[0] = replace(layers[0], heading=seen)
        before, self._pictured = self._pictured, (inspected, self.units, state.theme)
        pictures = None  # those on the page are the same
        if before != self._pictured and self.plane is None:
            pictures = unit_images(inspected.weights[0], self.units[0], state.theme)
        elif before != self._pictured and self.plane is not None:
            pictures = self.plane.draw(network, self.units, state.theme, _COLUMNS)
        self.drawing.show(layers, pictures, self._signal(image, inspected, network, found))
        self.unit.show(state, inspected, self.drawing.unit, image.pixels, found)
        self.caption.text = self._described(state, found)

    def _signal(
        self, image: Drawing, inspected: InspectedNetwork, network: NeuralNetwork, found: Pass
    ) -> Signal:
        if self.plane is None and isinstance(self._views.image, Drawing) and not image.image.any():
            zeros, none = [floats(np.zeros(len(shown))) for shown in self.units], [""] * len(found.outputs)
            return Signal(zeros, outputs=[0.0] * len(none), figures=none, decided=-1, words=_BLANK)
        outputs = np.nan_to_num(found.outputs, nan=0.0, posinf=0.0, neginf=0.0)
        return Signal(
            values=[floats(h[list(shown)]) for h, shown in zip(found.hidden, self.units, strict=True)],
            sums=sums_of(found.sums),
            pixels=self._strongest_pixels(image, inspected.weights[0]),
            symbol=_SYMBOLS.get(network.output, "f"),
            outputs=[float(value) for value in outputs],
            figures=[figure(value) for value in found.outputs.tolist()],
            decided=int(outputs.argmax()),
            true=-1 if image.true is None else image.true,
            image=chosen if isinstance(chosen := self._views.image, int) else -1,
            moved=self._moved(inspected),
            looked_at=found.sums[-1].unit,
            words=inspected.differs,
        )

    def _moved(self, inspected: InspectedNetwork) -> bytes | None:
        """Return how far the shown units' weights have moved since the last drawing of a run that trains."""
        before, self._weights = self._weights, (inspected.run, self.units[0], inspected.weights[0])
        if not self._views.state.is_training or before is None or before[:2] != self._weights[:2]:
            return None
        units = list(self.units[0])
        lengths = np.nan_to_num(np.linalg.norm(inspected.weights[0][units] - before[2][units], axis=1))
        return floats(lengths / (lengths.max() or 1.0))

    def _strongest_pixels(self, image: Drawing, W: Array) -> bytes | None:
        """Return the pixels that add most to each shown unit's sum, from which the drawing's lines lead."""
        units = list(self.units[0])
        if self.plane is not None or len(units) > _MOST_TRACED:
            return None
        terms = np.nan_to_num(W[units] * image.pixels)  # (n_units, n_pixels)
        order = np.argsort(-np.abs(terms), axis=1, kind="stable")[:, :_N_PIXELS]
        shares = np.take_along_axis(terms, order, axis=1)
        full = np.abs(shares).max(axis=1, keepdims=True)
        shares = np.divide(shares, full, out=np.zeros_like(shares), where=full > 0)
        (left, top, side), n = image.frame, image.image.shape[1]
        rows, columns = np.divmod(order, n)
        places = [start + side * (at + 0.5) / n for start, at in ((left, columns), (top, rows))]
        levels = np.stack([255 * np.clip(place, 0, 1) for place in places] + [127 * (1 + shares)], axis=-1)
        return bytes(np.rint(levels).astype(np.uint8))

    def _choose_units(self, state: ViewState, inspected: InspectedNetwork, found: Pass) -> None:
        """Choose the units to show of each layer, all or the strongest; while a run trains, the same."""
        sizes, image = tuple(len(h) for h in found.hidden), self._views.image
        image = image if isinstance(image, int) else -1  # a drawing
        of = inspected.run.key, state.is_training, image, self.drawing.chosen, frozenset(self.whole), sizes
        if of == self._units_of:
            return
        units = list[tuple[int, ...]]()
        for layer, (h, outgoing) in enumerate(zip(found.hidden, inspected.weights[2::2], strict=True)):
            order = found.sums[-1].largest(len(h))  # those first that add most to the class
            if layer < len(sizes) - 1:  # or to all units of the next layer
                lengths = np.nan_to_num(np.abs(h) * np.linalg.norm(outgoing, axis=0))
                order = np.argsort(-lengths, kind="stable")
            most = MOST_OF_FIRST if layer == 0 and len(sizes) > 1 else MOST_UNITS
            units.append(tuple(sorted(order[: None if layer in self.whole else most].tolist())))
        self._units_of, self.units = of, tuple(units)

    def _described(self, state: ViewState, found: Pass) -> str:
        names, image = self._views.dataset.class_names, self._views.image
        read = names[int(np.nan_to_num(found.outputs, nan=-np.inf).argmax())]
        if isinstance(image, Drawing) and self.plane is not None:
            return f"This point, read as {read}"
        if isinstance(image, Drawing):
            if not image.image.any():
                return f"Draw {with_article(names[0]) if not names[0].isdigit() else 'a digit'} here"
            return f"Your drawing, read as {with_article(read)}"
        true = with_article(names[int(state.scored_on.test_labels[image])])
        noun = state.scored_on.held_out_noun.capitalize()
        return f"{noun} {grouped(image)}, {true}, read as {with_article(read)}"


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
        self, state: ViewState, inspected: InspectedNetwork, unit: Sequence[int], image: Array, found: Pass
    ) -> None:
        """Describe a unit, as its layer from 0 and its number; an empty one hides the card."""
        if len(unit) != 2 or unit[0] >= len(found.hidden) or unit[1] >= len(found.hidden[unit[0]]):
            set_hidden(self.view, True)
            return
        layer, number = unit
        W, b = inspected.weights[2 * layer], inspected.weights[2 * layer + 1]
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
        self.outgoing.show(outgoing_bars(inspected, layer, number, self._dataset))
        for part in self._of_pixels:
            set_hidden(part, layer > 0)
        if layer == 0:
            pictures = [W[number] / (full_tone(W) or 1.0), terms / (np.abs(terms).max(initial=0.0) or 1.0)]
            images = as_images(np.nan_to_num(np.stack(pictures)))
            captions = (
                RowPicture("Its weights: ink on green raises its output, on purple lowers it", "weights"),
                RowPicture("Its weights times the image", "× image"),
            )
            png = weights_sprite(np.clip(images, -1, 1), 2, theme=state.theme, limit=1.0)
            self.saw.show(PictureRows("", (PictureRow("", captions),), png, 2))
            self.exciting.show(exciting_rows(inspected, number, state.shade))
        set_hidden(self.view, False)


def passed(network: NeuralNetwork, image: Array, chosen: int) -> Pass:
    """Return the pass of an image (n_inputs,), and the sums along the strongest way to a class."""
    _, *hidden, outputs = (np.array(h)[:, 0] for h in activations(network, image[:, None]))
    unit, sums = (None if chosen == FOLLOWED else chosen), list[Contributions]()
    for layer in range(network.n_layers, 1, -1):
        sums.insert(0, contributions(network, image, unit, layer=layer))
        unit = int(sums[0].largest(1)[0])
    return Pass(hidden, outputs, sums)


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


class FirstWeights(Section):
    """An image of the weights of each unit of the first layer."""

    def __init__(self, views: Views) -> None:
        self.images = Gallery([])
        super().__init__(views, self.images)
        self.images.on_page(views.on_loop(self._turn))

    def _turn(self, page: int) -> None:
        self.images.page = page
        self._redraw()

    def _content(self, inspected: InspectedNetwork) -> object:
        return inspected, self.images.page

    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None:
        W = inspected.weights[0]
        heading = f"{counted(len(W), 'unit')} of layer 1, epoch {inspected.epoch:g}"
        show_weights(self.images, W, heading, full_tone(W), state.theme)


def show_weights(gallery: Gallery, W: Array, heading: str, limit: float, theme: Theme) -> None:
    """Show the gallery's page, at most the last, of weights (n_units, n_inputs), with `limit` in full tone."""
    n_pages = -(-len(W) // PER_PAGE)
    page = min(gallery.page, n_pages - 1)
    first, shown = page * PER_PAGE, W[page * PER_PAGE : (page + 1) * PER_PAGE]
    units = range(first, first + len(shown))
    images = [GalleryImage(str(unit), "", f"Unit {unit}", right=True, key=unit) for unit in units]
    png = weights_sprite(as_images(shown), _COLUMNS, theme=theme, limit=limit)
    heading = f"{heading}; full tone ±{written(limit)}"
    gallery.show(heading, images, png, columns=_COLUMNS, page=page, n_pages=n_pages)


def outgoing_bars(inspected: InspectedNetwork, layer: int, unit: int, dataset: Dataset) -> Bars:
    """Return a unit's largest outgoing weights; layers are counted from 0, the first hidden one."""
    outgoing = inspected.weights[2 * layer + 2]
    weights = outgoing[:, unit]
    strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:_MOST_BARS])
    is_output = inspected.n_layers == layer + 2
    limit = float(np.abs(outgoing[np.isfinite(outgoing)]).max(initial=0.0))
    to = "the classes" if is_output else f"layer {layer + 2}, the {len(strongest)} largest of {len(weights)}"
    names = dataset.class_names if is_output else [f"unit {k}" for k in range(len(weights))]
    lengths = np.nan_to_num(weights / (limit or 1.0))
    return Bars(
        f"Outgoing weights to {to}",
        tuple(Bar(names[k], float(lengths[k]), written(float(weights[k]))) for k in strongest),
        signed=True,
        note=f"A full bar is ±{written(limit)}.",
    )


def exciting_rows(inspected: InspectedNetwork, unit: int, theme: Theme) -> PictureRows:
    """Return the held-out images that give a unit of the first layer its largest weighted sums."""
    (W, b, *_), data = inspected.weights, inspected.run.dataset
    pixels = data.test_images.reshape(-1, data.n_inputs)
    sums = np.empty(len(pixels), np.float32)
    with one_blas_thread(), np.errstate(all="ignore"):
        for start in range(0, len(pixels), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            sums[chunk] = pixels[chunk].astype(np.float32) @ (W[unit] / np.float32(255))
    # Sums that are not a number count as the lowest.
    found = np.argsort(-np.nan_to_num(sums, nan=-np.inf), kind="stable")[:_N_EXCITING]
    names, columns = [data.class_names[k] for k in data.test_labels[found]], _N_EXCITING // 2
    pictures = []
    for index, name, total in zip(found.tolist(), names, sums[found] + float(b[unit, 0]), strict=True):
        image = f"{data.held_out_noun} {grouped(index)}, {name}"
        pictures.append(RowPicture(f"{image}: a weighted sum of {written(total)}", name))
    heading = f"{data.held_out_noun.capitalize()}s that excite unit {unit} most"
    images = sprite(data.test_images[found], columns, theme=theme)
    return PictureRows(heading, (PictureRow("", pictures),), images, columns)


def full_tone(W: Array) -> float:
    """Return the weight shown in full tone, to two digits: 99.5 % are smaller, so no outlier can pale the rest."""
    flat = W.ravel()
    sizes = np.abs(flat[:: -(-flat.size // _MOST_VALUES)])
    finite = sizes[np.isfinite(sizes)]
    return float(f"{np.quantile(finite, _SHARE_WITHIN):.1e}") if finite.size else 0.0
