"""The tabs about one image: why it is read as it is, and where it is on the map of a layer."""

from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.sections import Section, Sentence, probe_size
from explorer.app.views import Drawing, InspectedNetwork, Pace, Panel, Views, ViewState
from explorer.datasets.dataset import pixel_columns
from explorer.figures.digits import as_images, sprite, weights_sprite
from explorer.figures.formulas import written
from explorer.figures.layers import map_data, map_figure, map_style
from explorer.figures.palette import Theme
from explorer.inspection.contributions import flip, gradient_times_input, occlusion
from explorer.inspection.projection import Projection, nearest, project
from explorer.network import NeuralNetwork
from explorer.widgets.controls import Dropdown, Segmented
from explorer.widgets.gallery import PictureRow, PictureRows, RowPicture
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Display
from explorer.wording import counted, grouped, percent, with_noun

Array = NDArray[Any]

_READ = "read"
_CHOICE = "Click an image on any tab to choose another."
_SIZE = 5  # pixels, the side of the squares that are covered
_GRADIENT = "Gradient × input"
_MOST_IMAGES, _LEAST_IMAGES, _MOST_PRODUCTS = 2000, 500, 2**27
_REST = 20  # between two maps during training, in multiples of the time that one takes
_N_NEAREST, _COLUMNS = 8, 4
_SAME = 1e-6  # smaller differences of activations are rounding
_OUTPUT = "output"


class ImageTab(Section):
    """A tab about the page's image, a held-out one or a drawing."""

    aside = "left"

    def __init__(self, views: Views, choice: Dropdown | Segmented) -> None:
        super().__init__(views, classes=f"explorer-aside-{self.aside}", kind="explorer-panel")
        self._choice = choice
        choice.observe(views.on_loop(self._redraw), "value")
        self.shown, self._image = Display(PictureRows()), views.image
        self._dataset = views.state.scored_on

    def show(self, state: ViewState) -> None:
        self._dataset, image = state.scored_on, self._views.image
        if not isinstance(image, Drawing):  # there may be fewer held-out images than before
            image = self._views.image = min(image, len(self._dataset.test_labels) - 1)
        is_other, self._image = image != self._image, image
        if is_other:
            self._seen = None  # the network that is shown next may be another
        super().show(state)
        if is_other:
            self._redraw()

    def _content(self, inspected: InspectedNetwork) -> object:
        return inspected, self._image, self._choice.value

    def _show_image(self, shown: Drawing, decided: int, theme: Theme) -> None:
        names, heading = self._dataset.class_names, "Your drawing"
        if not isinstance(self._image, Drawing):
            heading = f"{self._dataset.held_out_noun.capitalize()} {grouped(self._image)}"
        read = f"read as {names[decided]}"
        words = read if shown.true is None else f"true {names[shown.true]}, {read}"
        row = PictureRow("", [RowPicture(f"{heading}, {words}", words)])
        picture, note = sprite(shown.image[None], 1, theme=theme), with_noun(_CHOICE, self._dataset.noun)
        self.shown.show(PictureRows(heading, [row], picture, note=note))


class Why(ImageTab):
    """Two opinions on which pixels speak for a class, the changed image, and the change."""

    def __init__(self, views: Views) -> None:
        names = {str(k): name for k, name in enumerate(views.dataset.class_names)}
        self.of = Dropdown("Class", {_READ: "what it is read as", **names})
        super().__init__(views, self.of)
        self.cards = [Display(PictureRows()) for _ in range(4)]
        aside = box("explorer-column", self.of, self.shown)
        self.body.children = (aside, box("explorer-column explorer-two explorer-why", *self.cards))

    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None:
        shown = self._views.looked_at(self._dataset)
        x = shown.pixels
        with inspected.network() as network, np.errstate(all="ignore"):
            y = np.array(network.forward(x[:, None]))[:, 0]
            decided = int(np.nan_to_num(y, nan=-np.inf).argmax())
            k = decided if self.of.value == _READ else int(self.of.value)
            cards = [PictureRows(_GRADIENT, note="The outputs are not numbers: there is nothing to explain.")]
            if np.isfinite(y).all():
                cards = [*self._opinions(network, inspected, x, k, state.theme)]
                cards += self._flipped(network, x, decided, k, state)
        self._show_image(shown, decided, state.shade)
        for card, one in zip(self.cards, [*cards, *4 * [PictureRows()]], strict=False):
            card.show(one)

    def _opinions(
        self, network: NeuralNetwork, inspected: InspectedNetwork, x: Array, k: int, theme: Theme
    ) -> Iterable[PictureRows]:
        name = self._dataset.class_names[k]
        if inspected.differs:
            yield PictureRows(_GRADIENT, note=f"{inspected.differs}: there is no gradient to show.")
        else:
            terms = gradient_times_input(network, x, k)
            note = (
                f"Green pixels speak for {name}, purple ones against it (full tone ±{_largest(terms)}). Exact "
                "only for small changes: without a whole part, the slopes would be others."
            )
            blank = "It is 0 everywhere: the network doesn't respond to small changes of these pixels."
            yield _signed_card(_GRADIENT, terms, note if terms.any() else blank, theme)
        drops = occlusion(network, x, k, size=_SIZE)
        note = (
            f"Green where the output for {name} drops if the {_SIZE} × {_SIZE} pixels around are blank, purple "
            f"where it rises (full tone ±{_largest(drops)}). Parts that repeat each other look unimportant."
        )
        blank = f"Whichever {_SIZE} × {_SIZE} pixels are blank, the output for {name} stays the same."
        yield _signed_card("Occlusion", drops, note if drops.any() else blank, theme)

    def _flipped(
        self, network: NeuralNetwork, x: Array, decided: int, k: int, state: ViewState
    ) -> Iterable[PictureRows]:
        names = self._dataset.class_names
        heading = f"The smallest change {'that flips it' if k == decided else f'to {names[k]}'}"
        changed = flip(network, x, None if k == decided else k)
        if changed is None:
            yield PictureRows(heading, note="No such change was found: the slopes lead nowhere.")
            return
        read, change = int(network.forward(changed[:, None]).argmax()), changed - x
        size, total = float(np.abs(change).sum()), float(x.sum())
        ink = "brightness" if self._dataset.is_photographic else "ink"
        share = percent(size / total, 0 if size > 0.01 * total else 2) if total else ""
        much = f"{share} of the {ink} changed" if total else f"{ink} for {written(size)} pixels added"
        image = as_images(np.rint(255 * changed[None])).astype(np.uint8)
        note = f"Read as {names[read]} instead of {names[decided]}; {much}."
        yield _card(heading, sprite(image, 1, theme=state.shade), note)
        note = f"Green where {ink} is added, purple where it is removed (full tone ±{_largest(change)})."
        yield _signed_card("The change alone", change, note, state.theme)


def _largest(values: Array) -> str:
    return written(float(np.abs(values).max()), 2)


def _signed_card(heading: str, values: Array, note: str, theme: Theme) -> PictureRows:
    """Return signed values, one a pixel, as a picture with a sentence."""
    return _card(heading, weights_sprite(as_images(values.reshape(1, -1)), 1, theme=theme), note)


def _card(heading: str, picture: bytes, note: str) -> PictureRows:
    row = PictureRow("", [RowPicture(f"{heading}, pixel by pixel")])
    return PictureRows(heading, [row], picture, note=note)


class LayerMap(ImageTab):
    """A map whose dots are images, opened by a click; each is turned so that they move as little as possible."""

    aside = "right"

    def __init__(self, views: Views) -> None:
        self.layer = Segmented("Layer", {"0": "input", "1": "layer 1", _OUTPUT: _OUTPUT}, value="1")
        super().__init__(views, self.layer)
        self._pace, names = Pace(rest=_REST), views.dataset.class_names
        look: dict[str, Any] = {"style": partial(map_style, names), "name": "Map of a layer", "fills": True}
        empty, on_click = map_figure(names, theme=views.theme), views.on_loop(self._on_click)
        self.figure = LiveFigure(empty, theme=views.theme, on_click=on_click, **look)
        self.figures = [self.figure]
        self.caption, self.nearest = Caption(), Display(PictureRows())
        self.plot = box("explorer-panel-figure explorer-map", self.figure)
        main = box("explorer-column", self.layer, self.plot, self.caption)
        self.body.children = (main, box("explorer-column", self.shown, self.nearest))
        self._mapped: tuple[object, ...] = ()
        self._map: Projection | None = None  # of what `_mapped` says; None if it can't be drawn
        self._last: dict[tuple[int, ...], Array] = {}  # points by layer, its size, and number of images
        self._members: list[Array] = []  # the images of each trace

    def _on_click(self, trace: int, index: tuple[int, ...]) -> None:
        members = self._members[trace] if trace < len(self._members) else ()
        if index[0] < len(members):
            self._views.look_into(int(members[index[0]]))

    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None:
        chosen, numbers = self.layer.value, range(1, inspected.n_layers)
        hidden = {str(number): f"layer {number}" for number in numbers}
        self.layer.offer({"0": "input", **hidden, _OUTPUT: _OUTPUT})
        if self.layer.value != chosen:  # its event has drawn
            return
        layer = inspected.n_layers if self.layer.value == _OUTPUT else int(self.layer.value)
        indices, shown = self._sample(inspected), self._views.looked_at(self._dataset)
        x = shown.pixels
        X = np.array(pixel_columns(self._dataset.test_images[indices]))
        with inspected.network() as network, np.errstate(all="ignore"):
            y = network.forward(np.column_stack([X, x]))
            *decided, read = np.nan_to_num(y, nan=-np.inf).argmax(axis=0)
            near = nearest(network, layer, X, x, _N_NEAREST + 1)
            of = (inspected.run.dataset if layer == 0 else inspected, layer, indices.tobytes())
            if of != self._mapped:
                self._mapped, self._map, size = of, None, (layer, network.layer_sizes[layer], len(indices))
                with suppress(ValueError):  # activations are not finite
                    self._map = project(network, layer, X, like=self._last.get(size))
                    self._last[size] = self._map.points
        self._show_image(shown, int(read), state.shade)
        data, noun = self._dataset, self._dataset.held_out_noun
        named = (data.class_names[k] for k in data.test_labels[indices])
        texts = [
            f"{noun} {grouped(index)}, {true}, read as {data.class_names[k]}"
            for index, true, k in zip(indices.tolist(), named, decided, strict=True)
        ]
        self._show_map(inspected.epoch, indices, np.array(decided), texts)
        near = near[indices[near] != self._image][:_N_NEAREST]  # the image itself is the nearest
        found = indices[near]
        names = (data.class_names[k] for k in data.test_labels[found])
        rows = [PictureRow("", [*map(RowPicture, (texts[i] for i in near), names)])] if len(near) else []
        picture = sprite(data.test_images[found], _COLUMNS, theme=state.shade)
        self.nearest.show(PictureRows("Nearest in this layer", rows, picture, _COLUMNS))

    def _sample(self, inspected: InspectedNetwork) -> Array:
        """Return the indices of the mapped images, spread over all; the chosen one takes its neighbor's place."""
        limits = {"most": _MOST_IMAGES, "least": _LEAST_IMAGES, "products": _MOST_PRODUCTS}
        n_test = len(self._dataset.test_labels)
        n = min(probe_size(inspected.n_parameters, **limits), n_test)
        indices = np.arange(n) * n_test // n
        if not isinstance(self._image, Drawing):
            indices[np.searchsorted(indices, self._image, side="right") - 1] = self._image
        return indices

    def _show_map(self, epoch: float, indices: Array, decided: Array, texts: list[str]) -> None:
        data, projection, n = self._dataset, self._map, len(indices)
        why = "Activations of this layer are infinite or not a number: there is nothing to map."
        if n < 3:
            why = f"A map of two axes takes at least 3 images; there {'is' if n == 1 else 'are'} {n}."
        elif projection is not None:
            is_flat = np.abs(projection.points).max() < _SAME
            why = "All images give the same activations: there is nothing to map." if is_flat else ""
        set_hidden(self.plot, bool(why))
        if projection is None or why:
            self.caption.text = with_noun(why, data.noun)
            return
        labels = data.test_labels[indices]
        self._members = [indices[labels == k] for k in range(data.n_classes)]
        wrong, images = labels != decided, counted(len(data.test_labels), data.held_out_noun)
        is_line = np.linalg.matrix_rank(projection.points) < 2
        end = "They vary in one direction only" if is_line else with_noun("A click opens an image", data.noun)
        found = f"{grouped(n)} of {images}, {int(wrong.sum())} misclassified (ringed)"
        text = f"Epoch {epoch:g}: {found}. {end}."
        shown = map_data(projection, labels, texts, (wrong, indices == self._image), data.n_classes)
        self.figure.show(*shown, summary=text)
        self.caption.text = text


def why_panel(views: Views) -> Panel:
    """Return the tab."""
    return Sentence() if views.dataset.is_plane else Why(views)
