"""The colors of the page and of its figures, named by their meaning.

Train and test have one color each everywhere. The two are from the palette of Okabe and Ito (2008,
"Color Universal Design"), which stays distinct under the common color-vision deficiencies.
Good and error differ in more than red and green.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, get_args

Theme = Literal["light", "dark"]


def _color(light: str, dark: str) -> Any:
    return field(metadata={"light": light, "dark": dark})


@dataclass(frozen=True, slots=True)
class Palette:
    """The colors of one theme, each a hex string ``#rrggbb``."""

    page: str = _color("#f5f6f8", "#0f1318")
    """The page's background."""
    surface: str = _color("#ffffff", "#171c23")
    """Panels and figures."""
    raised: str = _color("#eef1f4", "#212831")
    """Fields and hovered rows on a surface."""
    text: str = _color("#18202a", "#e8edf2")
    muted: str = _color("#56616e", "#9da9b6")
    """Secondary text; still 4.5:1 on a surface."""
    hairline: str = _color("#d9dee4", "#303944")
    """Rules between parts, axis lines."""
    grid: str = _color("#eceff2", "#252c35")
    """Grid lines of a plot, lighter than hairlines."""
    accent: str = _color("#0b5cad", "#6cb4f5")
    """The primary button, the focus ring, links."""
    on_accent: str = _color("#ffffff", "#0b1622")
    """Text on the accent color."""
    train: str = _color("#0072b2", "#56b4e9")
    test: str = _color("#d55e00", "#e69f00")
    earlier: str = _color("#a9b1ba", "#66707c")
    """Curves of earlier runs."""
    good: str = _color("#0b735a", "#57d9ba")
    warning: str = _color("#8a5a00", "#e5b567")
    error: str = _color("#b3210d", "#f2756d")
    heat: str = _color("#4d8ccb", "#2c68a6")
    """The strong end of the one-hue scale of the confusion matrix; `surface` is the weak end.
    `text` is legible on both."""
    weight: str = _color("#b4c0cd", "#4b5866")
    """The strong end of the scale of the matrix's diagonal; `raised` is the weak end."""
    negative: str = _color("#8a3f97", "#d08be0")
    positive: str = _color("#00785a", "#4fc38a")
    """Two categories other than train and test: weights below and above 0, gradients by sum and by mean."""
    samples: str = _color("#7d1128", "#d176a7")
    units: str = _color("#0b5cad", "#6cb4f5")
    classes: str = _color("#985c01", "#ffca6f")
    pixels: str = _color("#0a5260", "#8fe0e8")
    """The axes of the arrays, in the words and shapes of a step that is played; a unit lights up in its color."""

    def css(self) -> str:
        """Return the colors as CSS custom properties: ``--explorer-page: #f5f6f8; …``."""
        colors = {f.name.replace("_", "-"): getattr(self, f.name) for f in fields(self)}
        return " ".join(f"--explorer-{name}: {color};" for name, color in colors.items())


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {theme: Palette(**{f.name: f.metadata[theme] for f in fields(Palette)}) for theme in get_args(Theme)}
)
"""The palette of each theme."""

RUN_COLORS: Mapping[Theme, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("#332288", "#1b8a7a", "#cc5f72", "#85841f", "#882255", "#5c6b7a"),
        "dark": ("#a99cf0", "#5fc7b6", "#f09aa8", "#cfce6b", "#d67ab0", "#b4c0cc"),
    }
)
"""Hues of runs, different from those of train and test. After the last they repeat, with another dash."""

CLASS_COLORS = (
    *("#d88103", "#797cfd", "#b584a1", "#05a2d8", "#1d7307"),
    *("#d50f00", "#1e51fd", "#ce0d98", "#ad0acc", "#65645d"),
)
"""Hues of classes, on light and dark surfaces; after the last they repeat. Symbols help to tell them apart."""


def rgb(color: str) -> tuple[int, int, int]:
    """Return red, green and blue of a hex string ``#rrggbb``, each 0 to 255."""
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
