"""The tabs' panels, one a file, and the host that switches between them."""

from explorer.app.panels.host import PanelHost

__all__ = ["PanelHost"]
