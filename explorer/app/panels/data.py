"""The tab that shows the data: a few images of each class, their mean, and their augmentation."""

from typing import Any

import numpy as np

from explorer.app.controls import DataChoice
from explorer.app.layout import box
from explorer.app.panels.plane import PlaneSource
from explorer.app.redrawing import Pace
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.augmentation import distort
from explorer.datasets.dataset import class_means, few_of_each
from explorer.figures.digits import sprite
from explorer.training import FIELDS, TrainingConfig
from explorer.widgets.controls import Dropdown
from explorer.widgets.gallery import PictureRow, PictureRows, RowPicture
from explorer.widgets.numbers import Bar, Bars
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Display, Rendered, element
from explorer.wording import class_noun, counted, grouped, percent, with_noun

_N_IMAGES = 8
_FEW = 10
_HOW_TO_READ = (
    "The first image of a row is the mean of all training images of its class: sharp where they agree, blurred "
    "where they differ."
)


class AugmentationPreview:
    """Eight images before and after augmentation with the next run's settings; empty if these distort none.

    Other settings change the same images by other amounts; the button draws again.
    """

    def __init__(self, views: Views) -> None:
        self._views, self._pace, self._draw_number = views, Pace(), 0
        self.view = Display(PictureRows())
        self.view.on_press(views.on_loop(self._draw_again))

    def show(self, state: ViewState) -> None:
        """Show the effect of the settings."""
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
        png = sprite(np.concatenate([before, after]), len(chosen), theme=state.theme)
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
    """The images of a data set, and a menu to choose another if there are several.

    It is kept when the data set changes, so that the menu keeps the focus.
    """

    def __init__(self, views: Views) -> None:
        data: DataChoice = views.data
        self._views, self._data, self._pace = views, data, Pace()
        self._rng = np.random.default_rng()
        self._dataset: Dataset | None = None
        self.choice = Dropdown("Data set", {name: name for name in data.names})
        self.choice.observe(views.on_loop(self._on_choice), "value")
        self.sentence = Rendered("explorer-prose")
        self.images = Display(PictureRows())
        self.images.on_press(views.on_loop(self._on_press))
        self.counts = Display(Bars())
        self.augmentation = AugmentationPreview(views)
        self.plane = PlaneSource(views)
        choice = box("explorer-data-choice", self.choice)
        set_hidden(choice, len(data.names) < 2)
        self._of_images = box("explorer-column explorer-aside-right", self.images, self.counts)
        parts = (choice, self.sentence, self.augmentation.view, self._of_images, self.plane.view)
        self.view = box("explorer-panel explorer-column explorer-data", *parts)

    def show(self, state: ViewState) -> None:
        """Show the data set in use."""
        self.choice.value = self._data.chosen
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
        images = sprite(pictures.reshape(-1, *pictures.shape[2:]), columns, theme=state.theme)
        heading = f"A few training images of each {class_noun(dataset.class_names)}"
        options: Any = {"first_apart": True, "offer": "Show others"}
        self.images.show(PictureRows(heading, rows, images, columns, _HOW_TO_READ, **options))

    def _on_press(self, _press: str) -> None:
        state = self._views.state
        self._few = few_of_each(state.dataset.train_labels, state.dataset.n_classes, _FEW, self._rng)
        self._show_images(state)

    def _on_choice(self, _change: object) -> None:
        if self.choice.value != self._data.chosen:
            self._data.choose(self.choice.value)
            self.choice.value = self._data.chosen  # if the other one can't be read


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
    return with_noun(text, dataset.noun)
