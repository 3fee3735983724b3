"""Settings known to work or to fail: presets, situations with the reason, and fitting learning rates."""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType

from explorer.network import OPTIMIZERS
from explorer.network.optimizers import MOMENTUM
from explorer.training.config import FIELDS, TrainingConfig

_MODERN = TrainingConfig(
    hidden_sizes=(128,),
    hidden_activation="relu",
    output="softmax",
    loss="cross_entropy",
    initializer="he",
    batch_size=128,
    learning_rate=0.3,
    reduction="mean",
)
START = TrainingConfig(
    output="softmax", loss="cross_entropy", batch_size=128, learning_rate=0.5, reduction="mean"
)
"""What the page opens with: each slider may be moved far either way, and does what its help says."""
FEW = START.replace(
    epochs=100, batch_size=10, schedule="cosine", shift=2.0, rotation=10.0, scale=0.1, elastic=1.0
)
"""For a few images of 28 × 28 pixels: augmentation, and as many steps as with more images."""

_TANH = START.replace(hidden_sizes=(16, 16), hidden_activation="tanh", initializer="he", schedule="cosine")
POINTS = _TANH.replace(batch_size=10, epochs=300, learning_rate=0.01, optimizer="adam")
"""Settings that learn points in a plane, two spirals too."""


def opening_config(n_train: int, n_inputs: int) -> TrainingConfig:
    """Return the settings to open with on points or on images: `START` on many, on less `FEW`, for their size."""
    if n_inputs == 2 or n_train >= 20_000:
        return POINTS if n_inputs == 2 else START
    size = math.sqrt(n_inputs) / 28
    lengths = {name: round(size * getattr(FEW, name), 1) for name in ("shift", "elastic")}
    return FEW.replace(epochs=min(FEW.epochs, 100_000 // n_train), **lengths)


def usual_config(n_train: int, n_inputs: int, n_classes: int) -> TrainingConfig:
    """Return the exercise's settings for images like MNIST's and points, `opening_config` for others."""
    is_usual = n_inputs == 2 or (n_inputs, n_classes) == (784, 10)
    return TrainingConfig() if is_usual else opening_config(n_train, n_inputs)


_ADAM = _MODERN.replace(optimizer="adam", learning_rate=0.001)
_WIDE = _ADAM.replace(hidden_sizes=(256,), schedule="cosine", epochs=15)

PRESETS: Mapping[str, TrainingConfig] = MappingProxyType(
    {
        "Start": START,
        "The exercise": TrainingConfig(),
        "Modern": _MODERN,
        "Momentum": _MODERN.replace(optimizer="momentum", learning_rate=0.03),
        "Adam": _ADAM,
        "Cosine": _ADAM.replace(learning_rate=0.003, schedule="cosine"),
        "Dropout": _WIDE.replace(dropout=0.3),
        "Augmented": _WIDE.replace(learning_rate=0.003, shift=1.0, rotation=8.0, scale=0.1, elastic=1.0),
        "Honest split": _ADAM.replace(epochs=20, n_validation=10_000, patience=3),
    }
)
"""The presets by their name on screen; the first two are always visible."""


def preset_changes(name: str) -> str:
    """Describe how a preset differs from Modern: ``"Learning rate 0.001, optimizer Adam"``."""
    preset, names = PRESETS[name], _MODERN.differences(PRESETS[name])
    words = ", ".join(f"{FIELDS[one].label.lower()} {preset.text(one)}" for one in names)
    return words[:1].upper() + words[1:] if name not in ("Start", "The exercise") else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Settings to learn from."""

    name: str
    config: TrainingConfig
    question: str
    reason: str  # the answer
    look: str
    """Where to find it: in words, and the names of the tab and of its section, if it has sections."""
    tab: str = "overview"
    section: str = ""
    works: bool = True  # whether a network learns well with them
    reaches: tuple[float, float] = (90, 100)  # test accuracy on MNIST after the last epoch, in %: from, to


def _situations() -> Iterator[Situation]:
    for kind in ("fails", "works"):
        for name, entry in _ENTRIES[kind].items():
            config, (low, high) = TrainingConfig(**entry.pop("settings")), entry.pop("reaches")
            yield Situation(name=name, config=config, works=kind == "works", reaches=(low, high), **entry)


_ENTRIES = tomllib.loads((files("explorer.training") / "situations.toml").read_text(encoding="utf-8"))

SITUATIONS = MappingProxyType({situation.name: situation for situation in _situations()})
"""All situations by name, in menu order."""

EXPERIMENTS: Mapping[str, Situation] = MappingProxyType(
    {name: Situation(name=name, config=PRESETS[name], **entry) for name, entry in _ENTRIES["presets"].items()}
    | SITUATIONS
)
"""All entries of the menu by name: the presets with a question, and the situations."""

_LIMITS: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {
        ("sigmoid", "squared_error"): (5.12, 1.06),
        ("sigmoid", "cross_entropy"): (1.0, 0.3),
        ("rectifying", "squared_error"): (1.6, 0.5),
        ("rectifying", "cross_entropy"): (0.3, 0.06),
    }
)
"""By hidden activation and loss: the largest factor on the mean gradient, and the largest for one sample."""


def fitting_rate(config: TrainingConfig, n_train: int) -> float:
    """Return the largest learning rate of 1 or 3 times a power of ten, 1e-5 to 100, that still trains well.

    A batch has at most `n_train` images. Each limit was measured on MNIST, as a factor on the MEAN gradient (for a
    sum, that is the learning rate times the batch size):

    - one for each pair of hidden activation and loss;
    - with a squared error, 264 / width for sigmoid units, whose positive activations add up in an output; for relu
      and tanh, the limit divided by the depth;
    - √batch times the limit of one image, as the noise of a batch's gradient is 1 / √batch.

    Momentum makes steps add up to 1 / (1 − μ) times as much, so the limit shrinks by that factor, and is halved
    again with a squared error. RMSProp, Adam and AdamW, whose step length is the rate, train well with 0.003 to
    0.01. With a schedule or warm-up, the limits are those of the highest rate of the run.
    """
    if OPTIMIZERS[config.optimizer].is_scale_free:
        return 0.003 if config.loss == "squared_error" and max(config.hidden_sizes) > 64 else 0.01
    batch = min(config.batch_size, n_train)
    hidden = "sigmoid" if config.hidden_activation == "sigmoid" else "rectifying"
    limit, noise = _LIMITS[hidden, config.loss]
    limit = min(limit, noise * math.sqrt(batch))
    if config.loss == "squared_error":
        width, depth = max(config.hidden_sizes), len(config.hidden_sizes)
        limit = min(limit, 264 / width) if hidden == "sigmoid" else limit / depth
    if config.optimizer != "sgd":
        limit *= (1 - MOMENTUM) / (2 if config.loss == "squared_error" else 1)
    if config.reduction == "sum":
        limit /= batch
    return min(max(rounded_down(limit), 1e-5), 100.0)


def rounded_down(number: float) -> float:
    """Round `number`, which is greater than 0, down to 1 or 3 times a power of ten."""
    number *= 1.0 + 1e-9  # 0.03 / 3 is 0.01, whatever the rounding
    power = math.floor(math.log10(number))
    return max(rate for rate in (float(f"1e{power}"), float(f"3e{power}")) if rate <= number)
