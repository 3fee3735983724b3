"""The drawings that the user has labeled: every selected network classifies them all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.panels.images import read_images
from explorer.app.views import Drawing, Views, ViewState
from explorer.datasets.dataset import pixel_columns
from explorer.figures.digits import sprite
from explorer.network import NeuralNetwork
from explorer.session import SessionRun
from explorer.training import Moment
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.gallery import Gallery, GalleryImage

_MOST = 40  # kept: a pass over this many takes about a millisecond
_SECONDS_BETWEEN = 1.0
_SECONDS_OVERTAKEN = 1.0


class Reader:
    """Caches a network for a run and a moment, so that classifying drawings costs one pass."""

    def __init__(self) -> None:
        self._run: tuple[int, int] | None = None  # the network's
        self._moment: Moment | None = None
        self._network: NeuralNetwork | None = None

    def outputs(
        self, run: SessionRun, moment: Moment, images: NDArray[np.uint8]
    ) -> NDArray[np.floating[Any]]:
        """Return the outputs for images (n, 28, 28), shape (n_classes, n)."""
        if self._network is None or run.key != self._run:
            self._network, self._run, self._moment = run.new_network(), run.key, None
        if self._moment is None or moment.snapshot is not self._moment.snapshot:
            self._network.set_weights(moment.weights)
            self._moment = moment
        with one_blas_thread(), np.errstate(all="ignore"):  # faster for a product this short
            return self._network.forward(np.array(pixel_columns(images)))  # a user's class may write into it


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A drawing: its number, counted from 1, the pad's ink, and its true class."""

    number: int
    ink: bytes
    image: NDArray[np.uint8]
    true: int


class KeptDrawings:
    """A gallery of labeled drawings, newest first, with the number classified correctly.

    When the user opens one, `on_open` is called with its ink.
    """

    def __init__(self, views: Views, reader: Reader, on_open: Callable[[bytes], object]) -> None:
        self.gallery = Gallery(views.dataset.class_names)
        self.gallery.on_open("Press to put it on the pad again", views.on_loop(self._open))
        self.view = box("explorer-draw-kept explorer-hidden", self.gallery, area="kept")
        self._names = views.dataset.class_names
        self._reader, self._on_open = reader, on_open
        self._kept: tuple[_Kept, ...] = ()
        self._number = 0
        self._kept_at = float("-inf")
        self._shown: tuple[object, ...] = ()
        self._shown_at = float("-inf")

    def __len__(self) -> int:
        return len(self._kept)

    def true_of(self, ink: bytes) -> int | None:
        """Return the user's label for the drawing with this ink; None if there is none."""
        return next((kept.true for kept in self._kept if kept.ink == ink), None)

    def toggle(self, ink: bytes, drawing: Drawing) -> None:
        """Keep a drawing with its label; the same label a second time removes it."""
        others = tuple(kept for kept in self._kept if kept.ink != ink)
        if drawing.true is not None and self.true_of(ink) != drawing.true:
            self._number, self._kept_at = self._number + 1, monotonic()
            others = (_Kept(self._number, ink, drawing.image, drawing.true), *others)[:_MOST]
        self._kept = others

    def complete(self, ink: bytes, image: NDArray[np.uint8]) -> None:
        """Update the newest drawing with ink that arrived after its label: a button press may overtake ink."""
        if not self._kept or monotonic() - self._kept_at > _SECONDS_OVERTAKEN:
            return
        newest, *others = self._kept
        if np.all(np.frombuffer(ink, np.uint8) >= np.frombuffer(newest.ink, np.uint8)):
            self._kept = (replace(newest, ink=ink, image=image), *others)

    def show(self, state: ViewState) -> None:
        """Classify the drawings with the selected epoch's network; during training, once a second."""
        moment, kept = state.moment, self._kept
        shown = (kept, moment and moment.snapshot, state.theme)
        is_new = not self._shown or self._shown[0] is not kept
        waits = state.is_training and not is_new and monotonic() - self._shown_at < _SECONDS_BETWEEN
        if shown == self._shown or waits:
            return
        self._shown, self._shown_at = shown, monotonic()
        set_hidden(self.view, not kept)
        if kept:
            images = self._read(state)
            picture = sprite(np.stack([one.image for one in kept]), len(kept), theme=state.theme)
            self.gallery.show(_tally(images), images, picture, columns=len(kept))

    def _read(self, state: ViewState) -> list[GalleryImage]:
        run, moment, kept = state.run, state.moment, self._kept
        if run is None or moment is None:
            named = [(one, self._names[one.true]) for one in kept]
            return [
                GalleryImage(name, "", f"your drawing {one.number}, {name}", right=True, key=one.number)
                for one, name in named
            ]
        outputs = self._reader.outputs(run, moment, np.stack([one.image for one in kept]))
        sources = {one.number: f"your drawing {one.number}" for one in kept}
        return read_images(outputs, [one.true for one in kept], run.config, self._names, sources)

    def _open(self, number: int) -> None:
        for kept in self._kept:
            if kept.number == number:
                self._kept_at = float("-inf")  # ink that arrives next does not belong to the newest drawing
                self._on_open(kept.ink)


def _tally(images: list[GalleryImage]) -> str:
    """Return how many drawings are classified correctly; before the first network, how many there are."""
    n, right = len(images), sum(image.right for image in images)
    yours = "your drawing" if n == 1 else f"your {n} drawings"
    if not images[0].title:
        return f"{yours[:1].upper()}{yours[1:]}"
    if n == 1:
        return f"The network reads {yours} {'correctly' if right else 'as something else'}"
    return f"The network reads {right} of {yours} correctly ({100 * right / n:.0f} %)"
