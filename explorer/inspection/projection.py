"""A map of a layer: samples as points in a plane, near each other if the layer's units answer alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.inspection.contributions import activations, check_layer, one_sample
from explorer.network import NeuralNetwork


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The activations of a layer in two dimensions."""

    points: NDArray[Any]
    """The samples, shape (2, n); the second axis of a single unit is 0."""
    shares: NDArray[Any]
    """Share of the activations' variance along each axis, shape (2,), 0 to 1; 0 if there is no variance."""


def project(network: NeuralNetwork, layer: int, X: ArrayLike, *, like: ArrayLike | None = None) -> Projection:
    """Return the first two principal components of a layer's activations for some samples (Pearson, 1901).

    Layer 0 are the inputs themselves. With `like`, the points of an earlier map of the same samples, the new one
    is turned and mirrored so that they move as little as possible (orthogonal Procrustes: Schönemann, 1966).
    Raises `ValueError` if a shape is wrong, there is no such layer, or an activation is not finite.
    """
    check_layer(network, layer, first=0)
    with np.errstate(all="ignore"):
        h = np.asarray(activations(network, X)[layer], np.float64)
    if not np.isfinite(h).all():
        found = f"activations of layer {layer} are infinite or not a number"
        raise ValueError(f"{found}; expected finite numbers")
    h = h - h.mean(axis=1, keepdims=True)
    variances, axes = np.linalg.eigh(h @ h.T / h.shape[1])  # in ascending order
    points, total = np.zeros((2, h.shape[1])), variances.sum()
    points[: len(h)] = axes.T[:-3:-1] @ h
    if like is not None:
        like = np.asarray(like)
        if like.shape != points.shape:
            raise ValueError(f"like has shape {like.shape}; expected {points.shape}, a map of these samples")
        U, _, Vt = np.linalg.svd(like @ points.T)
        points = U @ Vt @ points
    shares = (points**2).mean(axis=1) / total if total > 0 else np.zeros(2)
    return Projection(points, np.clip(shares, 0, 1))


@np.errstate(all="ignore")
def nearest(network: NeuralNetwork, layer: int, X: ArrayLike, x: ArrayLike, n: int = 8) -> NDArray[np.intp]:
    """Return the indices of at most n samples `X` whose activations in a layer are nearest to those of one, `x`.

    The distance is Euclidean; NaN comes last. `layer` is as in `project`.
    """
    check_layer(network, layer, first=0)
    h = activations(network, X)[layer]
    distances = np.linalg.norm(h - activations(network, one_sample(network, x))[layer], axis=0)
    return np.argsort(distances, kind="stable")[:n]
