"""What stands round the settings in their panel."""

from __future__ import annotations

from typing import Any

import traitlets

from explorer.training.presets import PRESETS
from explorer.training.situations import SITUATIONS
from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["PanelPart"]


class PanelPart(PagePart):
    """What stands round the settings: presets, a question, what the next run begins with, folds, a reset.

    Parameters
    ----------
    part : {"presets", "question", "start", "changes", "more", "reset"}
        Which of these.

    Attributes
    ----------
    preset : str
        Name of the preset that is in use, or "".
    situation : dict of str to str
        Name, question, what to look at, and reason of the situation that was chosen; empty without one.
    start : str
        The weights that the next run begins with, where they are not freshly initialised. Of ``"changes"``: its
        changes in mid-run.
    problems : int
        How many settings have an error: of those that are folded, or for the reset of all.
    title : str
        What a fold holds: those of a group have their own, all together are "More settings".
    note : str
        The settings in it that are not the defaults.
    unfolded : bool
        Whether it is open at first.
    """

    _esm = script("settings_panel")

    part = traitlets.Unicode().tag(sync=True)
    presets: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    preset = traitlets.Unicode().tag(sync=True)
    situations: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """Name of each, and whether it works: the presets' menu."""
    situation: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    start = traitlets.Unicode().tag(sync=True)
    problems = traitlets.Int(0).tag(sync=True)
    title = traitlets.Unicode("More settings").tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    unfolded = traitlets.Bool(False).tag(sync=True)

    def __init__(self, part: str, **traits: Any) -> None:
        situations = [[name, one.works] for name, one in SITUATIONS.items() if part == "presets"]
        super().__init__(part=part, presets=list(PRESETS), situations=situations, **traits)
