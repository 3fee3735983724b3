"""Base classes of the sections that look into a network, and the images that they try it on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ipywidgets import DOMWidget
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.views import InspectedNetwork, Pace, Panel, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption

_FOR_IMAGES = "This is about pixels, and a point has none. In Explore, move it to see what it is read as."
_MOST_PRODUCTS = 2**25  # weights times samples allowed per pass: about a millisecond


def probe(dataset: Dataset, n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the first `n` held-out images (n_inputs, n), in [0, 1], and their one-hot classes (n_classes, n)."""
    X = pixel_columns(dataset.test_images[:n])  # `X_test` would be a float copy of all images
    d = one_hot_columns(dataset.test_labels[:n], dataset.n_classes)
    return np.array(X), np.array(d)  # a class of the user's own may write into them


def probe_size(n_parameters: int, *, most: int, least: int, products: int = _MOST_PRODUCTS) -> int:
    """Return the number of images that don't delay the page: fewer for a larger network."""
    return min(most, max(least, products // n_parameters))


Sections = Mapping[str, tuple[str, Callable[[Views], Panel]]]
"""By their names in links, the names of sections on the page, and what creates them."""


class Sentence:
    """A sentence in place of a panel that can't be shown."""

    def __init__(self, text: str = _FOR_IMAGES) -> None:
        self.view = box("explorer-panel", Caption(text))

    def show(self, state: ViewState) -> None:
        """Draw nothing else."""


class Section(ABC):
    """A section, drawn in `body` while it is visible, or a sentence that says why there is nothing to draw.

    It is drawn again when the theme or its content has changed. During training, costly drawings take at most 1 %
    of the time.
    """

    figures: Sequence[LiveFigure] = ()
    """Those that follow the theme at once, whatever the time."""

    def __init__(self, views: Views, *parts: DOMWidget, classes: str = "", kind: str = "") -> None:
        self._views, self._pace, self.reason = views, Pace(), Caption()
        self._seen: tuple[ViewState, InspectedNetwork] | None = None
        self._missing = box("", self.reason)
        self.body = box(f"explorer-column explorer-section {classes}", *parts)
        self.view = box(f"explorer-sectioned {kind}", self._missing, self.body)

    def show(self, state: ViewState) -> None:
        for figure in self.figures:
            figure.set_theme(state.theme)
        if (inspected := self._inspected(state)) is not None:
            self._seen = state, inspected
            self._redraw(at_once=False)

    def _inspected(self, state: ViewState) -> InspectedNetwork | None:
        """Return the network to draw, and say why it is missing, or not the newest."""
        inspected, run, why = self._views.networks.of(state), state.run, state.nothing
        if inspected is None and run is not None and run.own is not None:
            why = f"{run.own.name} has no W1, b1, … of the usual shapes: there is nothing to look into."
        elif inspected is not None:
            has_failed = run is not None and run.status == "failed"
            why = f"{why} Shown are its initial weights." if why and has_failed else ""
        self.reason.text = why
        set_hidden(self._missing, not self.reason.text)
        set_hidden(self.body, inspected is None)
        return inspected

    def _content(self, inspected: InspectedNetwork) -> object:
        """Return what it shows: the network, and what the user has chosen to see of it."""
        return inspected

    @abstractmethod
    def _draw(self, state: ViewState, inspected: InspectedNetwork) -> None: ...

    def _redraw(self, *_event: object, at_once: bool = True) -> None:
        if self._seen is not None:
            state, inspected = self._seen
            if self._pace.is_due(state, self._content(inspected), state.theme, at_once=at_once):
                with self._pace.costly():
                    self._draw(state, inspected)


class SectionedPanel:
    """Panels of which the user chooses one; each is created when it is first chosen, and `views` is told.

    `sections` has, by their names in links, their names on the page and what creates them; the first is chosen.
    """

    def __init__(
        self, views: Views, sections: Sections, *, classes: str = "explorer-panel explorer-sectioned"
    ) -> None:
        self._views, self._makers = views, sections
        self._sections: dict[str, Panel] = {}
        self.choice = Segmented("Section", {name: words for name, (words, _) in sections.items()})
        self.choice.observe(views.on_loop(self._on_choice), "value")
        self.view = box(classes, self.choice)

    def __getitem__(self, name: str) -> Any:
        if name not in self._sections:
            section = self._sections[name] = self._makers[name][1](self._views)
            set_hidden(section.view, True)
            self.view.children = (*self.view.children, section.view)
        return self._sections[name]

    def show(self, state: ViewState) -> None:
        chosen = self[self.choice.value]
        for section in self._sections.values():
            set_hidden(section.view, section is not chosen)
        chosen.show(state)

    def _on_choice(self, _change: object) -> None:
        self.show(self._views.state)
        self._views.on_view()
