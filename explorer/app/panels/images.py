"""The images in the confusion matrix: those of a chosen cell, or the worst mistakes of all."""

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.app.view_state import ANY, OnLoop, ViewState
from explorer.datasets import Dataset
from explorer.figures.digits import sprite
from explorer.figures.palette import Theme
from explorer.network.mistakes import probabilities, select_samples
from explorer.training import TrainingConfig
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.wording import counted, grouped

__all__ = ["ChosenImages", "read_image", "shares_name"]

_SECONDS_BETWEEN = 1.0
_RIGHT = "classified correctly"
_OPENS = "Press to see its way through the network"


class ChosenImages:
    """A gallery of held-out images, those of the chosen classes.

    Parameters
    ----------
    on_choose : callable
        Called with the true and the predicted class that the user chooses; `ANY` stands for any.
    on_open : callable, optional
        Called with the index of an image that the user opens; without it, none can be.
    """

    def __init__(
        self,
        dataset: Dataset,
        on_loop: OnLoop,
        on_choose: Callable[[int, int], object],
        now: Callable[[], ViewState],
        *,
        on_open: Callable[[int], object] | None = None,
        per_page: int = 24,
    ) -> None:
        self.gallery = Gallery(dataset.class_names, "not trained yet")
        self._true, self._predicted = ANY, ANY
        self._dataset = dataset
        self._per_page = per_page
        self._page = 0
        self._order: Literal["loss", "confidence"] = "loss"
        self._now = now
        self._shown: tuple[Any, ...] = ()
        self._shown_at = float("-inf")
        self.gallery.on_page(on_loop(self._turn))
        self.gallery.on_filter(on_loop(on_choose))
        if on_open is not None:
            self._on_open = on_open
            self.gallery.on_open(_OPENS, on_loop(self._open))

    def show(self, state: ViewState) -> None:
        """Show the chosen images as the network classifies them; while it trains, once a second."""
        is_new = state.chosen != (self._true, self._predicted)
        self._true, self._predicted = state.chosen
        self._page = 0 if is_new else self._page
        self._draw(state, at_once=is_new or not state.is_training)

    def sort_by(self, order: Literal["loss", "confidence"]) -> None:
        """Put the images with the highest loss first, or those that were decided the most surely."""
        self._order, self._page = order, 0
        self._draw(self._now(), at_once=True)

    def _turn(self, page: int) -> None:
        self._page = page
        self._draw(self._now(), at_once=True)

    def _open(self, index: int) -> None:
        if 0 <= index < len(self._now().scored_on.test_labels):
            self._on_open(index)

    def _draw(self, state: ViewState, *, at_once: bool) -> None:
        self._dataset = state.scored_on
        shown = (self._true, self._predicted, self._page, self._order)
        wanted = (state.moment and state.moment.snapshot, *shown, state.theme, state.nothing)
        if wanted == self._shown or not (at_once or monotonic() - self._shown_at >= _SECONDS_BETWEEN):
            return
        self._shown, self._shown_at = wanted, monotonic()
        if state.moment is None or state.run is None:
            # No images, but what is chosen: it holds for those to come, and the first are not to wait.
            self.gallery.show(
                self._what or "Images", [], b"", columns=1, n_pages=0, empty=state.nothing, **self._chosen
            )
            self._shown_at = float("-inf")
            return
        indices = select_samples(
            state.moment.test_outputs,
            self._dataset.test_labels,
            true=None if self._true == ANY else self._true,
            predicted=None if self._predicted == ANY else self._predicted,
            mistakes_only=state.cell is None,
            order=self._order,
            loss=state.run.config.loss,
        )
        called = shares_name(state.run.config)
        self._show_page(indices, state.moment.test_outputs, called, state.theme)

    @property
    def _chosen(self) -> dict[str, int]:
        """The classes that are chosen, as `Gallery.show` takes them."""
        return {"true": self._true, "predicted": self._predicted}

    def _show_page(
        self, indices: NDArray[np.int64], outputs: NDArray[Any], called: str, theme: Theme
    ) -> None:
        n_pages = max(1, -(-len(indices) // self._per_page))
        self._page = min(self._page, n_pages - 1)
        page = indices[self._page * self._per_page : (self._page + 1) * self._per_page]
        columns = max(1, len(page))
        shares = probabilities(outputs[:, page]).T
        self.gallery.show(
            self._heading(len(indices)),
            [self._image(index, p, called) for index, p in zip(page.tolist(), shares, strict=True)],
            sprite(self._dataset.test_images[page], columns, theme=theme) if len(page) else b"",
            columns=columns,
            page=self._page,
            n_pages=n_pages,
            empty=self._nothing(),
            **self._chosen,
        )

    def _image(self, index: int, shares: NDArray[np.float64], called: str) -> GalleryImage:
        true, names = int(self._dataset.test_labels[index]), self._dataset.class_names
        source = f"{self._dataset.held_out} image {grouped(index)}"
        return read_image(true, shares, called, names, key=index, source=source)

    def _heading(self, n: int) -> str:
        """Return which images these are, how many and in which order: all that a screen reader gets to hear."""
        is_right = self._true == self._predicted != ANY
        count = counted(n, "image" if is_right else "mistake")
        what = f"{self._what}: {count}" if self._what else count
        first = "highest loss" if self._order == "loss" else "most confident"
        return f"{what}, {first} first" if n > 1 else what

    @property
    def _what(self) -> str:
        """The chosen classes in words: ``"9 read as 4"``; empty where all mistakes are shown."""
        names = self._dataset.class_names
        if ANY not in (self._true, self._predicted):
            is_right = self._true == self._predicted
            return f"{names[self._true]} " + (_RIGHT if is_right else f"read as {names[self._predicted]}")
        if self._true != ANY:
            return f"{names[self._true]} misclassified"
        return "" if self._predicted == ANY else f"misclassified as {names[self._predicted]}"

    def _nothing(self) -> str:
        names = self._dataset.class_names
        true = "image" if self._true == ANY else names[self._true]
        if self._predicted == ANY:
            return f"No {true} is misclassified."
        if self._true == self._predicted:
            return f"No {true} is {_RIGHT}."
        return f"No {true} is {'misclassified' if self._true == ANY else 'read'} as {names[self._predicted]}."


def shares_name(config: TrainingConfig) -> str:
    """Return what a network's `probabilities` are: those of softmax, or shares of sigmoid outputs."""
    return "probabilities" if config.output == "softmax" else "shares of the outputs' sum"


def read_image(
    true: int, shares: NDArray[np.float64], called: str, names: Sequence[str], *, key: int, source: str
) -> GalleryImage:
    """Return what is said of an image that a network has read.

    Parameters
    ----------
    shares : ndarray, shape (n_classes,)
        Share of each class in the outputs' sum, 0 to 1.
    called : str
        What the shares are: ``"probabilities"``.
    source : str
        Where the image is from: ``"test image 17"``.
    """
    decided, is_known = int(shares.argmax()), bool(np.isfinite(shares).all())
    best = ", ".join(f"{names[k]} {100 * shares[k]:.0f} %" for k in np.argsort(-shares, kind="stable")[:3])
    title = f"true {names[true]}, read as {names[decided]}"
    return GalleryImage(
        caption=f"{names[true]} → {names[decided]}",
        note=f"{100 * shares[decided]:.0f} % sure" if is_known else "not a number",
        detail=f"{title}; {called} {best}",
        right=true == decided,
        key=key,
        title=title,
        about=f"{source}, {called}",
        shares=tuple(shares.round(4).tolist()) if is_known else (),
    )
