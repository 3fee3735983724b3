"""reveal.js, which moves the slides of the talk: where an installed package holds it.

Nothing of it is copied here. The package is `sphinx-revealjs` (Apache-2.0), of which only the folder of reveal.js
(MIT, Hakim El Hattab and contributors) is served; its Sphinx part is never imported.
"""

from importlib.util import find_spec
from pathlib import Path

__all__ = ["RevealMissingError", "find_reveal"]

_NEEDED = ("dist/reveal.js", "dist/reveal.css")


class RevealMissingError(RuntimeError):
    """reveal.js is not installed; the message is one sentence that says what to do."""


def find_reveal(package: str = "sphinx_revealjs") -> Path:
    """Return the folder that holds ``dist/reveal.js``.

    Parameters
    ----------
    package : str
        Name of the Python package that brings it.

    Raises
    ------
    RevealMissingError
        If the package is not installed, or brings none.
    """
    spec = find_spec(package)
    places = [] if spec is None else spec.submodule_search_locations or []
    for place in places:
        folder = Path(place) / "_static" / "revealjs"
        if all((folder / name).is_file() for name in _NEEDED):
            return folder
    raise RevealMissingError(
        'the talk needs reveal.js: install it with pip install "sphinx-revealjs>=3.2,<4".'
    )
