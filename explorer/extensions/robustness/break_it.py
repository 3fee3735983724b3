"""The Break it tab: a copy of the network is damaged step by step, and scored on all held-out images."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.drawn_network import full_tone, show_weights
from explorer.app.panels.sections import Section
from explorer.app.views import InspectedNetwork, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.extensions.robustness import damage
from explorer.figures.confusion import mix_ups
from explorer.network import NeuralNetwork, confusion_matrix
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.assets import look_of
from explorer.widgets.controls import Dropdown, Slider
from explorer.widgets.gallery import Gallery
from explorer.widgets.numbers import Bar, Bars, Tile, Tiles
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Display, Rendered, button_element, element
from explorer.wording import counted, grouped, percent

_CHUNK = 1000  # images converted to float at a time: all of them take 31 MB
_MOST, _MOST_BARS = 40, 20
_MOST_PRODUCTS, _LEAST_IMAGES = 2**35, 30  # of an importance, which then takes about a second
_INTRO = "Choose a damage and press “Break it”. Only a copy is damaged: the run keeps its network."


class Damage(NamedTuple):
    """A kind of damage with the values of its controls; layers are counted from 1, units from 0."""

    kind: str
    layer: int = 1
    unit: int = 0
    other: int = 0
    amount: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        label, layers, n_units, slider, _ = KINDS[self.kind]
        units = ("", f"unit {self.unit} of ", f"units {self.unit} and {self.other} of ")[n_units]
        amount = f"{slider[0].lower()} {self.amount:g}{slider[1]}".replace("-", "−") if slider else ""
        return f"{label}: {', '.join(filter(None, (f'{units}layer {self.layer}' if layers else '', amount)))}"


_Kind = tuple[str, str, int, tuple[Any, ...], Callable[[NeuralNetwork, Damage], NeuralNetwork]]
KINDS: Mapping[str, _Kind] = MappingProxyType({
    "off": ("Switch off a unit", "hidden", 1, (), lambda nn, d: damage.ablate(nn, d.unit, layer=d.layer)),
    "shift": ("Shift a bias", "any", 1, ("By", "", -10, 10, 0.5, 5),
              lambda nn, d: damage.shift_bias(nn, d.unit, d.amount, layer=d.layer)),
    "flip": ("Flip a bias", "any", 1, (), lambda nn, d: damage.flip_bias(nn, d.unit, layer=d.layer)),
    "scale": ("Scale or flip weights", "any", 0, ("Factor", "", -2, 4, 0.1, -1),
              lambda nn, d: damage.scale_weights(nn, d.amount, layer=d.layer)),
    "shuffle": ("Shuffle weights", "any", 0, (),
                lambda nn, d: damage.shuffle_weights(nn, layer=d.layer, seed=d.seed)),
    "prune": ("Prune the smallest weights", "", 0, ("Share", " %", 0, 100, 1, 80),
              lambda nn, d: damage.prune(nn, d.amount / 100)),
    "noise": ("Add noise to all weights", "", 0, ("Size", " SD", 0, 3, 0.1, 1),
              lambda nn, d: damage.add_noise(nn, d.amount, seed=d.seed)),
    "round": ("Round all weights", "", 0, ("Bits", "", 1, 8, 1, 2),
              lambda nn, d: damage.quantize(nn, int(d.amount))),
    "swap": ("Swap two units", "hidden", 2, (),
             lambda nn, d: damage.swap_units(nn, d.unit, d.other, layer=d.layer)),
})  # fmt: skip
"""Label, layers (hidden or any), number of units, slider (label, unit, low, high, step, value), and effect."""


class BreakIt(Section):
    """Damages that add up, the accuracy before and after them, the damaged weights, and each unit's importance."""

    def __init__(self, views: Views) -> None:
        self.kind = Dropdown("Damage", {name: label for name, (label, *_) in KINDS.items()})
        self.layer, self.amount, self.sentence = Dropdown("Layer", {"1": "1"}), Slider(), Caption()
        self.unit, self.other = Slider(label="Unit", unit=""), Slider(label="Second unit", unit="", value=1)
        self.tiles, self.images, self.bars = Display(Tiles()), Gallery([]), Display(Bars())
        ask = button_element("rank", "Which unit matters most?", class_="explorer-button")
        self.list, self.rank = Rendered("explorer-break-list"), Rendered("explorer-break-rank", ask)
        self._values = [box("", one) for one in (self.layer, self.amount, self.unit, self.other)]
        controls = box("explorer-column explorer-close", self.kind, *self._values, self.list)
        units = box("explorer-column explorer-close", self.rank, self.bars)
        results = box("explorer-column", self.tiles, box("explorer-column explorer-two", self.images, units))
        words = box("explorer-prominent", self.sentence)
        parts = box("explorer-column explorer-aside-left", controls, results)
        super().__init__(views, words, parts, kind="explorer-panel explorer-break")
        self.damages: tuple[Damage, ...] = ()
        self._is_old = False  # whether there is a newer network
        self._of: object = None  # the run and the selected epoch whose network is broken
        self._sizes: tuple[int, ...] = (1, 2, 2)
        self._scored: tuple[Any, ...] = (None,)
        self._ranked: tuple[object, int, NDArray[np.float64], str] = (None, 1, np.zeros(1), "")
        look_of(Path(__file__).parent)
        self.view.observe(lambda _: self.renew(), "_dom_classes")  # the tab is opened, or left
        self.kind.observe(views.on_loop(self._on_kind), "value")
        self.layer.observe(views.on_loop(lambda _: self._fit(self._sizes)), "value")
        self.images.on_open("Press to choose the unit", views.on_loop(self._on_image))
        self.images.on_page(views.on_loop(self._turn))
        self.list.on_press(views.on_loop(self._on_press))
        self.rank.on_press(views.on_loop(self._on_rank))
        self.bars.on_press(views.on_loop(self._on_press))
        self._on_kind()

    def renew(self) -> None:
        """Take the moment's network when the panel is next shown."""
        self._of = None

    def show(self, state: ViewState) -> None:
        """Apply the damages to a network: while a run trains, to the one that was there at first."""
        inspected = self._inspected(state)
        if inspected is None:
            self._seen = None
            return
        of = inspected.run.key, state.selected_epoch
        if self._seen is None or self._seen[1].test_outputs is None or self._of != of:
            self._of, self._seen = of, (state, inspected)
        self._seen, self._is_old = (state, self._seen[1]), self._seen[1].epoch != inspected.epoch
        self._redraw()

    def _content(self, inspected: InspectedNetwork) -> object:
        return inspected, self._is_old, self.damages, self.images.page

    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None:
        data, (network, misfits, *counts) = inspected.run.dataset, self._score(inspected)
        self._fit(network.layer_sizes)
        worst = mix_ups(counts[1], data.class_names) or "nothing"
        self.sentence.text = f"The broken network gets wrong most: {worst}." if self.damages else _INTRO
        right, n = [int(np.trace(one)) for one in counts], len(data.test_labels)
        of = f"of {counted(n, data.held_out_noun)}, epoch {inspected.epoch:g}"
        figures = [percent(one / n) for one in right], [grouped(n - one) for one in right]
        accuracy, wrong = (" → ".join(both if self.damages else both[:1]) for both in figures)
        label = f"{data.held_out.capitalize()} accuracy"
        self.tiles.show(Tiles((Tile(label, accuracy, of, "test"), Tile("Wrong", wrong, of))))
        W = network.W[0].copy()
        W[~network.W[1].any(axis=0)] = 0.0
        heading = f"{counted(len(W), 'unit')} of layer 1; blank if off"
        show_weights(self.images, W, heading, full_tone(inspected.weights[0]), state.theme)
        self._draw_list(misfits)
        self._draw_bars(inspected)

    def _score(self, inspected: InspectedNetwork) -> tuple[Any, ...]:
        """Return the damaged network, damages that don't fit it, and confusion counts before and after."""
        if self._scored[0] != (inspected, self.damages):
            data, misfits, y = inspected.run.dataset, set(), inspected.test_outputs
            with inspected.network() as network, np.errstate(all="ignore"):
                before, copy = _outputs(network, data) if y is None else y, network.copy()
                for one in self.damages:
                    try:
                        copy = KINDS[one.kind][-1](copy, one)
                    except ValueError:  # there is no such layer or unit
                        misfits.add(one)
                both = before, _outputs(copy, data) if self.damages else before
            counts = [confusion_matrix(data.test_labels, y.argmax(0), data.n_classes) for y in both]
            self._scored = (inspected, self.damages), copy, misfits, *counts
        return self._scored[1:]

    def _draw_list(self, misfits: set[Damage]) -> None:
        none, full = not self.damages, len(self.damages) >= _MOST
        look: dict[str, Any] = {"class_": "explorer-button"}
        buttons = (
            button_element("break", "Break it", data_primary=True, disabled=full, **look),
            button_element("undo", "Undo", disabled=none, **look),
            button_element("all", "Undo all", disabled=none, **look),
            *([button_element("renew", "Use the latest network", **look)] if self._is_old else []),
        )
        words = (f"{one}{' (not in this network)' if one in misfits else ''}" for one in self.damages)
        rows = element("ol", *(element("li", text) for text in words), aria_label="Damages", hidden=none)
        self.list.draw(element("div", *buttons, class_="explorer-wrap"), rows)

    def _draw_bars(self, inspected: InspectedNetwork) -> None:
        key, layer, lost, note = self._ranked
        off = {one.unit for one in self.damages if one[:2] == ("off", layer)}
        full, bars = max(float(lost.max()), 1e-9), []
        for unit in np.argsort(-lost, kind="stable").tolist()[:_MOST_BARS]:
            share, text = max(0.0, lost[unit] / full), percent(lost[unit], 2).replace("-", "−")
            bars.append(Bar(f"unit {unit}", share, text, "off" if unit in off else "", press=str(unit)))
        heading = f"Accuracy lost without each unit of layer {layer}"
        self.bars.show(Bars(heading, tuple(bars), note=note) if key == inspected.run.key else Bars())

    def _on_rank(self, _press: str) -> None:
        """Measure how much accuracy each unit of the chosen hidden layer is worth."""
        if self._seen is None:
            return
        inspected = self._seen[1]
        data, network = inspected.run.dataset, self._score(inspected)[0]
        sizes, n_all = network.layer_sizes, len(data.test_labels)
        layer = min(int(self.layer.value), len(sizes) - 2)
        products = sizes[layer] * sum(a * b for a, b in pairwise(sizes[0 if inspected.run.own else layer :]))
        n = min(n_all, _MOST_PRODUCTS // products)
        if n < min(n_all, _LEAST_IMAGES):
            self.bars.show(Bars(note="This network is too large to be tried without each unit in turn."))
            return
        chosen = np.arange(n) * n_all // n  # spread over the set, whose parts may differ
        with one_blas_thread():
            X = np.array(pixel_columns(data.test_images[chosen]))
            lost = damage.importance(network, X, data.test_labels[chosen], layer=layer)
        most = f"The {_MOST_BARS} largest. " if len(lost) > _MOST_BARS else ""
        note = f"{most}On {counted(n, data.held_out_noun)}, epoch {inspected.epoch:g}."
        self._ranked = inspected.run.key, layer, lost, f"{note} Press a unit to switch it off."
        self._draw_bars(inspected)

    def _on_press(self, press: str) -> None:
        if press == "renew":
            self.renew()
            self.show(self._views.state)
            return
        layer, unit, other = (int(one.value) for one in (self.layer, self.unit, self.other))
        made = Damage(self.kind.value, layer, unit, other, self.amount.value, len(self.damages))
        if press.isdecimal():  # a unit's bar
            made = Damage("off", self._ranked[1], int(press))
        self.damages = {"undo": self.damages[:-1], "all": ()}.get(press, (*self.damages, made))[:_MOST]
        self._redraw()

    def _on_kind(self, _change: object = None) -> None:
        traits = "label", "unit", "low", "high", "step", "value"
        self.amount.update(**dict(zip(traits, KINDS[self.kind.value][3], strict=False)))
        self._fit(self._sizes)

    def _fit(self, sizes: tuple[int, ...]) -> None:
        """Offer the layers, of these sizes, that the kind of damage is for, and the units of the chosen one."""
        self._sizes, last, (_, kind, n_units, slider, _) = sizes, len(sizes) - 1, KINDS[self.kind.value]
        layers = {str(n): str(n) for n in range(1, last)} | {str(last): f"{last} (output)"}
        self.layer.offer({n: layers[n] for n in [*layers][: last - (kind == "hidden")]})
        most = sizes[int(self.layer.value)] - 1.0
        for one in (self.unit, self.other):
            one.update(high=max(1.0, most), value=min(one.value, most))
        shown = kind, slider, n_units > 0 and most, n_units > 1 and most
        for value, is_shown in zip(self._values, shown, strict=True):
            set_hidden(value, not is_shown)

    def _on_image(self, unit: int) -> None:
        self.layer.value, self.unit.value = "1", float(unit)

    def _turn(self, page: int) -> None:
        self.images.page = page
        self._redraw()


def _outputs(network: NeuralNetwork, dataset: Dataset) -> NDArray[Any]:
    """Return the outputs for all held-out images, shape (n_classes, n)."""
    images = dataset.test_images
    parts = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    return np.concatenate([network.forward(np.array(pixel_columns(part))) for part in parts], axis=1)
