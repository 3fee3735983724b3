"""A network's weights in a file: a NumPy ``.npz`` without pickles, read as untrusted.

Besides the arrays ``W1``, ``b1``, ``W2``, … the file has one text, ``network``, with the names of the functions
and of other entries. Declared sizes are checked before reading, so a small hostile file can't fill the memory.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.foreign_files import (
    ArrayArchive,
    FileError,
    archive_bytes,
    explained,
    open_plain_file,
    printable,
)

from . import arguments

Array = NDArray[Any]

FORMAT = 1
MOST_BYTES = 1 << 27
"""Maximum of the declared sizes of a file's entries: twice the largest network that the controls allow."""

_MOST_TEXT = 41_000  # bytes of 10 000 letters, and of the header
_KEYS = frozenset({"format", "metadata", *arguments.FUNCTIONS})
_PARAMETER = re.compile(r"([Wb])([1-9][0-9]?)")
_EXPECTED = "weights that the explorer has saved"


class WeightsError(FileError):
    """Weights that can't be used."""


@dataclass(frozen=True, slots=True, eq=False)
class SavedWeights:
    """The content of a weights file."""

    weights: Mapping[str, Array]
    """``W1``, ``b1``, ``W2``, … in this order, with matching shapes, all float32 or all float64, finite."""
    functions: Mapping[str, str]
    """The names of the network's hidden activation, output, loss and initializer."""


def sizes_of(weights: Mapping[str, Array]) -> tuple[int, ...]:
    """Return the units of every layer, the inputs first, from parameters named W1, b1, W2, …, in this order."""
    matrices = [array for name, array in weights.items() if name.startswith("W")]
    return (matrices[0].shape[1], *map(len, matrices))


def weights_bytes(weights: Mapping[str, Array], functions: Mapping[str, str], **metadata: ArrayLike) -> bytes:
    """Return the content of a ``.npz`` file without pickles; equal weights give equal bytes.

    Each entry of `metadata`, a text, a number or an array of numbers, is read by ``numpy.load(path)["name"]``.
    Raises `WeightsError` if a weight isn't finite, `ValueError` for an entry of a reserved name or another type.
    """
    for key, array in weights.items():
        _check_finite(array, f"the network, {key}")
    text = json.dumps({"format": FORMAT, **functions, "metadata": list(metadata)})
    extras = {key: np.asarray(value, order="C") for key, value in metadata.items()}
    for key, array in extras.items():
        if key == "network" or _PARAMETER.fullmatch(key):
            raise ValueError(f"the name {key!r} is kept for the network itself")
        if array.dtype.kind not in "Ubiuf":
            raise ValueError(f"{key} has dtype {array.dtype}; expected text and numbers")
    return archive_bytes({"network": np.array(text), **weights, **extras})


def load_weights(path: str | os.PathLike[str]) -> SavedWeights:
    """Load a file written by `weights_bytes`; for any other, or none, a `WeightsError` says what was found."""
    location = Path(path).expanduser()
    name = printable(location.name)
    with explained(name, WeightsError, _EXPECTED), open_plain_file(location, name) as stream:
        archive = ArrayArchive(stream, name, MOST_BYTES)
        functions, extras = _read_settings(archive)
        n_layers = sum(entry.startswith("W") for entry in archive.names if _PARAMETER.fullmatch(entry))
        names = [f"{kind}{number}" for number in range(1, max(n_layers, 2) + 1) for kind in "Wb"]
        expected = {"network", *names, *extras}
        if archive.names != expected:
            missing, more = sorted(expected - archive.names), sorted(archive.names - expected)
            found = f"no {printable(missing[0])}" if missing else f"an entry {printable(more[0])}"
            raise WeightsError(name, found, "W1, b1, W2, b2 and so on, and the entries named in “network”")
        words = "float32 or float64 in two dimensions"
        weights = {key: archive.array(key, "f4|f8", 2, words) for key in names}
        n_in, dtype = weights["W1"].shape[1], weights["W1"].dtype
        for key, array in weights.items():
            shape = (len(array), n_in) if key.startswith("W") else (n_in, 1)
            if array.shape != shape or array.dtype != dtype:
                found = f"{array.dtype} of shape {array.shape}"
                raise WeightsError(f"{name}, {key}", found, f"{dtype} of shape {shape}")
            _check_finite(array, f"{name}, {key}")
            n_in = len(array)
        return SavedWeights(weights, functions)


def _check_finite(array: Array, part: str) -> None:
    if not np.isfinite(array).all():
        raise WeightsError(part, "values that are infinite or not a number", "finite weights")


def _read_settings(archive: ArrayArchive) -> tuple[dict[str, str], list[str]]:
    part, settings = f"{archive.name}, network", archive.text("network", _MOST_TEXT, _EXPECTED)
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = f"format {settings.get('format')!r}" if isinstance(settings, dict) else "no settings"
        raise WeightsError(part, printable(found), f"format {FORMAT}")
    names: Any = settings.get("metadata")
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if settings.keys() != _KEYS or not is_list:
        raise WeightsError(part, "other settings", ", ".join(sorted(_KEYS)))
    functions = arguments.FUNCTIONS.items()
    return {key: arguments.choice(key, settings[key], known) for key, known in functions}, names
