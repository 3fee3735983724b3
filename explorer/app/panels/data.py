"""The tab that shows the data: a few images of each class, and their augmentation, or points in a plane."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.views import Pace, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.augmentation import distort
from explorer.datasets.dataset import class_means, few_of_each
from explorer.datasets.loading import NO_UPLOADS
from explorer.datasets.plane import LIMITS, all_points, dataset_of, plane_of
from explorer.figures.digits import sprite, weights_sprite
from explorer.figures.palette import CLASS_COLORS, PALETTES, Theme, rgb
from explorer.inspection.contributions import activations
from explorer.network import NeuralNetwork
from explorer.network.metrics import probabilities
from explorer.training import FIELDS, TrainingConfig
from explorer.widgets.drawing_pad import DrawingPad, PlanePad
from explorer.widgets.gallery import PictureRow, PictureRows, RowPicture
from explorer.widgets.header import OwnImages
from explorer.widgets.numbers import Bar, Bars
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Display, Rendered, element
from explorer.wording import class_noun, counted, grouped, percent, with_noun

Array = NDArray[Any]
Units = Sequence[Sequence[int]]

_SURFACE, _TILE = 36, 28  # cells along a side
_COARSE = 100_000, 1_000_000  # parameters from which a side has half, a quarter of them
_TONES = 4  # on each side of 0: with 64 tiles, surface and tiles stay below 15 kB
_STRENGTH = 0.55  # of the surface's colors, so that points stand out
_N_IMAGES = 8
_FEW = 10
_HOW_TO_READ = (
    "The first image of a row is the mean of all training images of its class: sharp where they agree, blurred "
    "where they differ."
)


class PlaneSource:
    """The plane in place of the pad: calls ``light(point)``; without it, shows what the points are made of."""

    def __init__(self, views: Views, light: Callable[[Array], object] | None = None) -> None:
        self._views, self._light = views, light
        self.view = PlanePad()
        self.view.observe(views.on_loop(self._on_point), "point")
        self.view.observe(views.on_loop(lambda _: self._change(**self.view.settings)), "settings")
        self.view.on_add(views.on_loop(lambda *point: self._change(lambda old: old + bytes(point).hex())))
        self.view.on_undo(views.on_loop(lambda: self._change(lambda old: old[:-6])))

    def put(self, image: Array) -> None:
        """Light a held-out point."""
        self._put = image.ravel().tolist()
        self.view.point = self._put

    def show(self, state: ViewState) -> None:
        data, plane = state.scored_on, plane_of(state.dataset)
        self.view.update(
            names=[*data.class_names],
            colors=[*CLASS_COLORS[: data.n_classes]],
            points=all_points(data).tobytes(),
            n_added=len(plane.added) // 6,
            settings={} if self._light else {name: getattr(plane, name) for name in LIMITS},
        )

    def draw(self, network: NeuralNetwork, units: Units, theme: Theme, columns: int) -> bytes:
        """Draw the outputs everywhere in the plane, and return pictures of units' activations there."""
        self.view.surface = np.insert(surface(network, theme), 3, 255, axis=2).tobytes()
        return unit_tiles(network, units, theme, columns)

    def _on_point(self, _change: object) -> None:
        is_open = self._views.dataset.is_plane
        if is_open and self._light is not None and self.view.point != self._put:
            self._light(np.array(self.view.point, np.uint8).reshape(1, 2))

    def _change(self, added: Callable[[str], str] = str, **changes: Any) -> None:
        """Switch to other points, and train again if runs start by themselves; images stay as they are."""
        session = self._views.session
        if not session.dataset.is_plane:
            return
        before = plane_of(session.dataset)
        plane = replace(before, added=added(before.added), **changes)
        if plane != before:
            session.use(dataset_of(plane))
            if session.auto_train:
                session.train()


def surface(network: NeuralNetwork, theme: Theme) -> NDArray[np.uint8]:
    """Return the classes' colors over the plane, mixed by probability: (side, side, 3), top row first."""
    X, side = _cells(network, _SURFACE)
    shares = probabilities(network.forward(X))  # (n_classes, side²)
    colors = np.array([rgb(color) for color in CLASS_COLORS[: len(shares)]])
    ground = np.array(rgb(PALETTES[theme].surface))
    mixed = ground + _STRENGTH * (shares.T @ colors - ground)
    mixed = np.where(np.isfinite(mixed), mixed, rgb(PALETTES[theme].grid)).reshape(side, side, 3)
    return np.rint(mixed).astype(np.uint8)


def unit_tiles(network: NeuralNetwork, units: Units, theme: Theme, columns: int) -> bytes:
    """Return the activations of units of all hidden layers over the plane, as pictures, layer by layer.

    They are relative to the layer's largest; of sigmoid it is 2 h − 1, so that 0 is on the unit's line.
    """
    X, side = _cells(network, _TILE)
    tiles = []
    for h, shown in zip(activations(network, X)[1:-1], units, strict=True):
        values = np.nan_to_num(2 * h - 1 if network.hidden_activation == "sigmoid" else h)
        shares = values[list(shown)] / (np.abs(values).max() or 1.0)
        tiles.append(np.rint(_TONES * shares).reshape(-1, side, side) / _TONES)
    larger = np.ones((1, _TILE // side, _TILE // side))
    return weights_sprite(np.kron(np.concatenate(tiles), larger), columns, theme=theme, limit=1.0)


def _cells(network: NeuralNetwork, side: int) -> tuple[Array, int]:
    """Return the middles of the plane's cells as columns (2, side²), and the side: less for a large network."""
    side //= 2 ** sum(network.n_parameters > limit for limit in _COARSE)
    middles = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.stack(np.meshgrid(middles, middles[::-1])).reshape(2, -1), side


class AugmentationPreview:
    """Eight images before and after augmentation with the next run's settings; empty if these distort none."""

    def __init__(self, views: Views) -> None:
        self._views, self._pace, self._draw_number = views, Pace(), 0
        self.view = Display(PictureRows())
        self.view.on_press(views.on_loop(self._draw_again))

    def show(self, state: ViewState) -> None:
        shown = state.dataset, state.config.augmentation, self._draw_number, state.theme
        if self._pace.is_due(state, *shown):
            distorts = state.config.augmentation.is_on and not state.dataset.is_plane
            self.view.show(self._rows(state) if distorts else PictureRows())

    def _rows(self, state: ViewState) -> PictureRows:
        rng, images = np.random.default_rng(self._draw_number), state.dataset.train_images
        chosen = rng.choice(len(images), min(_N_IMAGES, len(images)), replace=False)
        before = images[chosen]
        after = distort(before, state.config.augmentation, rng)
        rows = [
            PictureRow(name, [RowPicture(f"training image {index}, {name}") for index in chosen.tolist()])
            for name in ("as they are", "distorted")
        ]
        png = sprite(np.concatenate([before, after]), len(chosen), theme=state.shade)
        note = f"Each epoch draws again, for every image: {_amounts(state.config)}."
        heading, offer = "Training images as the next run sees them", "Draw again"
        return PictureRows(heading, rows, png, len(chosen), note, offer=offer)

    def _draw_again(self, _press: str) -> None:
        self._draw_number += 1
        self.show(self._views.state)


def _amounts(config: TrainingConfig) -> str:
    """Return the largest amounts: ``"shift up to 2 pixels, elastic distortion of about 1.4 pixels"``."""
    words = []
    for field in (FIELDS[name] for name in ("shift", "rotation", "scale", "elastic")):
        if amount := getattr(config, field.name):
            unit = field.unit.removesuffix("s") if amount == 1 else field.unit
            about = "of about" if field.name == "elastic" else "up to"
            words.append(f"{field.label.lower()} {about} {amount:g} {unit}".rstrip())
    return ", ".join(words)


class DataPanel:
    """The images of a data set; the panel outlasts a change, so that a control of points keeps the focus."""

    def __init__(self, views: Views) -> None:
        self._views, self._pace = views, Pace()
        self._rng = np.random.default_rng()
        self._dataset: Dataset | None = None
        self.sentence = Rendered("explorer-prose")
        self.images = Display(PictureRows())
        self.images.on_press(views.on_loop(self._on_press))
        self.counts = Display(Bars())
        self.augmentation = AugmentationPreview(views)
        self.plane = PlaneSource(views)
        self._of_images = box("explorer-column explorer-aside-right", self.images, self.counts)
        own = box("explorer-own", OwnImages(), DrawingPad(keeps="Add the drawing"))
        set_hidden(own, bool(os.environ.get(NO_UPLOADS)))
        parts = (own, self.sentence, self.augmentation.view, self._of_images, self.plane.view)
        self.view = box("explorer-panel explorer-column explorer-data", *parts)

    def show(self, state: ViewState) -> None:
        set_hidden(self.plane.view, not state.dataset.is_plane)
        set_hidden(self._of_images, state.dataset.is_plane)
        if state.dataset.is_plane:
            self.plane.show(state)
        self.augmentation.show(state)
        n_used = len(state.dataset.train_labels) if state.run is None else state.run.dataset.n_train
        n_validation = 0 if state.run is None else state.run.config.n_validation
        if self._pace.is_due(state, state.dataset, state.theme, n_used, n_validation):
            self.sentence.draw(element("p", about_dataset(state.dataset, n_used, n_validation)))
            if state.dataset is not self._dataset:
                self._summarize(state.dataset)
            self._show_images(state)

    def _summarize(self, dataset: Dataset) -> None:
        self._dataset, n_classes = dataset, dataset.n_classes
        self._means = class_means(dataset.train_images, dataset.train_labels, n_classes)
        self._few = few_of_each(dataset.train_labels, n_classes, _FEW, self._rng)
        both = (dataset.train_labels, dataset.test_labels)
        train, test = (np.bincount(labels, minlength=n_classes) for labels in both)
        pairs, most = zip(dataset.class_names, train.tolist(), strict=True), max(train.max(), 1)
        bars = tuple(Bar(name, count / most, grouped(count)) for name, count in pairs)
        heading = f"Training images of each {class_noun(dataset.class_names)}"
        span = " to ".join(grouped(n) for n in sorted({test.min(), test.max()}))
        self.counts.show(Bars(heading, bars, note=f"Test images: {span} of each."))

    def _show_images(self, state: ViewState) -> None:
        dataset, columns = state.dataset, _FEW + 1
        pictures = np.zeros((dataset.n_classes, columns, *dataset.train_images.shape[1:]), np.uint8)
        rows = []
        for k, (name, few) in enumerate(zip(dataset.class_names, self._few, strict=True)):
            pictures[k, 0], pictures[k, 1 : 1 + len(few)] = self._means[k], dataset.train_images[few]
            mean = RowPicture(f"{name}: the mean image")
            rows.append(PictureRow(name, (mean, *(RowPicture(f"{name}: training image {i}") for i in few))))
        images = sprite(pictures.reshape(-1, *pictures.shape[2:]), columns, theme=state.shade)
        heading = f"A few training images of each {class_noun(dataset.class_names)}"
        options: Any = {"first_apart": True, "offer": "Show others"}
        self.images.show(PictureRows(heading, rows, images, columns, _HOW_TO_READ, **options))

    def _on_press(self, _press: str) -> None:
        state = self._views.state
        self._few = few_of_each(state.dataset.train_labels, state.dataset.n_classes, _FEW, self._rng)
        self._show_images(state)


def about_dataset(dataset: Dataset, n_used: int, n_validation: int = 0) -> str:
    """Return a description of a data set, of which a run trains on `n_used` images and holds out others."""
    n_train, n_test = len(dataset.train_labels), len(dataset.test_labels)
    used = "" if n_used == n_train else f" (the present run uses the first {grouped(n_used)})"
    if n_validation:
        others = f"{counted(n_validation, 'image')} to choose its settings by"
        used = f" (the present run learns from {grouped(n_used)} and holds out {others})"
    height, width = dataset.train_images.shape[1:]
    about = "a place, x and y" if dataset.is_plane else f"{height} × {width} pixels"
    most = int(np.bincount(dataset.train_labels).argmax())
    share, noun = float(np.mean(dataset.test_labels == most)), class_noun(dataset.class_names)
    text = (
        f"{dataset.name} has {counted(n_train, 'training image')} to learn from{used}, and "
        f"{counted(n_test, 'test image')} that no network learns from: they measure how well it does on what it "
        f"has never seen. Each image is {about}, the {dataset.n_inputs} inputs of the network. "
        f"Always answering “{dataset.class_names[most]}”, the most frequent of the {dataset.n_classes} "
        f"{'digits' if noun == 'digit' else 'classes'}, would be right for {percent(share)} of the test images: "
        "a network has to beat that."
    )
    return with_noun(" ".join([text, *dataset.notes]), dataset.noun)
