"""Break it: a copy of the network is damaged, and says what it has lost."""

from explorer.extension import Extension, Tab

EXTENSION = Extension(
    "robustness",
    tabs=(Tab("break", "Break it", f"{__name__}.break_it:BreakIt", "Look inside", before="runs"),),
)
