"""What every part of the page shares: its style sheet and the few lines of script under all of them.

Each part carries the whole base, so that one shown alone in a notebook cell looks as it does in the app.
"""

from functools import cache
from pathlib import Path

from explorer.figures.palette import PALETTES

__all__ = ["script", "stylesheet"]

_FOLDER = Path(__file__).parent


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _colours() -> str:
    light, dark = PALETTES["light"].css(), PALETTES["dark"].css()
    # The header says which theme is on; where there is none, JupyterLab's theme decides, then the system's.
    undecided = ":root:not([data-explorer-theme])"
    return "\n".join(
        [
            f":root {{ {light} }}",
            f':root[data-explorer-theme="dark"] {{ {dark} }}',
            f'{undecided}:has(> body[data-jp-theme-light="false"]) {{ {dark} }}',
            "@media (prefers-color-scheme: dark) {",
            f"  {undecided}:not(:has(> body[data-jp-theme-light])) {{ {dark} }}",
            "}",
        ]
    )


def stylesheet(*names: str) -> str:
    """Return the CSS of a part of the page: both themes' colours, the base, and its own rules.

    Parameters
    ----------
    *names : str
        File names beside this one, without ``.css``.

    Returns
    -------
    str
        The text of one style sheet.
    """
    return "\n".join([_colours(), _read("base.css"), *(_read(f"{name}.css") for name in names)])


def script(name: str) -> str:
    """Return the JavaScript module of a part of the page: the shared lines, then its own.

    Parameters
    ----------
    name : str
        File name beside this one, without ``.js``.

    Returns
    -------
    str
        The text of one module.
    """
    return "\n".join([_read("base.js"), _read(f"{name}.js")])
