"""The tab that shows what there is to learn: a few images of each class, their mean, how they are distorted."""

from collections.abc import Sequence

import numpy as np

from explorer.app.data_choice import DataChoice
from explorer.app.layout import box, set_hidden
from explorer.app.panels.augmentation_preview import AugmentationPreview
from explorer.app.view_state import ViewState
from explorer.app.views import Views
from explorer.datasets import Dataset
from explorer.datasets.overview import class_counts, class_means, few_of_each
from explorer.figures.digits import sprite
from explorer.widgets.bars import Bar, Bars
from explorer.widgets.dropdown import Dropdown
from explorer.widgets.picture_rows import PictureRow, PictureRows, RowPicture
from explorer.widgets.rendered import Display, Rendered, element
from explorer.wording import class_noun, counted, grouped, percent

__all__ = ["DataPanel", "about_dataset"]

_FEW = 10
_HOW_TO_READ = (
    "The first image of a row is the mean of all training images of its class: sharp where they agree, blurred "
    "where they differ."
)


class DataPanel:
    """The images of a data set, and the choice of another where there are several.

    It shows whichever data set is in use, so that the choice keeps the focus.
    """

    def __init__(self, views: Views, data: DataChoice) -> None:
        self._views, self._data = views, data
        self._rng = np.random.default_rng()
        self._dataset: Dataset | None = None
        self._drawn: tuple[object, ...] = ()
        self.choice = Dropdown("Data set", {name: name for name in data.names})
        self.choice.observe(views.on_loop(self._on_choice), "value")
        self.sentence = Rendered("explorer-prose")
        self.images = Display(PictureRows())
        self.images.on_press(views.on_loop(self._on_press))
        self.counts = Display(Bars())
        self.augmentation = AugmentationPreview(views)
        choice = box("explorer-data-choice", self.choice)
        set_hidden(choice, len(data.names) < 2)
        self.view = box(
            "explorer-panel explorer-data",
            choice,
            self.sentence,
            self.augmentation.view,
            box("explorer-data-images", self.images, self.counts),
        )

    def show(self, state: ViewState) -> None:
        """Show the data set that is in use."""
        self.choice.value = self._data.chosen
        self.augmentation.show(state)
        n_used = len(state.dataset.train_labels) if state.run is None else state.run.n_samples
        n_validation = 0 if state.run is None else state.run.config.n_validation
        wanted = (state.dataset, state.theme, n_used, n_validation)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        self.sentence.draw(element("p", about_dataset(state.dataset, n_used, n_validation)))
        if state.dataset is not self._dataset:
            self._take(state.dataset)
        self._show_images(state)

    def _take(self, dataset: Dataset) -> None:
        """Look through a data set once."""
        self._dataset, n_classes = dataset, dataset.n_classes
        self._means = class_means(dataset.train_images, dataset.train_labels, n_classes)
        self._few = few_of_each(dataset.train_labels, n_classes, _FEW, self._rng)
        train, test = (
            class_counts(labels, n_classes) for labels in (dataset.train_labels, dataset.test_labels)
        )
        bars = zip(dataset.class_names, train.tolist(), strict=True)
        self.counts.show(
            Bars(
                f"Training images of each {class_noun(dataset.class_names)}",
                tuple(Bar(name, count / max(train.max(), 1), grouped(count)) for name, count in bars),
                note=f"Test images: {_span(test.tolist())} of each.",
            )
        )

    def _show_images(self, state: ViewState) -> None:
        dataset, columns = state.dataset, _FEW + 1
        pictures = np.zeros((dataset.n_classes, columns, *dataset.train_images.shape[1:]), np.uint8)
        rows = []
        for k, (name, few) in enumerate(zip(dataset.class_names, self._few, strict=True)):
            pictures[k, 0], pictures[k, 1 : 1 + len(few)] = self._means[k], dataset.train_images[few]
            mean = RowPicture(f"{name}: the mean image")
            rows.append(PictureRow(name, (mean, *(RowPicture(f"{name}: training image {i}") for i in few))))
        images = pictures.reshape(-1, *pictures.shape[2:])
        self.images.show(
            PictureRows(
                f"A few training images of each {class_noun(dataset.class_names)}",
                rows,
                sprite(images, columns, theme=state.theme),
                columns,
                note=_HOW_TO_READ,
                first_apart=True,
                offer="Show others",
            )
        )

    def _on_press(self, _press: str) -> None:
        state = self._views.state
        self._few = few_of_each(state.dataset.train_labels, state.dataset.n_classes, _FEW, self._rng)
        self._show_images(state)

    def _on_choice(self, _change: object) -> None:
        if self.choice.value != self._data.chosen:
            self._data.choose(self.choice.value)
            self.choice.value = self._data.chosen  # where the other one can't be read


def about_dataset(dataset: Dataset, n_used: int, n_validation: int = 0) -> str:
    """Return in three sentences what a data set is.

    The present run learns from `n_used` of its images, and holds out `n_validation` others to validate.
    """
    n_train, n_test = len(dataset.train_labels), len(dataset.test_labels)
    used = "" if n_used == n_train else f" (the present run uses the first {grouped(n_used)})"
    if n_validation:
        others = f"{counted(n_validation, 'image')} to choose its settings by"
        used = f" (the present run learns from {grouped(n_used)} and holds out {others})"
    height, width = dataset.train_images.shape[1:]
    most = int(class_counts(dataset.train_labels, dataset.n_classes).argmax())
    share, noun = float(np.mean(dataset.test_labels == most)), class_noun(dataset.class_names)
    return (
        f"{dataset.name} has {counted(n_train, 'training image')} to learn from{used}, and "
        f"{counted(n_test, 'test image')} that no network learns from: they measure how well it does on what it "
        f"has never seen. Each image is {height} × {width} pixels, the {dataset.n_inputs} inputs of the network. "
        f"Always answering “{dataset.class_names[most]}”, the most frequent of the {dataset.n_classes} "
        f"{'digits' if noun == 'digit' else 'classes'}, would be right for {percent(share)} of the test images: "
        "a network has to beat that."
    )


def _span(counts: Sequence[int]) -> str:
    least, most = min(counts), max(counts)
    return grouped(least) if least == most else f"{grouped(least)} to {grouped(most)}"
