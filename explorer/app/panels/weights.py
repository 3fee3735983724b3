"""The first layer's weights as images, a unit's outgoing weights, and the images that excite it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.sections import Section
from explorer.app.views import Subject, Views, ViewState
from explorer.datasets import Dataset
from explorer.figures.digits import as_images, sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.bars import Bar, Bars
from explorer.widgets.controls import Segmented
from explorer.widgets.pictures import PictureRow, PictureRows, RowPicture, WeightImages, WeightPage
from explorer.widgets.rendered import Display, Rendered, element
from explorer.wording import counted, grouped

Array = NDArray[np.floating[Any]]

PER_PAGE = 64
_COLUMNS = 8
_MOST_BARS = 10
_MOST_VALUES = 50_000  # a quantile of more is the same, and takes longer than a tick
_SHARE_WITHIN = 0.995
_N_EXCITING = 8
_CHUNK = 1000  # test images converted to float at a time: all of them take 31 MB
_EXPLAINED = MappingProxyType(
    {
        "now": "Each image is one unit: the weight that it gives to each pixel. Ink where the image is green "
        "raises the unit's output, ink where it is purple lowers it: a unit answers to shapes that lie on its "
        "green and keep off its purple. Choose one to see what it says, and which images excite it most.",
        "change": "Each image is what training has done to one unit: green where a weight was raised, purple "
        "where it was lowered. Where no image has any ink, nothing changes.",
    }
)


class FirstWeights(Section):
    """An image per unit; next to them the chosen unit's outgoing weights and most exciting images.

    Until the user chooses a unit, the one with the strongest outgoing weights is selected, once when a run trains
    and again at its end.
    """

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self.kind = Segmented("Images show", {"now": "weights", "change": "change since the start"})
        self.images = WeightImages()
        self.outgoing = Display(Bars(signed=True))
        self.exciting = Display(PictureRows())
        self.sentence = Rendered("explorer-prose")
        images = box("explorer-column", self.kind, self.sentence, self.images)
        aside = box("explorer-column", self.outgoing, self.exciting)
        self.view = box("explorer-column explorer-aside-right", images, aside)
        self._dataset = views.dataset
        self._page = self._proposed = 0
        self._proposed_for: tuple[object, ...] = ()
        self._is_chosen = False  # whether the user has chosen the unit
        self.kind.observe(views.on_loop(self._redraw), "value")
        self.images.observe(views.on_loop(self._on_selected), "selected")
        self.images.on_page(views.on_loop(self._turn))

    def _on_selected(self, change: Mapping[str, Any]) -> None:
        self._is_chosen = change["new"] != self._proposed
        self._redraw()

    def _turn(self, page: int) -> None:
        self._page = page
        self._redraw()

    def _draw(self, state: ViewState, subject: Subject) -> None:
        of = (subject.run.number, state.is_training, subject.test_outputs is None)
        if not self._is_chosen and of != self._proposed_for:
            self._proposed_for, self._proposed = of, strongest_unit(subject.weights[2])
            self._page, self.images.selected = self._proposed // PER_PAGE, self._proposed
        chosen = self.kind.value, self._page, self.images.selected
        if self._pace.is_new(subject, state.theme, *chosen):
            self.sentence.draw(element("p", _EXPLAINED[self.kind.value]))
            self._draw_images(state, subject)
            unit = min(self.images.selected, len(subject.weights[0]) - 1)
            images = self._images_of(subject)
            self.outgoing.show(outgoing_bars(subject, 0, unit, self._dataset, state.theme, images=images))
            self.exciting.show(exciting_rows(subject, unit, state.theme))

    def _draw_images(self, state: ViewState, subject: Subject) -> None:
        W = self._images_of(subject)
        each = " with" if len(W) == 1 else ", each with"
        weights = f"{counted(len(W), 'unit')} of layer 1{each} its {counted(W.shape[1], 'weight')}"
        what = f"{weights}: their change since the start" if self.kind.value == "change" else weights
        heading = f"{what}, epoch {subject.epoch:g}"
        page = weight_page(W, self._page, heading, limit=full_tone(W), theme=state.theme)
        self._page = page.page
        self.images.show(page)

    def _images_of(self, subject: Subject) -> Array:
        W = subject.weights[0]
        return W - subject.first[0] if self.kind.value == "change" else W


def weight_page(W: Array, page: int, heading: str, *, limit: float, theme: Theme) -> WeightPage:
    """Return a page, or else the last one, of the images of weights (n_units, 784); `limit` is the full tone."""
    n_pages = -(-len(W) // PER_PAGE)
    page = min(page, n_pages - 1)
    first = page * PER_PAGE
    images = as_images(W[first : first + PER_PAGE])
    png = weights_sprite(images, _COLUMNS, theme=theme, limit=limit)
    return WeightPage(heading, png, first, len(images), _COLUMNS, written(limit), page, n_pages)


def outgoing_bars(
    subject: Subject, layer: int, unit: int, dataset: Dataset, theme: Theme, *, images: Array | None = None
) -> Bars:
    """Return a unit's outgoing weights, the largest ones; with `images` of the layer's units, its own above them.

    Layers are counted from 0, the first hidden one.
    """
    outgoing, bias = subject.weights[2 * layer + 2], subject.weights[2 * layer + 1]
    weights = outgoing[:, unit]
    strongest = np.sort(np.argsort(-np.abs(weights), kind="stable")[:_MOST_BARS])
    is_output = subject.n_layers == layer + 2
    limit = float(np.abs(outgoing[np.isfinite(outgoing)]).max(initial=0.0))
    to = "the classes" if is_output else f"layer {layer + 2}, the {len(strongest)} largest of {len(weights)}"
    names = dataset.class_names if is_output else [f"unit {k}" for k in range(len(weights))]
    lengths = np.nan_to_num(weights / (limit or 1.0))
    strength = ", the strongest of all units" if unit == strongest_unit(outgoing) else ""
    picture = b""
    if images is not None:
        picture = weights_sprite(as_images(images[unit]), 1, theme=theme, limit=full_tone(images))
    return Bars(
        f"Unit {unit} · bias {written(float(bias[unit, 0]))}",
        tuple(Bar(names[k], float(lengths[k]), written(float(weights[k]))) for k in strongest),
        signed=True,
        note=f"Outgoing weights to {to}{strength}. A full bar is ±{written(limit)}.",
        picture=picture,
        picture_words=f"What the image of unit {unit} shows, larger",
    )


def exciting_rows(subject: Subject, unit: int, theme: Theme) -> PictureRows:
    """Return the held-out images that give a unit of the first layer its largest weighted sums."""
    (W, b, *_), data = subject.weights, subject.run.dataset
    found, sums = most_exciting(W[unit], data, _N_EXCITING)
    names, columns = [data.class_names[k] for k in data.test_labels[found]], _N_EXCITING // 2
    pictures = []
    for index, name, total in zip(found.tolist(), names, sums + float(b[unit, 0]), strict=True):
        image = f"{data.held_out} image {grouped(index)}, {name}"
        pictures.append(RowPicture(f"{image}: a weighted sum of {written(total)}", name))
    heading = f"{data.held_out.capitalize()} images that excite unit {unit} most"
    images = sprite(data.test_images[found], columns, theme=theme)
    return PictureRows(heading, (PictureRow("", pictures),), images, columns)


def most_exciting(weights: Array, dataset: Dataset, n: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the indices of the held-out images with the largest ``weights @ x``, largest first, and these sums.

    `weights` has one per pixel, shape (784,); sums that are not a number count as the lowest.
    """
    pixels = dataset.test_images.reshape(-1, dataset.n_inputs)
    sums = np.empty(len(pixels), np.float32)
    with one_blas_thread(), np.errstate(all="ignore"):
        for start in range(0, len(pixels), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            sums[chunk] = pixels[chunk].astype(np.float32) @ (weights / np.float32(255))
    order = np.argsort(-np.nan_to_num(sums, nan=-np.inf), kind="stable")[:n]
    return order, sums[order]


def strongest_unit(outgoing: Array) -> int:
    """Return the unit with the largest norm of outgoing weights (n_next, n_units); non-finite ones count as 0."""
    squares = np.einsum("ij,ij->j", outgoing, outgoing)
    return int(np.nan_to_num(squares, nan=0.0, posinf=0.0).argmax())


def full_tone(W: Array) -> float:
    """Return the weight shown in full tone, to two digits: 99.5 % are smaller, so no outlier can pale the rest."""
    flat = W.ravel()
    sizes = np.abs(flat[:: -(-flat.size // _MOST_VALUES)])
    finite = sizes[np.isfinite(sizes)]
    return float(f"{np.quantile(finite, _SHARE_WITHIN):.1e}") if finite.size else 0.0
