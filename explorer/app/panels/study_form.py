"""The controls that ask for a study in the app, and the runs that they come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from explorer.app.layout import box
from explorer.datasets import Dataset
from explorer.training import FIELDS, ConfigError, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Whole
from explorer.training.studies import grid
from explorer.training.studies.configs import NO_AXES, offered_values, parse_values
from explorer.widgets.controls import Dropdown, StudyEntry
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption
from explorer.wording import grouped, with_noun

MOST_TRIALS = 2000
"""Maximum number of runs of a study in the app."""

OnLoop = Callable[[Callable[..., object]], Callable[..., None]]  # runs it on the app's event loop

_SEEDS = Whole(name="seeds", label="Seeds", key="", help="", low=1, high=1000)
_WORDS = "One run for each value and seed. All other settings come from the controls."
_HINT = "Values such as 8, 32, 128 or a range such as 0.001..1 ×4."


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """The runs of a study, and the settings on its figures' axes."""

    settings: tuple[str, ...] = ("batch_size",)
    """The settings that vary, except the seed: one, or two in a recorded study."""
    configs: tuple[TrainingConfig, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, config: TrainingConfig, name: str, values: Sequence[Any], seeds: Sequence[int]) -> Self:
        """Return every combination of values and seeds, ordered so that the whole curve appears early.

        Raises `ConfigError` if there are more than `MOST_TRIALS`.
        """
        if (n_runs := len(values) * len(seeds)) > MOST_TRIALS:
            raise ConfigError("runs", n_runs, f"at most {grouped(MOST_TRIALS)} runs")
        configs = grid(config, **{name: values}, seed=seeds)
        return cls((name,), tuple(sorted(configs, key=lambda run: (run.seed, -run.batch_size))))


class StudyForm:
    """The controls that ask for a study; `on_change` is called after each change."""

    def __init__(
        self, dataset: Dataset, config: TrainingConfig, on_loop: OnLoop, on_change: Callable[[], object]
    ) -> None:
        self.config, self._n_images = config, len(dataset.train_labels)
        self._fields = fields_of(self._n_images, dataset.n_classes)
        names = {n: with_noun(f.label, dataset.noun) for n, f in self._fields.items() if n not in NO_AXES}
        self.axis = Dropdown("What varies", names, value="batch_size")
        self.values = StudyEntry(label="Values", hint=_HINT, text=self._offered(config))
        self.epochs, self.seeds = StudyEntry(label="Epochs", text="3"), StudyEntry(label="Seeds", text="3")
        self.words = Caption(_WORDS)
        self.view = box("explorer-column explorer-close", self.axis, self.values)

        def offer(_change: object) -> None:
            self.values.text = self._offered(self.config)
            on_change()

        self.axis.observe(on_loop(offer), "value")
        for entry in (self.values, self.epochs, self.seeds):
            entry.observe(on_loop(lambda _: on_change()), "text")

    def follow(self, config: TrainingConfig) -> bool:
        """Use these settings for all else; return whether they are new. Values that the user typed stay."""
        before, self.config = self.config, config
        if self.values.text == self._offered(before):
            self.values.text = self._offered(config)
        return config != before

    def read(self) -> StudyPlan:
        """Return the plan; if a control is invalid, show its error and return a plan without runs."""
        name = self.axis.value
        set_hidden(self.epochs, name == "epochs")
        values = _read(self.values, partial(parse_values, self._fields[name]))
        seeds, epochs = _read(self.seeds, _SEEDS.parse), _read(self.epochs, FIELDS["epochs"].parse)
        if None in (values, seeds, epochs):
            return StudyPlan()
        config = self.config if name == "epochs" else self.config.replace(epochs=epochs)
        try:
            return StudyPlan.of(config, name, values, range(seeds))
        except ConfigError as error:
            self.seeds.error = f"Too many runs: expected {error.expected}."
            return StudyPlan()

    def _offered(self, config: TrainingConfig) -> str:
        return offered_values(self._fields[self.axis.value], config, self._n_images)


def _read(entry: StudyEntry, parse: Callable[[str], Any]) -> Any:
    """Return the parsed text, or None after showing an error if it is invalid."""
    try:
        value, entry.error = parse(entry.text.strip()), ""
    except ConfigError as error:
        entry.error = f"“{str(error.value)[:40]}” can't be used: expected {error.expected}."
        return None
    return value
