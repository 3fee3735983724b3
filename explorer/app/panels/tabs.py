"""The tabs of the app, in their order; each panel is made when its tab is first opened."""

from collections.abc import Callable

from explorer.app.data_choice import DataChoice
from explorer.app.panels.data import DataPanel
from explorer.app.panels.draw import DrawPanel
from explorer.app.panels.host import PanelHost
from explorer.app.panels.inside import Inside
from explorer.app.panels.lab import LabPanel
from explorer.app.panels.mistakes import MistakesPanel
from explorer.app.panels.overview import Overview
from explorer.app.panels.runs import RunsPanel
from explorer.app.panels.study import StudyPanel
from explorer.app.view_state import Drawing
from explorer.app.views import Views
from explorer.training import TrainingConfig

__all__ = ["tabs"]


def tabs(views: Views, data: DataChoice, on_view: Callable[[], None]) -> PanelHost:
    """Return the tab bar with all panels; it opens with the overview.

    Parameters
    ----------
    on_view : callable
        Called after another section of a tab is chosen, or another level of the lab.
    """
    solved, level = set[int](), 1  # also of panels that were made for another data set

    def lab() -> LabPanel:
        def on_level() -> None:
            nonlocal level
            level = panel.level
            on_view()

        panel = LabPanel(level, solved=solved, on_level=on_level, on_fault=views.loop.on_fault)
        views.on_close(panel.close)
        return panel

    def open_run(config: TrainingConfig) -> None:
        views.session.train(config)
        host.tab_bar.selected = "overview"

    host = PanelHost(
        {
            "Data": lambda: DataPanel(views, data),
            "Overview": lambda: Overview(views),
            "Mistakes": lambda: MistakesPanel(views, on_view),
            "Inside": lambda: Inside(views, on_view),
            "Draw": lambda: DrawPanel(views),
            "Runs": lambda: RunsPanel(views),
            "Study": lambda: StudyPanel(views, open_run),
            "Lab": lab,
        },
        views,
        home="overview",
        lasting=("data",),
    )

    def look_into(image: int | Drawing) -> None:
        inside = host["inside"]
        assert isinstance(inside, Inside)
        inside.look_into(image)
        host.tab_bar.selected = "inside"

    views.on_look(look_into)
    return host
