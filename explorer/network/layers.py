"""The exercise's names for the arrays in the network's lists: W1 is W[0], b1 is b[0], a1 is a[0], h1 is h[1]."""

import re
from typing import Any

_NUMBERED = re.compile(r"([Wbah])([1-9][0-9]?)")


class Layers:
    """Names the arrays of each layer: those of the first are ``W1``, ``b1``, ``a1`` and ``h1``.

    Such a name accesses an entry of the list ``W``, ``b``, ``a`` or ``h``, which is created or extended as needed.
    The list ``h`` starts with the inputs of the network, ``h[0]``.
    """

    def __getattr__(self, name: str) -> Any:
        found, hint = _place(name), ""
        if found is not None:
            kind, index = found
            arrays = vars(self).get(kind, ())
            if index < len(arrays) and arrays[index] is not None:
                return arrays[index]
            hint = ": forward(X) makes it, for each of the network's layers" if kind in "ah" else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    def __setattr__(self, name: str, value: Any) -> None:
        found = _place(name) if name[-1].isdigit() else None
        arrays = [] if found is None else vars(self).setdefault(found[0], [])
        if found is None or not isinstance(arrays, list):  # the letter has another use in a subclass
            super().__setattr__(name, value)
        else:
            arrays.extend([None] * (found[1] + 1 - len(arrays)))
            arrays[found[1]] = value


def _place(name: str) -> tuple[str, int] | None:
    """Return the list and index that a name such as ``"W1"`` refers to; None for other names."""
    found = _NUMBERED.fullmatch(name)
    return (found[1], int(found[2]) - (found[1] != "h")) if found else None
