"""Units: their weights as images, their outgoing weights, and the images that excite them most."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.inspected_network import InspectedNetwork
from explorer.app.panels.sections import Section
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset
from explorer.figures.digits import as_images, sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.palette import Theme
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.gallery import Gallery, GalleryImage, PictureRow, PictureRows, RowPicture
from explorer.widgets.numbers import Bar, Bars
from explorer.wording import counted, grouped

Array = NDArray[np.floating[Any]]

PER_PAGE = 64
_COLUMNS = 8
_MOST_BARS = 10
_MOST_VALUES = 50_000  # a quantile of more is the same, and takes longer than a tick
_SHARE_WITHIN = 0.995
_N_EXCITING = 8
_CHUNK = 1000  # test images converted to float at a time: all of them take 31 MB


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
    """Show the gallery's page, or else the last one, of the images of weights (n_units, n_inputs).

    `limit` is the weight in full tone.
    """
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
