"""Switches between the panels: each is made when its tab is first opened, and drawn only while it is in sight."""

from collections.abc import Callable, Mapping
from typing import Any

from ipywidgets import Box

from explorer.app.scene import OnLoop, Panel, Scene
from explorer.widgets.tab_bar import TabBar

__all__ = ["PanelHost"]

_HIDDEN = "explorer-hidden"


class PanelHost:
    """The tab bar and the panels behind it.

    Parameters
    ----------
    makers : mapping of str to callable
        Makes the panel of each tab; the words on the tab are the keys. The first is made at once.
    on_loop : callable
        As in `explorer.app.scene`.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Panel]], on_loop: OnLoop) -> None:
        self.tab_bar = TabBar({words.lower(): words for words in makers})
        self.view = Box()
        self._makers = {words.lower(): make for words, make in makers.items()}
        self._panels: dict[str, Panel] = {}
        self._scene: Scene | None = None
        self._open(self.tab_bar.selected)
        self.tab_bar.observe(on_loop(self._on_selected), "selected")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tabs, the first first."""
        return tuple(self._makers)

    def __getitem__(self, name: str) -> Panel:
        """Return the panel of a tab, by the tab's words in lower case; it is made if it wasn't yet."""
        if name not in self._panels:
            panel = self._panels[name] = self._makers[name]()
            panel.view.add_class(_HIDDEN)
            self.view.children = (*self.view.children, panel.view)
        return self._panels[name]

    def show(self, scene: Scene) -> None:
        """Let the panel in sight draw."""
        self._scene = scene
        self[self.tab_bar.selected].show(scene)

    def _open(self, name: str) -> None:
        self[name]
        for other, panel in self._panels.items():
            if other == name:
                panel.view.remove_class(_HIDDEN)
            else:
                panel.view.add_class(_HIDDEN)

    def _on_selected(self, change: Mapping[str, Any]) -> None:
        self._open(change["new"])
        if self._scene is not None:
            self.show(self._scene)
