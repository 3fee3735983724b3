"""Points in the unit square, in steps of 1/255: each is an image of 1 × 2 pixels, x to the right and y up."""

import re
from dataclasses import astuple, dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.datasets.dataset import PLANE_SHAPE, Dataset, DatasetError

PREFIX = "plane:"  # of the source of such a data set; the rest is `Plane.text`
KINDS = MappingProxyType({"quarters": 2, "circles": 2, "spirals": 2, "moons": 2, "gaussians": 3})  # n_classes
LIMITS = MappingProxyType({"n": (2, 2000), "noise": (0.0, 0.3), "share": (0.1, 0.9), "seed": (0, 999)})
MOST_ADDED = 200


def places(kind: str, labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return where the points of a kind are, (n, 2), without noise; `labels` has the class of each, (n,).

    - Quarters: two opposite ones for each class, XOR.
    - Circles: evenly over a disk of radius 0.2, and over a ring of 0.3 to 0.45 for class 1.
    - Spirals (Lang and Witbrock, 1988): radius 0.45 t, angle 3.5 π t + π · class, t² evenly from 0.01 to 1.
    - Moons: half circles (cos a, sin a) and (1 − cos a, ½ − sin a), a from 0 to π, times 0.28.
    - Gaussians: three normal distributions, 0.25 from the middle, of standard deviation 0.06.
    """
    u, v = rng.uniform(size=(2, len(labels)))
    if kind == "quarters":
        right = rng.integers(0, 2, len(labels))
        return np.column_stack([u + right, v + (right ^ labels)]) / 2
    if kind == "moons":
        side, a = 1 - 2 * labels, np.pi * u
        x, y = side * np.cos(a) + labels - 0.5, side * np.sin(a) + labels / 2 - 0.25
        return 0.5 + 0.28 * np.column_stack([x, y])
    if kind == "circles":
        radius, angle = np.sqrt(np.where(labels == 0, 0.04 * u, 0.09 + 0.1125 * u)), 2 * np.pi * v
    elif kind == "spirals":
        t = np.sqrt(0.01 + 0.99 * u)
        radius, angle = 0.45 * t, np.pi * (3.5 * t + labels)
    else:
        radius, angle = np.full(len(labels), 0.25), np.pi * (0.5 + labels / 1.5)
    around = 0.06 * (kind == "gaussians") * rng.standard_normal((len(labels), 2))
    return np.asarray(0.5 + np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + around)


@dataclass(frozen=True, slots=True)
class Plane:
    """What a data set of points is made of; raises `DatasetError` for another kind, or values outside `LIMITS`.

    A `share` of the `n` points is for training, and `noise` a standard deviation on each axis. `added` has six hex
    digits for each further training point: x, y, and class.
    """

    kind: str = "spirals"
    n: int = 500
    noise: float = 0.01
    share: float = 0.7
    seed: int = 0
    added: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DatasetError("plane", f"kind {self.kind[:20]!r}", f"one of {', '.join(KINDS)}")
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise DatasetError("plane", f"{name} {getattr(self, name)}", f"{name} from {low} to {high}")
        most = KINDS[self.kind] - 1
        if not re.fullmatch(f"([0-9a-f]{{4}}0[0-{most}]){{0,{MOST_ADDED}}}", self.added):
            found = f"added points {self.added[:20]!r}"
            raise DatasetError("plane", found, f"up to {MOST_ADDED} of this kind")

    @property
    def text(self) -> str:
        """The same as text: ``"spirals,500,0.01,0.7,0"``, and the added points if there are any."""
        return ",".join(map(str, astuple(self))).rstrip(",")

    @classmethod
    def parse(cls, text: str) -> "Plane":
        """Read what `text` returns; raises `DatasetError`."""
        try:
            kind, n, noise, share, seed, added = f"{text},".split(",")[:6]
            values = int(n), float(noise), float(share), int(seed)
        except ValueError:
            raise DatasetError("plane", repr(text[:40]), "kind,n,noise,share,seed") from None
        return cls(kind, *values, added)


def load_plane(kind: str = "spirals", **settings: Any) -> Dataset:
    """Return the points that a `Plane` describes as a data set: ``load_plane("moons", n=300, noise=0.05)``."""
    return dataset_of(Plane(kind, **settings))


@lru_cache(maxsize=32)
def dataset_of(plane: Plane) -> Dataset:
    """Return the data set of a plane: the same object for the same plane, and test points whatever is added."""
    if plane.added:
        plain = dataset_of(replace(plane, added=""))
        added = np.frombuffer(bytes.fromhex(plane.added), np.uint8).reshape(-1, 3)
        images = np.concatenate([plain.train_images, added[:, None, :2]])
        labels = np.concatenate([plain.train_labels, added[:, 2]])
        return replace(plain, train_images=images, train_labels=labels, source=PREFIX + plane.text)
    names, rng = tuple("ABC"[: KINDS[plane.kind]]), np.random.default_rng([plane.seed, 4])
    labels = rng.permutation(np.arange(plane.n) % len(names))
    points = places(plane.kind, labels, rng) + plane.noise * rng.standard_normal((plane.n, 2))
    images = np.rint(255 * np.clip(points, 0, 1)).astype(np.uint8).reshape(-1, *PLANE_SHAPE)
    n = min(max(1, round(plane.share * plane.n)), plane.n - 1)
    splits = images[:n], labels[:n], images[n:], labels[n:]
    return Dataset(plane.kind.capitalize(), *splits, names, PREFIX + plane.text)


def plane_of(dataset: Dataset) -> Plane:
    """Return what a data set of points is made of."""
    return Plane.parse(dataset.source.removeprefix(PREFIX))


def all_points(dataset: Dataset) -> NDArray[np.uint8]:
    """Return x, y, class, and 1 for a test point, else 0, of each point, the training points first: (n, 4)."""
    images = np.concatenate([dataset.train_images, dataset.test_images])[:, 0]
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    return np.column_stack([images, labels, np.arange(len(labels)) >= dataset.n_train]).astype(np.uint8)
