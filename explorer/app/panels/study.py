"""The Study tab: the effect of one or two settings on the current network, from many runs."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import mode
from threading import Thread
from time import monotonic
from typing import Any

from explorer.app.layout import box, set_hidden
from explorer.app.panels.study_drawing import StudyDrawing
from explorer.app.panels.study_plan import BY_REDUCTION, MOST_JOURNAL_BYTES, MOST_TRIALS, StudyPlan
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset, load_mnist
from explorer.training import FIELDS, ConfigError, TrainingConfig, check_images
from explorer.training.config import fields_of
from explorer.training.fields import Whole
from explorer.training.share import n_cores
from explorer.training.studies import StudyError, Trial, read_journal
from explorer.training.studies.configs import (
    NO_AXES,
    SAME_STEP,
    as_text,
    batch_size_rates,
    offered_values,
    parse_values,
)
from explorer.training.studies.cost import Cost, measured_cost
from explorer.training.studies.journal import RecordedStudy, data_hash, journal_content, parse_journal
from explorer.training.studies.runner import StudyDelivery, StudyRunner, workers_for
from explorer.training.studies.summary import setting_values, study_words, varied
from explorer.widgets.controls import Dropdown, Segmented, StudyEntry
from explorer.widgets.rendered import Caption, Display
from explorer.widgets.study_parts import StudyFiles, StudyProgress
from explorer.wording import counted, duration, enumerated, in_line

RECORDED = Path(__file__).with_name("recorded_study.jsonl")
"""The study that the tab opens with on MNIST: the exercise's network, trained in advance."""

_SEEDS = Whole(name="seeds", label="Seeds", key="", help="", low=1, high=1000)
_SECONDS_BETWEEN = 0.2  # between two drawings
_JSONL = "application/jsonl"
_ORDER = "The comparison appears once all runs have ended."
_RECORDED_WORDS = "Recorded beforehand, with the exercise's settings, 10 epochs and 3 seeds."
_OWN_QUESTION = "One run per combination of values and seed. All other settings come from the controls."
_REFUSED = "The study can't start yet: see what is expected above."
_TOO_MANY = "this tab shows one or two settings: nn-explorer study --report shows it."
_HINT = "Values such as 8, 32, 128 or a range such as 0.001..1 ×4."


class StudyPanel:
    """A study of one setting or two: planned here, started by its button, drawn as its runs end.

    Parameters
    ----------
    on_open : callable
        Called with the settings of a trial that the user opens as a run.
    """

    def __init__(self, views: Views, on_open: Callable[[TrainingConfig], object]) -> None:
        self._views, self._dataset, self._runner = views, views.dataset, StudyRunner()
        views.on_close(self._close)
        self._n_images = len(self._dataset.train_labels)
        self._fields = fields_of(self._n_images, self._dataset.n_classes)
        self._config, self._plan, self._study = views.session.config, StudyPlan(), StudyPlan()
        self._trials: dict[TrainingConfig, Trial] = {}
        self._missing: tuple[TrainingConfig, ...] = ()
        self._cost: Cost | None = None
        self._end = ""
        self._wants_start = self._is_due = self._is_timing = self._is_reading = self._is_closed = False
        self._is_filling = True  # the controls are being set and must not be read
        self._number = self._in_line = 0
        self._seeds: tuple[int, ...] = ()  # of the file that was opened
        self._started = self._done = 0.0
        self._make_controls(self._on_loop)
        self.drawing = StudyDrawing(views, on_open)
        is_mnist = self._dataset is load_mnist() and RECORDED.is_file()
        self._recorded = read_journal(RECORDED).trials if is_mnist else ()
        self.question_words = Caption()
        self.view = box(
            "explorer-panel explorer-column",
            box("explorer-tools explorer-study-question", self.question, self.files),
            box("explorer-words explorer-prominent", self.question_words),
            self._axes_box,
            box("explorer-tools explorer-study-start", self._hidden[2], self.seeds, self.progress),
            self.drawing.view,
        )
        self._is_filling = False
        if self._recorded:
            configs = tuple(trial.config for trial in self._recorded)
            self._study = StudyPlan(("batch_size", "reduction"), configs)
            self._draw()
        self._replan()

    def _close(self) -> None:
        self._is_closed = True
        self._runner.stop()

    def _on_loop(self, handler: Callable[..., object]) -> Callable[..., None]:
        """Return a callback that runs a handler on the loop, and does nothing after this data set is closed."""
        return self._views.on_loop(lambda *given: None if self._is_closed else handler(*given))

    def _make_controls(self, on_loop: Callable[..., Any]) -> None:
        names = {name: field.label for name, field in self._fields.items() if name not in NO_AXES}
        self.question = Segmented("Question", {"batch": "Batch size", "own": "Settings of your choice"})
        self.axes = (
            Dropdown("What varies", names, value="learning_rate"),
            Dropdown("and", {"": "nothing else", **names}),
        )
        self.values = StudyEntry(label="Values", hint=_HINT), StudyEntry(label="Values")
        gradients = {"": "Gradient as in the controls", "both": "By sum and by mean"}
        self.gradient = Segmented("Batch gradient", gradients)
        self.epochs, self.seeds = StudyEntry(label="Epochs", text="3"), StudyEntry(label="Seeds", text="3")
        self.progress, self.files = Display(StudyProgress()), StudyFiles(most_bytes=MOST_JOURNAL_BYTES)
        self.gradient.observe(on_loop(lambda _: self._replan()), "value")
        for control in (self.question, *self.axes):
            control.observe(on_loop(lambda _: self._replan(is_other=True)), "value")
        for entry in (self.epochs, self.seeds, *self.values):
            entry.observe(on_loop(lambda _: self._replan()), "text")
        for axis, entry in zip(self.axes, self.values, strict=True):
            axis.observe(on_loop(lambda change, entry=entry: self._offer(entry, change["new"])), "value")
        self.values[0].text = self._offered(self.axes[0].value, self._config)
        self.progress.on_press(on_loop(self._on_press))
        self.files.on_save(on_loop(self._save))
        self.files.on_open(on_loop(self._open))
        self._deliver = on_loop(self._on_delivery)
        later = (self.values[1], self.gradient, self.epochs)
        self._hidden = [box("explorer-study-part", control) for control in later]  # while meaningless
        first = box("explorer-column explorer-close", self.axes[0], self.values[0])
        second = box("explorer-column explorer-close", self.axes[1], self._hidden[0])
        self._axes_box = box(
            "explorer-column explorer-two explorer-study-axes", first, second, self._hidden[1]
        )

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials that are shown; before the first study, those recorded for its question."""
        return tuple(self._trials.values()) or (self._recorded if self.question.value == "batch" else ())

    def show(self, state: ViewState) -> None:
        """Use the settings for the next study, and follow the theme."""
        if state.config != self._config:
            before, self._config = self._config, state.config
            for axis, entry in zip(self.axes, self.values, strict=True):
                if axis.value and entry.text == self._offered(axis.value, before):
                    entry.text = self._offered(axis.value, self._config)
            self._replan()
        self.drawing.set_theme(state.theme)
        if self.drawing.trials != self.trials:  # they arrived while the tab was hidden
            self._draw()

    # ---------------------------------------------------------------- planning

    def _offer(self, entry: StudyEntry, name: str) -> None:
        if not self._is_filling:
            entry.text = self._offered(name, self._config) if name else ""

    def _offered(self, name: str, config: TrainingConfig) -> str:
        return offered_values(self._fields[name], config, self._n_images)

    def _replan(self, *, is_other: bool = False) -> None:
        """Read the controls, and estimate the cost of their study, which may be another one."""
        if is_other and not self._is_filling:
            self._seeds = ()
            self._draw()
        if self.progress.shown.running or self._is_filling:
            return
        is_own, (first, second) = self.question.value == "own", (axis.value for axis in self.axes)
        set_hidden(self._axes_box, not is_own)
        set_hidden(self._hidden[0], not second)
        set_hidden(self._hidden[1], first not in BY_REDUCTION or bool(second))
        set_hidden(self._hidden[2], is_own and "epochs" in (first, second))
        self.question_words.text = _OWN_QUESTION if is_own else _question(self._config)
        plan = self._read_plan()
        if plan != self._plan or not plan.configs:
            self._plan, self._end, self._wants_start = plan, "", False
            self._estimate()

    def _read_plan(self) -> StudyPlan:
        """Return the controls' plan; if a control is invalid, show its error and return a plan without runs."""
        n_seeds = _read(self.seeds, _SEEDS.parse)
        axes: dict[str, Any] = {}
        is_own = self.question.value == "own"
        varies = is_own and "epochs" in (axis.value for axis in self.axes)
        epochs = self._config.epochs if varies else _read(self.epochs, FIELDS["epochs"].parse)
        for axis, entry in zip(self.axes, self.values, strict=True) if is_own else ():
            if axis.value in axes:
                entry.error = "This setting already varies: choose another."
                n_seeds = None
            elif axis.value:
                axes[axis.value] = _read(entry, partial(parse_values, self._fields[axis.value]))
        if None in (epochs, n_seeds, *axes.values()):
            return StudyPlan()
        config, low = self._config.replace(epochs=epochs), min(self._seeds, default=0)
        seeds = self._seeds if len(self._seeds) == n_seeds else range(low, min(low + n_seeds, 2**32))
        try:
            if not is_own:
                return StudyPlan.of_batch_sizes(config, self._n_images, seeds)
            both = self.gradient.value == "both" and len(axes) == 1 and {*axes} <= {*BY_REDUCTION}
            return StudyPlan.of(config, axes, seeds, by_reduction=both)
        except ConfigError as error:
            self.seeds.error = f"Too many runs: expected {error.expected}."
            return StudyPlan()

    def _estimate(self) -> None:
        """Show the pending runs, and their cost as soon as a thread has measured it."""
        kept = {config for config, trial in self._trials.items() if trial.is_settled}
        self._missing = missing = tuple(config for config in self._plan.configs if config not in kept)
        self._cost, self._is_timing = None, bool(missing)
        self._show_plan()
        take = self._on_loop(self._on_cost)

        def measure() -> None:
            try:
                n_workers = workers_for(missing, self._dataset)
                take(missing, measured_cost(missing, self._dataset, n_workers=n_workers))
            except StudyError as failure:
                take(missing, None, str(failure))
            except Exception as failure:  # noqa: BLE001  # reported to the user, whatever it is
                take(missing, None, f"What this costs can't be told: {type(failure).__name__}: {failure}.")

        if missing:
            _in_thread(measure)

    def _on_cost(self, configs: tuple[TrainingConfig, ...], cost: Cost | None, error: str = "") -> None:
        if configs is not self._missing or self.progress.shown.running:
            return
        self._cost, self._is_timing = cost, False
        self._wants_start &= not error
        self._show_plan(error)
        if self._wants_start:
            self._start()

    def _show_plan(self, text: str = "", press: str = "") -> None:
        n_runs, n_done = len(self._plan.configs), len(self._plan.configs) - len(self._missing)
        parts: list[str] = []
        if n_done or self._end:
            parts = [f"{n_done} of {counted(n_runs, 'run')}", *self._failures(), self._end]
        if self._cost is not None:
            parts.append(f"remaining: {self._cost}" if n_done else str(self._cost))
            if self._cost.n_workers < n_cores():
                parts.append(f"a seat's memory has room for {counted(self._cost.n_workers, 'run')} at a time")
        elif self._missing and not n_done:
            parts.append(counted(n_runs, "run"))
        text = text or " · ".join(filter(None, parts)) or _REFUSED
        press = press or ("go on" if n_done and self._missing else "run")
        self.progress.show(StudyProgress(text, n_done / max(n_runs, 1), press, waits=self._is_reading))
        self.files.can_save, self.files.can_open = bool(self.trials), not self._is_reading

    # ---------------------------------------------------------------- running

    def _on_press(self, press: str) -> None:
        if press != self.progress.shown.press or self._is_reading:
            return
        if press == "stop":
            self._runner.stop()
            self._finish("stopped")
        else:
            self._start(confirmed=press == "confirm")

    def _start(self, *, confirmed: bool = False) -> None:
        cost, missing = self._cost, self._missing
        self._wants_start = bool(missing) and cost is None
        if cost is None:
            if missing and not self._is_timing:  # the estimate failed: retry
                self._estimate()
            return
        if not confirmed and cost.is_large:
            self._show_plan(f"{cost}. Start anyway?", "confirm")
            return
        try:
            self._number = self._runner.start(missing, self._dataset, self._deliver, cost.n_workers)
        except StudyError as error:
            self._show_plan(str(error))
            return
        planned = set(self._plan.configs)
        self._study, self._end, self._recorded = self._plan, "", ()
        self._trials = {config: trial for config, trial in self._trials.items() if config in planned}
        self._started, self._done, self._in_line = monotonic(), 0.0, 0
        self.progress.show(StudyProgress(press="stop"))
        self.files.can_open = False
        self._draw()

    def _on_delivery(self, delivery: StudyDelivery) -> None:
        if delivery.number != self._number or not self.progress.shown.running:
            return
        if delivery.is_end:
            self._finish(delivery.error or "done")
            return
        if delivery.in_line is not None:
            self._in_line = delivery.in_line
        if (trial := delivery.trial) is not None and self._cost is not None:
            self._trials[trial.config] = trial
            self._done += self._cost.of(trial.config)
        if not self._is_due:
            self._is_due = True
            seconds = max(_SECONDS_BETWEEN, len(self._trials) / 500)  # many trials take longer to draw
            self._views.loop.call_later(seconds, self._on_loop(self._draw))

    def _finish(self, end: str) -> None:
        self.progress.show(StudyProgress())
        self._end = end
        self._estimate()
        self._draw()
        self._replan()  # with the changes made during the study

    def _draw(self) -> None:
        """Draw the trials so far, if the tab is visible, and describe their result."""
        self._is_due, running = False, self.progress.shown.running
        if running:
            self._show_running()
        if "explorer-hidden" in self.view._dom_classes:
            return
        said = "" if running else study_words(self.trials, self._study.settings)
        self.drawing.words.text = _ORDER if running else said if self._trials else f"{_RECORDED_WORDS} {said}"
        self.drawing.show(self._study, self.trials)
        set_hidden(self.drawing.view, not running and not self.trials)

    def _show_running(self) -> None:
        n_runs, n_done = len(self._study.configs), len(self._trials)
        parts = [f"{n_done} of {counted(n_runs, 'run')}"]
        if self._in_line:
            parts.append(in_line(self._in_line))
        elif self._cost is not None and self._done > 0:
            seconds = self._cost.seconds_left(self._done, monotonic() - self._started)
            parts.append(f"{duration(seconds)} left")
        text = " · ".join([*parts, *self._failures()])
        self.progress.show(StudyProgress(text, n_done / n_runs, "stop"))

    def _failures(self) -> list[str]:
        errors = [trial.error for trial in self._trials.values() if trial.status == "failed"]
        return [f"{len(errors)} failed: {mode(errors)}"] if errors else []

    # ---------------------------------------------------------------- files

    def _save(self) -> None:
        trials, send = self.trials, self._on_loop(self.files.download)
        _in_thread(lambda: send("study.jsonl", journal_content(trials, self._dataset), _JSONL))

    def _open(self, name: str, content: bytes | None) -> None:
        """Read a study's file in a thread; if it is invalid, show an error and keep the current study."""
        if self.progress.shown.running or self._is_reading:
            return
        self._is_reading, self._wants_start = True, False
        self._show_plan(f"Reading {name} …")
        take = self._on_loop(self._take)

        def read() -> None:
            found, error = RecordedStudy(), ""
            try:
                found = _read_study(name, content, self._dataset)
            except StudyError as failure:
                error = str(failure)
            except Exception as failure:  # noqa: BLE001  # reading ends, whatever it is
                error = f"{name} can't be opened: {failure}."
            take(name, found, error)

        _in_thread(read)

    def _take(self, name: str, found: RecordedStudy, error: str) -> None:
        """Show a study from a file, and set the controls to its question, so that it can be continued."""
        self._is_reading = False
        self._show_plan(error and f"{error} Nothing was changed.")
        if error:
            return
        configs = tuple(trial.config for trial in found.trials)
        first = min(configs, key=lambda config: (config.reduction != "sum", config.seed))
        seeds, is_asked = setting_values(configs, "seed"), False
        with suppress(ConfigError):  # too many runs
            asked = StudyPlan.of_batch_sizes(first, self._n_images, seeds)
            is_asked = {*configs} <= {*asked.configs}
        names = varied(configs) or ("batch_size",)
        rest = [setting for setting in names if setting != "reduction"]
        both = len(rest) == 1 and len(names) == 2 and rest[0] in BY_REDUCTION
        self._is_filling = True
        try:
            self._views.session.config = first
            self.question.value = "batch" if is_asked else "own"
            self.gradient.value = "both" if both else ""
            self.epochs.text, self.seeds.text = str(first.epochs), str(len(seeds))
            varying = [*(rest if both else names), ""][:2]
            for axis, entry, setting in zip(self.axes, self.values, varying, strict=True):
                axis.value = setting
                values = setting_values(configs, setting) if setting else ()
                entry.text = ", ".join(as_text(self._fields[setting], value) for value in values)
        finally:
            self._is_filling = False
        self._plan = StudyPlan()
        self._trials, self._recorded = {trial.config: trial for trial in found.trials}, ()
        self._config, self._seeds = first, seeds
        self._replan()
        self._study = self._plan
        self._draw()
        opened = f"Opened {name}; the controls now show its settings. {found.notice}"
        self.drawing.words.text = f"{opened} {self.drawing.words.text}"


def _in_thread(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True).start()


def _read_study(name: str, content: bytes | None, dataset: Dataset) -> RecordedStudy:
    """Return a study that can be shown and continued; raises `StudyError` for others."""
    if content is None:
        limit = f"{MOST_JOURNAL_BYTES >> 20} MB, the largest study that opens here"
        raise StudyError(f"{name} has more than {limit}: nn-explorer study --out {name} goes on with it.")
    found = parse_journal(content, name, most_trials=MOST_TRIALS)
    if not found.trials:
        raise StudyError(f"{name} contains no runs yet.")
    if found.data_hash != data_hash(dataset):
        raise StudyError(f"{name} holds runs on another data set, {found.dataset_name}.")
    configs = tuple(trial.config for trial in found.trials)
    if len(names := varied(configs)) > 2:
        labels = [FIELDS[setting].label.lower() for setting in names]
        raise StudyError(f"{name} varies {enumerated(labels)}; {_TOO_MANY}")
    for config in configs:
        check_images(config, dataset)
    values = {setting: setting_values(configs, setting) for setting in names}
    StudyPlan.of(configs[0], values, setting_values(configs, "seed"))
    return found


def _read(entry: StudyEntry, parse: Callable[[str], Any]) -> Any:
    """Return the parsed text, or None after showing an error if it is invalid."""
    try:
        value, entry.error = parse(entry.text.strip()), ""
    except ConfigError as error:
        entry.error = f"“{str(error.value)[:40]}” can't be used: expected {error.expected}."
        return None
    return value


def _question(config: TrainingConfig) -> str:
    rates = batch_size_rates(config)
    gradient = " and ".join(f"by {name} at {rate:g}" for name, rate in rates.items())
    how = f"the gradient {gradient}. At these rates both take equal steps for a batch of {SAME_STEP} images"
    if len(rates) == 1:
        how = f"{config.text('optimizer')}, which takes the mean gradient in any case"
    return (
        f"What does the batch size do? One run for each batch size and seed, with {how}. "
        "All other settings come from the controls."
    )
