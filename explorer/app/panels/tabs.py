"""The tabs of the app. Each panel is created when its tab is first opened, and drawn only while it is visible.

A panel belongs to the classes and test images of one data set; for others, it is recreated.
"""

from collections.abc import Mapping
from typing import Any

from ipywidgets import DOMWidget

from explorer.app.layout import box, close_all
from explorer.app.panels.sections import Sentence
from explorer.app.views import Drawing, Pace, Panel, Views, ViewState
from explorer.discovery import ExtensionError, Offer, offers
from explorer.training import TrainingConfig
from explorer.training.query import KEYS
from explorer.widgets.controls import TabBar, TimeBar
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Rendered, element

_LASTING = "data"
"""The tab whose panel shows any data set. It is created at once: when an earlier child of a box is removed,
ipywidgets redraws the later ones, and the focused control would lose the focus."""


def offered_tabs() -> dict[str, Offer]:
    """Return the tabs of the core and of all extensions, by name, in the order of the tab bar."""
    found = {one.what.name: one for one in offers("tabs")}
    for name, one in [*found.items()]:
        others = [other for other in found if other != name]
        if one.what.before in others:  # all that follows comes after it
            at = others.index(one.what.before)
            found = {tab: found[tab] for tab in (*others[:at], name, *others[at:])}
    return found


class PanelHost:
    """The tab bar and its panels."""

    home = "overview"
    """Name of the first tab."""

    def __init__(self, views: Views) -> None:
        self._views, self._dataset = views, views.dataset
        self._offered = offered_tabs()
        self.labels = {name: one.what.label for name, one in self._offered.items()}
        """The label of each tab, by its name."""
        offered = (one.what for one in self._offered.values() if one.what.levels)
        self.levels = {one.key: (one.name, one.levels) for one in offered if one.key not in KEYS}
        """By their keys in addresses, the tabs that have levels, and how many."""
        tabs = {name: (one.what.label, one.what.group) for name, one in self._offered.items()}
        self.tab_bar, self.time_bar, self._pace = TabBar(tabs, selected=self.home), TimeBar(), Pace()
        views.look_into, views.open_run = self._look_into, self._open_run
        self.view = box("")
        self._panels: dict[str, Panel] = {}
        self[_LASTING]
        self[self.home]
        self.tab_bar.observe(views.on_loop(lambda _: self.show(views.state)), "selected")
        self.time_bar.observe(views.on_loop(self._on_position), "position")
        views.add(self.show)

    def __getitem__(self, name: str) -> Any:
        if name not in self._panels:
            panel = self._panels[name] = self._made(name)
            set_hidden(panel.view, True)
            self.view.children = (*self.view.children, panel.view)
        return self._panels[name]

    def _made(self, name: str) -> Panel:
        """Return a tab's new panel; of one that fails, a panel that says why."""
        tab = self._offered[name]
        try:
            panel: Panel = tab.call(tab.what.make, self._views)
            with tab.explaining_errors():
                if not isinstance(panel.view, DOMWidget):
                    raise TypeError(f"its view is {type(panel.view).__name__}; expected a widget")
                if not tab.by.is_core:
                    panel.view.add_class("explorer-panel")
        except ExtensionError as error:
            return FailedPanel(error)
        return panel

    def show(self, state: ViewState) -> None:
        """Show which moments exist, and draw the visible panel; if that fails, one that says why replaces it."""
        if not state.dataset.compares_with(self._dataset):
            self._dataset = state.dataset
            old, self._panels = self._panels, {_LASTING: self[_LASTING]}
            self.view.children = [self[_LASTING].view]
            for name in old.keys() - self._panels.keys():
                close_all(old[name].view)
        if self._pace.is_due(state, state.figured):
            self._show_moments(state)
        panel = self[name := self.tab_bar.selected]
        for other, one in self._panels.items():
            set_hidden(one.view, other != name)
        try:
            with self._offered[name].explaining_errors():
                panel.show(state)
        except ExtensionError as error:
            self._panels[name] = FailedPanel(error)
            self.view.children = [one.view for one in self._panels.values()]
            close_all(panel.view)

    def _show_moments(self, state: ViewState) -> None:
        run, shown = state.run, state.pictured
        if run is None or shown is None:
            self.time_bar.update(epochs=[], newest=0.0, note="", note_rest="", position=-1, can_fork=True)
            return
        epochs, stride = [float(one.epoch) for one in run.moments], run.timeline.stride
        note, rest = "Replay" if state.is_replay else "", ""
        if stride > 1 and not state.is_replay:
            megabytes = run.timeline.most_bytes // 2**20
            note, rest = f"1 epoch in {stride}", f" is kept, to stay within {megabytes} MB"
        is_selected = state.selected_epoch is not None and shown.epoch in epochs
        self.time_bar.update(
            epochs=epochs,
            newest=shown.epoch,
            n_steps=run.position[2],
            note=note,
            note_rest=rest,
            position=epochs.index(shown.epoch) if is_selected else -1,
            # Only a user's own class knows how to continue its training, and runs go on from an epoch's end.
            can_fork=run.own is None and state.early is None,
        )

    def _on_position(self, change: Mapping[str, Any]) -> None:
        position, epochs = change["new"], self.time_bar.epochs
        epoch = epochs[position] if 0 <= position < len(epochs) else None
        if epoch != self._views.session.state.selected_epoch:
            self._views.session.select(epoch)

    def _open_run(self, config: TrainingConfig) -> None:
        self._views.session.train(config)
        self.tab_bar.selected = "overview"

    def _look_into(self, image: int | Drawing) -> None:
        self.tab_bar.selected = self.home
        self[self.home].network.look_at(image)


class FailedPanel(Sentence):
    """What takes the place of a tab that can't be shown, with the reason."""

    def __init__(self, error: ExtensionError) -> None:
        self.reason = str(error)
        words = element("p", f"{error} Everything else goes on.", role="alert")
        self.view = box("explorer-panel explorer-column", Rendered("explorer-prose", words))
