"""The colours of the page and of its figures, named by their meaning.

Train and test have one colour each everywhere. The two are from the palette of Okabe and Ito (2008,
"Color Universal Design"), which stays distinct under the common colour-vision deficiencies.
Good and error differ in more than red and green.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

Theme = Literal["light", "dark"]


def _colour(light: str, dark: str) -> Any:
    return field(metadata={"light": light, "dark": dark})


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, each a hex string ``#rrggbb``."""

    page: str = _colour("#f5f6f8", "#0f1318")
    """The page's background."""
    surface: str = _colour("#ffffff", "#171c23")
    """Panels and figures."""
    raised: str = _colour("#eef1f4", "#212831")
    """Fields and hovered rows on a surface."""
    text: str = _colour("#18202a", "#e8edf2")
    muted: str = _colour("#56616e", "#9da9b6")
    """Secondary text; still 4.5:1 on a surface."""
    hairline: str = _colour("#d9dee4", "#303944")
    """Rules between parts, axis lines."""
    grid: str = _colour("#eceff2", "#252c35")
    """Grid lines of a plot, lighter than hairlines."""
    accent: str = _colour("#0b5cad", "#6cb4f5")
    """The primary button, the focus ring, links."""
    on_accent: str = _colour("#ffffff", "#0b1622")
    """Text on the accent colour."""
    train: str = _colour("#0072b2", "#56b4e9")
    test: str = _colour("#d55e00", "#e69f00")
    earlier: str = _colour("#a9b1ba", "#66707c")
    """Curves of earlier runs."""
    good: str = _colour("#0b735a", "#57d9ba")
    warning: str = _colour("#8a5a00", "#e5b567")
    error: str = _colour("#b3210d", "#f2756d")
    heat: str = _colour("#4d8ccb", "#2c68a6")
    """The strong end of the one-hue scale of the confusion matrix; `surface` is the weak end.
    `text` is legible on both."""
    negative: str = _colour("#8a3f97", "#d08be0")
    positive: str = _colour("#00785a", "#4fc38a")
    """Two categories other than train and test: weights below and above 0, gradients by sum and by mean."""

    def css(self) -> str:
        """Return the colours as CSS custom properties: ``--explorer-page: #f5f6f8; …``."""
        return " ".join(
            f"--explorer-{f.name.replace('_', '-')}: {getattr(self, f.name)};" for f in fields(self)
        )


_THEMES: tuple[Theme, ...] = ("light", "dark")

PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {theme: Palette(**{f.name: f.metadata[theme] for f in fields(Palette)}) for theme in _THEMES}
)
"""The palette of each theme."""

RUN_COLOURS: Mapping[Theme, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("#332288", "#1b8a7a", "#cc5f72", "#85841f", "#882255", "#5c6b7a"),
        "dark": ("#a99cf0", "#5fc7b6", "#f09aa8", "#cfce6b", "#d67ab0", "#b4c0cc"),
    }
)
"""Hues of runs, different from those of train and test. After the last they repeat, with another dash."""


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of a hex string ``#rrggbb``, each 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
