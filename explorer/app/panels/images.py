"""The images behind the confusion matrix: those of a chosen cell, or the worst mistakes of all."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.app.scene import OnLoop, Scene
from explorer.datasets import Dataset
from explorer.figures.digits import sprite
from explorer.figures.palette import Theme
from explorer.network.mistakes import probabilities, select_samples
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.wording import grouped

__all__ = ["ChosenImages"]

_ANY = -1
_SECONDS_BETWEEN = 1.0


class ChosenImages:
    """A gallery of test images, those of the chosen classes.

    Parameters
    ----------
    dataset : Dataset
        Its test images are shown.
    on_loop : callable
        As in `explorer.app.scene`.
    on_chosen : callable
        Called after each choice of classes.
    per_page : int
        Images on a page.
    """

    def __init__(
        self, dataset: Dataset, on_loop: OnLoop, on_chosen: Callable[[], None], *, per_page: int = 24
    ) -> None:
        self.gallery = Gallery(dataset.class_names, "not trained yet")
        self.true, self.predicted = _ANY, _ANY
        self._dataset = dataset
        self._on_chosen = on_chosen
        self._per_page = per_page
        self._page = 0
        self._order: Literal["loss", "confidence"] = "loss"
        self._scene: Scene | None = None
        self._shown: tuple[Any, ...] = ()
        self._shown_at = float("-inf")
        self.gallery.on_page(on_loop(self._turn))
        self.gallery.on_filter(on_loop(self.choose))

    @property
    def cell(self) -> tuple[int, int] | None:
        """Row and column of the chosen cell of the confusion matrix, or None."""
        return None if _ANY in (self.true, self.predicted) else (self.true, self.predicted)

    def choose(self, true: int, predicted: int) -> None:
        """Choose the images of a true class that were decided as another; -1 stands for any."""
        self.true, self.predicted, self._page = true, predicted, 0
        self._on_chosen()
        self._draw(at_once=True)

    def toggle(self, true: int, predicted: int) -> None:
        """Choose a cell of the confusion matrix, or none where it is the chosen one."""
        self.choose(*((_ANY, _ANY) if self.cell == (true, predicted) else (true, predicted)))

    def show(self, scene: Scene) -> None:
        """Show the chosen images as the network decides them; while it trains, once a second."""
        self._scene = scene
        self._draw(at_once=not scene.is_training)

    def sort_by(self, order: Literal["loss", "confidence"]) -> None:
        """Put the images with the highest loss first, or those that were decided the most surely."""
        self._order, self._page = order, 0
        self._draw(at_once=True)

    def _turn(self, page: int) -> None:
        self._page = page
        self._draw(at_once=True)

    def _draw(self, *, at_once: bool) -> None:
        scene = self._scene
        if scene is None:
            return
        wanted = (
            scene.moment and scene.moment.snapshot,
            self.true,
            self.predicted,
            self._page,
            self._order,
            scene.theme,
            scene.nothing,
        )
        if wanted == self._shown or not (at_once or monotonic() - self._shown_at >= _SECONDS_BETWEEN):
            return
        self._shown, self._shown_at = wanted, monotonic()
        if scene.moment is None or scene.run is None:
            self._show_none(scene.nothing)
            self._shown_at = float("-inf")  # the first images are not to wait
            return
        indices = select_samples(
            scene.moment.test_outputs,
            self._dataset.test_labels,
            true=None if self.true == _ANY else self.true,
            predicted=None if self.predicted == _ANY else self.predicted,
            mistakes_only=self.cell is None,
            order=self._order,
            loss=scene.run.config.loss,
        )
        called = "probabilities" if scene.run.config.output == "softmax" else "shares"
        self._show_page(indices, scene.moment.test_outputs, called, scene.theme)

    def _show_none(self, why: str) -> None:
        """Show no images, but what is chosen: it holds for those to come."""
        self.gallery.show(
            self._what or "Images",
            [],
            b"",
            columns=1,
            n_pages=0,
            true=self.true,
            predicted=self.predicted,
            empty=why,
        )

    def _show_page(
        self, indices: NDArray[np.int64], outputs: NDArray[Any], called: str, theme: Theme
    ) -> None:
        n_pages = max(1, -(-len(indices) // self._per_page))
        self._page = min(self._page, n_pages - 1)
        page = indices[self._page * self._per_page : (self._page + 1) * self._per_page]
        labels, names = self._dataset.test_labels[page], self._dataset.class_names
        columns = max(1, len(page))
        shares = probabilities(outputs[:, page]).T
        self.gallery.show(
            self._heading(len(indices)),
            [_image(label, p, called, names) for label, p in zip(labels, shares, strict=True)],
            sprite(self._dataset.test_images[page], columns, theme=theme) if len(page) else b"",
            columns=columns,
            page=self._page,
            n_pages=n_pages,
            true=self.true,
            predicted=self.predicted,
            empty=self._nothing(),
        )

    def _heading(self, n: int) -> str:
        """Return which images these are, how many and in which order: all that a screen reader gets to hear."""
        noun = "image" if self.cell is not None and self.true == self.predicted else "mistake"
        count = f"{grouped(n)} {noun}{'' if n == 1 else 's'}"
        what = f"{self._what}: {count}" if self._what else count
        first = "the worst" if self._order == "loss" else "the surest"
        return f"{what}, {first} first" if n > 1 else what

    @property
    def _what(self) -> str:
        """The chosen classes in words: ``"9 read as 4"``; empty where all mistakes are shown."""
        names = self._dataset.class_names
        if self.cell is not None:
            read = "rightly" if self.true == self.predicted else f"as {names[self.predicted]}"
            return f"{names[self.true]} read {read}"
        if self.true != _ANY:
            return f"{names[self.true]} read wrongly"
        return "" if self.predicted == _ANY else f"wrongly read as {names[self.predicted]}"

    def _nothing(self) -> str:
        names = self._dataset.class_names
        true = "image" if self.true == _ANY else names[self.true]
        wrongly = "wrongly" if self.predicted == _ANY else f"as {names[self.predicted]}"
        return f"No {true} is read {wrongly}."


def _image(label: int, p: NDArray[np.float64], called: str, names: Sequence[str]) -> GalleryImage:
    """Return what is said of an image whose classes have the shares `p`, which are `called` that."""
    decided = int(p.argmax())
    best = ", ".join(f"{names[k]} {100 * p[k]:.0f} %" for k in np.argsort(-p, kind="stable")[:3])
    return GalleryImage(
        caption=f"{names[label]} → {names[decided]}",
        note=f"{100 * p[decided]:.0f} %",
        detail=f"true {names[label]}, read as {names[decided]}; {called} {best}",
        right=bool(label == decided),
    )
