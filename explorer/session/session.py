"""A user's session: the current run, the earlier ones, and the settings of the next, without widgets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from explorer.datasets import Dataset
from explorer.session.advice import Advice, Advisor
from explorer.session.new_runs import opened_run
from explorer.session.run_names import run_label
from explorer.session.saved_session import SavedSession, kept_weights, session_bytes
from explorer.session.session_run import SessionRun
from explorer.session.state import EarlierRuns, Finding, SessionState
from explorer.session.trainer import Trainer
from explorer.training import TrainingConfig, check_images
from explorer.training.races import Race


class Session(Trainer):
    """All runs of one user on one data set, which `use` can replace, and the settings, which belong to it alone.

    One run trains at a time, in a thread. Everything else happens on the event loop that was running when the
    session was created, where its methods must be called; without a loop, `wait` delivers the thread's records.
    Methods that accept settings raise `ConfigError` if these need more images than the data set has.

    Parameters
    ----------
    dataset, config : Dataset, TrainingConfig, optional
        The images and the initial settings; MNIST and the exercise's by default.
    network : type, optional
        A user's class as in `OwnClass`, to be trained by its own methods. Next to each of its runs, the textbook
        network is trained with the same settings, as an earlier run.
    on_fault : callable, optional
        Called with each exception of a listener; the other listeners are still called. Logs it by default.

    Examples
    --------
    >>> session = Session()
    >>> unsubscribe = session.subscribe(lambda state: print(state.status))
    >>> session.train()
    running
    """

    @cached_property
    def _advisor(self) -> Advisor:
        return Advisor()

    @property
    def advice(self) -> tuple[Advice, ...]:
        """The advice about the current run and settings."""
        return self._advisor.advise(self.state)

    def use(self, dataset: Dataset, config: TrainingConfig | None = None) -> None:
        """Switch to another data set, with `config` or the current settings as far as possible; nothing trains."""
        config = config or self.config.for_images(dataset.n_train)
        check_images(config, dataset)
        if dataset is not self.dataset:
            self._leave()
            self._set(findings={})
        self._set(dataset=dataset, config=config)
        self._settle()

    def select(self, epoch: float | None) -> None:
        """Show the current run as of the end of an epoch; None follows it as it trains."""
        self._publish(selected_epoch=epoch)

    def go_back_to(self, number: int) -> None:
        """Make an earlier run on these images the current one; does nothing if its network is gone."""
        run = self._draft.earlier.of(self.dataset).numbered(number)
        if run is not None and run.has_network:
            # Removed before the current run is added, which may evict the oldest networks.
            self._set(earlier=self._draft.earlier.without([run]))
            self._leave(run.settings)
            self._show(run.reduced())

    def go_back_to_settings(self, config: TrainingConfig) -> bool:
        """Make the newest earlier run with these settings the current one; return False if there is none."""
        for run in reversed(self._draft.earlier.of(self.dataset)):
            same = run.settings == config and run.dataset.whole is self.dataset  # not with other points added
            if same and run.has_network and run.own == self.own:
                self.go_back_to(run.number)
                return True
        return False

    def open(self, run: SessionRun) -> None:
        """Show an ended run of another session as the newest; “Train” trains it again."""
        self._leave(run.config)
        n_runs = self._draft.n_runs + 1
        self._publish(run=replace(run, number=n_runs), n_runs=n_runs)

    def begin_with(self, run: SessionRun) -> None:
        """Start with an ended run on the same images, as if it had been trained here."""
        self._leave(run.config)
        n_runs, first = self._draft.n_runs + 1, self._draft.first or run.config
        self._set(n_runs=n_runs, first=first)
        self._show(replace(run, number=n_runs, label=run_label(run.config)))

    def open_weights(self, name: str, content: bytes) -> None:
        """Start a run from the weights in a file, without training; `WeightsError` if they can't be used."""
        training, run = opened_run(name, content, self.dataset, self.config)
        self._archive_current(run.config)
        # If no epochs are left the run finishes at once; else it is stopped before its first mini-batch.
        stops = not training.is_complete
        self._begin(training, run, paused=stops)
        if stops:
            self.stop()

    def save_session(self) -> bytes:
        """Return all runs, their names and notes, and the settings as a file for `read_session`."""
        saved = _to_save(self._draft)
        content = session_bytes(saved, self.dataset)
        self._publish(saved=frozenset(run.revision for run in saved.kept), saved_findings=saved.findings)
        return content

    def small_copy(self, weight_bytes: int) -> bytes:
        """Return the same as `save_session`, with at most `weight_bytes` of weights; no run is marked as saved."""
        saved, run = _to_save(self._draft), self._draft.begun_run
        newest = None if run is None else run.newest
        if newest is not None and sum(array.nbytes for array in newest.weights) > weight_bytes:
            saved = replace(saved, present=0)  # an earlier run, which may lack its network
        return session_bytes(saved, self.dataset, weight_bytes)

    def open_session(self, saved: SavedSession) -> None:
        """Replace this session by a saved one, on its points if it has some; nothing trains."""
        self._leave(saved.config)
        self._set(dataset=saved.dataset or self.dataset)
        series = self._draft.series + 1
        runs = [replace(run, series=series) for run in saved.runs]
        self._publish(  # so that the next run is not confused with the previous one
            earlier=EarlierRuns(tuple(run for run in runs if run.number != saved.present)),
            saved=frozenset(run.revision for run in runs),
            n_tested=saved.n_tested,
            findings=saved.findings,
            saved_findings=saved.findings,
            n_runs=saved.n_runs,
            series=series,
            first=saved.first,
        )
        for run in runs:
            if run.number == saved.present:
                self._show(run)
        if not saved.present:
            self.reset()

    def edit(self, number: int, **changes: Any) -> None:
        """Change a run's name, note, or pinned or hidden state; unknown numbers are ignored."""
        self._draft = self._draft.edited(number, **changes)
        self._publish()

    def delete(self, number: int) -> None:
        """Remove an earlier run, until `restore` or `forget`; if it is racing, its training ends."""
        rivals, earlier = self._draft.rivals, self._draft.earlier
        if number in rivals and (rival := earlier.numbered(number)) is not None:
            assert isinstance(self._training, Race)
            self._training.drop(rivals.index(number) + 1)
            rivals = tuple(0 if one == number else one for one in rivals)
            earlier = earlier.changed(rival.reduced())
        self._publish(rivals=rivals, earlier=earlier.deleting(number))

    def restore(self) -> None:
        """Restore the deleted runs."""
        self._publish(earlier=self._draft.earlier.restored())

    def forget(self) -> None:
        """Discard the deleted runs for good."""
        self._publish(earlier=replace(self._draft.earlier, deleted=()))

    def note_finding(self, key: str, finding: Finding) -> None:
        """Keep what a demonstration has found, for the report and the session's file."""
        others = {name: one for name, one in self._draft.findings.items() if name != key}
        self._publish(findings={**others, key: finding})

    def follow(self, advice: Advice) -> None:
        """Perform the action of a piece of advice; raises the errors of that action."""
        if advice.config is not None:
            self.check(advice.config)
            self._set(config=advice.config)  # published by the action
        verbs: dict[str, Callable[[], object]] = {"train": self.train, "apply": self.apply, "fork": self.fork}
        verbs["test"] = self.open_test_set
        if advice.verb:
            verbs[advice.verb]()


def _to_save(state: SessionState) -> SavedSession:
    run = state.begun_run
    newest = None if run is None else run.newest
    if run is not None and newest is not None and float(newest.epoch) not in kept_weights(run):
        run = None  # its weights are no longer finite
    runs = [one for one in state.runs if one.dataset.whole is state.dataset]  # a file is on one data set
    return SavedSession(
        config=state.config,
        runs=tuple(one.reduced() if one.number in state.rivals else one for one in runs),
        present=0 if run is None or run.own is not None else run.number,
        n_runs=state.n_runs,
        n_tested=state.n_tested,
        findings=state.findings,
        first=state.first,
        saved_at=f"{datetime.now():%Y-%m-%d %H:%M}",
    )
