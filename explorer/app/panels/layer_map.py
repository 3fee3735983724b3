"""The Map tab: the activations of a layer in two dimensions, and the chosen image's nearest neighbors there."""

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.panels.sections import ImageTab, probe_size
from explorer.app.views import Drawing, Pace, Subject, Views, ViewState
from explorer.datasets.dataset import pixel_columns
from explorer.figures.digits import sprite
from explorer.figures.layers import map_data, map_figure, map_style
from explorer.figures.palette import Theme
from explorer.inspection import Projection, nearest, project
from explorer.network import NeuralNetwork
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import Click, LiveFigure
from explorer.widgets.pictures import PictureRow, PictureRows, RowPicture
from explorer.widgets.rendered import Caption, Display
from explorer.wording import counted, grouped

Array = NDArray[Any]

_MOST_IMAGES, _LEAST_IMAGES, _MOST_PRODUCTS = 2000, 500, 2**27
_REST = 20  # between two maps during training, in multiples of the time that one takes
_N_NEAREST, _COLUMNS = 8, 4
_SAME = 1e-6  # smaller differences of activations are rounding
_OUTPUT = "output"


class LayerMap(ImageTab):
    """A map whose dots are images, opened by a click; each is turned so that they move as little as possible."""

    aside = "right"

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self._pace, names = Pace(rest=_REST), views.dataset.class_names
        self.layer = Segmented("Layer", {"0": "input", "1": "layer 1", _OUTPUT: _OUTPUT}, value="1")
        look: dict[str, Any] = {"style": partial(map_style, names), "name": "Map of a layer", "fills": True}
        empty, on_click = map_figure(names, theme=views.theme), views.on_loop(self._on_click)
        self.figure = LiveFigure(empty, theme=views.theme, on_click=on_click, **look)
        self.caption, self.nearest = Caption(), Display(PictureRows())
        self.plot = box("explorer-panel-figure explorer-map", self.figure)
        main = box("explorer-column explorer-words", self.layer, self.plot, self.caption)
        self.body.children = (main, box("explorer-column", self.picker, self.nearest))
        self._mapped: tuple[object, ...] = ()
        self._map: Projection | None = None  # of what `_mapped` says; None if it can't be drawn
        self._last: dict[tuple[int, ...], Array] = {}  # points by layer, its size, and number of images
        self._members: list[Array] = []  # the images of each trace
        self.layer.observe(views.on_loop(self._redraw), "value")

    def show(self, state: ViewState) -> None:
        """Follow the theme at once, and everything else when it is time to."""
        self.figure.set_theme(state.theme)
        super().show(state)

    def _on_click(self, click: Click) -> None:
        members = self._members[click.trace] if click.trace < len(self._members) else ()
        if click.index[0] < len(members):
            self._views.look_into(int(members[click.index[0]]))

    def _draw(self, state: ViewState, subject: Subject) -> None:
        self._use(subject.run.dataset)
        hidden = {str(number): f"layer {number}" for number in range(1, subject.n_layers)}
        self.layer.offer({"0": "input", **hidden, _OUTPUT: _OUTPUT})
        if not self._pace.is_new(subject, state.theme, self._image, self.layer.value):
            return
        layer = subject.n_layers if self.layer.value == _OUTPUT else int(self.layer.value)
        indices, (shown, x) = self._sample(subject), self._picked()
        X = np.array(pixel_columns(self._dataset.test_images[indices]))
        with subject.network() as network, np.errstate(all="ignore"):
            y = network.forward(np.column_stack([X, x]))
            *decided, read = np.nan_to_num(y, nan=-np.inf).argmax(axis=0)
            near = nearest(network, layer, X, x, _N_NEAREST + 1)
            self._update_map(subject, network, layer, indices, X)
        self._show_picked(shown, int(read), state.theme)
        data, noun = self._dataset, f"{self._dataset.held_out} image"
        named = (data.class_names[k] for k in data.test_labels[indices])
        texts = [
            f"{noun} {grouped(index)}, {true}, read as {data.class_names[k]}"
            for index, true, k in zip(indices.tolist(), named, decided, strict=True)
        ]
        self._show_map(subject, indices, np.array(decided), texts)
        near = near[indices[near] != self._image][:_N_NEAREST]  # the image itself is the nearest
        self._show_nearest(indices[near], [texts[i] for i in near], state.theme)

    def _sample(self, subject: Subject) -> Array:
        """Return the indices of the mapped images, spread over all; the chosen one takes its neighbor's place."""
        limits = {"most": _MOST_IMAGES, "least": _LEAST_IMAGES, "products": _MOST_PRODUCTS}
        n_test = len(self._dataset.test_labels)
        n = min(probe_size(subject.n_parameters, **limits), n_test)
        indices = np.arange(n) * n_test // n
        if not isinstance(self._image, Drawing):
            indices[np.searchsorted(indices, self._image, side="right") - 1] = self._image
        return indices

    def _update_map(
        self, subject: Subject, network: NeuralNetwork, layer: int, indices: Array, X: Array
    ) -> None:
        of = (subject.run.dataset if layer == 0 else subject, layer, indices.tobytes())
        if of != self._mapped:
            self._mapped, self._map, size = of, None, (layer, network.layer_sizes[layer], len(indices))
            with suppress(ValueError):  # activations are not finite
                self._map = project(network, layer, X, like=self._last.get(size))
                self._last[size] = self._map.points

    def _show_map(self, subject: Subject, indices: Array, decided: Array, texts: list[str]) -> None:
        data, projection, n = self._dataset, self._map, len(indices)
        why = "Activations of this layer are infinite or not a number: there is nothing to map."
        if n < 3:
            why = f"A map of two axes takes at least 3 images; there {'is' if n == 1 else 'are'} {n}."
        elif projection is not None:
            is_flat = np.abs(projection.points).max() < _SAME
            why = "All images give the same activations: there is nothing to map." if is_flat else ""
        set_hidden(self.plot, bool(why))
        if projection is None or why:
            self.caption.text = why
            return
        labels = data.test_labels[indices]
        self._members = [indices[labels == k] for k in range(data.n_classes)]
        wrong, images = labels != decided, counted(len(data.test_labels), f"{data.held_out} image")
        is_line = np.linalg.matrix_rank(projection.points) < 2
        end = "They vary in one direction only" if is_line else "A click opens an image"
        found = f"{grouped(n)} of {images}, {int(wrong.sum())} misclassified (ringed)"
        text = f"Epoch {subject.epoch:g}: {found}. {end}."
        shown = map_data(projection, labels, texts, (wrong, indices == self._image), data.n_classes)
        self.figure.show(*shown, summary=text)
        self.caption.text = text

    def _show_nearest(self, found: Array, texts: list[str], theme: Theme) -> None:
        data = self._dataset
        names = (data.class_names[k] for k in data.test_labels[found])
        rows = (PictureRow("", [*map(RowPicture, texts, names)]),) if texts else ()
        picture = sprite(data.test_images[found], _COLUMNS, theme=theme)
        self.nearest.show(PictureRows("Nearest in this layer", rows, picture, _COLUMNS))
