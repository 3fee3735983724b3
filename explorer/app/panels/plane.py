"""Points in a plane: what lights the network, the surface of its outputs, and each unit's activation."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.views import Views, ViewState
from explorer.datasets.plane import LIMITS, all_points, dataset_of, plane_of
from explorer.figures.digits import weights_sprite
from explorer.figures.palette import CLASS_COLORS, PALETTES, Theme, rgb
from explorer.inspection.contributions import activations
from explorer.network import NeuralNetwork
from explorer.network.metrics import probabilities
from explorer.widgets.drawing_pad import PlanePad

Array = NDArray[Any]
Units = Sequence[Sequence[int]]

_SURFACE, _TILE = 36, 28  # cells along a side
_COARSE = 100_000, 1_000_000  # parameters from which a side has half, a quarter of them
_TONES = 4  # on each side of 0: with 64 tiles, surface and tiles stay below 15 kB
_STRENGTH = 0.55  # of the surface's colors, so that points stand out


class PlaneSource:
    """The plane in place of the pad: calls ``light(point)``; without it, shows what the points are made of."""

    def __init__(self, views: Views, light: Callable[[Array], object] | None = None) -> None:
        self._views, self._light = views, light
        self.view = PlanePad()
        self.view.observe(views.on_loop(self._on_point), "point")
        self.view.observe(views.on_loop(lambda _: self._change(**self.view.settings)), "settings")
        self.view.on_add(views.on_loop(lambda *point: self._change(lambda old: old + bytes(point).hex())))
        self.view.on_undo(views.on_loop(lambda: self._change(lambda old: old[:-6])))

    def put(self, image: Array) -> None:
        """Light a held-out point."""
        self._put = image.ravel().tolist()
        self.view.point = self._put

    def show(self, state: ViewState) -> None:
        """Draw the points that the run uses."""
        data, plane = state.scored_on, plane_of(state.dataset)
        self.view.update(
            names=[*data.class_names],
            colors=[*CLASS_COLORS[: data.n_classes]],
            points=all_points(data).tobytes(),
            n_added=len(plane.added) // 6,
            settings={} if self._light else {name: getattr(plane, name) for name in LIMITS},
        )

    def draw(self, network: NeuralNetwork, units: Units, theme: Theme, columns: int) -> bytes:
        """Draw the outputs everywhere in the plane, and return pictures of units' activations there."""
        self.view.surface = np.insert(surface(network, theme), 3, 255, axis=2).tobytes()
        return unit_tiles(network, units, theme, columns)

    def _on_point(self, _change: object) -> None:
        is_open = self._views.dataset.is_plane
        if is_open and self._light is not None and self.view.point != self._put:
            self._light(np.array(self.view.point, np.uint8).reshape(1, 2))

    def _change(self, added: Callable[[str], str] = str, **changes: Any) -> None:
        """Switch to other points, and train again if runs start by themselves; images stay as they are."""
        session = self._views.session
        if not session.dataset.is_plane:
            return
        before = plane_of(session.dataset)
        plane = replace(before, added=added(before.added), **changes)
        if plane != before:
            session.use(dataset_of(plane))
            if session.auto_train:
                session.train()


def surface(network: NeuralNetwork, theme: Theme) -> NDArray[np.uint8]:
    """Return the classes' colors, mixed by probability, in each cell of the plane: (side, side, 3), top row first.

    Where an output is not a number, it is gray.
    """
    X, side = _cells(network, _SURFACE)
    shares = probabilities(network.forward(X))  # (n_classes, side²)
    colors = np.array([rgb(color) for color in CLASS_COLORS[: len(shares)]])
    ground = np.array(rgb(PALETTES[theme].surface))
    mixed = ground + _STRENGTH * (shares.T @ colors - ground)
    mixed = np.where(np.isfinite(mixed), mixed, rgb(PALETTES[theme].grid)).reshape(side, side, 3)
    return np.rint(mixed).astype(np.uint8)


def unit_tiles(network: NeuralNetwork, units: Units, theme: Theme, columns: int) -> bytes:
    """Return the activations of units of all hidden layers over the plane, as pictures, layer by layer.

    They are relative to the layer's largest; of sigmoid it is 2 h − 1, so that 0 is on the unit's line.
    """
    X, side = _cells(network, _TILE)
    tiles = []
    for h, shown in zip(activations(network, X)[1:-1], units, strict=True):
        values = np.nan_to_num(2 * h - 1 if network.hidden_activation == "sigmoid" else h)
        shares = values[list(shown)] / (np.abs(values).max() or 1.0)
        tiles.append(np.rint(_TONES * shares).reshape(-1, side, side) / _TONES)
    larger = np.ones((1, _TILE // side, _TILE // side))
    return weights_sprite(np.kron(np.concatenate(tiles), larger), columns, theme=theme, limit=1.0)


def _cells(network: NeuralNetwork, side: int) -> tuple[Array, int]:
    """Return the middles of the plane's cells as columns (2, side²), and the side: less for a large network."""
    side //= 2 ** sum(network.n_parameters > limit for limit in _COARSE)
    middles = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.stack(np.meshgrid(middles, middles[::-1])).reshape(2, -1), side
