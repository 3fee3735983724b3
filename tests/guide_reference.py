"""Writes the tables of notebooks/guide/reference.md, when a setting or an option has changed."""

import argparse
import io
import os
from contextlib import redirect_stdout, suppress
from pathlib import Path
from unittest.mock import patch

from explorer.serve.command import main
from explorer.training.config import FIELDS

REFERENCE = Path(__file__).parents[1] / "notebooks" / "guide" / "reference.md"
BEGIN, END = "<!-- from here on written by tests/guide_reference.py -->", "<!-- to here -->"
COMMANDS = "serve", "train", "study", "publish", "check", "archive", "present"


def settings() -> str:
    """The table of settings."""
    rows = [
        "| on screen | link, terminal | `TrainingConfig` | may be | what it does |",
        "|---|---|---|---|---|",
    ]
    for name, field in FIELDS.items():
        cells = field.label, f"`{field.key}`", f"`{name}`", field.expected, field.help
        rows.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(rows)


def help_of(*words: str) -> str:
    """What the command says of itself, 88 columns wide."""
    stream = io.StringIO()
    with patch.dict(os.environ, COLUMNS="90"), redirect_stdout(stream), suppress(SystemExit):
        main([*words, "--help"])
    lines = [line.rstrip() for line in stream.getvalue().strip().splitlines()]
    return "```\n" + "\n".join(lines) + "\n```"


def generated() -> str:
    """The part of the reference that follows from settings and commands."""
    parts = [BEGIN, "## Settings", settings(), "## Commands", help_of()]
    for command in COMMANDS:
        parts += [f"### nn-explorer {command}", help_of(command)]
    return "\n\n".join([*parts, END])


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    text = REFERENCE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    REFERENCE.write_text(f"{before}{generated()}{after}", encoding="utf-8")
