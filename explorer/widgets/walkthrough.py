"""One sample, and its way through the layers and back: all units of each layer as strips, one in formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart, PartEvent

NO_SAMPLE = -1
"""As the index: an image that is none of them is shown."""


class SamplePicker(PagePart):
    """An image, its index to type in, and buttons to a random one and to the next mistake."""

    _esm = script("sample_picker")

    n_samples = traitlets.Int().tag(sync=True)
    """Images that there are."""
    index = traitlets.Int(0).tag(sync=True, page=True)
    """The image that is shown, 0 for the first, or `NO_SAMPLE`; set by the user or the app."""
    noun = traitlets.Unicode("test image").tag(sync=True)
    """What one of them is called."""
    arrivals = traitlets.Int(0).tag(sync=True)
    """How often the focus was asked for."""
    content = traitlets.Dict().tag(sync=True)
    """All that `show` was given: in one trait, so that the page draws once."""
    on_wish = PartEvent[[str]]("wish")
    """Calls ``callback("random")`` or ``callback("mistake")`` when such an image is asked for."""

    def __init__(self, n_samples: int, **traits: Any) -> None:
        super().__init__(n_samples=n_samples, **traits)
        self.show(b"", "")

    @traitlets.validate("index")
    def _within(self, proposal: dict[str, int]) -> int:
        index = proposal["value"]
        return index if index == NO_SAMPLE else min(max(index, 0), self.n_samples - 1)

    def offer(self, n_samples: int, noun: str) -> None:
        """Offer so many images, called so."""
        self.update(n_samples=n_samples, noun=noun, index=min(self.index, n_samples - 1))

    def take_focus(self) -> None:
        """Take the focus of the page, as soon as the part is in sight: the user was sent here from elsewhere."""
        self.arrivals += 1

    def show(self, picture: bytes, words: str, *, right: bool = True, has_mistakes: bool = False) -> None:
        """Show the image, a PNG, what it is read as, whether that is right, and a way to the next mistake."""
        self.content = {"picture": picture, "words": words, "right": right, "has_mistakes": has_mistakes}

    def _hear(self, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("wish") in ("random", "mistake"):
            self._tell("wish", content["wish"])


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
