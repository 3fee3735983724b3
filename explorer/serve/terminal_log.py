"""The log in the terminal: no message can move its cursor, color it or forge a line."""

import logging
import re

from traitlets.config.application import LevelFormatter

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters except tabs and newlines, and those that change the writing direction."""


class TerminalFormatter(LevelFormatter):
    """Escapes control characters as Python does in a string, and indents continuation lines."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text for a terminal."""
        said = super().format(record)
        visible = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), said)
        return visible.replace("\n", "\n    ")


def settle_log() -> None:
    """Format records that no other handler processes, such as tornado's warnings, with `TerminalFormatter`."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TerminalFormatter("%(levelname)s: %(message)s"))
