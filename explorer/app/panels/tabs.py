"""The tabs of the app. Each panel is created when its tab is first opened, and drawn only while it is visible.

A panel belongs to the classes and test images of one data set; for others, it is recreated.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from explorer.app.controls import DataChoice
from explorer.app.help import WORDS
from explorer.app.layout import box, close_all
from explorer.app.panels.break_it import BreakIt
from explorer.app.panels.data import DataPanel
from explorer.app.panels.image_tabs import LayerMap, Why
from explorer.app.panels.inside import SECTIONS
from explorer.app.panels.lab import LabPanel
from explorer.app.panels.mistakes import MISTAKES
from explorer.app.panels.overview import Overview
from explorer.app.panels.runs import RunsPanel
from explorer.app.panels.sections import ForImages, SectionedPanel
from explorer.app.panels.study import StudyPanel
from explorer.app.views import Drawing, Pace, Panel, Views, ViewState
from explorer.training import TrainingConfig
from explorer.widgets.controls import TabBar, TimeBar
from explorer.widgets.page_part import set_hidden

VIEWS = MappingProxyType({name: (label, group) for name, (label, group) in WORDS["tabs"].items()})
"""Label and group of each tab."""

_LASTING = "data"
"""The tab whose panel shows any data set. It is created at once: when an earlier child of a box is removed,
ipywidgets redraws the later ones, and the focused control would lose the focus."""


class PanelHost:
    """The tab bar and its panels; `on_view` is called after another section of a tab, or level, is chosen."""

    home, names = "overview", tuple(VIEWS)
    """Name of the first tab, and of all."""

    def __init__(self, views: Views, data: DataChoice, on_view: Callable[[], None]) -> None:
        self._views, self._dataset, self._on_view = views, views.dataset, on_view
        self._solved, self._level = set[int](), 1  # kept when the lab is recreated for another data set
        self._demonstrated: dict[str, Any] = {}  # and so are these results
        self._makers: dict[str, Callable[[], Panel]] = {
            "overview": lambda: Overview(views),
            "mistakes": lambda: SectionedPanel(views, MISTAKES, on_view),
            "inside": lambda: SectionedPanel(views, SECTIONS, on_view),
            "map": lambda: LayerMap(views),
            "why": lambda: ForImages() if views.dataset.is_plane else Why(views),
            "break": lambda: BreakIt(views),
            "runs": lambda: RunsPanel(views),
            "study": lambda: StudyPanel(views, self._open_run),
            "data": lambda: DataPanel(views, data),
            "demos": self._new_demonstrations,
            "lab": self._new_lab,
        }
        self.tab_bar, self.time_bar, self._pace = TabBar(VIEWS, selected=self.home), TimeBar(), Pace()
        views.look_into = self._look_into
        self.view = box("")
        self._panels: dict[str, Panel] = {}
        self[_LASTING]
        self._open(self.home)
        self.tab_bar.observe(views.on_loop(self._on_selected), "selected")
        self.time_bar.observe(views.on_loop(self._on_position), "position")
        views.add(self.show)

    def __getitem__(self, name: str) -> Any:
        """Return the panel of a tab, which is created on first use."""
        if name not in self._panels:
            panel = self._panels[name] = self._makers[name]()
            set_hidden(panel.view, True)
            self.view.children = (*self.view.children, panel.view)
        return self._panels[name]

    def show(self, state: ViewState) -> None:
        """Show which moments exist, and draw the visible panel."""
        if not state.dataset.compares_with(self._dataset):
            self._dataset = state.dataset
            self._make_again()
        self._pace.once(self._show_moments, state)
        self[self.tab_bar.selected].show(state)

    def _open(self, name: str) -> None:
        self[name]
        for other, panel in self._panels.items():
            set_hidden(panel.view, other != name)

    def _make_again(self) -> None:
        old, self._panels = self._panels, {_LASTING: self[_LASTING]}
        self._demonstrated.clear()
        self.view.children = [self[_LASTING].view]
        for name in old.keys() - self._panels.keys():
            close_all(old[name].view)
        self._open(self.tab_bar.selected)

    def _on_selected(self, change: Mapping[str, Any]) -> None:
        self._open(change["new"])
        if isinstance(panel := self[change["new"]], BreakIt):
            panel.renew()
        self.show(self._views.state)

    def _show_moments(self, state: ViewState) -> None:
        run, shown = state.run, state.pictured
        if run is None or shown is None:
            self.time_bar.update(epochs=[], newest=0.0, note="", note_rest="", position=-1, can_fork=True)
            return
        epochs, stride = [float(one.epoch) for one in run.moments], run.timeline.stride
        megabytes = run.timeline.most_bytes // 2**20
        note, rest = "", ""
        if state.is_replay:
            note = "Replay"
        elif stride > 1:
            note, rest = f"1 epoch in {stride}", f" is kept, to stay within {megabytes} MB"
        epoch = None if state.selected_epoch is None else shown.epoch
        position = epochs.index(epoch) if epoch in epochs else -1
        self.time_bar.update(
            epochs=epochs,
            newest=shown.epoch,
            n_steps=run.position[2],
            note=note,
            note_rest=rest,
            position=position,
            # Only a user's own class knows how to continue its training, and runs go on from an epoch's end.
            can_fork=run.own is None and state.early is None,
        )

    def _on_position(self, change: Mapping[str, Any]) -> None:
        position, epochs = change["new"], self.time_bar.epochs
        epoch = epochs[position] if 0 <= position < len(epochs) else None
        if epoch != self._views.session.state.selected_epoch:
            self._views.session.select(epoch)

    def _new_demonstrations(self) -> Panel:
        # With SciPy, only when the tab is opened.
        from explorer.app.panels.demonstrations import Demonstrations

        return Demonstrations(self._views, self._demonstrated)

    def _new_lab(self) -> LabPanel:
        views = self._views
        lab = LabPanel(self._level, self._solved, on_level=self._on_level, on_fault=views.loop.on_fault)
        views.on_close(lab.close)
        return lab

    def _on_level(self, level: int) -> None:
        self._level = level
        self._on_view()

    def _open_run(self, config: TrainingConfig) -> None:
        self._views.session.train(config)
        self.tab_bar.selected = "overview"

    def _look_into(self, image: int | Drawing) -> None:
        self.tab_bar.selected = self.home
        self[self.home].network.look_at(image)
