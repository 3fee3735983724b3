"""Functions that exported scripts contain in addition to the textbook's, as source."""

import gzip
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read(path: Path, kind: str, size: int) -> NDArray[Any]:
    """Return the "images" or "labels" in a folder or an archive as one flat array, training set first."""
    if path.is_file():
        with tarfile.open(path) as tar:
            files = [(it.name, f.read()) for it in tar if kind in it.name and (f := tar.extractfile(it))]
    else:
        files = [(file.name, file.read_bytes()) for file in path.glob(f"*{kind}*") if file.is_file()]
    arrays = {}
    for name, content in sorted(files, reverse=True):  # "train" comes before "test" and "t10k"
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        is_npy, dtype = content[:6] == b"\x93NUMPY", {8: "u1", 9: "i1", 11: ">i2", 12: ">i4"}.get(content[2])
        array = np.load(BytesIO(content)) if is_npy else np.frombuffer(content, dtype, -1, 4 + 4 * content[3])
        arrays[name.removesuffix(".gz")] = array.ravel()
    if sum(map(len, arrays.values())) != size:
        sys.exit(f"usage: python {sys.argv[0]} IMAGES ({path} has not all the {kind})")
    return np.concatenate([*arrays.values()])


def augmented(images: NDArray[np.uint8], amounts: Any, *seed: int) -> NDArray[np.float32]:
    """Return images (n, 28, 28) as columns (784, n), each distorted at random by up to `amounts`.

    These are shifts to the right and down, rotation, scale and elastic, as in `Augmentation`. The random numbers
    are the explorer's; one pixel in 40 differs by one gray level, because coordinates aren't rounded.
    """
    *limits, elastic = amounts
    X, (v, u) = np.empty((784, len(images)), np.float32), np.indices((28, 28)) - 13.5  # from the center
    smoothing = np.exp(-((np.arange(28)[:, None] - np.arange(-8, 37, 4)) ** 2) / 32)  # (28, 12)
    smoothing /= np.sqrt((smoothing**2).sum(axis=1, keepdims=True))
    for i in range(0, len(images), 32):
        if i % 2048 == 0:
            rng = np.random.default_rng([*seed, i // 2048])
            drawn = rng.uniform(-1, 1, (len(images[i : i + 2048]), 4)) * limits
        right, down, degrees, growth = drawn[i % 2048 :][:32].T[:, :, None, None]  # each (n, 1, 1)
        point = (u - right + 1j * (v - down)) * np.exp(1j * np.deg2rad(degrees)) / (1 + growth)  # x + iy
        noise = smoothing @ rng.standard_normal((2, len(right), 12, 12), np.float32) @ smoothing.T
        x, y = np.clip(np.array([point.real, point.imag]) + elastic * noise + 14.5, 0, 29)  # each (n, 28, 28)
        X[:, i : i + 32] = interpolated(images[i : i + 32], x, y).reshape(-1, 784).T / 255
    return X


def interpolated(images: NDArray[np.uint8], x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Return the gray levels of images, in a frame of zeros, at columns x and rows y, from 0 to 29, bilinearly."""
    image, framed = np.arange(len(images))[:, None, None], np.pad(images / 1.0, ((0, 0), (1, 2), (1, 2)))
    left, top, right, below = x.astype(int), y.astype(int), x % 1, y % 1
    upper = (1 - right) * framed[image, top, left] + right * framed[image, top, left + 1]
    lower = (1 - right) * framed[image, top + 1, left] + right * framed[image, top + 1, left + 1]
    return np.asarray(np.rint((1 - below) * upper + below * lower))
