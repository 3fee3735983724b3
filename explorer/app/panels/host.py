"""Switches between the panels: each is made when its tab is first opened, and drawn only while it is in sight.

A panel is made for the classes and images of one data set: for another, it is made again.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ipywidgets import Box

from explorer.app.layout import close_all, set_hidden
from explorer.app.view_state import Panel, ViewState
from explorer.app.views import Views
from explorer.widgets.tab_bar import TabBar

__all__ = ["PanelHost"]


class PanelHost:
    """The tab bar and its panels.

    Parameters
    ----------
    makers : mapping of str to callable
        Makes the panel of each tab; the words on the tab are the keys.
    views : Views
        All that is shown.
    home : str
        Name of the tab that is shown first; its panel is made at once.
    lasting : collection of str
        Names of the tabs whose panels show any data set. They are made at once: where an earlier child of a box
        goes, ipywidgets draws the later ones again, and the control that has the focus would lose it.
    """

    def __init__(
        self,
        makers: Mapping[str, Callable[[], Panel]],
        views: Views,
        *,
        home: str,
        lasting: Collection[str] = (),
    ) -> None:
        self.home, self._lasting = home, lasting
        self.tab_bar = TabBar({words.lower(): words for words in makers}, selected=home)
        self.view = Box()
        self._makers = {words.lower(): make for words, make in makers.items()}
        self._panels: dict[str, Panel] = {}
        self._views, self._dataset = views, views.dataset
        for name in lasting:
            self[name]
        self._open(home)
        self.tab_bar.observe(views.on_loop(self._on_selected), "selected")
        self.tab_bar.observe(views.on_loop(self._on_position), "position")
        views.add(self.show)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tabs, the first first."""
        return tuple(self._makers)

    def __getitem__(self, name: str) -> Panel:
        """Return the panel of a tab, by the tab's words in lower case; it is made if it wasn't yet."""
        if name not in self._panels:
            panel = self._panels[name] = self._makers[name]()
            set_hidden(panel.view, True)
            self.view.children = (*self.view.children, panel.view)
        return self._panels[name]

    def show(self, state: ViewState) -> None:
        """Show which moments there are, and let the panel in sight draw."""
        if state.dataset is not self._dataset:
            self._dataset = state.dataset
            self._make_again()
        self._show_moments(state)
        self[self.tab_bar.selected].show(state)

    def _open(self, name: str) -> None:
        self[name]
        for other, panel in self._panels.items():
            set_hidden(panel.view, other != name)

    def _make_again(self) -> None:
        old, self._panels = self._panels, {n: p for n, p in self._panels.items() if n in self._lasting}
        self.view.children = [panel.view for panel in self._panels.values()]
        for name in old.keys() - self._panels.keys():
            close_all(old[name].view)
        self._open(self.tab_bar.selected)

    def _on_selected(self, change: Mapping[str, Any]) -> None:
        self._open(change["new"])
        self.show(self._views.state)

    def _show_moments(self, state: ViewState) -> None:
        run = state.run
        if run is None or run.newest is None:
            self.tab_bar.show([])
            return
        epochs, stride = run.timeline.epochs, run.timeline.stride
        megabytes = run.timeline.most_bytes // 2**20
        note = "" if stride == 1 else f"1 epoch in {stride} is kept, to stay within {megabytes} MB"
        epoch = None if state.selected_epoch is None or state.moment is None else state.moment.epoch
        position = epochs.index(epoch) if epoch in epochs else -1
        can_fork = run.own is None  # only a class of one's own knows how its training goes on
        self.tab_bar.show(epochs, run.newest.epoch, note, position=position, can_fork=can_fork)

    def _on_position(self, change: Mapping[str, Any]) -> None:
        position, epochs = change["new"], self.tab_bar.epochs
        epoch = epochs[position] if 0 <= position < len(epochs) else None
        if epoch != self._views.session.state.selected_epoch:
            self._views.session.select(epoch)
