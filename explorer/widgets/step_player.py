"""The buttons that play one step of training on the drawing of a network, scene by scene."""

from collections.abc import Mapping
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart

NOT_PLAYED = -1
"""As the scene: the drawing follows the run."""

SCENES = ("Forward", "Loss", "Backward", "Step", "After")


class StepPlayer(PagePart):
    """A button that plays the step, and while it is played one for each scene and for what it is made with.

    In the drawing too, which is in the same box, ``.`` plays it, arrows go through the scenes, and Escape leaves.
    """

    _esm = script("step_player")

    scenes = traitlets.List([*SCENES]).tag(sync=True)
    scene = traitlets.Int(NOT_PLAYED).tag(sync=True, page=True)
    """The index of the scene, or `NOT_PLAYED`; set by the user or the app."""
    of = traitlets.Enum(("image", "batch"), "image").tag(sync=True, page=True)
    """Whether the step is made with one image or with a mini-batch; set by the user."""
    note = traitlets.Unicode().tag(sync=True)
    spoken = traitlets.Unicode().tag(sync=True)
    """What the numbers are of, or why there is no step; and the scene in a sentence, which is read out."""

    @traitlets.validate("scene")
    def _known_scene(self, proposal: Mapping[str, Any]) -> int:
        return min(max(int(proposal["value"]), NOT_PLAYED), len(SCENES) - 1)
