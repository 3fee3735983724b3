"""Grading: solutions of the exercise are checked, each in processes of its own."""

from explorer.extension import Command, Extension

EXTENSION = Extension(
    "grading",
    commands=(
        Command(
            "check",
            "check solutions of the exercise, and name their mistakes",
            f"{__name__}.check_command:run",
            table=f"{__name__}:commands.toml",
        ),
    ),
)
