"""Data sets: the package's own MNIST, points in a plane, and readers of others."""

from explorer.datasets.dataset import Dataset, DatasetError
from explorer.datasets.loading import load_dataset
from explorer.datasets.mnist import load_mnist
from explorer.datasets.plane import load_plane

__all__ = ["Dataset", "DatasetError", "load_dataset", "load_mnist", "load_plane"]
