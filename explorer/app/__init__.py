"""The app: one class that wires controls, runner and views."""

from explorer.app.explorer import Explorer

__all__ = ["Explorer"]
