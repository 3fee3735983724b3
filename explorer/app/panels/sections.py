"""Base classes of the sections that look into a network, and the images that they try it on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.views import Drawing, Pace, Panel, Subject, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.figures.digits import sprite
from explorer.figures.palette import Theme
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption
from explorer.widgets.walkthrough import NO_SAMPLE, SamplePicker

_FOR_IMAGES = "This is about the pixels of images. A point has none: its noise is set in the Data tab."
_MOST_PRODUCTS = 2**25  # weights times samples allowed per pass: about a millisecond


def probe(dataset: Dataset, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first `n` held-out images (n_inputs, n), in [0, 1], and their one-hot classes (n_classes, n)."""
    X = pixel_columns(dataset.test_images[:n])  # `X_test` would be a float copy of all images
    d = one_hot_columns(dataset.test_labels[:n], dataset.n_classes)
    return np.array(X), np.array(d)  # a class of the user's own may write into them


def probe_size(n_parameters: int, *, most: int, least: int, products: int = _MOST_PRODUCTS) -> int:
    """Return the number of images that don't delay the page: fewer for a larger network."""
    return min(most, max(least, products // n_parameters))


def why_missing(state: ViewState, subject: Subject | None) -> str:
    """Return why the newest moment is missing: shown are the initial weights, or nothing."""
    if subject is None:
        if state.run is None or state.run.own is None:
            return state.nothing
        return f"{state.run.own.name} has no W1, b1, … of the usual shapes: there is nothing to look into."
    failed = state.run is not None and state.run.status == "failed"
    return f"{state.nothing} Shown are its initial weights." if state.nothing and failed else ""


class ForImages:
    """A sentence in place of a panel about images, for points in a plane."""

    def __init__(self) -> None:
        self.view = box("explorer-panel explorer-words", Caption(_FOR_IMAGES))

    def show(self, state: ViewState) -> None:
        """Draw nothing else."""


class Section(ABC):
    """A section, drawn while it is visible; during training, costly drawings take at most 1 % of the time."""

    view: DOMWidget

    def __init__(self, views: Views) -> None:
        self._views, self._pace = views, Pace()
        self._seen: tuple[ViewState, Subject] | None = None

    def show(self, state: ViewState) -> None:
        """Draw what has changed of the network, once there is one, if it is time to."""
        if (subject := self._views.subjects.of(state)) is not None:
            self._seen = state, subject
            if not self._pace.rests(state):
                self._redraw()

    @abstractmethod
    def _draw(self, state: ViewState, subject: Subject) -> None: ...

    def _redraw(self, *_event: object) -> None:
        if self._seen is not None:
            with self._pace.costly():
                self._draw(*self._seen)


class ImageSection(Section):
    """A section about one image, the same in all of them: a held-out one, which a picker chooses, or a drawing."""

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self.picker = SamplePicker(1)
        self._rng = np.random.default_rng(0)
        self._use(views.state.scored_on)
        self._take(views.image)
        self.picker.observe(views.on_loop(self._on_index), "index")
        self.picker.on_wish(views.on_loop(self._on_wish))

    def show(self, state: ViewState) -> None:
        """Draw what has changed; another image at once."""
        is_other = self._views.image != self._image
        if is_other:
            self._seen = None  # the network that is shown next may be another
            self._take(self._views.image)
        super().show(state)
        if is_other:
            self._redraw()

    def look_into(self, image: int | Drawing) -> None:
        """Choose a held-out image, by index, or a drawing, and move the page's focus to it."""
        self._use(self._views.state.scored_on)
        self._take(image)
        self.picker.take_focus()
        self._redraw()

    def _use(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.picker.offer(len(dataset.test_labels), f"{dataset.held_out} image")

    def _take(self, image: int | Drawing) -> None:
        self._image = image
        self.picker.index = NO_SAMPLE if isinstance(image, Drawing) else image
        self._image = self._views.image = image if isinstance(image, Drawing) else self.picker.index

    def _on_index(self, _change: object) -> None:
        if self.picker.index != NO_SAMPLE:
            self._image = self._views.image = self.picker.index
        self._redraw()

    def _on_wish(self, wish: str) -> None:
        """Go to a random image, or to the next misclassified one; the first follows the last."""
        if wish == "random":
            self.picker.index = int(self._rng.integers(self.picker.n_samples))
            return
        wrong = self._mistakes()
        if wrong.size:
            self.picker.index = int(wrong[np.searchsorted(wrong, self.picker.index + 1) % wrong.size])

    def _mistakes(self) -> NDArray[np.intp]:
        outputs = None if self._seen is None else self._seen[1].test_outputs
        if outputs is None:
            return np.empty(0, np.intp)
        return np.flatnonzero(outputs.argmax(axis=0) != self._dataset.test_labels)

    def _picked(self) -> tuple[Drawing, NDArray[np.float32]]:
        """Return the image with its class, and its pixels in [0, 1], (n_inputs,)."""
        shown, data = self._image, self._dataset
        if not isinstance(shown, Drawing):
            shown = Drawing(data.test_images[shown], int(data.test_labels[shown]))
        return shown, np.divide(shown.image.ravel(), np.float32(255), dtype=np.float32)

    def _show_picked(self, shown: Drawing, decided: int, theme: Theme, *, note: str = "") -> None:
        names, true = self._dataset.class_names, shown.true
        own = "your drawing of" if shown is self._image else "true"
        words = "your drawing" if true is None else f"{own} {names[true]}"
        picture, words = sprite(shown.image[None], 1, theme=theme), f"{words}, read as {names[decided]}{note}"
        right, has_mistakes = true is None or true == decided, bool(self._mistakes().size)
        self.picker.show(picture, words, right=right, has_mistakes=has_mistakes)


class ImageTab(ImageSection):
    """A tab of its own about one image, in `body`; a sentence says what is missing."""

    aside = "left"

    def __init__(self, views: Views) -> None:
        super().__init__(views)
        self.reason = Caption()
        self._missing = box("explorer-column", self.reason)
        self.body = box(f"explorer-column explorer-section explorer-aside-{self.aside}")
        self.view = box("explorer-panel explorer-sectioned explorer-words", self._missing, self.body)

    def show(self, state: ViewState) -> None:
        """Draw what has changed, or say why there is nothing to draw."""
        subject = self._views.subjects.of(state)
        self.reason.text = why_missing(state, subject)
        set_hidden(self._missing, not self.reason.text)
        set_hidden(self.body, subject is None)
        super().show(state)


class FigurePair(Section):
    """Two figures side by side, each with a caption; one below the other if there is no room.

    `figures` has for each name the figure without data, and what returns its style in a theme.
    """

    def __init__(self, views: Views, figures: Mapping[str, tuple[Any, Callable[[Theme], Any]]]) -> None:
        super().__init__(views)
        self.figures = [
            LiveFigure(empty, fills=True, theme=views.theme, style=style, name=name)
            for name, (empty, style) in figures.items()
        ]
        self.captions = Caption(), Caption()
        pairs = zip(self.figures, self.captions, strict=True)
        parts = (box("explorer-panel-figure", *pair) for pair in pairs)
        self.view = box("explorer-column explorer-two explorer-fills", *parts)

    def show(self, state: ViewState) -> None:
        """Follow the theme at once, and everything else when it is time to."""
        for figure in self.figures:
            figure.set_theme(state.theme)
        super().show(state)

    def _describe(self, *summaries: str) -> None:
        for figure, caption, summary in zip(self.figures, self.captions, summaries, strict=True):
            figure.summary = caption.text = summary


class SectionedPanel:
    """Panels of which the user chooses one; each is created when it is first chosen.

    `sections` has, by their names in links, their names on the page and what creates them; the first is chosen.
    """

    def __init__(
        self,
        views: Views,
        sections: Mapping[str, tuple[str, Callable[[Views], Panel]]],
        on_chosen: Callable[[], object] = lambda: None,
        *others: DOMWidget,
        classes: str = "explorer-panel explorer-sectioned",
    ) -> None:
        self._views, self._makers, self._on_chosen = views, sections, on_chosen
        self._sections: dict[str, Panel] = {}
        self.choice = Segmented("Section", {name: words for name, (words, _) in sections.items()})
        self.choice.observe(views.on_loop(self._on_choice), "value")
        self.view = box(classes, self.choice, *others)

    def __getitem__(self, name: str) -> Any:
        """Return a section, which is created on first use."""
        if name not in self._sections:
            section = self._sections[name] = self._makers[name][1](self._views)
            set_hidden(section.view, True)
            self.view.children = (*self.view.children, section.view)
        return self._sections[name]

    def show(self, state: ViewState) -> None:
        """Show the chosen section."""
        self._show(state, self[self.choice.value])

    def _show(self, state: ViewState, chosen: Panel | None) -> None:
        for section in self._sections.values():
            set_hidden(section.view, section is not chosen)
        if chosen is not None:
            chosen.show(state)

    def _on_choice(self, _change: object) -> None:
        self.show(self._views.state)
        self._on_chosen()
