"""The Study tab: the effect of one or two settings on the current network, from many runs."""

from collections.abc import Callable
from pathlib import Path
from statistics import mode
from threading import Thread
from time import monotonic
from typing import Any

from explorer.app.layout import box, set_hidden
from explorer.app.panels.study_drawing import StudyDrawing
from explorer.app.panels.study_plan import MOST_TRIALS, StudyForm, StudyPlan
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset, load_mnist
from explorer.training import FIELDS, TrainingConfig, check_images
from explorer.training.share import n_cores
from explorer.training.studies import StudyError, Trial, read_journal
from explorer.training.studies.configs import Cost, measured_cost
from explorer.training.studies.journal import RecordedStudy, data_hash, journal_content, parse_journal
from explorer.training.studies.study import StudyDelivery, StudyRunner, workers_for
from explorer.training.studies.summary import setting_values, study_words, varied
from explorer.widgets.rendered import Display
from explorer.widgets.study_parts import StudyFiles, StudyProgress
from explorer.wording import counted, duration, enumerated, queue_text

RECORDED = Path(__file__).with_name("recorded_study.jsonl")
"""The study that the tab opens with on MNIST: the exercise's network, trained in advance."""

MOST_JOURNAL_BYTES = 1 << 25
"""Largest journal that the app opens; its Python objects take five times as much memory."""

_SECONDS_BETWEEN = 0.2  # between two drawings
_ORDER = "The comparison appears once all runs have ended."
_RECORDED_WORDS = "Recorded beforehand, with the exercise's settings, 10 epochs and 3 seeds."
_REFUSED = "The study can't start yet: see what is expected above."
_TOO_MANY = "this tab shows one or two settings: nn-explorer study --report shows it."


class StudyPanel:
    """A study of one setting or two; `on_open` is called with the settings of a trial to open as a run."""

    def __init__(self, views: Views, on_open: Callable[[TrainingConfig], object]) -> None:
        self._views, self._dataset, self._runner = views, views.dataset, StudyRunner()
        views.on_close(self._close)
        self.plan = self._study = StudyPlan()
        self._trials: dict[TrainingConfig, Trial] = {}
        self.missing: tuple[TrainingConfig, ...] = ()
        """Runs of the plan that have not been made yet."""
        self._cost: Cost | None = None
        self._end = ""
        self._wants_start = self._is_due = self._is_timing = self._is_reading = self._is_closed = False
        self._number = self._queue_position = 0
        self._started = self._done = 0.0
        self._deliver = self._on_loop(self._on_delivery)
        self.form = StudyForm(self._dataset, views.session.config, self._on_loop, self._replan)
        self.progress, self.files = Display(StudyProgress()), StudyFiles(most_bytes=MOST_JOURNAL_BYTES)
        self.progress.on_press(self._on_loop(self._on_press))
        self.files.on_save(self._on_loop(self._save))
        self.files.on_open(self._on_loop(self._open))
        self.drawing = StudyDrawing(views, on_open)
        is_mnist = self._dataset is load_mnist() and RECORDED.is_file()
        self._recorded = read_journal(RECORDED).trials if is_mnist else ()
        form = self.form
        self.view = box(
            "explorer-panel explorer-column",
            box("explorer-tools explorer-study-question", form.question, self.files),
            box("explorer-words explorer-prominent", form.words),
            form.axes_box,
            box("explorer-tools explorer-study-start", form.epochs_box, form.seeds, self.progress),
            self.drawing.view,
        )
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

    def _in_thread(
        self,
        work: Callable[[], Any],
        then: Callable[[Any, str], object],
        describe: Callable[[Exception], str],
    ) -> None:
        """Do `work` in a thread; on the loop, call `then` with its result, or with None and what went wrong."""
        deliver = self._on_loop(then)

        def run() -> None:
            try:
                result = work()
            except StudyError as failure:
                deliver(None, str(failure))
            except Exception as failure:  # noqa: BLE001  # reported to the user, whatever it is
                deliver(None, describe(failure))
            else:
                deliver(result, "")

        Thread(target=run, daemon=True).start()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The trials that are shown; before the first study, those recorded for its question."""
        return tuple(self._trials.values()) or (self._recorded if self.form.question.value == "batch" else ())

    def show(self, state: ViewState) -> None:
        """Use the settings for the next study, and follow the theme."""
        if self.form.follow(state.config):
            self._replan()
        self.drawing.set_theme(state.theme)
        if self.drawing.trials != self.trials:  # they arrived while the tab was hidden
            self._draw()

    # ---------------------------------------------------------------- planning

    def _replan(self, is_other: bool = False) -> None:
        """Read the controls, and estimate the cost of their study, which may be another one."""
        if is_other:
            self._draw()
        if self.progress.shown.running:
            return
        plan = self.form.read()
        if plan != self.plan or not plan.configs:
            self.plan, self._end, self._wants_start = plan, "", False
            self._estimate()

    def _estimate(self) -> None:
        kept = {config for config, trial in self._trials.items() if trial.is_settled}
        self.missing = missing = tuple(config for config in self.plan.configs if config not in kept)
        self._cost, self._is_timing = None, bool(missing)
        self._show_plan()
        if missing:
            self._in_thread(
                lambda: measured_cost(missing, self._dataset, n_workers=workers_for(missing, self._dataset)),
                lambda cost, error: self._on_cost(missing, cost, error),
                lambda failure: f"What this costs can't be told: {type(failure).__name__}: {failure}.",
            )

    def _on_cost(self, configs: tuple[TrainingConfig, ...], cost: Cost | None, error: str) -> None:
        if configs is not self.missing or self.progress.shown.running:
            return
        self._cost, self._is_timing = cost, False
        self._wants_start &= not error
        self._show_plan(error)
        if self._wants_start:
            self._start()

    def _show_plan(self, text: str = "", press: str = "") -> None:
        n_runs, n_done = len(self.plan.configs), len(self.plan.configs) - len(self.missing)
        parts: list[str] = []
        if n_done or self._end:
            parts = [f"{n_done} of {counted(n_runs, 'run')}", *self._failures(), self._end]
        if self._cost is not None:
            parts.append(f"remaining: {self._cost}" if n_done else str(self._cost))
            if self._cost.n_workers < n_cores():
                parts.append(f"a seat's memory has room for {counted(self._cost.n_workers, 'run')} at a time")
        elif self.missing and not n_done:
            parts.append(counted(n_runs, "run"))
        text = text or " · ".join(filter(None, parts)) or _REFUSED
        press = press or ("go on" if n_done and self.missing else "run")
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
        cost, missing = self._cost, self.missing
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
        planned = set(self.plan.configs)
        self._study, self._end, self._recorded = self.plan, "", ()
        self._trials = {config: trial for config, trial in self._trials.items() if config in planned}
        self._started, self._done, self._queue_position = monotonic(), 0.0, 0
        self.progress.show(StudyProgress(press="stop"))
        self.files.can_open = False
        self._draw()

    def _on_delivery(self, delivery: StudyDelivery) -> None:
        if delivery.number != self._number or not self.progress.shown.running:
            return
        if delivery.is_end:
            self._finish(delivery.error or "done")
            return
        if delivery.queue_position is not None:
            self._queue_position = delivery.queue_position
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
        words = "" if running else study_words(self.trials, self._study.settings)
        self.drawing.words.text = (
            _ORDER if running else words if self._trials else f"{_RECORDED_WORDS} {words}"
        )
        self.drawing.show(self._study, self.trials)
        set_hidden(self.drawing.view, not running and not self.trials)

    def _show_running(self) -> None:
        n_runs, n_done = len(self._study.configs), len(self._trials)
        parts = [f"{n_done} of {counted(n_runs, 'run')}"]
        if self._queue_position:
            parts.append(queue_text(self._queue_position))
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
        trials = self.trials
        self._in_thread(
            lambda: journal_content(trials, self._dataset),
            lambda content, error: self.files.download("study.jsonl", content, "application/jsonl"),
            str,
        )

    def _open(self, name: str, content: bytes | None) -> None:
        if self.progress.shown.running or self._is_reading:
            return
        self._is_reading, self._wants_start = True, False
        self._show_plan(f"Reading {name} …")
        self._in_thread(
            lambda: _read_study(name, content, self._dataset),
            lambda found, error: self._on_read(name, found, error),
            lambda failure: f"{name} can't be opened: {failure}.",
        )

    def _on_read(self, name: str, found: RecordedStudy | None, error: str) -> None:
        """Show a study from a file, and set the controls to its question, so that it can be continued."""
        self._is_reading = False
        self._show_plan(error and f"{error} Nothing was changed.")
        if found is None:
            return
        self.form.fill([trial.config for trial in found.trials])
        self.plan, self._recorded = StudyPlan(), ()
        self._trials = {trial.config: trial for trial in found.trials}
        self._views.session.config = self.form.config
        self._replan()
        self._study = self.plan
        self._draw()
        opened = f"Opened {name}; the controls now show its settings. {found.notice}"
        self.drawing.words.text = f"{opened} {self.drawing.words.text}"


def _read_study(name: str, content: bytes | None, dataset: Dataset) -> RecordedStudy:
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
