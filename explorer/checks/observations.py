"""What comes out of an answer: named pieces, arrays or words, that tell one mistake from another.

The same numbers go into a student's answer, into the textbook's, and into each known mistake. Networks run at two
sizes: one at which all layers differ, and one at which every product of matrices fits.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.checks.loop import Step, fit_noted
from explorer.checks.oracles import POINTS
from explorer.datasets import Dataset
from explorer.datasets.archive import write_archive

__all__ = ["OBSERVATIONS", "RAISED", "Pieces", "Probe", "initialised"]

Array = NDArray[Any]
Pieces = dict[str, Any]
"""What came out, by name: arrays, or words."""

RAISED = "raised "
"""How a piece begins that is no value, but the kind of an exception."""

_FAR = np.array([[-1000.0, 1000.0]])
_RATE = 0.05
_BATCH = 5
_EPOCHS = 3
_CLASSES = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """The numbers and sizes of one look at an answer; the seed decides them all."""

    seed: int = 0

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Inputs, hidden units, outputs and samples, no two of them equal."""
        return 3 + self.seed, 6 + 2 * self.seed, 4 + self.seed, 9 + 3 * self.seed

    def numbers(self, *shape: int) -> Array:
        """Return normally distributed numbers, always the same."""
        return np.random.default_rng(self.seed + len(shape)).normal(0, 1, shape)

    def samples(self, n_input: int, n_output: int, n: int) -> tuple[Array, Array]:
        """Return inputs, shape (n_input, n), and one-hot targets, shape (n_output, n)."""
        return self.numbers(n_input, n), np.eye(n_output)[:, (np.arange(n) ** 2 + self.seed) % n_output]

    def network(self, kind: type[Any], n_input: int, n_hidden: Any, n_output: int) -> Any:
        """Return a network of some class, its weights always the same, in float64."""
        made, rng = kind(n_input, n_hidden, n_output), np.random.default_rng(self.seed + 10)
        for number, (n_in, n_out) in enumerate(pairwise((n_input, *np.atleast_1d(n_hidden), n_output)), 1):
            setattr(made, f"W{number}", rng.normal(0, 1, (n_out, n_in)))
            setattr(made, f"b{number}", rng.normal(0, 1, (n_out, 1)))
        return made

    @property
    def dataset(self) -> Dataset:
        """Random images; every class occurs."""
        rng = np.random.default_rng(self.seed)
        labels = [rng.permutation(np.arange(n) % _CLASSES) for n in (29, 17)]
        images = [rng.choice([0, 1, 100, 255], (len(part), 28, 28)).astype(np.uint8) for part in labels]
        return Dataset("noise", images[0], labels[0], images[1], labels[1])

    @contextmanager
    def archive(self) -> Iterator[str]:
        """Write the images as the exercise's archive, in a folder that is the current one meanwhile."""
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder, chdir(folder):
            with (path := Path(folder, "mnist.tgz")).open("wb") as stream:
                write_archive(self.dataset, stream)
            yield str(path)

    @property
    def read(self) -> tuple[Any, Array, Array, Array, Array]:
        """A network, and what to evaluate it on: it takes each image for what stands in its first pixel."""
        data, given = self.dataset, []
        for labels in (data.train_labels, data.test_labels):
            guesses = (labels + (np.arange(len(labels)) % 3 == self.seed % 2)) % _CLASSES
            given += [np.vstack([guesses, labels]), labels]
        network = SimpleNamespace(predict=lambda X: X[0], forward=lambda X: np.eye(_CLASSES)[:, X[0]])
        return network, given[0], given[1], given[2], given[3]


def _attempt(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function returns, or the kind of exception that it raises."""
    try:
        return function(*args, **kwargs)
    except (ValueError, IndexError):  # shapes don't fit: in products, or in loops that say the same
        return f"{RAISED}a shape"
    except Exception as error:  # noqa: BLE001  # a mistake may end in any error
        return f"{RAISED}{type(error).__name__}"


def _elementwise(f: Callable[..., Any], probe: Probe) -> Pieces:
    pieces = {"value": _attempt(f, POINTS + probe.seed / 7), "far": _attempt(f, _FAR)}
    return {name: piece for name, piece in pieces.items() if not isinstance(piece, str)}


def _loss(loss: Callable[..., Any], probe: Probe) -> Pieces:
    _, _, k, n = probe.sizes
    y, d = 1 / (1 + np.exp(-probe.numbers(k, n))), probe.samples(1, k, n)[1]
    return {"value": _attempt(loss, y, d), "at 0 and 1": _attempt(loss, d, d)}


def _softmax(f: Callable[..., Any], probe: Probe) -> Pieces:
    a = 3 * probe.numbers(*probe.sizes[2:])
    return {"value": _attempt(f, a), "far": _attempt(f, a + 1000)}


def initialised(kind: type[Any], *sizes: int) -> Any:
    """Return a network with the weights that it begins with, which not every class draws where it is made."""
    network = kind(*sizes)
    if getattr(network, "W1", None) is None and hasattr(network, "init_weights"):
        network.init_weights()
    return network


def _initial(kind: type[Any], probe: Probe) -> Pieces:
    network, pieces = initialised(kind, 20, 12, 8 + probe.seed), Pieces()
    for name in ("W1", "b1", "W2", "b2"):
        array = np.asarray(getattr(network, name, None), float)
        pieces[f"shape of {name}"] = str(array.shape)
        if name.startswith("W"):
            spread = "equal" if not np.ptp(array, axis=0).any() else "of both signs"
            pieces[name] = "positive" if array.min() >= 0 and spread != "equal" else spread
    return pieces


def _networks(kind: type[Any], probe: Probe) -> Iterator[tuple[str, Any, Array, Array]]:
    """Return networks of two sizes, with inputs and targets; the first word tells them apart."""
    for word, (n_input, n_hidden, n_output, n) in (("", probe.sizes), ("square ", (4 + probe.seed,) * 4)):
        X, d = probe.samples(n_input, n_output, n)
        yield word, probe.network(kind, n_input, n_hidden, n_output), X, d


def _forward(kind: type[Any], probe: Probe) -> Pieces:
    pieces = Pieces()
    for word, network, X, _ in _networks(kind, probe):
        pieces[f"{word}y"] = _attempt(network.forward, X)
        kept = {name: getattr(network, name, None) for name in ("a1", "h1", "a2")}
        pieces |= {f"{word}{name}": array for name, array in kept.items() if array is not None}
    return pieces


def _predict(kind: type[Any], probe: Probe) -> Pieces:
    return {f"{word}y": _attempt(network.predict, X) for word, network, X, _ in _networks(kind, probe)}


def _backward(kind: type[Any], probe: Probe) -> Pieces:
    pieces = Pieces()
    for word, network, X, d in _networks(kind, probe):
        before = _weights(network)
        found = _attempt(lambda n=network, X=X, d=d: n.backward(X, n.forward(X), d))
        pieces |= _named(tuple(f"{word}d_{name}" for name in before), found)
        if any(not np.array_equal(before[name], array) for name, array in _weights(network).items()):
            pieces = {"weights": "changed"}  # says it all, whatever the gradients are
    return pieces


def _train_iteration(kind: type[Any], probe: Probe) -> Pieces:
    pieces = Pieces()
    for word, network, X, d in _networks(kind, probe):
        loss = _attempt(network.train_iteration, X, d, _RATE)
        pieces |= {f"{word}{name}": array for name, array in _weights(network).items()}
        pieces[f"{word}loss"] = loss
    return pieces


def _weights(network: Any) -> Pieces:
    """Return copies of W1, b1, W2, b2, … by name."""
    names = (f"{kind}{number}" for number in count(1) for kind in "Wb")
    return {name: np.array(getattr(network, name)) for name in takewhile(partial(hasattr, network), names)}


def _fit(kind: type[Any], probe: Probe) -> Pieces:
    pieces = Pieces()
    for word, n in (("", 23 + _BATCH * probe.seed), ("even ", 4 * _BATCH)):  # with a short batch, and without
        network, steps = probe.network(kind, 8 + probe.seed, 3, 7), list[Step]()
        history = _attempt(fit_noted, steps, network, n, _BATCH, _EPOCHS, lr=_RATE)
        pieces |= {f"{word}{name}": piece for name, piece in _noted(steps, history).items()}
    return pieces


def _noted(steps: list[Step], history: Any) -> Pieces:
    """Return what the steps of a fit were given; no more than the first one's shapes if it is no batch."""
    if not steps:
        return {}
    pieces: Pieces = {"first batch": str(steps[0].X.shape)}
    if steps[0].X.shape[1:] != (_BATCH,):
        return pieces
    n_steps = max(len(steps) // _EPOCHS, 1)
    orders = [[step.samples for step in steps[start:][:n_steps]] for start in range(0, len(steps), n_steps)]
    is_new = any(order != orders[0] for order in orders)
    are_own = all(step.targets == [k % 7 for k in step.samples] for step in steps)
    return pieces | {
        "batch sizes": np.array([len(step.samples) for step in steps]),
        "order": "new each time" if is_new else "the same again",
        "targets": "its own" if are_own else "another's",
        "learning rates": np.unique([step.lr for step in steps]),
        "history": history,
    }


def _load_digits(load: Callable[..., Any], probe: Probe) -> Pieces:
    names = "X_train", "Y_train", "train_labels", "X_test", "Y_test", "test_labels"
    with probe.archive() as path:
        return _named(names, _attempt(load, path))


def _evaluate(evaluate: Callable[..., Any], probe: Probe) -> Pieces:
    return _named(("train_accuracy", "test_accuracy", "confusion"), _attempt(evaluate, *probe.read))


def _named(names: tuple[str, ...], found: Any) -> Pieces:
    """Return several results by name, or what there is instead of them."""
    if isinstance(found, tuple | list) and len(found) == len(names):
        return dict(zip(names, found, strict=True))
    return dict.fromkeys(names, found)


def _several_layers(kind: type[Any], probe: Probe) -> Pieces:
    n_input, n_hidden, n_output, n = probe.sizes
    network = probe.network(kind, n_input, (n_hidden, n_hidden - 1), n_output)
    X, d = probe.samples(n_input, n_output, n)
    y, names = _attempt(network.forward, X), tuple(f"d_{name}" for name in _weights(network))
    return {"y": y} | _named(names, _attempt(network.backward, X, y, d))


OBSERVATIONS: Mapping[str, Callable[[Any, Probe], Pieces]] = MappingProxyType(
    dict.fromkeys(("sigmoid", "d_sigmoid", "relu", "d_relu"), _elementwise)
    | dict.fromkeys(("squared_error", "d_squared_error", "cross_entropy"), _loss)
    | {"init_weights": _initial, "forward": _forward, "predict": _predict, "backward": _backward}
    | {"train_iteration": _train_iteration, "fit": _fit, "several_layers": _several_layers}
    | {"load_digits": _load_digits, "evaluate": _evaluate, "softmax": _softmax}
)
"""For each task: what comes out of an answer."""
