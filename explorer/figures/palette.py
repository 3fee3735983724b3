"""The colours of the page and of its figures, named by what they stand for.

Train and test have one colour each wherever they appear. The two are from the palette of Okabe and Ito (2008,
"Color Universal Design"), which stays distinct under the common colour-vision deficiencies.
Good and error differ in more than red and green.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal

__all__ = ["PALETTES", "RUN_COLOURS", "Palette", "Theme", "rgb"]

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, each a hex string ``#rrggbb``."""

    page: str
    """The page's background."""
    surface: str
    """Panels and figures."""
    raised: str
    """Fields and hovered rows on a surface."""
    text: str
    muted: str
    """Secondary text; still 4.5:1 on a surface."""
    hairline: str
    """Rules between parts, axis lines."""
    grid: str
    """Grid lines of a plot, lighter than hairlines."""
    accent: str
    """The primary button, the focus ring, links."""
    on_accent: str
    """Text on the accent colour."""
    train: str
    test: str
    earlier: str
    """Curves of earlier runs."""
    good: str
    warning: str
    error: str
    heat: str
    """The strong end of the one-hue scale of the confusion matrix; `surface` is the weak end.
    `text` is legible on both."""
    negative: str
    positive: str
    """Two kinds that are neither train nor test: weights below and above 0, gradients by sum and by mean."""

    def css(self) -> str:
        """Return the colours as CSS custom properties: ``--explorer-page: #f5f6f8; …``."""
        return " ".join(
            f"--explorer-{f.name.replace('_', '-')}: {getattr(self, f.name)};" for f in fields(self)
        )


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {
        "light": Palette(
            page="#f5f6f8",
            surface="#ffffff",
            raised="#eef1f4",
            text="#18202a",
            muted="#56616e",
            hairline="#d9dee4",
            grid="#eceff2",
            accent="#0b5cad",
            on_accent="#ffffff",
            train="#0072b2",
            test="#d55e00",
            earlier="#a9b1ba",
            good="#0b735a",
            warning="#8a5a00",
            error="#b3210d",
            heat="#4d8ccb",
            negative="#8a3f97",
            positive="#00785a",
        ),
        "dark": Palette(
            page="#0f1318",
            surface="#171c23",
            raised="#212831",
            text="#e8edf2",
            muted="#9da9b6",
            hairline="#303944",
            grid="#252c35",
            accent="#6cb4f5",
            on_accent="#0b1622",
            train="#56b4e9",
            test="#e69f00",
            earlier="#66707c",
            good="#57d9ba",
            warning="#e5b567",
            error="#f2756d",
            heat="#2c68a6",
            negative="#d08be0",
            positive="#4fc38a",
        ),
    }
)
"""The palette of each theme."""

RUN_COLOURS: Mapping[Theme, tuple[str, ...]] = MappingProxyType(
    {
        "light": ("#332288", "#1b8a7a", "#cc5f72", "#85841f", "#882255", "#5c6b7a"),
        "dark": ("#a99cf0", "#5fc7b6", "#f09aa8", "#cfce6b", "#d67ab0", "#b4c0cc"),
    }
)
"""Hues of runs, none of them that of train or test. They begin again after the last, with another dash."""


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of a hex string ``#rrggbb``, each 0 to 255."""
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
