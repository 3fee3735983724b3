"""The network drawn: units as images of their weights, lit by one image; and the player of a step on it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent
from explorer.wording import class_noun

FOLLOWED = -1
"""As the chosen class: whatever the network reads."""

NO_SCENE = ("", "")
"""As the drawing's scene: no step is played."""

NOT_PLAYED = -1
"""As the player's scene: the drawing follows the run."""

SCENES = ("Forward", "Loss", "Backward", "Step", "After")


def answers(class_names: Sequence[str]) -> str:
    """Return the heading of the outputs: ``"how sure it is of each digit"``."""
    return f"how sure it is of each {class_noun(class_names)}"


@dataclass(frozen=True, slots=True)
class DrawnLayer:
    """A hidden layer as it is drawn, titled ``"32 units, sigmoid"``."""

    title: str
    units: Sequence[int]
    n_units: int
    """The units that are shown, in order, and how many there are."""
    heading: str = ""
    """What stands above it, if it isn't the title."""


@dataclass(frozen=True, slots=True)
class DrawnSum:
    """What the units of a layer add to the weighted sum of one unit of the next, or of one output."""

    unit: int
    terms: bytes
    """A float32 for each unit of the layer, shown or not, and the bias."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One image's way through the network."""

    values: Sequence[bytes] = ()
    """For each hidden layer, the activations of the shown units, float32."""
    sums: Sequence[DrawnSum] = ()
    """For each hidden layer, the sum that its links lead to, the one looked at at the end; empty without links."""
    pixels: bytes | None = None
    """For each shown unit of the first layer, the pixels that add most to its sum, as many for each: x and y, 255
    at the pad's far edge, and the share of the largest, 0 to 254 for -1 to 1."""
    symbol: str = ""
    """The function of the outputs."""
    outputs: Sequence[float] = ()
    """The outputs, 0 to 1, in a scene -1 to 1; those that are no numbers are 0."""
    figures: Sequence[str] = ()
    """The outputs in words."""
    decided: int = 0
    true: int = -1
    """The image's class; -1 if it is not known."""
    looked_at: int = 0
    """The class that the links lead to."""
    words: str = ""
    """What stands below in place of the last sum."""
    spoken: str = ""
    """What screen readers say in place of it."""
    image: int = -1
    """The held-out image: when another is chosen, light sweeps through the drawing. -1 for a drawing."""
    moved: bytes | None = None
    """While a run trains, how far the weights of each shown unit of the first layer have moved since the last
    drawing, as a share of the farthest, float32."""
    hints: Sequence[Sequence[str]] = ()
    """For each layer and shown unit, the tooltip, if it is not the activation."""


class NetworkDrawing(PagePart):
    """The hidden units and the outputs of a network, with links to one class.

    Units are the options of one list for each layer, classes those of another, so that each takes a single press
    of Tab; arrow keys move, Enter chooses.
    """

    _esm = script("network_drawing")

    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    """The hidden layers, as `DrawnLayer`."""
    classes = traitlets.List(traitlets.Unicode()).tag(sync=True)
    sprite = traitlets.Bytes().tag(sync=True)
    """A PNG of the first layer's shown weights, `columns` to a row; empty if they can't be drawn as images."""
    columns = traitlets.Int(8).tag(sync=True)
    all_pictured = traitlets.Bool(False).tag(sync=True)
    """Whether the sprite has a picture for each shown unit of all hidden layers, one layer after the other."""
    signal = traitlets.Dict(asdict(Signal())).tag(sync=True)
    """The `Signal`, in one trait: the page draws it at once."""
    scene = traitlets.List([*NO_SCENE]).tag(sync=True)
    """While a step is played, the name of the scene, and the heading of the outputs."""
    answers = traitlets.Unicode("output").tag(sync=True)
    """The heading of the outputs at all other times, as `answers` has it."""
    nothing = traitlets.Unicode().tag(sync=True)
    """Why nothing is drawn; empty if something is."""
    chosen = traitlets.Int(FOLLOWED).tag(sync=True, page=True)
    """The class that the links lead to, or `FOLLOWED`."""
    unit = traitlets.List(traitlets.Int(), []).tag(sync=True, page=True)
    """The chosen unit, as its layer, 0 for the first hidden one, and its number; empty for none."""
    on_more = PartEvent[[int]]("more")
    """Calls ``callback(layer)`` when all units of a layer are asked for, or only the strongest again."""

    on_arrival = PartEvent[[bool]]("arrival")
    """Calls ``callback(moves)`` when a page of its own shows it for the first time: whether motion is wanted."""

    @traitlets.validate("unit")
    def _known_unit(self, proposal: Mapping[str, Any]) -> list[int]:
        unit = proposal["value"]
        known = [layer["n_units"] for layer in self.layers]
        if len(unit) == 2 and all(type(one) is int for one in unit) and 0 <= unit[0] < len(known):
            return list(unit) if 0 <= unit[1] < known[unit[0]] else []
        return []

    @traitlets.validate("chosen")
    def _known_class(self, proposal: Mapping[str, Any]) -> int:
        return int(proposal["value"]) if 0 <= proposal["value"] < len(self.classes) else FOLLOWED

    def show(self, layers: Sequence[DrawnLayer], sprite: bytes | None, signal: Signal) -> None:
        """Draw, in one message; without a sprite the weights' images stay."""
        given = {} if sprite is None else {"sprite": sprite}
        self.update(layers=[asdict(layer) for layer in layers], signal=asdict(signal), nothing="", **given)

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if isinstance(moves := content.get("moves"), bool):
            self._emit("arrival", moves)
        layer = content.get("more")
        if type(layer) is int and 0 <= layer < len(self.layers):
            self._emit("more", layer)


class StepPlayer(PagePart):
    """A button that opens the step, and while it is open one for each scene and for what it is made with.

    In the drawing too, which is in the same box, ``.`` opens it, arrows go through the scenes, and Escape leaves.
    Each scene is told in a sentence, whose nouns light their parts of the drawing.
    """

    _esm = script("step_player")

    scenes = traitlets.List([*SCENES]).tag(sync=True)
    scene = traitlets.Int(NOT_PLAYED).tag(sync=True, page=True)
    """The index of the scene, or `NOT_PLAYED`; set by the user or the app."""
    of = traitlets.Enum(("image", "batch"), "image").tag(sync=True, page=True)
    """Whether the step is made with one image or with a mini-batch; set by the user."""
    code = traitlets.Bool(False).tag(sync=True, page=True)
    """Whether the code of the step is shown, too; set by the user."""
    noun = traitlets.Unicode("image").tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    spoken = traitlets.Unicode().tag(sync=True)
    """What the numbers are of, or why there is no step; and the scene in a sentence, which is read out."""
    told = traitlets.List(traitlets.Tuple()).tag(sync=True)
    """That sentence in pieces ``(text, part)``. A noun has the part that it lights: pixels, samples, units,
    weights, links, outputs, or one unit or output by its layer and place, ``"unit 0 11"``; other text has none."""
    formula = traitlets.Unicode().tag(sync=True)
    """The formula under the sentence, with its numbers."""

    @traitlets.validate("scene")
    def _known_scene(self, proposal: Mapping[str, Any]) -> int:
        return min(max(int(proposal["value"]), NOT_PLAYED), len(SCENES) - 1)
