"""Names of runs: the settings that tell them apart, so that a list of runs is readable."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from types import MappingProxyType

from explorer.training import FIELDS, PRESETS, TrainingConfig
from explorer.training.fields import Choice
from explorer.wording import counted, plain

_MOST_SETTINGS = 3
_NOT_NAMED = frozenset({"epochs"})  # extending a run doesn't change its name
_NAMED = attrgetter(*(name for name in FIELDS if name not in _NOT_NAMED))
_PREFIXES = MappingProxyType(
    {"the exercise": TrainingConfig(), "Start": PRESETS["Start"], "Modern": PRESETS["Modern"]}
)
_WORDS: Mapping[str, Callable[[TrainingConfig], str]] = MappingProxyType(
    {
        "hidden_sizes": lambda config: config.hidden_units.replace(" hidden", ""),
        "output": lambda config: f"{config.output} output",
        "initializer": lambda config: f"{config.text('initializer').partition(' ')[0]} weights",
        "batch_size": lambda config: f"batch {config.text('batch_size')}",
        "learning_rate": lambda config: f"lr {plain(config.learning_rate)}",
        "schedule": lambda config: f"{config.text('schedule')} schedule",
        "reduction": lambda config: f"by {config.reduction}",
        "seed": lambda config: f"seed {config.seed}",
        "n_train": lambda config: f"{config.text('n_train')} images",
        "n_validation": lambda config: f"{config.text('n_validation')} validation images",
        "changes": lambda config: (
            f"{counted(len(config.changes), 'change') if config.changes else 'no change'} in mid-run"
        ),
    }
)  # of settings whose values alone would be ambiguous


def run_label(config: TrainingConfig, first: TrainingConfig | None = None) -> str:
    """Return a label for a run: ``"128 units"``, ``"batch 64, lr 0.1"``, ``"Modern, seed 3"``.

    It lists the differences from `first`, the session's first run, the exercise or a preset, whichever is nearest.
    """
    for name, preset in {**_PREFIXES, **PRESETS}.items():
        if _NAMED(preset) == _NAMED(config):
            return name
    bases = {"": first or TrainingConfig(), **_PREFIXES}
    differences = {name: _differences(base, config) for name, base in bases.items()}
    nearest = min(differences, key=lambda name: len(differences[name]))
    if not differences[nearest]:  # equal to the first run, which is no preset
        return run_label(config)
    return ", ".join(filter(None, [nearest, *_worded(config, differences[nearest])]))


def fork_label(config: TrainingConfig, parent: TrainingConfig, number: int, epoch: float) -> str:
    """Return the label of a fork of run `number` at an epoch: ``"branch of run 1 at epoch 4, lr 0.003"``."""
    fork = f"branch of run {number} at epoch {epoch:g}"
    return ", ".join([fork, *_worded(config, _differences(parent, config))])


def entry_labels(configs: Sequence[TrainingConfig]) -> list[str]:
    """Return the labels of a race's entries: ``["plain SGD, lr 0.01", "Adam, lr 0.003"]``."""
    varied = {name for config in configs for name in _differences(configs[0], config)}
    named = sorted(varied, key=lambda name: (name == "learning_rate", [*FIELDS].index(name)))
    in_use = ((config, [name for name in named if getattr(config, name) != 0]) for config in configs)
    return [", ".join(_worded(config, names)) or "without" for config, names in in_use]


def _differences(base: TrainingConfig, config: TrainingConfig) -> list[str]:
    return [name for name in base.differences(config) if name not in _NOT_NAMED]


def setting_in_words(config: TrainingConfig, name: str) -> str:
    """Word a setting so that it needs no heading: ``"128 units"``, ``"relu"``, ``"dropout 0.2"``."""
    if name in _WORDS:
        return _WORDS[name](config)
    text, field = config.text(name), FIELDS[name]
    label = field.label.removesuffix(" penalty")
    label = label.lower() if label[1:2].isalpha() else label  # L2 stays L2
    return text if isinstance(field, Choice) else f"{label} {text}"


def _worded(config: TrainingConfig, names: Iterable[str]) -> list[str]:
    words = [setting_in_words(config, name) for name in names]
    if len(words) <= _MOST_SETTINGS + 1:
        return words
    return [*words[:_MOST_SETTINGS], f"{len(words) - _MOST_SETTINGS} more"]
