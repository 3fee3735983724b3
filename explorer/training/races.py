"""A race: networks that differ in a setting or two train side by side, epoch by epoch.

They alternate in one thread, a twentieth of an epoch at a time, so that each is timed separately. The records of
an entry are the same as in a run of its own, to the bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from explorer.datasets import Dataset
from explorer.network import ACTIVATIONS
from explorer.network.schedules import SCHEDULES
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import Change
from explorer.training.presets import fitting_rate
from explorer.training.process_settings import one_blas_thread
from explorer.training.records import BatchRecord, EpochRecord, History, RivalRecord, RunEnd, Snapshot
from explorer.training.run import DivergedError, Event, TrainingRun

MOST_ENTRIES = 6


class RaceError(ValueError):
    """The settings don't make a race."""


def race(configs: Sequence[TrainingConfig], dataset: Dataset) -> Iterator[History]:
    """Train several networks side by side; whenever one ends an epoch, yield its records so far.

    The history's `config` identifies the entry. The last of each has its `end`: "finished" with exact figures, or
    "failed" if its loss became infinite or NaN; the others then continue.

    Raises `RaceError` unless there are two to six configs, all different, with the same seed, number of epochs and
    number of validation images; `ConfigError` if one asks for more training samples than the dataset has.

    Examples
    --------
    >>> from explorer import TrainingConfig, load_mnist, race
    >>> configs = [TrainingConfig(epochs=1, learning_rate=rate) for rate in (0.001, 0.01)]
    >>> for history in race(configs, load_mnist()):
    ...     print(history.config.learning_rate, len(history))
    0.01 1
    0.001 1
    0.001 1
    0.01 1
    """
    run = Race(configs, dataset)
    found = {entry: History(config) for entry, config in enumerate(configs)}
    with one_blas_thread():
        try:
            for event in run:
                entry, record = (event.entry, event.record) if isinstance(event, RivalRecord) else (0, event)
                if isinstance(record, BatchRecord | EpochRecord | RunEnd):
                    found[entry] = found[entry].followed_by(record)
                    if not isinstance(record, BatchRecord):
                        yield found[entry]
        except DivergedError as error:
            found[0] = found[0].followed_by(RunEnd("failed", f"{error}.", error=error))
            yield found[0]
        for entry, entered in enumerate(run.entries):
            if found[entry].end is None:
                yield found[entry].followed_by(RunEnd("finished", entered.end_reason, entered.evaluate()))


class Race:
    """Several runs that are iterated, paused and stopped as one, as a `TrainingRun` is.

    It yields the events of entry 0 as a run alone would; those of the others come in between, each as a
    `RivalRecord`. A network that diverges drops out and the others continue; if it is entry 0, its error is raised
    at the end. Parameters and errors are those of `race`; with `samples`, entry 0 gives those of a `TrainingRun`.
    """

    def __init__(self, configs: Sequence[TrainingConfig], dataset: Dataset, *, samples: bool = False) -> None:
        if not 2 <= len(configs) <= MOST_ENTRIES:
            raise RaceError(f"a race has 2 to {MOST_ENTRIES} entries; got {len(configs)}")
        if len({*configs}) < len(configs):
            equal = "two entries of the race have equal settings"
            raise RaceError(f"{equal}, so that they would give equal records")
        for name in ("seed", "n_validation", "epochs"):
            if len({getattr(config, name) for config in configs}) > 1:
                label = FIELDS[name].label.lower()
                raise RaceError(f"the entries of a race differ in {label}; expected one for all")
        self.entries = tuple(
            TrainingRun(config, dataset, samples=samples and not entry)
            for entry, config in enumerate(configs)
        )
        self._dropped = set[int]()
        self._over = set[int]()

    def __iter__(self) -> Iterator[Event]:
        """Train the entry that is furthest back, turn by turn; of equals entry 0 is the last to end an epoch."""
        while going := self._going():
            entry = min(going, key=lambda entry: self.entries[entry].position)
            yield from self._turn(entry)
        if (error := self.entries[0].error) is not None:
            for number, rival in enumerate(self.entries[1:], 1):
                if rival.error is None and number not in self._dropped:
                    yield RivalRecord(number, rival.evaluate())
            raise error

    def _turn(self, entry: int) -> Iterator[Event]:
        """Train an entry up to its next record or the end of its epoch."""
        try:
            for event in self.entries[entry]:
                if not entry or event is None or isinstance(event, Change | RivalRecord):
                    yield event
                else:
                    yield RivalRecord(entry, event)
                if isinstance(event, BatchRecord | Snapshot):
                    return
        except DivergedError as error:
            end = RunEnd("failed", f"{error}.", error=error.with_traceback(None))
            yield RivalRecord(entry, end) if entry else None
        else:
            self._over.add(entry)

    def extend(self, epochs: int) -> None:
        """Raise the number of epochs of all entries whose records don't depend on it, and of entry 0."""
        for entry, run in enumerate(self.entries):
            if not entry or run.config.can_be_extended:
                run.extend(epochs)
        self._over = set()

    def drop(self, entry: int) -> None:
        """Exclude a rival from further training."""
        self._dropped.add(entry)

    @property
    def is_complete(self) -> bool:
        """Whether no entry has anything left to train."""
        return all(self.entries[entry].is_complete for entry in self._going())

    @property
    def step(self) -> int:
        """Mini-batches that every entry still racing has trained: entry 0's, as it comes last, unless it's out."""
        going = self._going() or [0]
        return min(self.entries[entry].step for entry in ([0] if 0 in going else going))

    def ends_epoch(self, event: Event) -> bool:
        """Return whether, with this event, all entries still in the race have ended an epoch."""
        record = event.record if isinstance(event, RivalRecord) else event
        positions = {self.entries[entry].position for entry in self._going()}
        return isinstance(record, Snapshot) and len(positions) == 1

    def _going(self) -> list[int]:
        """Return the entries still in the race, entry 0 last."""
        out = self._dropped | self._over
        order = (*range(1, len(self.entries)), 0)
        return [entry for entry in order if entry not in out and self.entries[entry].error is None]


def _against(
    *changes: Mapping[str, object], fitted: bool = False
) -> Callable[[TrainingConfig, int], tuple[TrainingConfig, ...]]:
    """Return a function that makes entries: the settings, then each change, optionally at a fitted rate."""

    def entries(config: TrainingConfig, n_images: int) -> tuple[TrainingConfig, ...]:
        config = config.replace(changes=())  # all entries would share them
        n_train = (config.n_train or n_images) - config.n_validation
        others = [other for change in changes if (other := config.replace(**change)) != config]
        if fitted:
            others = [other.replace(learning_rate=fitting_rate(other, n_train)) for other in others]
        return (config, *others)[:MOST_ENTRIES]

    return entries


def _rates(config: TrainingConfig, n_images: int) -> tuple[TrainingConfig, ...]:
    config = config.replace(changes=())
    field, rate = FIELDS["learning_rate"], config.learning_rate
    rates = {field.clamp(f"{rate * factor:.2g}") for factor in (0.1, 0.3, 3, 10)} - {rate}
    return (config, *(config.replace(learning_rate=other) for other in sorted(rates)))


_UNREGULARIZED = MappingProxyType(dict.fromkeys(("l2", "l1", "dropout", "input_dropout", "max_norm"), 0.0))
_METHODS: tuple[dict[str, float], ...] = ({}, {"l2": 1e-4}, {"l1": 1e-5}, {"dropout": 0.2}, {"max_norm": 2.0})

RACES: Mapping[str, Callable[[TrainingConfig, int], tuple[TrainingConfig, ...]]] = MappingProxyType(
    {
        "Optimizers": _against(
            *({"optimizer": name} for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam")), fitted=True
        ),
        "Learning rates": _rates,
        "Batch sizes": _against(*({"batch_size": size} for size in (32, 128, 512, 2048)), fitted=True),
        "Activations": _against(*({"hidden_activation": name} for name in ACTIVATIONS), fitted=True),
        "Schedules": _against(*({"schedule": name} for name in SCHEDULES)),
        "Regularization": _against(*({**_UNREGULARIZED, **method} for method in _METHODS)),
    }
)
"""Races by name: each turns settings and a number of images into entries, the settings themselves first."""
