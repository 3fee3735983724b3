"""The Inside tab: the layers' weights and activations at the selected epoch."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from explorer.app.layout import box, set_hidden
from explorer.app.panels.inside.gradient_check import GradientCheck
from explorer.app.panels.inside.histograms import Histograms
from explorer.app.panels.inside.one_image import OneImage
from explorer.app.panels.inside.over_time import OverTime
from explorer.app.panels.inside.section import Section, Subject, Subjects
from explorer.app.panels.inside.weights import FirstWeights
from explorer.app.views import Drawing, Views, ViewState
from explorer.widgets.controls import Segmented
from explorer.widgets.rendered import Caption

_MAKERS: Mapping[str, tuple[str, Callable[[Views], Section]]] = MappingProxyType(
    {
        "weights": ("Weights", FirstWeights),
        "histograms": ("Histograms", Histograms),
        "time": ("Over time", OverTime),
        "check": ("Gradient check", GradientCheck),
        "image": ("One image", OneImage),
    }
)

SECTIONS = tuple(_MAKERS)
"""Names of the sections, also used in links; the first is the default."""


class Inside:
    """Weights, histograms, gradients over time, a gradient check, and one image's way through the layers."""

    def __init__(self, views: Views, on_chosen: Callable[[], object] = lambda: None) -> None:
        self._views, self._on_chosen = views, on_chosen
        self.choice = Segmented("Section", {name: words for name, (words, _) in _MAKERS.items()})
        self.choice.observe(views.on_loop(self._on_choice), "value")
        self._why = Caption()
        self._nothing = box("explorer-column", self._why)
        self._sections: dict[str, Section] = {}
        self._subjects = Subjects()
        self.view = box("explorer-panel explorer-inside explorer-sectioned", self.choice, self._nothing)

    def __getitem__(self, name: str) -> Section:
        """Return a section, which is created on first use."""
        if name not in self._sections:
            section = self._sections[name] = _MAKERS[name][1](self._views)
            section.view.add_class("explorer-section")
            self.view.children = (*self.view.children, section.view)
        return self._sections[name]

    def look_into(self, image: int | Drawing) -> None:
        """Choose a test image, by index, or a drawing, and open the section that follows it through the layers."""
        section = self["image"]
        assert isinstance(section, OneImage)
        section.look_into(image)
        self.choice.value = "image"

    def show(self, state: ViewState) -> None:
        """Draw the selected epoch in the visible section."""
        subject = self._subjects.of(state)
        self._why.text = _said(state, subject, self.choice.value)
        is_shown = subject is not None and not (subject.differs and self.choice.value == "image")
        chosen = self[self.choice.value] if is_shown else None
        set_hidden(self._nothing, not self._why.text)
        for section in self._sections.values():
            set_hidden(section.view, section is not chosen)
        if chosen is not None and subject is not None:
            chosen.show(state, subject)

    def _on_choice(self, _change: object) -> None:
        self.show(self._views.state)
        self._on_chosen()


def _said(state: ViewState, subject: Subject | None, section: str) -> str:
    """Return why the newest moment is missing: the sections then show the initial weights, or nothing."""
    if subject is None:
        if state.run is None or state.run.own is None:
            return state.nothing
        name = state.run.own.name
        return f"{name} has no W1, b1, … of the usual shapes: there is nothing to look into."
    if section == "image" and subject.differs:
        return f"{subject.differs}: there are no formulas to show."
    failed = state.run is not None and state.run.status == "failed"
    return f"{state.nothing} Shown are its initial weights." if state.nothing and failed else ""
