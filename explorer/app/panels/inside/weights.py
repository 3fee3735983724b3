"""The first layer's weights as images, and where a unit's output goes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.inside.pacing import Pace
from explorer.app.panels.inside.subject import Subject
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.datasets.dataset import IMAGE_SHAPE
from explorer.figures.digits import weights_sprite
from explorer.figures.formulas import written
from explorer.widgets.bars import Bar, Bars
from explorer.widgets.dropdown import Segmented
from explorer.widgets.rendered import Display
from explorer.widgets.weight_images import WeightImages
from explorer.wording import counted

__all__ = ["PER_PAGE", "FirstWeights", "full_tone"]

Array = NDArray[np.floating[Any]]

PER_PAGE = 64
_COLUMNS = 8
_MOST_BARS = 10
_MOST_VALUES = 50_000  # a quantile of more is the same, and takes longer than a tick
_SHARE_WITHIN = 0.995


class FirstWeights:
    """An image for each unit, with the chosen unit's outgoing weights next to them."""

    def __init__(self, views: Views) -> None:
        self.kind = Segmented("Images show", {"now": "weights", "change": "change since the start"})
        self.images = WeightImages()
        self.outgoing = Display(Bars(signed=True))
        images = box("explorer-stack", self.kind, self.images)
        self.view = box("explorer-pair explorer-aside-right", images, self.outgoing)
        self._class_names = views.dataset.class_names
        self._pace = Pace()
        self._page = 0
        self._seen: tuple[ViewState, Subject] | None = None
        self._drawn: tuple[Any, ...] = ()
        self.kind.observe(views.on_loop(self._on_change), "value")
        self.images.observe(views.on_loop(self._on_change), "selected")
        self.images.on_page(views.on_loop(self._turn))

    def show(self, state: ViewState, subject: Subject) -> None:
        """Show the weights of this moment."""
        self._seen = state, subject
        if self._pace.is_due(state):
            with self._pace.drawing():
                self._draw()

    def _on_change(self, _change: object) -> None:
        self._draw()

    def _turn(self, page: int) -> None:
        self._page = page
        self._draw()

    def _draw(self) -> None:
        if self._seen is None:
            return
        state, subject = self._seen
        wanted = (subject, state.theme, self.kind.value, self._page, self.images.selected)
        if wanted != self._drawn:
            self._drawn = wanted
            self._draw_images(state, subject)
            self._draw_unit(state, subject)

    def _draw_images(self, state: ViewState, subject: Subject) -> None:
        W = self._images_of(subject)
        n_pages = -(-len(W) // PER_PAGE)
        self._page = min(self._page, n_pages - 1)
        first = self._page * PER_PAGE
        page = W[first : first + PER_PAGE].reshape(-1, *IMAGE_SHAPE)
        limit = full_tone(W)
        each = " with" if len(W) == 1 else ", each with"
        weights = f"{counted(len(W), 'unit')} of layer 1{each} its {counted(W.shape[1], 'weight')}"
        what = f"{weights}: their change since the start" if self.kind.value == "change" else weights
        self.images.show(
            f"{what}, epoch {subject.epoch:g}",
            weights_sprite(page, _COLUMNS, theme=state.theme, limit=limit),
            first=first,
            n_images=len(page),
            columns=_COLUMNS,
            limit=written(limit),
            page=self._page,
            n_pages=n_pages,
        )

    def _draw_unit(self, state: ViewState, subject: Subject) -> None:
        W, outgoing = self._images_of(subject), subject.weights[2]
        unit = min(self.images.selected, len(W) - 1)
        weights = outgoing[:, unit]
        strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:_MOST_BARS])
        is_output = subject.n_layers == 2
        limit = _largest(outgoing)
        to = "the classes" if is_output else f"layer 2, the {len(strongest)} largest of {len(weights)}"
        names = self._class_names if is_output else [f"unit {k}" for k in range(len(weights))]
        lengths = np.nan_to_num(weights / (limit or 1.0))
        image = W[unit].reshape(1, *IMAGE_SHAPE)
        self.outgoing.show(
            Bars(
                f"Unit {unit} · bias {written(float(subject.weights[1][unit, 0]))}",
                tuple(Bar(names[k], float(lengths[k]), written(float(weights[k]))) for k in strongest),
                signed=True,
                note=f"Outgoing weights to {to}. A full bar is ±{written(limit)}, the largest of all units.",
                picture=weights_sprite(image, 1, theme=state.theme, limit=full_tone(W)),
                picture_words=f"What the image of unit {unit} shows, larger",
            )
        )

    def _images_of(self, subject: Subject) -> Array:
        W = subject.weights[0]
        return W - subject.first[0] if self.kind.value == "change" else W


def full_tone(W: Array) -> float:
    """Return the weight of the full tones: at least 99.5 % of all weights are smaller, so that one can't pale all.

    Parameters
    ----------
    W : ndarray of float
        All weights of the layer; of a large one, every k-th counts.

    Returns
    -------
    float
        In two significant digits, at least 0.
    """
    flat = W.ravel()
    sizes = np.abs(flat[:: -(-flat.size // _MOST_VALUES)])
    finite = sizes[np.isfinite(sizes)]
    return float(f"{np.quantile(finite, _SHARE_WITHIN):.1e}") if finite.size else 0.0


def _largest(W: Array) -> float:
    return float(np.abs(W[np.isfinite(W)]).max(initial=0.0))
