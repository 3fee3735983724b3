"""What a page may change in Python: whoever can open it can send an update of any widget's state.

A notebook in Jupyter may run whatever it likes, so there nothing is kept from it.
"""

import logging
from collections.abc import Mapping
from functools import wraps
from typing import Any

import ipywidgets
from traitlets import TraitError

__all__ = ["guard_widgets"]

_log = logging.getLogger(__name__)


def guard_widgets() -> None:
    """See that in this process, which serves a page, its words reach only traits that are tagged ``page=True``.

    A message with a value that is none for its trait is dropped.
    """
    widget_class: Any = ipywidgets.Widget
    set_state = widget_class.set_state

    @wraps(set_state)
    def set_page_state(widget: ipywidgets.Widget, state: Mapping[str, Any]) -> None:
        own = widget.traits(page=True)
        try:
            set_state(widget, {name: value for name, value in state.items() if name in own})
        except (TraitError, TypeError, ValueError) as error:
            _log.debug("What a page sent was dropped: %r", error)

    widget_class.set_state = set_page_state
