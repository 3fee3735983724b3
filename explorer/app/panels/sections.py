"""Base classes of the sections that look into a network, and the images that they try it on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.views import Pace, Panel, Subject, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption

_MOST_PRODUCTS = 2**25  # weights times samples allowed per pass: about a millisecond


def probe(dataset: Dataset, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first `n` held-out images (n_inputs, n), in [0, 1], and their one-hot classes (n_classes, n)."""
    X = pixel_columns(dataset.test_images[:n])  # `X_test` would be a float copy of all images
    d = one_hot_columns(dataset.test_labels[:n], dataset.n_classes)
    return np.array(X), np.array(d)  # a class of the user's own may write into them


def probe_size(n_parameters: int, *, most: int, least: int, products: int = _MOST_PRODUCTS) -> int:
    """Return the number of images that don't delay the page: fewer for a larger network."""
    return min(most, max(least, products // n_parameters))


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


class FigurePair(Section):
    """Two figures side by side, each with a caption; one below the other if there is no room."""

    def __init__(self, views: Views, figures: Sequence[LiveFigure]) -> None:
        super().__init__(views)
        self.figures, self.captions = figures, (Caption(), Caption())
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
