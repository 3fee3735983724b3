"""Style sheets and scripts of the page: each goes there once, for all parts that a kernel has on it.

A part holds only a few lines that ask for its script by name; the scripts, and every room's sheets, are brought by
widgets of their own that are never displayed.
"""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import anywidget
from traitlets import Dict, Unicode

from explorer.figures.palette import PALETTES

_FOLDER = Path(__file__).parent
_DESCRIPTION = re.compile(r"^ */\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
"""A comment on lines of its own, which says types: the page needs none."""
_LOADER = """\
const scripts = (globalThis["{key}"] ??= Promise.withResolvers());
export default () => {{
  const part = scripts.promise.then((give) => give("{name}"));
  return {{
    initialize: (its) => void part.then((widget) => widget.initialize(its)),
    render: async (its) => (await part).render(its),
  }};
}};
"""
"""A part is ready before its script is there: to one that isn't within two seconds, anywidget never passes on what
Python says."""


class Assets(anywidget.AnyWidget):
    """Brings style sheets and scripts to the page. It is never displayed; `look_of` makes it.

    Parameters
    ----------
    css : str
        The rules.
    scripts : mapping of str to str, optional
        What the parts run, by the name that they ask for.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Unicode().tag(sync=True)
    key = Unicode().tag(sync=True)
    """Name on ``globalThis`` of a promise of the function that gives a script; empty without scripts."""
    base = Unicode().tag(sync=True)
    """The few lines under every script."""
    scripts = Dict().tag(sync=True)

    def __init__(self, name: str, css: str, scripts: Mapping[str, str] | None = None) -> None:
        key, base = (_key(), _script("base")) if scripts else ("", "")
        super().__init__(
            _anywidget_id=f"explorer.{name}", _css=css, key=key, base=base, scripts=scripts or {}
        )
        self.send({})  # JupyterLab waits with all widgets that come later until this one has heard of it


def look_of(folder: Path) -> Assets:
    """See that the style sheets of a room are on every page of the kernel; those of the parts with their scripts.

    They lie in its folder, or in folders below, whose sheets come later. All who ask get the same `Assets`.
    """
    if folder != _FOLDER:
        look_of(_FOLDER)  # first, so that of two rules that weigh the same the room's is the one that counts
    found = _assets(folder)
    found.open()  # does nothing, unless somebody has closed all widgets
    return found


def forget_looks() -> None:
    """Let `look_of` make new ones, as in a process that was forked from one in which all widgets were closed."""
    _assets.cache_clear()


def script(name: str) -> str:
    """Return the JavaScript module of a part: it asks for the script of that name, wherever the page has it from.

    Raises
    ------
    KeyError
        If there is no file of this name, with ``.js``, in this folder.
    """
    if name not in _scripts():
        raise KeyError(f"no script {name}.js")
    return _LOADER.format(key=_key(), name=name)


@cache
def _assets(folder: Path) -> Assets:
    sheets = sorted(folder.rglob("*.css"), key=lambda path: (len(path.parts), path))
    if folder != _FOLDER:
        return Assets(folder.name, "\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets))
    rules = [_read(sheet.name) for sheet in sheets if sheet.stem != "base"]
    return Assets(folder.name, "\n".join([_colours(), _read("base.css"), *rules]), _scripts())


@cache
def _scripts() -> Mapping[str, str]:
    names = sorted({path.stem for path in _FOLDER.glob("*.js")} - {"base", "assets"})
    return {name: _script(name) for name in names}


def _script(name: str) -> str:
    return _DESCRIPTION.sub("", _read(f"{name}.js"))


@cache
def _key() -> str:
    """Return a key that changes with the scripts' content: a page may show two kernels with two versions."""
    text = "\0".join([_script("base"), *_scripts().values()])
    return f"explorer.scripts.{sha256(text.encode()).hexdigest()[:12]}"


@cache
def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _colours() -> str:
    light, dark = (f"{palette.css()} --explorer-scheme: {theme};" for theme, palette in PALETTES.items())
    # The header says which theme is on; where there is none, JupyterLab's theme decides, then the system's.
    undecided = ":root:not([data-explorer-theme])"
    by_jupyter = f'{undecided}:has(> body[data-jp-theme-light="false"]) {{ {dark} }}'
    by_system = f"{undecided}:not(:has(> body[data-jp-theme-light])) {{ {dark} }}"
    return f""":root {{ {light} }}
:root[data-explorer-theme="dark"] {{ {dark} }}
{by_jupyter}
@media (prefers-color-scheme: dark) {{ {by_system} }}"""
