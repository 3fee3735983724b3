"""Data sets that can be chosen: each has a name, and is read only when it is chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from explorer.datasets.dataset import Dataset
from explorer.datasets.loading import load_dataset
from explorer.datasets.mnist import load_mnist
from explorer.datasets.shared import shared_dataset

__all__ = ["DatasetOffer", "offer_file", "usual_offers"]

_FASHION_MNIST = "Fashion-MNIST", Path("/usr/share/datasets/fashion-mnist")
"""Name, and the folder that Debian's package ``dataset-fashion-mnist`` puts it into."""


@dataclass(frozen=True, slots=True)
class DatasetOffer:
    """A data set that can be chosen."""

    name: str
    """What it is called on screen and in links."""
    load: Callable[[], Dataset]
    """Returns it; raises `DatasetError` where it can't be read."""

    @classmethod
    def of(cls, dataset: Dataset) -> DatasetOffer:
        """Return the offer of a data set that is there already."""
        return cls(dataset.name, lambda: dataset)


def offer_file(name: str, path: str | Path, shared: Path | None = None) -> DatasetOffer:
    """Return the offer of what `load_dataset` reads at a path, called by a name, whatever its file is.

    The first process to read it puts it into the folder `shared`, which need not exist yet, and all map it there.
    """

    def load() -> Dataset:
        dataset = load_dataset(path) if shared is None else shared_dataset(shared, lambda: load_dataset(path))
        return dataset if dataset.name == name else replace(dataset, name=name)

    return DatasetOffer(name, load)


def usual_offers(shared: Path | None = None, *, but: Iterable[str] = ()) -> tuple[DatasetOffer, ...]:
    """Return the offers that need nobody's doing: MNIST, and Fashion-MNIST where Debian's package is installed.

    The folder `shared` is as in `offer_file`; `but` are the names of those that are offered already.
    """
    offers, (name, path) = [DatasetOffer("MNIST", load_mnist)], _FASHION_MNIST
    if path.is_dir():
        offers.append(offer_file(name, path, None if shared is None else shared / name))
    return tuple(offer for offer in offers if offer.name not in {*but})
