"""A user's session: the current run, the earlier ones, and the settings of the next, without widgets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from explorer.datasets import Dataset, load_mnist
from explorer.session import new_runs
from explorer.session.advice import Advice, Advisor
from explorer.session.saved_session import kept_runs, session_bytes
from explorer.session.session_run import SessionRun
from explorer.session.state import Finding, SessionState
from explorer.training import OwnNetworkError, TrainingConfig, TrainingRun, check_images
from explorer.training.event_loop import EventLoop, log_fault
from explorer.training.own_network import OwnClass
from explorer.training.presets import usual_config
from explorer.training.process_settings import return_freed_memory
from explorer.training.races import Race
from explorer.training.runner import Run, RunnerStatus, Unit

_PATIENCE_SECONDS = 3.0  # for a user's code to return


class Session:
    """All runs of one user on one data set, by default MNIST, and the settings, by default the exercise's.

    One run trains at a time, in a thread. Everything else happens on the event loop that was running when the
    session was created, where its methods must be called; without a loop, `wait` delivers the thread's records.
    Methods that accept settings raise `ConfigError` if these need more images than the data set has. After each
    change, all listeners are called with the new state; their exceptions go to `on_fault`, or are logged.

    `network` is a user's class as in `OwnClass`, to be trained by its own methods. Next to each of its runs, the
    textbook network is trained with the same settings, as an earlier run.
    """

    def __init__(
        self,
        dataset: Dataset | None = None,
        config: TrainingConfig | Mapping[str, Any] | None = None,
        *,
        network: type[Any] | None = None,
        on_fault: Callable[[Exception], object] = log_fault,
    ) -> None:
        return_freed_memory()
        self.loop = EventLoop(on_fault)
        self.auto_train = True
        """Whether applying settings starts training at once."""
        self.own = None if network is None else OwnClass(network)
        """The user's class that is trained; None for the textbook network."""
        dataset = load_mnist() if dataset is None else dataset
        if not isinstance(config, TrainingConfig):  # but what differs from the usual one
            usual = usual_config(dataset.n_train, dataset.n_inputs, dataset.n_classes)
            config = usual.replace(**(config or {}))
        self.state = SessionState(dataset=dataset, config=config)
        check_images(self.config, dataset)
        self._listeners = list[Callable[[SessionState], object]]()
        self._advisor = Advisor()
        self._trainer = new_runs.Trainer(self.loop, self._update)

    @property
    def dataset(self) -> Dataset:
        """The images."""
        return self.state.dataset

    @property
    def status(self) -> RunnerStatus:
        """Status of the current run."""
        return self.state.status

    @property
    def advice(self) -> tuple[Advice, ...]:
        """The advice about the current run and settings."""
        return self._advisor.advise(self.state)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the next run; assigning others starts nothing, and makes the next run start fresh."""
        return self.state.config

    @config.setter
    def config(self, config: TrainingConfig) -> None:
        check_images(config, self.dataset)
        if config != self.config:
            self.state = replace(self.state, config=config, starts_clean=self.state.is_from_others)
        self._settle()

    def subscribe(self, listener: Callable[[SessionState], object]) -> Callable[[], None]:
        """Call ``listener(state)`` after each change; return a function that unsubscribes."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def apply(
        self, config: TrainingConfig | None = None, *, clean: bool = False, at_once: bool = False
    ) -> None:
        """Apply new settings, or the current ones, and train with them if `auto_train` is on.

        More epochs continue the current run; a fork restarts where it began; otherwise, and with `clean`, a new
        run starts. Unless `at_once`, settings stay pending if a new run would discard the selected epoch.
        """
        if config is not None:
            check_images(config, self.dataset)
            before = self.state.run
            self._trainer.runner.wait(0)  # delivers pending records, with which the run's settings may change
            if before is not None and before is not self.state.run:
                config = self.state.with_changes(config, before.config)
            self.state = replace(self.state, config=config)
        if clean:
            self.state = replace(self.state, starts_clean=self.state.is_from_others)
        withheld = not at_once and self.state.withholds_settings
        if config is not None and (not self.auto_train or withheld):
            self._settle()
        elif self.state.continues:
            self.extend(self.config.epochs)
        else:
            self.restart()

    def apply_changes(self, changes: Mapping[str, Any]) -> None:
        """Apply the current settings with other values of some."""
        self.apply(self.config.replace(**changes))

    def restart(self) -> None:
        """Start a run with the current settings: a fork where it began, else with freshly initialized weights."""
        run = None if self.state.starts_clean else self.state.run
        if run is not None and (fork := new_runs.fork_again(run, self.config, self.dataset)):
            self._begin(*fork)
        else:
            self.train()

    def train(self, config: TrainingConfig | None = None, *, paused: bool = False) -> None:
        """Start a new run with freshly initialized weights, with `config` or the current settings."""
        training = TrainingRun(config or self.config, self.dataset, own=self.own, samples=True)
        self.state = self.state.superseded_by([training.config], self.own)
        if self.own is not None:
            self.state = self._trainer.train_reference(self.state)
        self._begin(training, status="paused" if paused else "running")

    def race(self, configs: Sequence[TrainingConfig]) -> None:
        """Start a race of a current run and others, which are earlier runs; `RaceError` if it can't be one."""
        training, runs = new_runs.race(configs, self.dataset, self.own)
        self.state = self.state.superseded_by(configs)
        self._begin(training, *runs)

    def use_network(self, network: type[Any], config: TrainingConfig) -> None:
        """Train another user's class, and forget all runs so far; `TypeError` if it is not a network class."""
        self.own = OwnClass(network)
        self.forget_runs()
        self.train(config)

    def extend(self, epochs: int) -> None:
        """Let the current run continue to more epochs, also after its end; `ValueError` if it can't."""
        self._trainer.runner.wait(0)  # delivers pending records
        run, training = self.state.run, self._trainer.training
        if run is None or training is None or not run.can_continue_to(run.config.replace(epochs=epochs)):
            raise ValueError(f"there is no run that can go on to {epochs} epochs")
        self._trainer.runner.extend(training, epochs)
        continued = self.state.continued(epochs)
        if self.own is not None and continued is not self.state:  # else it has just ended for good
            continued = self._trainer.train_reference(continued)
        self._publish(continued)

    def fork(self) -> None:
        """Train on from the shown epoch as a new run with the current settings; `ForkError` if it can't be."""
        if point := new_runs.fork_point(self.state):
            self._begin(*new_runs.fork(*point, self.config, self.dataset))

    def reset(self) -> None:
        """Make the current run an earlier one, and show the untrained network of the settings."""
        self._begin(TrainingRun(self.config, self.dataset, own=self.own, samples=True), status="idle")

    def change(self, *, learning_rate: float | None = None, batch_size: int | None = None) -> None:
        """Use other values from the run's next mini-batch on; `ConfigError` if they are invalid, or too many."""
        run = self.state.run
        if run is not None and run.can_be_changed:
            wanted = learning_rate or run.now[0], batch_size or run.now[1]
            self._trainer.runner.change(*wanted)
            self._publish(run=replace(run, wanted=wanted))

    def step(self, unit: Unit, n_batches: int = 1) -> None:
        """Train to the end of an epoch, or for `n_batches`, then pause; an ended run stays as it is."""
        if self.state.run is None:
            self.reset()
        run = self.state.run
        if run is not None and run.status == "idle":
            self.state = replace(self.state, run=replace(run, status="paused"))
        self._trainer.runner.step(unit, n_batches)

    def pause(self) -> None:
        """Pause within a mini-batch; exact figures follow."""
        self._trainer.runner.pause()

    def resume(self) -> None:
        """Continue after a pause, or after the end as far as `SessionState.reach` allows."""
        if self.status not in ("running", "paused") and (epochs := self.state.reach()):
            self.extend(epochs)
        else:
            self._trainer.runner.resume()

    def stop(self) -> None:
        """Stop the run within a mini-batch; its results are kept. Code that never returns is reported."""
        self._trainer.runner.stop()
        if self.own is not None and self.loop.loop is not None:
            self.loop.call_later(_PATIENCE_SECONDS, self._report_endless_code, self.state.run)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or paused; return False if `timeout` seconds passed first."""
        return self._trainer.wait(timeout)

    def close(self) -> None:
        """End the run and its thread."""
        self._trainer.close()

    def open_test_set(self) -> None:
        """Evaluate the ended run's network on the test set; with an event loop the figures follow soon."""
        self._trainer.open_test_set(self.state.run)

    def follow(self, advice: Advice) -> None:
        """Perform the action of a piece of advice; raises the errors of that action."""
        if advice.config is not None:
            self.state = replace(self.state, config=advice.config)  # published by the action
        if advice.verb:
            getattr(self, advice.verb)()

    def use(self, dataset: Dataset, config: TrainingConfig | None = None) -> None:
        """Switch to another data set, with `config` or the current settings as far as possible; nothing trains."""
        config = config or self.config.for_images(dataset.n_train)
        check_images(config, dataset)
        if dataset is not self.dataset:
            self._leave()
            self.state = replace(self.state, findings={})
        self.state = replace(self.state, dataset=dataset, config=config)
        self._settle()

    def select(self, epoch: float | None) -> None:
        """Show the current run as of the end of an epoch; None follows it as it trains."""
        self._publish(selected_epoch=epoch)

    def go_back_to(self, number: int) -> None:
        """Make an earlier run on these images the current one; does nothing if its network is gone."""
        run = self.state.earlier.of(self.dataset).numbered(number)
        if run is not None and run.has_network:
            # Removed before the current run is added, which may evict the oldest networks.
            self.state = replace(self.state, earlier=self.state.earlier.without([run]))
            self._leave(run.config)
            self._show(run.reduced())

    def go_back_to_settings(self, config: TrainingConfig) -> bool:
        """Make the newest earlier run with these settings the current one; return False if there is none."""
        alike = self.state.earlier.alike([config], self.dataset, self.own)
        numbers = [run.number for run in alike if run.has_network]
        if numbers:
            self.go_back_to(numbers[-1])
        return bool(numbers)

    def open(self, run: SessionRun) -> None:
        """Show an ended run of another session, on the same images, as the newest, as if trained here."""
        self._leave(run.config)
        self._trainer.training, run = new_runs.resumed(run, self.dataset)
        self._publish(self.state.beginning(run))

    def save_session(self) -> bytes:
        """Return all runs, their names and notes, and the settings as a file for `read_session`."""
        content, kept = session_bytes(self.state), kept_runs(self.state)
        self._publish(saved=frozenset(run.revision for run in kept), saved_findings=self.state.findings)
        return content

    def small_copy(self, weight_bytes: int) -> bytes:
        """Return the same as `save_session`, with at most `weight_bytes` of weights; no run is marked as saved."""
        return session_bytes(self.state, weight_bytes)

    def open_session(self, saved: SessionState) -> None:
        """Replace this session by a saved one, on its points if it has some; nothing trains."""
        self._leave(saved.config)
        state = saved.restored(self.state.series + 1)
        # At first without a current run: its number may be that of the previous one.
        self._publish(replace(state, run=None))
        if state.run is None:
            self.reset()
        else:
            self._show(state.run)

    def forget_runs(self) -> None:
        """Discard all runs, as if none had been trained."""
        self._leave()
        self.state = self.state.cleared()

    def edit(self, number: int, **changes: Any) -> None:
        """Change a run's name, note, or pinned or hidden state; unknown numbers are ignored."""
        self._publish(self.state.edited(number, **changes))

    def delete(self, number: int) -> None:
        """Remove an earlier run, until `restore` or `forget`; if it is racing, its training ends."""
        training, rivals = self._trainer.training, self.state.rivals
        if isinstance(training, Race) and number in filter(None, rivals):
            training.drop(rivals.index(number) + 1)
        self._publish(self.state.deleting(number))

    def restore(self) -> None:
        """Restore the deleted runs."""
        self._publish(earlier=self.state.earlier.restored())

    def forget(self) -> None:
        """Discard the deleted runs for good."""
        self._publish(earlier=replace(self.state.earlier, deleted=()))

    def note_finding(self, key: str, finding: Finding) -> None:
        """Keep what a demonstration has found, for the report and the session's file."""
        others = {name: one for name, one in self.state.findings.items() if name != key}
        self._publish(findings={**others, key: finding})

    def _report_endless_code(self, run: SessionRun | None) -> None:
        """Report user code that has not returned since its run, if that is still current, was stopped."""
        now = self.state.run
        if run is None or run.own is None or now is None or (now.key, now.status) != (run.key, "running"):
            return
        words = f"The code of {run.own.name} doesn't return, so the run can't stop: restart the kernel."
        self.loop.on_fault(OwnNetworkError(words))

    def _update(self, transition: Callable[..., SessionState], *arguments: Any) -> None:
        self._publish(transition(self.state, *arguments))

    def _publish(self, state: SessionState | None = None, **changes: Any) -> None:
        self.state = replace(state or self.state, **changes).shown()
        for listener in tuple(self._listeners):
            self.loop.guarded(listener, self.state)

    def _settle(self) -> None:
        """Publish new settings; if an untrained network is shown, replace it by one with these settings."""
        run = self.state.run
        if run is not None and run.status == "idle" and run.config != self.config:
            self.reset()
        else:
            self._publish()

    def _leave(self, config: TrainingConfig | None = None) -> None:
        """End all training, make the current run an earlier one, and use its successor's settings."""
        self._trainer.leave()
        self.state = self.state.archived(config or self.config)

    def _begin(self, training: Run, *runs: SessionRun, status: RunnerStatus = "running") -> None:
        """Start a training as the current run; `runs` are its entries' runs, by default new ones."""
        runs = runs or tuple(map(SessionRun.beginning, training.entries))
        self.state = self.state.beginning(*(replace(run, status=status) for run in runs))
        self._trainer.training = training
        self._trainer.runner.start(training, paused=status != "running")
        self._publish()

    def _show(self, run: SessionRun) -> None:
        """Make an ended run the current one, ready for more epochs if it can continue."""
        self._trainer.training, run = new_runs.resumed(run, self.dataset)
        self._publish(run=run)
