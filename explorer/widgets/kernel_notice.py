"""Says in a notebook that Python is gone: what stands with it looks alive, and would do nothing."""

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart

__all__ = ["KernelNotice"]


class KernelNotice(PagePart):
    """Stands in a box: once its kernel has died, was restarted or replaced, it says at the top what to do.

    The others in the box can't be used from then on. It asks nothing of the kernel, which may be busy for long:
    the notebook knows. The page that the command serves has `Heartbeat` instead.
    """

    _esm = script("kernel_notice")
