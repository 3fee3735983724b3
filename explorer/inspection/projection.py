"""A map of a layer: samples as points in a plane, near each other if the layer's units answer alike."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.network import NeuralNetwork

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The activations of a layer in two dimensions.

    Parameters
    ----------
    points : ndarray, shape (2, n)
        The samples; fewer units than two leave the rest of the axes at 0.
    shares : ndarray, shape (2,)
        Share of the activations' variance along each axis, 0 to 1.
    """

    points: Array
    shares: Array


def project(network: NeuralNetwork, layer: int, X: ArrayLike, *, like: Array | None = None) -> Projection:
    """Return the principal components of a layer's activations for some samples (Pearson, 1901).

    Parameters
    ----------
    network : NeuralNetwork
        The network; like `forward`, this replaces the arrays of its last pass.
    layer : int
        The layer, 1 for the first hidden one; 0 for the inputs themselves.
    X : array_like, shape (n_input, n)
        The samples, at least one.
    like : ndarray, shape (2, n), optional
        An earlier map of the same samples: the new one is turned and mirrored so that the points move as little as
        possible (orthogonal Procrustes: Schönemann, 1966).

    Raises
    ------
    ValueError
        If there is no such layer, no sample, or an activation is not finite.
    """
    if not 0 <= layer <= network.n_layers:
        raise ValueError(f"layer is {layer}; expected 0 to {network.n_layers}")
    network.forward(X)
    h = np.asarray(X if layer == 0 else getattr(network, f"h{layer}"), np.float64)
    if h.shape[1] == 0 or not np.isfinite(h).all():
        raise ValueError("a map needs at least one sample, and activations that are finite numbers")
    centered = h - h.mean(axis=1, keepdims=True)
    variances, axes = np.linalg.eigh(centered @ centered.T / h.shape[1])  # in ascending order
    points, shares = np.zeros((2, h.shape[1])), np.zeros(2)
    n = min(2, len(h))
    points[:n] = (axes[:, ::-1][:, :n]).T @ centered
    total = float(variances.sum())
    shares[:n] = variances[::-1][:n] / total if total > 0 else 0.0
    if like is not None and like.shape == points.shape:
        U, _, Vt = np.linalg.svd(like @ points.T)
        points = U @ Vt @ points
    return Projection(points, np.clip(shares, 0, 1))


def nearest(network: NeuralNetwork, layer: int, X: ArrayLike, x: ArrayLike, n: int = 8) -> NDArray[np.intp]:
    """Return which samples' activations in a layer are nearest to those of one sample, nearest first: (n,).

    Parameters
    ----------
    X : array_like, shape (n_input, n_samples)
        The samples.
    x : array_like, shape (n_input,)
        The one.
    """
    x = np.asarray(x)[:, None]
    network.forward(np.column_stack([x, X]))
    h = np.column_stack([x, X]) if layer == 0 else np.asarray(getattr(network, f"h{layer}"))
    squares = ((h[:, 1:] - h[:, :1]) ** 2).sum(axis=0)
    return np.argsort(np.nan_to_num(squares, nan=np.inf), kind="stable")[:n]
