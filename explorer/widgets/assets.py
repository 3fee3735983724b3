"""Style sheets and scripts of the page, sent once for all of a kernel's parts."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path

import anywidget
from ipywidgets import Layout
from traitlets import Dict, Unicode

from explorer.figures.palette import PALETTES

_FOLDER = Path(__file__).parent
_BASE, _GIVER = _FOLDER / "base.js", Path(__file__).with_suffix(".js")
_DESCRIPTION = re.compile(r"^ */\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
"""A JSDoc comment on lines of its own; the page doesn't need its types."""
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
"""Makes a part ready before its script arrives: if that takes more than two seconds, anywidget drops all messages
from Python."""


class Assets(anywidget.AnyWidget):
    """Sends style sheets and, by name, scripts to the page. It is never displayed; `look_of` creates it."""

    _esm = _GIVER
    _css = Unicode().tag(sync=True)
    key = Unicode().tag(sync=True)
    """Name on ``globalThis`` of a promise of the function that returns a script; empty without scripts."""
    base = Unicode().tag(sync=True)
    """Code shared by all scripts."""
    scripts = Dict().tag(sync=True)

    def __init__(self, folder: Path) -> None:
        css, base, scripts = page_assets(folder)
        own = {"key": _key(folder) if scripts else "", "base": base, "scripts": scripts}
        super().__init__(_anywidget_id=f"explorer.{folder.name}", _css=css, **own)
        self.send({})  # JupyterLab delays all later widgets until this one has received a message


def look_of(folder: Path) -> Assets:
    """Ensure that a folder's style sheets and scripts are on every page of the kernel.

    Sheets in subfolders come after those in the folder itself. All callers get the same `Assets`.
    """
    if folder != _FOLDER:
        look_of(_FOLDER)  # first, so that the folder's rules override those of equal specificity
    found = _assets(folder)
    found.open()  # does nothing, unless all widgets have been closed
    return found


@cache
def plain_layout() -> Layout:
    """Return the one layout of all parts that have none of their own; each would be another model for the page."""
    return Layout()


def forget_looks() -> None:
    """Create new assets and a new layout next time, as needed in a fork of a process with closed widgets."""
    _assets.cache_clear()
    plain_layout.cache_clear()


def script(name: str, folder: Path = _FOLDER) -> str:
    """Return a part's JavaScript module, which requests the script ``name.js``; `KeyError` if there is none."""
    if name not in _scripts(folder):
        raise KeyError(f"no script {name}.js")
    return _LOADER.format(key=_key(folder), name=name)


_assets = cache(Assets)


def page_assets(folder: Path = _FOLDER) -> tuple[str, str, Mapping[str, str]]:
    """Return a folder's style sheets, the code that its scripts share, and the scripts by name."""
    sheets = sorted(folder.rglob("*.css"), key=lambda path: (path.name != "base.css", len(path.parts), path))
    colors = [_colors()] if folder == _FOLDER else []
    scripts = _scripts(folder)
    css = "\n".join([*colors, *(sheet.read_text(encoding="utf-8") for sheet in sheets)])
    return css, _script(_BASE) if scripts else "", scripts


@cache
def _scripts(folder: Path) -> Mapping[str, str]:
    return {path.stem: _script(path) for path in sorted({*folder.glob("*.js")} - {_BASE, _GIVER})}


@cache
def _script(path: Path) -> str:
    return _DESCRIPTION.sub("", path.read_text(encoding="utf-8"))


@cache
def _key(folder: Path) -> str:
    """Return a key that changes with the scripts' content: a page may show two kernels with two versions."""
    text = "\0".join([_script(_BASE), *_scripts(folder).values()])
    return f"explorer.scripts.{sha256(text.encode()).hexdigest()[:12]}"


def _colors() -> str:
    light, dark = (f"{palette.css()} --explorer-scheme: {theme};" for theme, palette in PALETTES.items())
    # The header sets the theme; without a header, JupyterLab's theme decides, then the system's.
    not_light = ':root:not([data-explorer-theme="light"])'  # on a published page "" stands for no choice
    by_jupyter = f'{not_light}:has(> body[data-jp-theme-light="false"]) {{ {dark} }}'
    by_system = f"{not_light}:not(:has(> body[data-jp-theme-light])) {{ {dark} }}"
    return f""":root {{ {light} }}
:root[data-explorer-theme="dark"], .explorer-photos .explorer-drawing-ground {{ {dark} }}
{by_jupyter}
@media (prefers-color-scheme: dark) {{ {by_system} }}"""
