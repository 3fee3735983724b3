"""The Why tab: which pixels speak for a class, and the smallest change of the image that flips the answer."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.sections import ImageTab
from explorer.app.views import Subject, Views, ViewState
from explorer.datasets.dataset import IMAGE_SHAPE
from explorer.figures.digits import sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.inspection import flip, gradient_times_input, occlusion
from explorer.network import NeuralNetwork
from explorer.widgets.bars import Bars
from explorer.widgets.controls import Dropdown
from explorer.widgets.rendered import Display
from explorer.wording import percent

Array = NDArray[Any]

_READ = "read"
_SIZE = 5  # pixels, the side of the squares that are covered
_GRADIENT = "Gradient × input"


class Why(ImageTab):
    """Two opinions on which pixels speak for a class, the changed image, and the change."""

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        names = {str(k): name for k, name in enumerate(views.dataset.class_names)}
        self.of = Dropdown("Class", {_READ: "what it is read as", **names})
        self.cards = [Display(Bars()) for _ in range(4)]
        aside = box("explorer-column", self.of, self.picker)
        self.body.children = (aside, box("explorer-column explorer-two explorer-why", *self.cards))
        self.of.observe(views.on_loop(self._redraw), "value")

    def _draw(self, state: ViewState, subject: Subject) -> None:
        self._use(subject.run.dataset)
        if not self._pace.is_new(subject, state.theme, self._image, self.of.value):
            return
        shown, x = self._picked()
        with subject.network() as network, np.errstate(all="ignore"):
            y = np.array(network.forward(x[:, None]))[:, 0]
            decided = int(np.nan_to_num(y, nan=-np.inf).argmax())
            k = decided if self.of.value == _READ else int(self.of.value)
            bars = [Bars(_GRADIENT, note="The outputs are not numbers: there is nothing to explain.")]
            if np.isfinite(y).all():
                bars = [*self._opinions(network, subject, x, k, state.theme)]
                bars += self._flipped(network, x, decided, k, state.theme)
        self._show_picked(shown, decided, state.theme)
        for card, one in zip(self.cards, [*bars, *4 * [Bars()]], strict=False):
            card.show(one)

    def _opinions(
        self, network: NeuralNetwork, subject: Subject, x: Array, k: int, theme: Theme
    ) -> Iterable[Bars]:
        name = self._dataset.class_names[k]
        if subject.differs:
            yield Bars(_GRADIENT, note=f"{subject.differs}: there is no gradient to show.")
        else:
            terms = gradient_times_input(network, x, k)
            note = (
                f"Green ink speaks for {name}, purple ink against it (full tone ±{_largest(terms)}). Exact only "
                "for small changes: without a whole stroke, the slopes would be others."
            )
            blank = "It is 0 everywhere: the network doesn't respond to small changes of this ink."
            yield _card(_GRADIENT, terms, note if terms.any() else blank, theme)
        drops = occlusion(network, x, k, size=_SIZE)
        note = (
            f"Green where the output for {name} drops if the {_SIZE} × {_SIZE} pixels around are blank, purple "
            f"where it rises (full tone ±{_largest(drops)}). Strokes that repeat each other look unimportant."
        )
        blank = f"Whichever {_SIZE} × {_SIZE} pixels are blank, the output for {name} stays the same."
        yield _card("Occlusion", drops, note if drops.any() else blank, theme)

    def _flipped(
        self, network: NeuralNetwork, x: Array, decided: int, k: int, theme: Theme
    ) -> Iterable[Bars]:
        names = self._dataset.class_names
        heading = (
            "The smallest change that flips it" if k == decided else f"The smallest change to {names[k]}"
        )
        changed = flip(network, x, None if k == decided else k)
        if changed is None:
            yield Bars(heading, note="No such change was found: the slopes lead nowhere.")
            return
        read, change = int(network.forward(changed[:, None]).argmax()), changed - x
        size, ink = float(np.abs(change).sum()), float(x.sum())
        share = percent(size / ink, 0 if size > 0.01 * ink else 2) if ink else ""
        much = f"{share} of the ink changed" if ink else f"ink for {written(size)} pixels added"
        image = np.rint(255 * changed).astype(np.uint8).reshape(1, *IMAGE_SHAPE)
        note, words = f"Read as {names[read]} instead of {names[decided]}; {much}.", "The changed image"
        yield Bars(heading, note=note, picture=sprite(image, 1, theme=theme), picture_words=words)
        note = f"Green where ink is added, purple where it is removed (full tone ±{_largest(change)})."
        yield _card("The change alone", change, note, theme)


def _largest(values: Array) -> str:
    return written(float(np.abs(values).max()), 2)


def _card(heading: str, values: Array, note: str, theme: Theme) -> Bars:
    """Return signed values, one a pixel, as a picture with a sentence."""
    picture = weights_sprite(values.reshape(1, *IMAGE_SHAPE), 1, theme=theme)
    return Bars(heading, note=note, picture=picture, picture_words=f"{heading}, pixel by pixel")
