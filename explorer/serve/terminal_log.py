"""The log as the terminal gets it: nothing in a message can move its cursor, colour it or forge a line."""

import logging
import re

from traitlets.config.application import LevelFormatter

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys, all but tabs and new lines, and what turns the direction of writing."""


class TerminalFormatter(LevelFormatter):
    """Writes control characters as Python does in a string, and indents all lines of a message but the first."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text for a terminal."""
        said = super().format(record)
        visible = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), said)
        return visible.replace("\n", "\n    ")


def settle_log() -> None:
    """Let what no other handler takes, as tornado's own warnings, be written by `TerminalFormatter`."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(TerminalFormatter("%(levelname)s: %(message)s"))
