"""One sample's forward and backward pass: all units of each layer as strips, one unit in formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

NO_SAMPLE = -1
"""Index that means that an image from elsewhere is shown."""


class SamplePicker(PagePart):
    """An image, an input for its index, and buttons for a random one and for the next mistake."""

    _esm = script("sample_picker")

    n_samples = traitlets.Int().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True, page=True)
    """The current image, 0 for the first, or `NO_SAMPLE`; set by the user or the app."""
    noun = traitlets.Unicode("test image").tag(sync=True)
    """The term for one of them."""
    arrivals = traitlets.Int(0).tag(sync=True)
    """Number of requests for the focus."""
    content = traitlets.Dict().tag(sync=True)
    """The arguments of `show`: in one trait, so that the page draws once."""
    on_wish = PartEvent[[str]]("wish")
    """Calls ``callback("random")`` or ``callback("mistake")`` when such an image is requested."""

    def __init__(self, n_samples: int, **traits: Any) -> None:
        super().__init__(n_samples=n_samples, **traits)
        self.show(b"", "")

    @traitlets.validate("index")
    def _within(self, proposal: dict[str, int]) -> int:
        index = proposal["value"]
        return index if index == NO_SAMPLE else min(max(index, 0), self.n_samples - 1)

    def offer(self, n_samples: int, noun: str) -> None:
        """Set the number of images, and the term for one of them."""
        self.update(n_samples=n_samples, noun=noun, index=min(self.index, n_samples - 1))

    def take_focus(self) -> None:
        """Focus the part as soon as it is visible: the user was sent here from elsewhere."""
        self.arrivals += 1

    def show(self, picture: bytes, words: str, *, right: bool = True, has_mistakes: bool = False) -> None:
        """Show the image, a PNG, with a description, whether it is right, and a button for the next mistake."""
        self.content = {"picture": picture, "words": words, "right": right, "has_mistakes": has_mistakes}

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("wish") in ("random", "mistake"):
            self._tell("wish", content["wish"])


@dataclass(frozen=True, slots=True)
class FormulaLine:
    """A formula as text: ``name = symbols = numbers = value``; `numbers` may be empty."""

    name: str
    symbols: str
    numbers: str
    value: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One quantity for all units of a layer, as ``"h1"``, and its range in words."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer, or the loss."""

    title: str
    forward: tuple[FormulaLine, ...]
    back: tuple[FormulaLine, ...] = ()
    """The chosen unit's formulas."""
    unit: int = 0
    n_units: int = 0
    """The chosen unit, and the number of units; 0 for the loss, which has none to choose."""
    strips: tuple[Strip, ...] = ()
    """Quantities of all units."""
    sprite: bytes = b""
    """A PNG of the strips stacked vertically, a pixel per unit, as made by
    `explorer.figures.digits.weights_sprite` from images of one row."""
    picture: bytes = b""
    captions: tuple[str, ...] = ()
    """A PNG of images side by side, none if empty, and a line below each of them."""


class WalkthroughView(PagePart):
    """The stages in order, from the first layer to the loss."""

    _esm = script("walkthrough")

    note = traitlets.Unicode().tag(sync=True)
    stages: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    on_unit = PartEvent[[int, int]]("unit")
    """Calls ``callback(stage, unit)`` when another unit is chosen; both count from 0."""

    def show(self, stages: Sequence[Stage]) -> None:
        """Show the stages, in one message."""
        self.stages = [asdict(stage) for stage in stages]

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        match content:
            case {"stage": int(stage), "unit": int(unit)} if 0 <= stage < len(self.stages):
                if 0 <= unit < self.stages[stage]["n_units"]:
                    self._tell("unit", stage, unit)
