"""One held-out image's forward and backward pass, with formulas and numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.sections import ImageSection
from explorer.app.views import Drawing, Subject, Views, ViewState
from explorer.figures.digits import as_images, weights_sprite
from explorer.figures.formulas import Formula, backward_formulas, forward_formulas, loss_formula, written
from explorer.figures.palette import Theme
from explorer.network.walkthrough import Walkthrough, busiest_units, walk_through
from explorer.widgets.bars import Bar, Bars
from explorer.widgets.rendered import Display
from explorer.widgets.walkthrough import FormulaLine, Stage, Strip, WalkthroughView
from explorer.wording import counted

Array = NDArray[Any]

_NOTE = (
    "Strips show all units, purple below 0 and green above; the full tone is the largest number of the strip. "
    "Formulas are of the unit that is framed: click a strip or move the slider to choose another."
)


class OneImage(ImageSection):
    """An image, the layers' values for it, and the outputs."""

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self.outputs = Display(Bars())
        self.stages = WalkthroughView(note=_NOTE)
        aside = box("explorer-column", self.picker, self.outputs)
        self.view = box("explorer-column explorer-aside-left", aside, self.stages)
        self._chosen: dict[int, int] = {}  # the unit that the user chose, by layer
        self._shape: tuple[int, ...] = ()
        self._busiest: tuple[object, tuple[int, ...]] = (None, ())  # with its image and run
        self.stages.on_unit(views.on_loop(self._choose))

    def _choose(self, stage: int, unit: int) -> None:
        self._chosen[stage] = unit
        self._redraw()

    def _draw(self, state: ViewState, subject: Subject) -> None:
        self._use(subject.run.dataset)
        shown, x = self._picked()
        chosen = tuple(self._chosen.items())
        if not self._pace.is_new(subject, state.theme, self._image, chosen):
            return
        with subject.network() as network:
            true = shown.true if shown.true is not None else int(network.forward(x[:, None]).argmax())
            walk = walk_through(network, x, np.eye(self._dataset.n_classes, dtype=np.float32)[true])
        units = self._units(walk, (subject.run.key, self._image))
        self._draw_image(walk, shown, state.theme)
        self.stages.show(stages(walk, units, state.theme))

    def _units(self, walk: Walkthrough, shown: tuple[object, ...]) -> tuple[int, ...]:
        """Return the unit of each layer whose formulas are shown: the chosen one, else the busiest.

        The busiest is computed once per image and run, so that it stays the same across epochs.
        """
        shape = tuple(layer.n_units for layer in walk.layers)
        if shape != self._shape:
            self._shape, self._chosen = shape, {}
        if shown != self._busiest[0]:
            self._busiest = shown, busiest_units(walk, walk.true)
        return tuple(self._chosen.get(stage, unit) for stage, unit in enumerate(self._busiest[1]))

    def _draw_image(self, walk: Walkthrough, shown: Drawing, theme: Theme) -> None:
        names = self._dataset.class_names
        taken = "; loss and deltas take that as true"
        self._show_picked(shown, walk.decided, theme, note="" if shown.true is not None else taken)
        bars = (_bar(name, k, walk, is_known=shown.true is not None) for k, name in enumerate(names))
        self.outputs.show(Bars("Outputs y", tuple(bars)))


def stages(walk: Walkthrough, units: tuple[int, ...], theme: Theme) -> tuple[Stage, ...]:
    """Return the stages of an image's passes: one per layer, then the loss."""
    shown = []
    for layer, unit in zip(walk.layers, units, strict=True):
        first, last = layer.number == 1, layer is walk.layers[-1]
        contributions = _finite(layer.W[unit] * layer.inputs)
        before = int(np.abs(contributions).argmax()) if first else units[layer.number - 2]
        strips = {f"a{layer.number}": layer.a, "y" if last else f"h{layer.number}": layer.h}
        strips[f"delta{layer.number}"] = layer.delta
        rows = np.stack([_full(strip)[None] for strip in strips.values()])  # one pixel per unit
        images = {f"W1[{unit}]": layer.W[unit], f"W1[{unit}] · x": contributions} if first else {}
        name = "Output layer" if last else f"Layer {layer.number}"
        shown.append(
            Stage(
                title=f"{name} · {counted(layer.n_units, 'unit')}, {layer.activation}",
                forward=_lines(forward_formulas(walk, layer, unit)),
                back=_lines(backward_formulas(walk, layer, unit, before)),
                unit=unit,
                n_units=layer.n_units,
                strips=tuple(Strip(name, _range(values)) for name, values in strips.items()),
                sprite=weights_sprite(rows, 1, theme=theme, limit=1.0),
                picture=_pictures([*images.values()], theme) if first else b"",
                captions=tuple(f"{name}, ±{written(_largest(image))}" for name, image in images.items()),
            )
        )
    return (*shown, Stage("Loss", _lines((loss_formula(walk),))))


def _lines(formulas: tuple[Formula, ...]) -> tuple[FormulaLine, ...]:
    return tuple(FormulaLine(f.name, f.symbols, f.numbers, written(f.value)) for f in formulas)


def _bar(name: str, k: int, walk: Walkthrough, *, is_known: bool) -> Bar:
    y, right = float(walk.y[k]), walk.true == walk.decided
    note = "true" if is_known and k == walk.true else "read" if k == walk.decided else ""
    kind = "" if k != walk.decided else "chosen" if not is_known else "good" if right else "bad"
    return Bar(name, float(np.nan_to_num(y)), f"{y:.3f}", note, kind)


def _finite(values: Array) -> Array:
    return np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)


def _largest(values: Array) -> float:
    return float(np.abs(_finite(values)).max(initial=0.0))


def _full(values: Array) -> Array:
    return _finite(values) / (_largest(values) or 1.0)


def _range(values: Array) -> str:
    low, high = written(float(values.min()), 2), written(float(values.max()), 2)
    return low if low == high else f"{low} to {high}"


def _pictures(images: list[Array], theme: Theme) -> bytes:
    """Return images of weights side by side, each on its own scale around 0."""
    return weights_sprite(as_images(np.stack([*map(_full, images)])), len(images), theme=theme, limit=1.0)
