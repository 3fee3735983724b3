"""The third tab: what the layers hold and do, at the moment that is looked at."""

from collections.abc import Callable

from ipywidgets import DOMWidget

from explorer.app.panels.inside.gradient_check import GradientCheck
from explorer.app.panels.inside.histograms import Histograms
from explorer.app.panels.inside.one_image import OneImage
from explorer.app.panels.inside.over_time import OverTime
from explorer.app.panels.inside.section import Section, box
from explorer.app.panels.inside.subject import Subject, Subjects
from explorer.app.panels.inside.weights import FirstWeights
from explorer.app.scene import OnLoop, Scene
from explorer.datasets import Dataset
from explorer.figures.palette import Theme
from explorer.widgets.caption import Caption
from explorer.widgets.sections import Sections

__all__ = ["SECTIONS", "Inside"]

SECTIONS = ("weights", "histograms", "time", "check", "image")
"""Names of the sections, in links as well; the first is shown first."""

_HIDDEN = "explorer-hidden"


class Inside:
    """Weights, histograms, gradients over time, a gradient check, and one image's way through the layers.

    Parameters
    ----------
    dataset : Dataset
        The images.
    on_loop : callable
        As in `explorer.app.scene`.
    on_chosen : callable
        Called after another section is chosen.
    """

    def __init__(
        self, dataset: Dataset, on_loop: OnLoop, on_chosen: Callable[[], None] = lambda: None
    ) -> None:
        self._on_chosen = on_chosen
        self._makers: dict[str, Callable[[Theme], Section]] = {
            "weights": lambda _theme: FirstWeights(dataset, on_loop),
            "histograms": lambda theme: Histograms(dataset, theme),
            "time": lambda theme: OverTime(dataset, theme, on_loop),
            "check": lambda _theme: GradientCheck(dataset, on_loop),
            "image": lambda _theme: OneImage(dataset, on_loop),
        }
        words = ("Weights", "Histograms", "Over time", "Gradient check", "One image")
        self.choice = Sections("Section", dict(zip(SECTIONS, words, strict=True)))
        self.choice.observe(on_loop(self._on_choice), "value")
        self._why = Caption()
        self._nothing = box(self._why)
        self._sections: dict[str, Section] = {}
        self._subjects = Subjects()
        self._scene: Scene | None = None
        self.view = box(
            self.choice,
            self._nothing,
            classes=("explorer-panel", "explorer-inside", "explorer-sectioned"),
        )

    def __getitem__(self, name: str) -> Section:
        """Return a section; it is made if it wasn't yet."""
        if name not in self._sections:
            theme = "light" if self._scene is None else self._scene.theme
            section = self._sections[name] = self._makers[name](theme)
            section.view.add_class("explorer-section")
            self.view.children = (*self.view.children, section.view)
        return self._sections[name]

    def show(self, scene: Scene) -> None:
        """Let the section in sight draw the moment that is looked at."""
        self._scene = scene
        subject = self._subjects.of(scene)
        chosen = None if subject is None else self[self.choice.value]
        self._why.text = _said(scene, subject)
        _set_hidden(self._nothing, not self._why.text)
        for section in self._sections.values():
            _set_hidden(section.view, section is not chosen)
        if chosen is not None and subject is not None:
            chosen.show(scene, subject)

    def _on_choice(self, _change: object) -> None:
        if self._scene is not None:
            self.show(self._scene)
        self._on_chosen()


def _said(scene: Scene, subject: Subject | None) -> str:
    """Return why the newest moment isn't there: the sections then show the first weights, or nothing."""
    if subject is None:
        return scene.nothing
    failed = scene.run is not None and scene.run.status == "failed"
    return f"{scene.nothing} Shown are its first weights." if scene.nothing and failed else ""


def _set_hidden(view: DOMWidget, hidden: bool) -> None:
    if hidden:
        view.add_class(_HIDDEN)
    else:
        view.remove_class(_HIDDEN)
