"""Talks: slides with recorded and live runs."""

from explorer.extension import Command, Extension

EXTENSION = Extension(
    "talk",
    commands=(
        Command(
            "present",
            "open a talk as slides in the browser",
            f"{__name__}.present_command:run",
            table=f"{__name__}:commands.toml",
        ),
    ),
)
