"""Published pages: recorded runs as a folder that any web server shows."""

from explorer.extension import Command, Extension

EXTENSION = Extension(
    "publish",
    commands=(
        Command(
            "publish",
            "make a folder that shows recorded runs on any web server",
            f"{__name__}.publish_command:run",
            table=f"{__name__}:commands.toml",
        ),
    ),
)
