"""How a run of a session begins, with fresh weights, in a race or as a fork, and the threads that train it."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.resources import files
from threading import Thread
from time import monotonic

from explorer.datasets import Dataset
from explorer.network import OPTIMIZERS
from explorer.session.run_names import entry_labels, fork_label, run_label
from explorer.session.saved_session import SessionFileError, read_session
from explorer.session.session_run import SessionRun
from explorer.session.state import SessionState, with_records
from explorer.training import TrainingConfig, TrainingRun, open_test_set
from explorer.training.config import MOST_EPOCHS
from explorer.training.event_loop import EventLoop
from explorer.training.own_network import OwnClass
from explorer.training.races import Race, RaceError
from explorer.training.records import Moment
from explorer.training.runner import Delivery, Run, Runner
from explorer.training.turns import turns_of

RECORDING = "start.session"  # next to this module, written by ``python tests/record_start.py``
NewRun = tuple[TrainingRun, SessionRun]  # a training that has not begun, and the run of it, without a number


class ForkError(ValueError):
    """A run can't continue from these weights: its arguments are the problem and the reason, a sentence each."""

    def __str__(self) -> str:
        return " ".join(self.args)


def race(
    configs: Sequence[TrainingConfig], dataset: Dataset, own: OwnClass | None
) -> tuple[Race, list[SessionRun]]:
    """Return a race and the runs of its entries; raises `RaceError` if the settings don't make one."""
    if own is not None:
        raise RaceError(f"{own.name} trains by itself; only the textbook's networks race")
    training = Race(configs, dataset, samples=True)
    entries = zip(training.entries, entry_labels(configs), strict=True)
    return training, [replace(SessionRun.beginning(entry), label=label) for entry, label in entries]


def fork_point(state: SessionState) -> tuple[SessionRun, Moment] | None:
    """Return the current run and the moment that a fork of it begins with, or None; raises `ForkError`."""
    run, moment, config = state.run, state.moment, state.config
    if run is None or moment is None:
        return None
    if run.own is not None:
        text = f"A run of {run.own.name} can't be trained on from an epoch before its end."
        raise ForkError(text, "Only its class knows how its training goes on. Train starts a new run.")
    if state.selected_epoch is None and run.history.restored is None:
        moment = run.timeline.newest or moment
    if moment.epoch != int(moment.epoch):
        text = "These weights are from within an epoch."
        raise ForkError(text, "A run is trained on from an epoch's end only.")
    if moment.epoch >= MOST_EPOCHS:
        text = f"These weights have been trained for {MOST_EPOCHS} epochs, and no run has more."
        raise ForkError(text, "Train starts a new run.")
    if not config.may_validate(run.config):
        text = "Some of the validation images would be images that these weights were trained on."
        raise ForkError(text, "Train starts a new run.")
    if config.hidden_sizes != run.config.hidden_sizes or not moment.weights:
        text = "These weights don't fit the hidden layers in the settings."
        raise ForkError(text, f"They are those of {run.config.hidden_units}: set the same to train on.")
    return run, moment


def fork(
    parent: SessionRun, moment: Moment, config: TrainingConfig, dataset: Dataset, *, repeats: bool = False
) -> NewRun:
    """Return a run that continues from a moment of another, for ten epochs if the settings have none beyond it.

    If `repeats`, the settings are those of an equal fork, whose own mid-run changes are still to come.
    """
    step = parent.steps_at_ends[int(moment.epoch)]
    if config.epochs <= moment.epoch:
        config = config.replace(epochs=min(MOST_EPOCHS, int(moment.epoch) + 10))
    if not repeats:
        config = config.at_step(step)
    training = TrainingRun(config, dataset, start=moment.snapshot)
    run = SessionRun.beginning(training)
    label = fork_label(config, parent.config.at_step(step), parent.number, run.origin.epoch)
    seconds = (record.seconds for record in parent.history if record.epoch <= moment.epoch)
    figures = (record for record in parent.curve if record.epoch == moment.epoch)
    is_judged_alike = run.dataset.compares_with(parent.dataset)
    has_same_loss = is_judged_alike and parent.config.loss_terms == run.config.loss_terms
    origin = replace(
        run.origin,
        parent=parent.without_moments(),
        moment=moment,
        step=parent.origin.step + step - parent.steps_at_ends[parent.origin.epoch],
        seconds=parent.origin.seconds + sum(seconds),
    )
    return training, replace(
        run,
        label=label,
        origin=origin,
        timeline=run.timeline.followed_by(moment) if is_judged_alike else run.timeline,  # its first moment
        start=next(figures, None) if has_same_loss else None,
    )


def fork_again(run: SessionRun, config: TrainingConfig, dataset: Dataset) -> NewRun | None:
    """Return a fork that begins where an equal one began; None if there is none, or it can't with `config`."""
    parent, moment = run.origin.parent, run.origin.moment
    if parent is None or moment is None or config.epochs <= moment.epoch:
        return None
    fits = not {"hidden_sizes", "initializer"} & {*config.differences(run.config)}
    if not fits or not config.may_validate(parent.config):
        return None
    return fork(parent, moment, config, dataset, repeats=True)


def resumed(run: SessionRun, dataset: Dataset) -> tuple[TrainingRun | None, SessionRun]:
    """Return a training that continues an ended run exactly as it would have, and the run as it then continues.

    There is none within an epoch, with an optimizer whose state is lost, with early stopping, which needs the
    lowest loss, with a user's class, and after a failure.
    """
    newest, config, training = run.newest, run.config, None
    forgets = run.own is not None or OPTIMIZERS[config.optimizer].n_memories > 0
    forgets = forgets or run.status == "failed" or bool(config.patience and config.n_validation)
    if newest is not None and newest.weights and newest.epoch % 1 == 0 and not forgets:
        training = TrainingRun(config, dataset, start=newest.snapshot)
        if run.epoch > training.first_epoch:  # a partly trained epoch is trained again
            records = replace(run.history.until(training.first_epoch), end=run.history.end)
            run = replace(run, history=records, changed_at=0, wanted=None)
    last, found = run.history.last, run.evaluation
    if last is not None and found is not None and last.epoch == found.epoch and not run.timeline.moments:
        # The exact figures, as a moment too: they are dropped as soon as it trains on.
        run = replace(run, timeline=run.timeline.followed_by(Moment(last, found.snapshot)))
    return training, replace(run, is_recorded=training is None)


def recorded_start(dataset: Dataset) -> SessionRun | None:
    """Return the recorded, finished run of `START` on MNIST, with which the page opens; None on other images."""
    content = (files("explorer.session") / RECORDING).read_bytes()
    try:
        (run,) = read_session(content, RECORDING, dataset).runs
    except SessionFileError:  # a test holds that the file itself has no fault
        return None
    return run


class Trainer:
    """Trains a session's current run and, next to a run of a user's class, the textbook network: the reference.

    On the event loop, it calls ``update(transition, …)`` with a function of a state, and its further arguments,
    that returns the next state.
    """

    def __init__(self, loop: EventLoop, update: Callable[..., object]) -> None:
        self._loop, self._update = loop, update
        deliver = loop.bind(partial(update, SessionState.with_delivery))
        self.runner = Runner(deliver, turns=turns_of(os.environ))
        self.training: Run | None = None  # what the runner trains, or would continue
        self._reference_runner = Runner(loop.bind(self._deliver_reference), turns=turns_of(os.environ))
        self._reference: SessionRun | None = None  # until it is over
        self._tested: SessionRun | None = None  # the run that the test set was last opened for

    def train_reference(self, state: SessionState) -> SessionState:
        """Train with a state's settings, unless that has been done; return the state without older attempts."""
        config, earlier = state.config, state.earlier
        alike = [
            run
            for run in earlier.of(state.dataset)
            if run.own is None and {*run.config.differences(config)} <= {"epochs"} and not run.is_marked
        ]
        if any(run.config == config and run.status == "finished" for run in alike):
            return state
        training = TrainingRun(config, state.dataset, samples=True)
        run = replace(SessionRun.beginning(training), label=f"textbook, {run_label(config, state.first)}")
        state, (self._reference,) = state.numbering(run)
        self._reference_runner.start(training)
        return replace(state, earlier=earlier.without(alike))

    def open_test_set(self, run: SessionRun | None) -> None:
        """Evaluate a run's network on the test set, once; with an event loop the figures follow soon."""
        if run is None or run.newest is None or not run.can_be_tested or run is self._tested:
            return
        self._tested, network = run, run.new_network()
        network.set_weights(run.newest.weights)
        report = self._loop.bind(self._update)

        def look() -> None:
            try:
                report(SessionState.tested, run, open_test_set(network, run.dataset))
            except Exception as error:  # noqa: BLE001  # whatever it is, it is reported to the user
                self._tested = None
                self._loop.call(self._loop.on_fault, error)

        if self._loop.loop is None:
            look()
        else:
            Thread(target=look, daemon=True).start()

    def leave(self) -> None:
        """End all training; nothing more of it is delivered."""
        self.runner.cancel()
        self._reference_runner.cancel()
        self.training = self._reference = None

    def wait(self, timeout: float | None) -> bool:
        """Wait until all training is over or paused; return False if `timeout` seconds passed first."""
        end = None if timeout is None else monotonic() + timeout
        is_over = self.runner.wait(timeout)
        return is_over and self._reference_runner.wait(None if end is None else max(0.0, end - monotonic()))

    def close(self) -> None:
        """End all training and its threads."""
        self._reference_runner.close()
        self.runner.close()

    def _deliver_reference(self, delivery: Delivery) -> None:
        if self._reference is None:
            return
        self._reference = run = with_records(self._reference, delivery.status, delivery.records)
        if run.history.end is not None:
            self._reference = None
            self._update(lambda state: replace(state, earlier=state.earlier.followed_by(run)))
