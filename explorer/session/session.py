"""A user's session: the current run, the earlier ones, and the settings of the next, without widgets."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from threading import Thread
from time import monotonic
from typing import Any

from explorer.datasets import Dataset, load_mnist
from explorer.network import OPTIMIZERS
from explorer.network.weights_file import read_weights
from explorer.session.advice import Advice, Advisor
from explorer.session.opening import opening
from explorer.session.run_names import entry_labels, fork_label, run_label
from explorer.session.saved_session import SavedSession, kept_weights, session_bytes
from explorer.session.session_run import SessionRun
from explorer.session.state import EarlierRuns, SessionState
from explorer.training import (
    ConfigError,
    FinalTest,
    Moment,
    OwnClass,
    OwnRun,
    TrainingConfig,
    TrainingRun,
    check_images,
    open_test_set,
)
from explorer.training.config import MOST_EPOCHS
from explorer.training.races import Race, RaceError
from explorer.training.records import RivalRecord
from explorer.training.runner import Delivery, EventLoop, Runner, RunnerStatus, Unit, log_fault
from explorer.training.share import Share

Listener = Callable[[SessionState], object]


class ForkError(ValueError):
    """A run can't continue from these weights: the problem and the reason, a sentence each."""

    def __init__(self, text: str, why: str) -> None:
        self.text, self.why = text, why
        super().__init__(text, why)

    def __str__(self) -> str:
        return f"{self.text} {self.why}"


class Session:
    """All runs of one user on one data set, which `use` can replace.

    One run trains at a time, in a thread. Everything else happens on the event loop that was running when the
    session was created, where its methods must be called; without a loop, `wait` delivers the thread's records.
    Methods that accept settings raise `ConfigError` if these need more images than the data set has.

    Parameters
    ----------
    dataset : Dataset, optional
        The images; MNIST by default.
    config : TrainingConfig, optional
        The initial settings; the exercise's by default.
    network : type, optional
        A user's class as in `OwnClass`, to be trained by its own `fit`. Next to each of its runs, the textbook
        network is trained with the same settings, as an earlier run.
    on_fault : callable, optional
        Called with each exception of a listener, to report it to the user; the other listeners are still called.
        By default exceptions are logged.

    Examples
    --------
    >>> session = Session()
    >>> unsubscribe = session.subscribe(lambda state: print(state.status))
    >>> session.train()
    running
    """

    def __init__(
        self,
        dataset: Dataset | None = None,
        config: TrainingConfig | None = None,
        *,
        network: type[Any] | None = None,
        on_fault: Callable[[Exception], object] = log_fault,
    ) -> None:
        self.dataset = load_mnist() if dataset is None else dataset
        self.loop = EventLoop(on_fault)
        self.auto_train = True
        """Whether applying settings starts training at once."""
        self.own = None if network is None else OwnClass(network)
        """The user's class that is trained; None for the textbook network."""
        self._config = config or TrainingConfig()
        self.check(self._config)
        self._training: TrainingRun | None = None
        self._run: SessionRun | None = None
        self._rivals = dict[int, SessionRun]()  # by their entry in the current run's race
        self._earlier = EarlierRuns()
        self._opening: SessionRun | None = None  # the run that the test set was last opened for
        self._n_tested = 0
        self._first: TrainingConfig | None = None  # settings of the first run, which labels are relative to
        self._selected_epoch: float | None = None
        self._starts_clean = False
        self._n_runs = 0
        self._series = 0  # how many times all runs were forgotten or replaced
        self._saved: frozenset[tuple[object, ...]] = frozenset()
        self._token = 0  # the runner's token of the current run
        self._listeners: list[Listener] = []
        self._advisor = Advisor()
        self._runner = Runner(self.loop.bind(self._take), share=Share.of(os.environ))
        self._reference: SessionRun | None = None  # the textbook network's, until it is over
        self._referee = Runner(self.loop.bind(self._take_reference), share=Share.of(os.environ))
        self._state = self._new_state()

    @property
    def state(self) -> SessionState:
        """The current state."""
        return self._state

    @property
    def offered(self) -> tuple[str, ...] | None:
        """The settings that affect the user's class; None for all."""
        return None if self.own is None else self.own.settings

    @property
    def status(self) -> RunnerStatus:
        """Status of the current run."""
        return self._state.status

    @property
    def advice(self) -> tuple[Advice, ...]:
        """The advice about the current run and settings."""
        return self._advisor.advise(self._state)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run; assigning others starts nothing, and makes the next run start fresh."""
        return self._config

    @config.setter
    def config(self, config: TrainingConfig) -> None:
        self.check(config)
        if config != self._config:
            self._config, self._starts_clean = config, self._is_from_others
        self._settle()

    def check(self, config: TrainingConfig) -> None:
        """Raise `ConfigError` if settings need more images than the data set has."""
        check_images(config, self.dataset)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(state)`` after each change; return a function that unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def use(self, dataset: Dataset, config: TrainingConfig | None = None) -> None:
        """Switch to another data set, and settings for it; no training starts.

        The current run becomes an earlier one, unless `dataset` is already in use. Runs on other test images are
        kept, but not compared with later ones: `SessionState.comparable` omits them. Without `config`, the current
        settings are clamped to the new number of images.
        """
        config = config or self._config.for_images(dataset.n_train)
        check_images(config, dataset)
        if dataset is not self.dataset:
            self._leave()
            self.dataset = dataset
        self._config = config
        self._settle()

    # ---------------------------------------------------------------- training

    def apply(
        self, config: TrainingConfig | None = None, *, clean: bool = False, at_once: bool = False
    ) -> None:
        """Apply new settings, or the current ones, and train with them if `auto_train` is on.

        More epochs continue the current run; a fork restarts where it began; otherwise a new run starts with
        freshly initialised weights. `clean` requests these even if the current run began with others. Settings
        stay pending, as `SessionState.waits` reports, if a new run would discard the selected epoch, unless
        `at_once` is True.
        """
        if config is not None:
            self.check(config)
            config = self._heard(config)
            self._config = config
        if clean:
            self._starts_clean = self._is_from_others
        withheld = not at_once and self._new_state().withholds_settings
        if config is not None and (not self.auto_train or withheld):
            self._settle()
        elif self._new_state().continues:
            self.extend(self._config.epochs)
        else:
            self.restart()

    def _heard(self, config: TrainingConfig) -> TrainingConfig:
        """Deliver pending records, then carry the run's mid-run changes over to `config`."""
        before = self._run
        self._runner.wait(0)
        return config if before is None else self._with_changes(config, before.config)

    def _with_changes(self, config: TrainingConfig, before: TrainingConfig) -> TrainingConfig:
        """Copy the run's mid-run changes to `config`, if that differs from `before` in the epochs at most."""
        if self._run is None or not {*config.differences(before)} <= {"epochs"}:
            return config
        return config.replace(changes=self._run.config.changes)

    def restart(self, *, paused: bool = False) -> None:
        """Start a run with the current settings: a fork where it began, else with freshly initialised weights."""
        run = None if self._starts_clean else self._run
        if run and run.parent and run.origin and run.can_branch_again(self._config):
            self._branch(run.parent, run.origin, repeats=True, paused=paused)
        else:
            self.train(paused=paused)

    def train(self, config: TrainingConfig | None = None, *, paused: bool = False) -> None:
        """Start a new run with freshly initialised weights, with `config` or the current settings."""
        training = self._new_training(config or self._config)
        self._config = training.config
        self._put_aside()
        self._earlier = self._earlier.without_repeats(training.config, self.dataset, self.own)
        self._train_reference()
        run = SessionRun.beginning(training, self._next_number(), "paused" if paused else "running")
        self._begin(training, run, paused=paused)

    def race(self, configs: Sequence[TrainingConfig]) -> None:
        """Start a race: the first entry is the current run, the others are added to the earlier runs.

        Raises `RaceError` if the settings don't make a race, as in `race`, or a user's class is trained.
        """
        if self.own is not None:
            raise RaceError(f"{self.own.name} trains by itself; only the textbook's networks race")
        training = Race(configs, self.dataset)
        self._config = training.config
        self._put_aside()
        for config in reversed(configs):
            self._earlier = self._earlier.without_repeats(config, self.dataset)
        labels = entry_labels(configs)
        first, *rivals = (
            replace(SessionRun.beginning(entry, self._next_number()), label=label, series=self._series)
            for entry, label in zip((training, *training.rivals), labels, strict=True)
        )
        self._rivals = dict(enumerate(rivals, 1))
        self._begin(training, first)

    def take_network(self, network: type[Any], config: TrainingConfig) -> None:
        """Train another user's class, and forget all runs so far; `TypeError` if it is not a network class."""
        own = OwnClass(network)
        self._leave_reference()
        self._run, self._earlier, self._n_runs = None, EarlierRuns(), 0
        self._series += 1  # distinguishes the new runs from the old ones
        self.own, self._first = own, None
        self.train(config)

    def extend(self, epochs: int, *, paused: bool = False) -> None:
        """Let the current run continue to more epochs, whether it is running, paused or over.

        If it is over, `paused` waits for `step` or `resume`. Raises `ValueError` if no run can continue that far.
        """
        self._runner.wait(0)  # deliver pending records first
        run, training = self._run, self._training
        config = self._config if run is None else run.config.replace(epochs=epochs)
        if run is None or training is None or not run.can_continue_to(config):
            raise ValueError(f"there is no run that can go on to {epochs} epochs")
        self._token = self._runner.extend(training, epochs, paused=paused)
        now = self._run or run
        if not now.can_continue_to(now.config.replace(epochs=epochs)):  # it has just ended for good
            self._publish()
            return
        status: RunnerStatus = "paused" if paused else "running"
        self._run = now.continued(epochs, status)
        self._config, self._starts_clean = self._run.config, False
        self._rivals = {entry: rival.continued(epochs, status) for entry, rival in self._rivals.items()}
        self._train_reference()
        self._publish()

    def fork(self) -> None:
        """Train from the selected epoch with the current settings, as a new run.

        If the newest state is selected, the fork starts at the end of the last whole epoch. If the settings have
        no epochs beyond it, ten are added. Raises `ForkError` if the weights have been trained for the maximum
        number of epochs, or don't fit the hidden layers.
        """
        run = self._run
        if run is None or self._state.moment is None:
            return
        if run.own is not None:
            text = f"A run of {run.own.name} can't be trained on from an epoch before its end."
            raise ForkError(text, "Only its class knows how its training goes on. Train starts a new run.")
        looks_at_newest = self._selected_epoch is None and run.history.restored is None
        moment = (run.timeline.newest if looks_at_newest else None) or self._state.moment
        if moment.epoch != int(moment.epoch):
            text = "These weights are from within an epoch."
            raise ForkError(text, "A run is trained on from an epoch's end only.")
        self._branch(run, moment)

    def open_test_set(self) -> None:
        """Evaluate the current run's network on the test set, once the run has ended.

        Does nothing without validation images, or if it has been done. With an event loop the figures follow soon,
        from a separate thread.
        """
        run = self._run
        if run is None or not run.can_be_tested or run.newest is None or run is self._opening:
            return
        self._opening = run
        network, told = run.new_network(), self.loop.bind(self._take_test)
        network.set_weights(run.newest.weights)

        def look() -> None:
            try:
                told(run, open_test_set(network, run.dataset))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
                self._opening = None
                self.loop.call(self.loop.on_fault, error)

        if self.loop.loop is None:
            look()
        else:
            Thread(target=look, daemon=True).start()

    def change(self, *, learning_rate: float | None = None, batch_size: int | None = None) -> None:
        """Use another learning rate or batch size in the current run, from the next mini-batch on.

        The change is added to the run's settings, and to those of the next run if they are the same. Does nothing
        unless the run is running or paused. Raises `ConfigError` for invalid values, or after too many changes.
        """
        run = self._run
        if run is None or not run.can_be_changed:
            return
        rate, size = run.now
        rate, size = learning_rate or rate, batch_size or size
        self._runner.change(rate, size)
        self._run = replace(run, wanted=(rate, size))
        self._publish()

    def step(self, unit: Unit, n_batches: int = 1) -> None:
        """Train to the end of an epoch, or for `n_batches`, then pause.

        A run that is over continues, with one more epoch if all are done; if it can't, a new run starts.
        """
        if self._run is not None and self._run.status == "idle":
            self._run = replace(self._run, status="paused")
        elif self.status not in ("running", "paused"):
            if epochs := self._state.reach(1):
                self.extend(epochs, paused=True)
            else:
                self.restart(paused=True)
        self._runner.step(unit, n_batches)

    def pause(self) -> None:
        """Pause within a mini-batch; exact figures follow."""
        self._runner.pause()

    def resume(self) -> None:
        """Continue after a pause, or after the end as far as `SessionState.reach` allows."""
        if self.status not in ("running", "paused") and (epochs := self._state.reach()):
            self.extend(epochs)
        else:
            self._runner.resume()

    def stop(self) -> None:
        """Stop the run within a mini-batch; its results are kept."""
        self._runner.stop()

    def reset(self) -> None:
        """Make the current run an earlier one, and show the untrained network of the settings."""
        training = self._new_training(self._config)
        self._config = training.config
        self._put_aside()
        self._begin(training, SessionRun.beginning(training, self._next_number(), "idle"), paused=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or paused; return False if `timeout` seconds passed first."""
        end = None if timeout is None else monotonic() + timeout
        is_over = self._runner.wait(timeout)
        return is_over and self._referee.wait(None if end is None else max(0.0, end - monotonic()))

    def close(self) -> None:
        """End the run and its thread."""
        self._referee.close()
        self._runner.close()

    # ---------------------------------------------------------------- looking at runs

    def select(self, epoch: float | None) -> None:
        """Show the current run as of the end of an epoch; None follows it as it trains."""
        self._selected_epoch = epoch
        self._publish()

    def go_back_to(self, number: int) -> None:
        """Make an earlier run on these images the current one; does nothing if its network is gone."""
        run = self._state.earlier.of(self.dataset).numbered(number)
        if run is None or not run.has_network:
            return
        # Removed before the current run is added, which may evict the oldest networks.
        self._earlier = self._earlier.without([run])
        self._rivals = {entry: rival for entry, rival in self._rivals.items() if rival.number != number}
        self._leave()
        self._config = run.config
        self._show(run.set_aside())

    def go_back_to_settings(self, config: TrainingConfig) -> bool:
        """Make the newest earlier run with these settings the current one; return False if there is none."""
        alike = (run for run in self._state.earlier.of(self.dataset) if run.config == config)
        runs = [run for run in alike if run.has_network and run.own == self.own]
        if runs:
            self.go_back_to(runs[-1].number)
        return bool(runs)

    def put_back(self, run: SessionRun) -> None:
        """Undo: drop the current run and make `run` current again; if it was training, it resumes if it can.

        The current run stays as an earlier one if it replaced an equal run.
        """
        present, stays = self._run, bool(self._earlier.replaced)
        self._leave()
        gone = {run.number} if present is None or stays else {run.number, present.number}
        self._earlier = self._earlier.without([one for one in self._earlier if one.number in gone])
        self._config = run.config
        trained = run.status in ("running", "paused")
        self._show(replace(run, status="stopped", steps=()) if trained else run)
        if run.status == "running":
            self.resume()

    def open(self, run: SessionRun) -> None:
        """Show an ended run of another session as the newest; “Train” trains it again."""
        self._leave()
        self._config = run.config
        self._run = replace(run, number=self._next_number())
        self._publish()

    def begin_with(self, run: SessionRun) -> None:
        """Start with an ended run on the same images, as if it had been trained here."""
        self._leave()
        self._config, self._first = run.config, self._first or run.config
        self._show(replace(run, number=self._next_number(), label=run_label(run.config)))

    def open_weights(self, name: str, content: bytes) -> None:
        """Start a run from the weights in a file and name it after it; it is evaluated, not trained.

        Raises `WeightsError` if the file holds anything but weights, or the network doesn't fit these images.
        """
        opened, config, start = opening(read_weights(content, name), name, self.dataset, self._config)
        training = TrainingRun(config, self.dataset, start=start)
        self._config = config
        self._put_aside()
        run = SessionRun.beginning(training, self._next_number())
        run = replace(run, opened=opened, first_weights=start.weights, name=name[:60])
        # If no epochs are left the run finishes at once; else it is stopped before its first mini-batch.
        stops = not training.is_complete
        self._begin(training, run, paused=stops)
        if stops:
            self._runner.stop()

    def save_session(self) -> bytes:
        """Return the session as a file for `read_session`: its runs, with their names and notes, and the settings.

        For each run it has the curve, the figures and the newest network; for the current one, stored as far as it
        has trained, also the epochs that can be revisited.
        """
        saved = self._as_saved()
        content = session_bytes(saved, self.dataset)
        self._saved = frozenset(run.revision for run in saved.kept)
        self._publish()
        return content

    def small_copy(self, weight_bytes: int) -> bytes:
        """Return the same as `save_session`, with at most `weight_bytes` of weights; no run is marked as saved."""
        saved, run = self._as_saved(), self._state.begun_run
        newest = None if run is None else run.newest
        if newest is not None and sum(array.nbytes for array in newest.weights) > weight_bytes:
            saved = replace(saved, present=0)  # an earlier run, which may lack its network
        return session_bytes(saved, self.dataset, weight_bytes)

    def _as_saved(self) -> SavedSession:
        run, racing = self._state.begun_run, {rival.number for rival in self._rivals.values()}
        newest = None if run is None else run.newest
        if run is not None and newest is not None and float(newest.epoch) not in kept_weights(run):
            run = None  # its weights are no longer finite
        return SavedSession(
            config=self._config,
            runs=tuple(run.set_aside() if run.number in racing else run for run in self._state.runs),
            present=0 if run is None or run.own is not None else run.number,
            n_runs=self._n_runs,
            n_tested=self._n_tested,
            first=self._first,
            saved_at=f"{datetime.now():%Y-%m-%d %H:%M}",
        )

    def open_session(self, saved: SavedSession) -> None:
        """Replace this session by a saved one on the same images; all current runs close, and nothing trains."""
        self._leave()
        self._series += 1
        runs = [replace(run, series=self._series) for run in saved.runs]
        self._config, self._first, self._n_runs = saved.config, saved.first, saved.n_runs
        self._earlier = EarlierRuns(tuple(run for run in runs if run.number != saved.present))
        self._saved = frozenset(run.revision for run in runs)
        self._n_tested = saved.n_tested
        self._publish()  # so that the next run is not confused with the previous one
        for run in runs:
            if run.number == saved.present:
                self._show(run)
        if not saved.present:
            self.reset()

    def edit(self, number: int, **changes: Any) -> None:
        """Change a run's name, note, or pinned or hidden state; unknown numbers are ignored."""
        if self._run is not None and self._run.number == number:
            self._run = replace(self._run, **changes)
        for entry, rival in self._rivals.items():
            if rival.number == number:
                self._rivals[entry] = replace(rival, **changes)
        self._earlier = self._earlier.edited(number, **changes)
        self._publish()

    def delete(self, number: int) -> None:
        """Remove an earlier run, until `restore` or `forget`; if it is racing, its training ends."""
        for entry, rival in tuple(self._rivals.items()):
            if rival.number == number and isinstance(self._training, Race):
                self._training.drop(entry)
                self._earlier = self._earlier.followed_by(self._rivals.pop(entry))
        self._earlier = self._earlier.deleting(number)
        self._publish()

    def restore(self) -> None:
        """Restore the deleted runs."""
        self._earlier = self._earlier.restored()
        self._publish()

    def forget(self) -> None:
        """Discard the deleted runs for good."""
        self._earlier = replace(self._earlier, deleted=())
        self._publish()

    def take(self, advice: Advice) -> None:
        """Perform the action of a piece of advice; raises the errors of that action."""
        if advice.config is not None:
            self.check(advice.config)
            self._config = advice.config  # published by the action
        verbs: dict[str, Callable[[], object]] = {"train": self.train, "apply": self.apply, "fork": self.fork}
        verbs["test"] = self.open_test_set
        if advice.verb:
            verbs[advice.verb]()

    # ---------------------------------------------------------------- inside

    @property
    def _is_from_others(self) -> bool:
        """Whether the current run began with weights other than freshly initialised ones."""
        return self._run is not None and bool(self._run.began_with)

    def _next_number(self) -> int:
        self._n_runs += 1
        return self._n_runs

    def _new_training(self, config: TrainingConfig) -> TrainingRun:
        """Return a new training with freshly initialised weights."""
        if self.own is None:
            return TrainingRun(config, self.dataset)
        check_images(config, self.dataset)
        return OwnRun(self.own, config, self.dataset)

    def _train_reference(self) -> None:
        """Train the textbook network with the same settings as the user's, unless that has been done."""
        if self.own is None:
            return
        config, runs = self._config, (run for run in self._earlier.of(self.dataset) if run.own is None)
        alike = [run for run in runs if {*run.config.differences(config)} <= {"epochs"} and not run.is_marked]
        if any(run.config == config and run.status == "finished" for run in alike):
            return
        self._earlier = self._earlier.without(alike)
        training, label = TrainingRun(config, self.dataset), f"textbook, {run_label(config, self._first)}"
        run = SessionRun.beginning(training, self._next_number())
        self._reference = replace(run, label=label, series=self._series)
        self._referee.start(training)

    def _leave_reference(self) -> None:
        self._referee.cancel()
        self._reference = None

    def _take_reference(self, delivery: Delivery) -> None:
        """Update the textbook network's run; once it is over, make it an earlier run."""
        if self._reference is not None:
            self._reference = run = self._reference.taking(delivery.status, delivery.records)
            if run.history.end is not None:
                self._reference, self._earlier = None, self._earlier.followed_by(run)
                self._publish()

    def _leave(self) -> None:
        """End all training and make the current run an earlier one."""
        self._runner.cancel()
        self._leave_reference()
        self._put_aside()
        self._training = None

    def _show(self, run: SessionRun) -> None:
        """Make an ended run the current one, ready for more epochs if it can continue."""
        self._training = _resumed(run, self.dataset)
        if self._training is not None and run.epoch > (last := self._training.first_epoch):
            records = run.history.until(last)  # a partly trained epoch is trained again
            run = replace(run, history=replace(records, end=run.history.end), changed_at=0, wanted=None)
        self._run = replace(run.with_last_moment(), is_recorded=self._training is None)
        self._publish()

    def _put_aside(self) -> None:
        """Make the current run an earlier one, unless it has nothing to keep."""
        runs = (self._run, *self._rivals.values())
        self._run, self._rivals = None, {}
        self._selected_epoch, self._starts_clean = None, False
        for run in runs:
            if run is not None and run.is_kept:
                self._earlier = self._earlier.followed_by(run)

    def _settle(self) -> None:
        """Publish new settings; if an untrained network is shown, replace it by one with these settings."""
        if self._run is not None and self._run.status == "idle" and self._run.config != self._config:
            self.reset()
        else:
            self._publish()

    def _begin(self, training: TrainingRun, run: SessionRun, *, paused: bool = False) -> None:
        config, parent, epoch = run.config, run.parent, run.first_epoch
        if parent is None:
            label = run.label or run_label(config, self._first)
            label = label if run.own is None else f"own network {run.own.name}, {label}"
        else:
            at_fork = parent.config.at_step(parent.steps_at_ends[int(epoch)])
            label = fork_label(config, at_fork, parent.number, epoch)
        if run.status != "idle":  # an untrained network may have any settings
            self._first = self._first or config
        self._training, self._run = training, replace(run, label=label, series=self._series)
        self._token = self._runner.start(training, paused=paused)
        self._publish()

    def _branch(
        self, parent: SessionRun, moment: Moment, *, repeats: bool = False, paused: bool = False
    ) -> None:
        config = self._config
        if config.epochs <= moment.epoch:
            if moment.epoch >= MOST_EPOCHS:
                text = f"These weights have been trained for {MOST_EPOCHS} epochs, and no run has more."
                raise ForkError(text, "Train starts a new run.")
            config = config.replace(epochs=min(MOST_EPOCHS, int(moment.epoch) + 10))
        if not config.may_validate(parent.config):
            text = "Some of the validation images would be images that these weights were trained on."
            raise ForkError(text, "Train starts a new run.")
        if not repeats:  # its own mid-run changes are still to come
            config = config.at_step(parent.steps_at_ends[int(moment.epoch)])
        try:
            training = TrainingRun(config, self.dataset, start=moment.snapshot)
        except ConfigError:
            raise
        except ValueError as error:
            text = "These weights don't fit the hidden layers in the settings."
            why = f"They are those of {parent.config.hidden_units}: set the same to train on."
            raise ForkError(text, why) from error
        self._config = config
        self._put_aside()
        run = SessionRun.beginning(training, self._next_number(), "paused" if paused else "running")
        self._begin(training, run.forked_from(parent, moment), paused=paused)

    def _take(self, delivery: Delivery) -> None:
        """Update the run with a delivery; deliveries of a previous run arrive too late and are ignored."""
        if self._run is not None and delivery.token == self._token:
            before = self._run.config
            self._run = self._run.taking(delivery.status, delivery.records, delivery.in_line)
            self._config = self._with_changes(self._config, before)
            news = [record for record in delivery.records if isinstance(record, RivalRecord)]
            for entry, rival in self._rivals.items():
                records = [one.record for one in news if one.entry == entry]
                self._rivals[entry] = rival.racing(self._run, records)
            self._publish()

    def _take_test(self, run: SessionRun, found: FinalTest) -> None:
        """Store the results on the test set; meanwhile the run may have become an earlier one."""
        self._n_tested += 1
        now = next((one for one in self._state.runs if one.key == run.key), None)
        if now is not None and now.can_be_tested and now.epochs_done == run.epochs_done:
            self.edit(run.number, test=replace(found, number=self._n_tested))

    def _new_state(self) -> SessionState:
        run = self._run
        moment = None if run is None else run.newest
        if run is not None and self._selected_epoch is not None:
            moment = run.timeline.nearest(self._selected_epoch) or moment
        return SessionState(
            dataset=self.dataset,
            config=self._config,
            run=run,
            moment=moment,
            selected_epoch=self._selected_epoch,
            earlier=replace(self._earlier, runs=(*self._earlier.runs, *self._rivals.values())),
            starts_clean=self._starts_clean,
            n_tested=self._n_tested,
            saved=self._saved,
        )

    def _publish(self) -> None:
        state = self._state = self._new_state()
        for listener in tuple(self._listeners):
            self.loop.guarded(listener, state)


def _resumed(run: SessionRun, dataset: Dataset) -> TrainingRun | None:
    """Return a training that continues a run from its end exactly as it would have; None if impossible.

    It is impossible within an epoch, with an optimizer whose state is lost, with early stopping, which needs the
    lowest loss, with a user's class, and after a failure.
    """
    newest, config = run.newest, run.config
    forgets = run.own is not None or OPTIMIZERS[config.optimizer].n_memories > 0
    forgets = forgets or bool(config.patience and config.n_validation)
    if newest is None or newest.epoch != int(newest.epoch) or run.status == "failed" or forgets:
        return None
    return TrainingRun(run.config, dataset, start=newest.snapshot)
