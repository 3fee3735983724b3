"""A network's weights in a file: a NumPy ``.npz`` without pickles, read back without trust.

Besides the arrays ``W1``, ``b1``, ``W2``, … the file holds one text, ``network``, with the names of the functions
and of whatever else was stored. Reading starts from the sizes that the file declares, so that a small hostile
file can't fill the memory.
"""

import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.foreign_files import FileError, NpyHeader, dtype_name, printable, reason
from explorer.network import arguments
from explorer.network.activations import ACTIVATIONS, OUTPUTS
from explorer.network.initializers import INITIALIZERS
from explorer.network.losses import LOSSES
from explorer.safe_write import check_destination, whole_file

__all__ = [
    "SavedWeights",
    "WeightsError",
    "layer_sizes",
    "load_weights",
    "read_weights",
    "save_weights",
    "weights_bytes",
]

FORMAT = 1
MOST_BYTES = 1 << 28
"""Most bytes that all of a file's entries may declare: five times the largest network that the controls allow."""

_MOST_ENTRIES = 100
_MOST_LETTERS = 10_000
_MOST_HEADER = 1_000
_FUNCTIONS: Mapping[str, Collection[str]] = MappingProxyType(
    {"hidden_activation": ACTIVATIONS, "output": OUTPUTS, "loss": LOSSES, "initializer": INITIALIZERS}
)
_KEYS = frozenset({"format", "metadata", *_FUNCTIONS})
_PARAMETER = re.compile(r"([Wb])([1-9][0-9]?)")
_EXPECTED = "weights that the explorer has saved"
# What zipfile and zlib raise for a file that is cut off, altered or made to harm, or whose kind of compression
# zipfile doesn't know.
_DAMAGED = (
    OSError, EOFError, ValueError, RuntimeError, OverflowError, MemoryError,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SavedWeights:
    """What a file holds.

    Parameters
    ----------
    weights : mapping of str to ndarray
        ``W1``, ``b1``, ``W2``, … in this order, of shapes that fit together, all float32 or all float64, finite.
    functions : mapping of str to str
        The names of the network's hidden activation, output, loss and initializer.
    metadata : mapping of str to str or float
        Single texts and numbers that were stored besides; they are as trustworthy as their source.
    """

    weights: Mapping[str, NDArray[Any]]
    functions: Mapping[str, str]
    metadata: Mapping[str, str | float]


def layer_sizes(weights: Mapping[str, NDArray[Any]]) -> tuple[int, ...]:
    """Return the units of every layer, the inputs first, of parameters named W1, b1, W2, …, in this order."""
    matrices = [array for name, array in weights.items() if name.startswith("W")]
    return (matrices[0].shape[1], *map(len, matrices))


class WeightsError(FileError):
    """Weights that can't be used."""


def save_weights(
    path: str | os.PathLike[str],
    weights: Mapping[str, NDArray[Any]],
    functions: Mapping[str, str],
    *,
    overwrite: bool = False,
) -> None:
    """Write a network's weights to a ``.npz`` file without pickles, all of it or nothing.

    Parameters
    ----------
    path : str or path-like
        Where to; nothing is added to the name. A ``~`` at the start is the home folder.
    weights, functions
        As in `SavedWeights`.
    overwrite : bool
        Whether a file that is there already is replaced.

    Raises
    ------
    WeightsError
        If a weight is infinite or not a number.
    OSError
        If the file is there already and may not be replaced, or can't be written.
    """
    name = check_destination(path, overwrite=overwrite).name
    content = _content(name, weights, functions, {})
    with whole_file(path, overwrite=overwrite) as stream:
        _write(stream, content)


def weights_bytes(
    weights: Mapping[str, NDArray[Any]], functions: Mapping[str, str], **metadata: ArrayLike
) -> bytes:
    """Return what `save_weights` writes to a file, with more besides; equal weights give equal bytes.

    Parameters
    ----------
    weights, functions
        As in `SavedWeights`.
    **metadata : str, numbers or arrays of numbers
        More to store, each under its own name: ``numpy.load(path)["name"]`` gives it back.

    Raises
    ------
    WeightsError
        If a weight is infinite or not a number.
    ValueError
        If a piece of metadata has a reserved name, or is neither text nor numbers.
    """
    stream = BytesIO()
    _write(stream, _content("the network", weights, functions, metadata))
    return stream.getvalue()


def load_weights(path: str | os.PathLike[str]) -> SavedWeights:
    """Return what `save_weights` wrote to a file.

    Parameters
    ----------
    path : str or path-like
        The file. It may come from anywhere: nothing in it is run, and its sizes are checked before it is read.

    Raises
    ------
    WeightsError
        If there is no such file, or it holds anything else. The message names the file, what was found and
        what was expected.
    """
    location = Path(path).expanduser()
    name = printable(location.name)
    with _explained(name), _opened(location, name) as stream:
        return _read(stream, name)


def read_weights(content: bytes, name: str) -> SavedWeights:
    """Return what `weights_bytes` packed; the bytes may come from anywhere, as for `load_weights`.

    Parameters
    ----------
    content : bytes
        A whole file.
    name : str
        What the file is called, for the message of an error.

    Raises
    ------
    WeightsError
        If the bytes are anything else.
    """
    name = printable(name)
    with _explained(name):
        return _read(BytesIO(content), name)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever a damaged file brings about into the one error."""
    try:
        yield
    except WeightsError:
        raise
    except _DAMAGED as error:
        raise WeightsError(name, printable(reason(error)), _EXPECTED) from error


def _content(
    name: str,
    weights: Mapping[str, NDArray[Any]],
    functions: Mapping[str, str],
    metadata: Mapping[str, ArrayLike],
) -> dict[str, NDArray[Any]]:
    """Return all entries of a file by name, once they are known to be finite and storable."""
    extras = {key: _storable(key, value) for key, value in metadata.items()}
    for key, array in weights.items():
        _check_finite(array, f"{name}, {key}")
    text = json.dumps({"format": FORMAT, **functions, "metadata": list(extras)})
    return {"network": np.array(text), **weights, **extras}


def _names(n_layers: int) -> list[str]:
    return [f"{kind}{number}" for number in range(1, n_layers + 1) for kind in "Wb"]


def _storable(name: str, value: ArrayLike) -> NDArray[Any]:
    if name == "network" or _PARAMETER.fullmatch(name):
        raise ValueError(f"the name {name!r} is kept for the network itself")
    array = np.asarray(value, order="C")
    if array.dtype.kind not in "Ubiuf":
        raise ValueError(f"{name} has dtype {array.dtype}; expected text and numbers")
    return array


def _write(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write what `numpy.savez` writes, with any name allowed and no time: equal arrays give equal bytes."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)


def _check_finite(array: NDArray[Any], part: str) -> None:
    if not np.isfinite(array).all():
        raise WeightsError(part, "values that are infinite or not a number", "finite weights")


def _opened(path: Path, name: str) -> BinaryIO:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):  # opening a pipe would wait for its writer
        raise WeightsError(name, "something else than a file", _EXPECTED)
    return path.open("rb")


def _read(stream: BinaryIO, name: str) -> SavedWeights:
    with zipfile.ZipFile(stream) as archive:
        return _read_archive(archive, name)


def _read_archive(archive: zipfile.ZipFile, name: str) -> SavedWeights:
    entries = _checked_entries(archive, name)
    settings = _read_settings(archive, entries, name)
    extras = settings.pop("metadata")
    n_layers = sum(entry.startswith("W") for entry in entries if _PARAMETER.fullmatch(entry))
    expected = {"network", *_names(max(n_layers, 2)), *extras}
    if entries.keys() != expected:
        missing, more = sorted(expected - entries.keys()), sorted(entries.keys() - expected)
        found = f"no {missing[0]}" if missing else f"an entry {printable(more[0])}"
        raise WeightsError(name, found, "W1, b1, W2, b2 and so on, and the entries named in “network”")
    arrays = [_read_weights(archive, entries[entry], f"{name}, {entry}") for entry in _names(n_layers)]
    _check_shapes(arrays, name)
    native = [array.astype(array.dtype.newbyteorder("=")) for array in arrays]
    weights = dict(zip(_names(n_layers), native, strict=True))
    metadata = _read_metadata(archive, {key: entries[key] for key in extras}, name)
    return SavedWeights(weights, settings, metadata)


def _read_metadata(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str
) -> dict[str, str | float]:
    """Return those of the further entries that are a single text or number; tables are left where they are."""
    found: dict[str, str | float] = {}
    for key, entry in entries.items():
        if entry.file_size <= 4 * _MOST_LETTERS + _MOST_HEADER and _is_single(archive, entry):
            found[key] = _read_array(
                archive, entry, f"{name}, {key}", r"U\d{1,5}|[iuf]\d", 0, "a value"
            ).item()
    return found


def _is_single(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    with archive.open(entry) as stream:
        return b"'shape': ()" in stream.read(_MOST_HEADER)


def _checked_entries(archive: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return the archive's entries by name, once their number and the sizes that they declare are known."""
    infos = archive.infolist()
    entries = {info.filename.removesuffix(".npy"): info for info in infos}
    if len(infos) > _MOST_ENTRIES or len(entries) < len(infos):
        raise WeightsError(name, f"{len(infos)} entries", f"each name once, at most {_MOST_ENTRIES}")
    size = sum(info.file_size for info in infos)
    if size > MOST_BYTES:
        raise WeightsError(name, f"{size} bytes when unpacked", f"at most {MOST_BYTES}")
    return entries


def _read_settings(
    archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo], name: str
) -> dict[str, Any]:
    part = f"{name}, network"
    if "network" not in entries:
        raise WeightsError(name, "no entry “network”", _EXPECTED)
    limit = f"a text of at most {_MOST_LETTERS} letters"
    if entries["network"].file_size > 4 * _MOST_LETTERS + _MOST_HEADER:
        raise WeightsError(part, f"{entries['network'].file_size} bytes", limit)
    text = _read_array(archive, entries["network"], part, r"U\d{1,5}", 0, limit)
    try:
        settings = json.loads(text.item())
    except (ValueError, RecursionError) as error:
        raise WeightsError(part, "a text that is not JSON", "the settings as JSON") from error
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = f"format {settings.get('format')!r}" if isinstance(settings, dict) else "no settings"
        raise WeightsError(part, printable(found), f"format {FORMAT}")
    names = settings.get("metadata")
    if settings.keys() != _KEYS or not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise WeightsError(part, "other settings", ", ".join(sorted(_KEYS)))
    for key, known in _FUNCTIONS.items():
        arguments.choice(key, settings[key], known)
    del settings["format"]
    return settings


def _read_weights(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, part: str) -> NDArray[Any]:
    array = _read_array(archive, entry, part, "f4|f8", 2, "float32 or float64 in two dimensions")
    _check_finite(array, part)
    return array


def _read_array(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, part: str, dtypes: str, n_axes: int, expected: str
) -> NDArray[Any]:
    """Read one array, once its header says what is `expected` and agrees with the entry's size."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise WeightsError(part, f"compression method {entry.compress_type}", "stored or deflated data")
    with archive.open(entry) as stream:
        header = NpyHeader.read(stream)
        if header is None:
            raise WeightsError(part, "something else than a plain array", expected)
        shape = header.shape
        if not re.fullmatch(dtypes, header.dtype.lstrip("<>|=")) or len(shape) != n_axes or 0 in shape:
            raise WeightsError(part, f"{dtype_name(header.dtype)} of shape {shape}", expected)
        size = prod(shape) * np.dtype(header.dtype).itemsize
        if entry.file_size != header.size + size:
            raise WeightsError(part, f"{entry.file_size} bytes", f"as many as shape {shape} takes")
        # Without a limit all that is packed would be unpacked; the byte more is there if the header was cut.
        data = stream.read(size + 1)
    return np.frombuffer(data, header.dtype).reshape(shape, order="F" if header.fortran else "C")


def _check_shapes(arrays: list[NDArray[Any]], name: str) -> None:
    """Raise unless the shapes and dtypes of all parameters fit together."""
    weights, biases = arrays[::2], arrays[1::2]
    sizes = [weights[0].shape[1], *(W.shape[0] for W in weights)]
    for number, (W, b, (n_in, n_out)) in enumerate(zip(weights, biases, pairwise(sizes), strict=True), 1):
        for kind, array, shape in (("W", W, (n_out, n_in)), ("b", b, (n_out, 1))):
            if array.shape != shape or array.dtype != weights[0].dtype:
                found = f"{array.dtype} of shape {array.shape}"
                raise WeightsError(f"{name}, {kind}{number}", found, f"{weights[0].dtype} of shape {shape}")
