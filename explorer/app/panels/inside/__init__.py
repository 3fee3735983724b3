"""The tab that looks into the network, one section a file."""

from explorer.app.panels.inside.inside import SECTIONS, Inside

__all__ = ["SECTIONS", "Inside"]
