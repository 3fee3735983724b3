"""The look of a figure on a projector: the same as in the app, in the colours and at the size of the room."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from explorer.figures.palette import Theme
from explorer.figures.template import template

__all__ = ["Look"]

_LENGTHS = frozenset({"size", "width", "standoff", "ticklabelstandoff", "l", "r", "t", "b"})
"""Properties of Plotly that are measured in pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """Colours and size of a slide's figures."""

    theme: Theme = "light"
    scale: float = 1.0
    """How much larger than on the app's page text and lines are drawn, 1 or more."""

    @property
    def template(self) -> Mapping[str, Any]:
        """The figures' template in these colours, enlarged."""
        return self.enlarged(template(self.theme).to_plotly_json())

    def enlarged(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Return properties of a trace or layout with every length enlarged."""
        return {name: self._enlarged(name, value) for name, value in properties.items()}

    def _enlarged(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.enlarged(value)
        if isinstance(value, list | tuple) and any(isinstance(part, Mapping) for part in value):
            return [self.enlarged(part) if isinstance(part, Mapping) else part for part in value]
        if name in _LENGTHS and isinstance(value, int | float) and not isinstance(value, bool):
            # Plotly takes some lengths as whole numbers only: those that are stay so.
            return round(value * self.scale) if isinstance(value, int) else round(value * self.scale, 2)
        return value
