"""Functions that exported scripts contain in addition to the textbook's, as source."""

import gzip
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.augmentation import distort
from explorer.network.regularization import dropout_mask

__all__ = ["augmented", "draw_masks", "read"]


def draw_masks(self: Any, n: int) -> list[Any]:
    """Return the masks of a step, from a network's generators `rngs`: as in the engine, each layer has its own."""
    rates = [self.input_dropout] + [self.dropout] * (len(self.layer_sizes) - 2)
    each = zip(self.rngs, rates, self.layer_sizes)  # noqa: B905
    return [dropout_mask(rng, p, size, n) if p else 1 for rng, p, size in each]


def read(path: Path, kind: str, size: int) -> NDArray[Any]:
    """Return the "images" or "labels" in a folder or an archive as one flat array, training set first."""
    files: dict[str, bytes] = {}
    if path.is_dir():
        files = {file.name: file.read_bytes() for file in path.glob(f"*{kind}*") if file.is_file()}
    elif path.is_file():
        with tarfile.open(path) as tar:
            files = {it.name: tar.extractfile(it).read() for it in tar if kind in it.name and it.isfile()}  # type: ignore[union-attr]
    arrays = {}
    for name, content in sorted(files.items(), reverse=True):  # "train" comes before "test" and "t10k"
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        is_npy, dtype = content[:6] == b"\x93NUMPY", {8: "u1", 9: "i1", 11: ">i2", 12: ">i4"}.get(content[2])
        array = np.load(BytesIO(content)) if is_npy else np.frombuffer(content, dtype, -1, 4 + 4 * content[3])
        arrays[name.removesuffix(".gz")] = array.ravel()
    if sum(map(len, arrays.values())) != size:
        sys.exit(f"usage: python {sys.argv[0]} IMAGES ({path} has not all the {kind})")
    return np.concatenate([*arrays.values()])


def augmented(images: NDArray[np.uint8], amounts: Any, *seed: int) -> NDArray[np.float32]:
    """Return the images of an epoch as columns: each block of 2048 is distorted by its own random numbers."""
    parts = [images[start : start + 2048] for start in range(0, len(images), 2048)]
    rngs = [np.random.default_rng([*seed, number]) for number in range(len(parts))]
    changed = np.concatenate([distort(part, amounts, rng) for part, rng in zip(parts, rngs)])  # noqa: B905
    X: NDArray[np.float32] = np.divide(changed.reshape(len(images), -1).T, 255, dtype=np.float32)
    return X  # (784, n)
