"""The images in the confusion matrix: those of a chosen cell, or the worst mistakes overall."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.app.views import ANY, OnLoop, ViewState
from explorer.datasets import Dataset
from explorer.figures.digits import sprite
from explorer.network.mistakes import probabilities, select_samples
from explorer.training import TrainingConfig
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.wording import counted, grouped

_SECONDS_BETWEEN = 1.0
_RIGHT = "classified correctly"
_OPENS = "Press to see its way through the network"


class ChosenImages:
    """A gallery of held-out images of the chosen classes.

    Parameters
    ----------
    on_choose : callable
        Called with the true and the predicted class that the user chooses; `ANY` means any class.
    on_open : callable, optional
        Called with the index of an image that the user opens; by default, images can't be opened.
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
        """Show the chosen images with the network's predictions; during training, once a second."""
        is_new = state.chosen != (self._true, self._predicted)
        self._true, self._predicted = state.chosen
        self._page = 0 if is_new else self._page
        self._draw(state, at_once=is_new or not state.is_training)

    def sort_by(self, order: Literal["loss", "confidence"]) -> None:
        """Sort by loss or by confidence, highest first."""
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
        chosen = {"true": self._true, "predicted": self._predicted}
        if state.moment is None or state.run is None:
            # No images, but the chosen classes: they apply to later images, and the first must not be delayed.
            what = self._what or "Images"
            self.gallery.show(what, [], b"", columns=1, n_pages=0, empty=state.nothing, **chosen)
            self._shown_at = float("-inf")
            return
        data, config, outputs = self._dataset, state.run.config, state.moment.test_outputs
        indices = select_samples(
            outputs,
            data.test_labels,
            true=None if self._true == ANY else self._true,
            predicted=None if self._predicted == ANY else self._predicted,
            mistakes_only=state.cell is None,
            order=self._order,
            loss=config.loss,
        )
        n_pages = max(1, -(-len(indices) // self._per_page))
        self._page = min(self._page, n_pages - 1)
        page = indices[self._page * self._per_page :][: self._per_page]
        columns = max(1, len(page))
        sources = {index: f"{data.held_out} image {grouped(index)}" for index in page.tolist()}
        self.gallery.show(
            self._heading(len(indices)),
            read_images(outputs[:, page], data.test_labels[page], config, data.class_names, sources),
            sprite(data.test_images[page], columns, theme=state.theme) if len(page) else b"",
            columns=columns,
            page=self._page,
            n_pages=n_pages,
            empty=self._nothing(),
            **chosen,
        )

    def _heading(self, n: int) -> str:
        """Return which images these are, how many and in which order, the only text for screen readers."""
        is_right = self._true == self._predicted != ANY
        count = counted(n, "image" if is_right else "mistake")
        what = f"{self._what}: {count}" if self._what else count
        first = "highest loss" if self._order == "loss" else "most confident"
        return f"{what}, {first} first" if n > 1 else what

    @property
    def _what(self) -> str:
        """The chosen classes in words: ``"9 read as 4"``; empty if all mistakes are shown."""
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


def read_images(
    outputs: NDArray[Any],
    labels: Iterable[int],
    config: TrainingConfig,
    names: Sequence[str],
    sources: Mapping[int, str],
) -> list[GalleryImage]:
    """Return gallery entries that describe a network's predictions for images.

    Parameters
    ----------
    outputs : ndarray, shape (n_classes, n)
        The network's outputs.
    labels : iterable of int
        The true classes.
    sources : mapping of int to str
        Key and source of each image: ``{17: "test image 17"}``.
    """
    called = "probabilities" if config.output == "softmax" else "shares of the outputs' sum"
    images = zip(labels, probabilities(outputs).T, sources.items(), strict=True)
    return [_image(int(true), shares, called, names, *source) for true, shares, source in images]


def _image(
    true: int, shares: NDArray[np.float64], called: str, names: Sequence[str], key: int, source: str
) -> GalleryImage:
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
