"""The settings of a session and what is trained with them: the current run, its rivals, and its past ones."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from threading import Thread
from time import monotonic
from typing import Any

from explorer.datasets import Dataset, load_mnist
from explorer.session.new_runs import forked_run, fresh_run, moment_to_fork, raced_runs, resumed_run
from explorer.session.run_names import run_label
from explorer.session.session_run import SessionRun
from explorer.session.state import EarlierRuns, SessionState
from explorer.training import FinalTest, Moment, OwnNetworkError, TrainingConfig, check_images, open_test_set
from explorer.training.event_loop import EventLoop, log_fault
from explorer.training.own_network import OwnClass
from explorer.training.runner import Delivery, Run, Runner, RunnerStatus, Unit
from explorer.training.turns import turns_of

Listener = Callable[[SessionState], object]

_PATIENCE_SECONDS = 3.0  # for a user's code to return


class Reference:
    """Trains the textbook network next to a user's class; `on_end` is called on the loop with its ended run."""

    def __init__(self, loop: EventLoop, on_end: Callable[[SessionRun], object]) -> None:
        self._on_end = on_end
        self._run: SessionRun | None = None  # until it is over
        self.runner = Runner(loop.bind(self._deliver), turns=turns_of(os.environ))

    def train(self, state: SessionState) -> SessionState:
        """Train with a state's settings, unless that has been done; return the state without older attempts."""
        config, earlier = state.config, state.earlier
        alike = [
            run
            for run in earlier.of(state.dataset)
            if run.own is None and {*run.config.differences(config)} <= {"epochs"} and not run.is_marked
        ]
        if any(run.config == config and run.status == "finished" for run in alike):
            return state
        training, run = fresh_run(config, state.dataset, None)
        label = f"textbook, {run_label(config, state.first)}"
        state, (self._run,) = state.numbering(replace(run, label=label))
        self.runner.start(training)
        return replace(state, earlier=earlier.without(alike))

    def leave(self) -> None:
        """End the training."""
        self.runner.cancel()
        self._run = None

    def _deliver(self, delivery: Delivery) -> None:
        if self._run is not None:
            self._run = run = self._run.with_records(delivery.status, delivery.records)
            if run.history.end is not None:
                self._run = None
                self._on_end(run)


class Trainer:
    """Owns a user's settings, trains networks with them, and publishes each new state to all listeners.

    A state is frozen. The order in which listeners are called means nothing.
    """

    def __init__(
        self,
        dataset: Dataset | None = None,
        config: TrainingConfig | None = None,
        *,
        network: type[Any] | None = None,
        on_fault: Callable[[Exception], object] = log_fault,
    ) -> None:
        self.loop = EventLoop(on_fault)
        self.auto_train = True
        """Whether applying settings starts training at once."""
        self.own = None if network is None else OwnClass(network)
        """The user's class that is trained; None for the textbook network."""
        dataset = load_mnist() if dataset is None else dataset
        self.state = self._draft = SessionState(dataset=dataset, config=config or TrainingConfig())
        """The current state; the draft is published as the next one."""
        self.check(self._draft.config)
        self._listeners: list[Listener] = []
        self._training: Run | None = None
        self._token = 0  # the runner's token of the current run
        self._runner = Runner(self.loop.bind(self._on_delivery), turns=turns_of(os.environ))
        self._reference = Reference(self.loop, self._on_reference)
        self._tested: SessionRun | None = None  # the run that the test set was last opened for

    @property
    def dataset(self) -> Dataset:
        """The images."""
        return self._draft.dataset

    @property
    def offered(self) -> tuple[str, ...] | None:
        """The settings that affect the user's class; None for all."""
        return None if self.own is None else self.own.settings

    @property
    def status(self) -> RunnerStatus:
        """Status of the current run."""
        return self.state.status

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run; assigning others starts nothing, and makes the next run start fresh."""
        return self._draft.config

    @config.setter
    def config(self, config: TrainingConfig) -> None:
        self.check(config)
        if config != self.config:
            self._set(config=config, starts_clean=self._draft.is_from_others)
        self._settle()

    def check(self, config: TrainingConfig) -> None:
        """Raise `ConfigError` if settings need more images than the data set has."""
        check_images(config, self.dataset)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(state)`` after each change; return a function that unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def apply(
        self, config: TrainingConfig | None = None, *, clean: bool = False, at_once: bool = False
    ) -> None:
        """Apply new settings, or the current ones, and train with them if `auto_train` is on.

        More epochs continue the current run; a fork restarts where it began; otherwise, and with `clean`, a new
        run starts with freshly initialized weights. Unless `at_once`, settings stay pending, as
        `SessionState.waits` reports, if a new run would discard the selected epoch.
        """
        if config is not None:
            self.check(config)
            before = self._draft.run
            self._runner.wait(0)  # delivers pending records, with which the run's settings may change
            if before is not None and self._draft.run is not before:
                config = self._draft.with_changes(config, before.config)
            self._set(config=config)
        if clean:
            self._set(starts_clean=self._draft.is_from_others)
        withheld = not at_once and self._draft.withholds_settings
        if config is not None and (not self.auto_train or withheld):
            self._settle()
        elif self._draft.continues:
            self.extend(self.config.epochs)
        else:
            self.restart()

    def apply_changes(self, changes: Mapping[str, Any]) -> None:
        """Apply the current settings with other values of some."""
        self.apply(self.config.replace(**changes))

    def restart(self, *, paused: bool = False) -> None:
        """Start a run with the current settings: a fork where it began, else with freshly initialized weights."""
        run = None if self._draft.starts_clean else self._draft.run
        if run and run.parent and run.origin and run.can_branch_again(self.config):
            self._branch(run.parent, run.origin, repeats=True, paused=paused)
        else:
            self.train(paused=paused)

    def train(self, config: TrainingConfig | None = None, *, paused: bool = False) -> None:
        """Start a new run with freshly initialized weights, with `config` or the current settings."""
        training, run = fresh_run(config or self.config, self.dataset, self.own, _status(paused))
        self._archive_current(run.config)  # with the functions of a user's class
        self._set(earlier=self._draft.earlier.without_repeats(run.config, self.dataset, self.own))
        self._train_reference()
        self._begin(training, run, paused=paused)

    def race(self, configs: Sequence[TrainingConfig]) -> None:
        """Start a race: the first entry is the current run, the others are added to the earlier runs.

        Raises `RaceError` if the settings don't make a race, or a user's class is trained.
        """
        training, runs = raced_runs(configs, self.dataset, self.own)
        self._archive_current(training.entries[0].config)
        for config in reversed(configs):
            self._set(earlier=self._draft.earlier.without_repeats(config, self.dataset))
        self._begin(training, *runs)

    def use_network(self, network: type[Any], config: TrainingConfig) -> None:
        """Train another user's class, and forget all runs so far; `TypeError` if it is not a network class."""
        self.own = OwnClass(network)
        self.forget_runs()
        self.train(config)

    def forget_runs(self) -> None:
        """Discard all runs, as if none had been trained."""
        self._leave()
        series = self._draft.series + 1  # distinguishes the new runs from the old ones
        self._set(run=None, rivals=(), earlier=EarlierRuns(), n_runs=0, series=series, first=None)

    def extend(self, epochs: int, *, paused: bool = False, by_step: bool = False) -> None:
        """Let the current run continue to more epochs, whether it is running, paused or over.

        If it is over, `paused` waits for `step` or `resume`; `by_step` leaves the settings' epochs as they are.
        Raises `ValueError` if no run can continue that far.
        """
        self._runner.wait(0)  # delivers pending records
        run = self._draft.run
        can_continue = run is not None and run.can_continue_to(run.config.replace(epochs=epochs))
        if not can_continue or self._training is None:
            raise ValueError(f"there is no run that can go on to {epochs} epochs")
        self._token = self._runner.extend(self._training, epochs, paused=paused)
        continued = self._draft.continued(epochs, _status(paused), by_step=by_step)
        if continued is not self._draft:  # else it has just ended for good
            self._draft = continued
            self._train_reference()
        self._publish()

    def fork(self) -> None:
        """Train from the selected epoch, or the end of the last one, with the current settings, as a new run.

        If the settings have no epochs beyond it, ten are added. Raises `ForkError` if the weights have been
        trained for the maximum number of epochs, or don't fit the settings.
        """
        if found := moment_to_fork(self.state):
            self._branch(*found)

    def open_test_set(self) -> None:
        """Evaluate the ended run's network on the test set; with an event loop the figures follow soon."""
        run = self._draft.run
        if run is None or run.newest is None or not run.can_be_tested or run is self._tested:
            return
        self._tested, network, report = run, run.new_network(), self.loop.bind(self._on_test)
        network.set_weights(run.newest.weights)

        def look() -> None:
            try:
                report(run, open_test_set(network, run.dataset))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
                self._tested = None
                self.loop.call(self.loop.on_fault, error)

        if self.loop.loop is None:
            look()
        else:
            Thread(target=look, daemon=True).start()

    def change(self, *, learning_rate: float | None = None, batch_size: int | None = None) -> None:
        """Use another learning rate or batch size from the next mini-batch of a run in progress on.

        Raises `ConfigError` for invalid values, or after too many changes.
        """
        run = self._draft.run
        if run is None or not run.can_be_changed:
            return
        wanted = learning_rate or run.now[0], batch_size or run.now[1]
        self._runner.change(*wanted)
        self._publish(run=replace(run, wanted=wanted))

    def step(self, unit: Unit, n_batches: int = 1) -> None:
        """Train to the end of an epoch, or for `n_batches`, then pause; an ended run continues if it can."""
        run = self._draft.run
        if run is not None and run.status == "idle":
            self._set(run=replace(run, status="paused"))
        elif self.status not in ("running", "paused"):
            if epochs := self.state.reach(1):
                is_over = epochs > self.config.epochs
                self.extend(epochs, paused=True, by_step=is_over and unit == "batch")
            else:
                self.restart(paused=True)
        elif unit == "epoch":
            self._keep_epochs()
        self._runner.step(unit, n_batches)

    def pause(self) -> None:
        """Pause within a mini-batch; exact figures follow."""
        self._runner.pause()

    def resume(self) -> None:
        """Continue after a pause, or after the end as far as `SessionState.reach` allows."""
        if self.status not in ("running", "paused") and (epochs := self.state.reach()):
            self.extend(epochs)
        else:
            self._keep_epochs()
            self._runner.resume()

    def stop(self) -> None:
        """Stop the run within a mini-batch; its results are kept. Code that never returns is reported."""
        self._runner.stop()
        if self.own is not None and self.loop.loop is not None:
            self.loop.call_later(_PATIENCE_SECONDS, _report_endless_code, self, self.state.run)

    def reset(self) -> None:
        """Make the current run an earlier one, and show the untrained network of the settings."""
        training, run = fresh_run(self.config, self.dataset, self.own, "idle")
        self._archive_current(run.config)
        self._begin(training, run, paused=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or paused; return False if `timeout` seconds passed first."""
        end = None if timeout is None else monotonic() + timeout
        is_over = self._runner.wait(timeout)
        return is_over and self._reference.runner.wait(None if end is None else max(0.0, end - monotonic()))

    def close(self) -> None:
        """End the run and its thread."""
        self._reference.runner.close()
        self._runner.close()

    def _keep_epochs(self) -> None:
        """Make the epoch of a run's single steps one of the settings, as it will be trained to its end."""
        run = self._draft.run
        if run is not None and run.ended_at is not None:
            self._set(run=replace(run, ended_at=None), config=run.config)

    def _set(self, **changes: Any) -> None:
        self._draft = replace(self._draft, **changes)

    def _publish(self, **changes: Any) -> None:
        self.state = self._draft = replace(self._draft, **changes).shown()
        for listener in tuple(self._listeners):
            self.loop.guarded(listener, self.state)

    def _settle(self) -> None:
        """Publish new settings; if an untrained network is shown, replace it by one with these settings."""
        run = self._draft.run
        if run is not None and run.status == "idle" and run.config != self.config:
            self.reset()
        else:
            self._publish()

    def _archive_current(self, config: TrainingConfig) -> None:
        self._draft = replace(self._draft.archive_current(), config=config)

    def _leave(self, config: TrainingConfig | None = None) -> None:
        """End all training, make the current run an earlier one, and use its successor's settings."""
        self._runner.cancel()
        self._reference.leave()
        self._training = None
        self._archive_current(config or self.config)

    def _begin(self, training: Run, *runs: SessionRun, paused: bool = False) -> None:
        self._draft = self._draft.beginning(*runs)
        self._training, self._token = training, self._runner.start(training, paused=paused)
        self._publish()

    def _branch(
        self, parent: SessionRun, moment: Moment, *, repeats: bool = False, paused: bool = False
    ) -> None:
        status, config = _status(paused), self.config
        training, run = forked_run(parent, moment, config, self.dataset, repeats=repeats, status=status)
        self._archive_current(run.config)
        self._begin(training, run, paused=paused)

    def _show(self, run: SessionRun) -> None:
        """Make an ended run the current one, ready for more epochs if it can continue."""
        training, run = resumed_run(run, self.dataset)
        self._training = training
        self._publish(run=run)

    def _train_reference(self) -> None:
        if self.own is not None:
            self._draft = self._reference.train(self._draft)

    def _on_delivery(self, delivery: Delivery) -> None:
        if self._draft.run is not None and delivery.token == self._token:  # others are of a previous run
            self._draft = self._draft.with_delivery(delivery)
            self._publish()

    def _on_reference(self, run: SessionRun) -> None:
        self._publish(earlier=self._draft.earlier.followed_by(run))

    def _on_test(self, run: SessionRun, found: FinalTest) -> None:
        """Store the results on the test set; meanwhile the run may have become an earlier one."""
        self._set(n_tested=self._draft.n_tested + 1)
        now = next((one for one in self._draft.runs if one.key == run.key), None)
        if now is not None and now.can_be_tested and now.epochs_done == run.epochs_done:
            self._draft = self._draft.edited(run.number, test=replace(found, number=self._draft.n_tested))
            self._publish()


def _status(paused: bool) -> RunnerStatus:
    return "paused" if paused else "running"


def _report_endless_code(trainer: Trainer, run: SessionRun | None) -> None:
    """Report the code of a user that has not returned since its run was stopped, which is then still current."""
    now = trainer.state.run
    if run is None or run.own is None or now is None or (now.key, now.status) != (run.key, "running"):
        return
    words = f"The code of {run.own.name} doesn't return, so the run can't stop: restart the kernel."
    trainer.loop.on_fault(OwnNetworkError(words))
