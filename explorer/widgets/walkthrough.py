"""One sample's way through the layers and back: of each layer all units as strips, and one unit's formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart, PartEvent

__all__ = ["FormulaLine", "Stage", "Strip", "WalkthroughView"]


@dataclass(frozen=True, slots=True)
class FormulaLine:
    """A formula as it is written: ``name = symbols = numbers = value``."""

    name: str
    symbols: str
    numbers: str
    value: str
    """Its parts; `numbers` may be empty."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A value of all units of a layer."""

    name: str
    """``"h1"``."""
    words: str
    """From where to where it goes."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One layer, or the loss."""

    title: str
    """What it is."""
    forward: tuple[FormulaLine, ...]
    back: tuple[FormulaLine, ...] = ()
    """The chosen unit's formulas."""
    unit: int = 0
    n_units: int = 0
    """The chosen unit, and how many there are; 0 units for the loss, which has none to choose."""
    strips: tuple[Strip, ...] = ()
    """Values of all units."""
    sprite: bytes = b""
    """A PNG that holds the strips one below the other, a pixel a unit, as `explorer.figures.digits.weights_sprite`
    makes of images of one row."""
    picture: bytes = b""
    """A PNG of `n_pictures` images side by side; none if empty."""
    captions: tuple[str, ...] = ()
    """A line under each of them."""


class WalkthroughView(PagePart):
    """The stages in their order, from the first layer to the loss."""

    _esm = script("walkthrough")

    note = traitlets.Unicode().tag(sync=True)
    stages: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    on_unit = PartEvent[[int, int]]("unit")
    """Calls ``callback(stage, unit)`` when another unit is chosen; both count from 0."""

    def show(self, stages: Sequence[Stage]) -> None:
        """Show the stages, in one message."""
        self.stages = [asdict(stage) for stage in stages]

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        stage, unit = content.get("stage"), content.get("unit")
        if not (isinstance(stage, int) and isinstance(unit, int) and 0 <= stage < len(self.stages)):
            return
        if 0 <= unit < self.stages[stage]["n_units"]:
            self._tell("unit", stage, unit)
