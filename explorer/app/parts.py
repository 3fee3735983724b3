"""Parts of an app for a cell or a box of your own: live wherever they are, any number at once.

    app = Explorer()
    loss = LossCurve(app)
    loss.layout.height = "300px"

Each follows the app, whichever of its tabs is open, and is drawn only while it is on screen.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from ipywidgets import Layout

from explorer.app.controls import RunBarPart, SettingsPart
from explorer.app.layout import AppBox, close_all
from explorer.app.panels.drawn_network import FirstWeights
from explorer.app.panels.overview import ChosenMatrix, Curve, NetworkPanel, chosen_images
from explorer.app.panels.step_player import StepPlayback
from explorer.app.views import ViewState
from explorer.widgets.page_part import KernelNotice, Visibility

if TYPE_CHECKING:
    from explorer.app.explorer import Explorer

__all__ = [
    "AccuracyCurve",
    "ConfusionMatrix",
    "LossCurve",
    "Mistakes",
    "NetworkView",
    "RunButtons",
    "Settings",
    "Weights",
]


class _Part(AppBox):
    _new_panel: ClassVar[Any]
    """Called with the app's `Views`, returns a `Panel`."""
    _is_narrow: ClassVar[bool] = False
    """Whether it is as wide as a control and does not fill its container."""

    def __init__(self, app: Explorer, *, layout: Layout | Mapping[str, Any] | None = None) -> None:
        self._panel, self._notice = type(self)._new_panel(app.views), KernelNotice()
        self._sight = Visibility(theme=app.views.theme)
        self._app, self._dataset = app, app.dataset
        super().__init__([self._panel.view, self._sight, self._notice], layout=layout)
        self.add_class("explorer-alone")
        if self._is_narrow:
            self.add_class("explorer-narrow")
        self._sight.observe(app.views.on_loop(lambda _: self._show(app.views.state)), "in_sight")
        self._sight.observe(app.views.on_loop(lambda change: app.views.set_theme(change["new"])), "theme")
        self._stop_following = app.views.add(self._show)

    def close(self) -> None:
        """Stop following the app, and close the widgets."""
        if "_stop_following" in vars(self):  # __init__ has completed
            self._stop_following()
        super().close()

    def _show(self, state: ViewState) -> None:
        if not state.dataset.compares_with(self._dataset):  # a panel belongs to classes and test images
            before, self._dataset = self._panel.view, state.dataset
            self._panel = type(self)._new_panel(self._app.views)
            self.children = [self._panel.view, self._sight, self._notice]
            close_all(before)
        if self._sight.in_sight:
            self._panel.show(state)
            self._notice.busy = state.is_ghost


class LossCurve(_Part):
    """Train and test loss over the epochs, with earlier runs in gray."""

    _new_panel = partial(Curve, "loss")


class AccuracyCurve(_Part):
    """Train and test accuracy over the epochs, with earlier runs in gray."""

    _new_panel = partial(Curve, "accuracy")


class ConfusionMatrix(_Part):
    """The confusion matrix; selecting a cell selects it in the whole app."""

    _new_panel = ChosenMatrix


class Mistakes(_Part):
    """The images of the selected cell, or the worst mistakes overall."""

    _new_panel = staticmethod(chosen_images)


class NetworkView(_Part):
    """The network drawn, lit by a test image or a drawing; follows the run, the selected epoch and cell."""

    _new_panel = staticmethod(lambda views: NetworkPanel(views, StepPlayback(views)))


class Settings(_Part):
    """All settings, as in the app."""

    _new_panel = staticmethod(lambda views: SettingsPart(views.session))
    _is_narrow = True


class RunButtons(_Part):
    """Buttons to train, pause, step, stop and reset, and the run's progress."""

    _new_panel = staticmethod(lambda views: RunBarPart(views.session))
    _is_narrow = True


class Weights(_Part):
    """The first layer's weights as images."""

    _new_panel = FirstWeights
