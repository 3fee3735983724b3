"""How a run of a session begins: with fresh weights, in a race, as a fork, or again from its end."""

from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files

from explorer.datasets import Dataset
from explorer.network import OPTIMIZERS
from explorer.session.run_names import entry_labels, fork_label
from explorer.session.saved_session import SessionFileError, read_session
from explorer.session.session_run import SessionRun
from explorer.session.state import SessionState
from explorer.training import TrainingConfig, TrainingRun
from explorer.training.config import MOST_EPOCHS
from explorer.training.own_network import OwnClass
from explorer.training.races import Race, RaceError
from explorer.training.records import Moment

RECORDING = "start.session"
"""A file next to this module, which ``python tests/record_start.py`` writes."""

NewRun = tuple[TrainingRun, SessionRun]
"""A training that has not begun, and the session's run of it, which has no number yet."""


class ForkError(ValueError):
    """A run can't continue from these weights: its arguments are the problem and the reason, a sentence each."""

    def __str__(self) -> str:
        return " ".join(self.args)


def fresh(config: TrainingConfig, dataset: Dataset, own: OwnClass | None = None) -> NewRun:
    """Return a run with freshly initialized weights, of a user's class or the textbook network."""
    training = TrainingRun(config, dataset, own=own, samples=True)
    return training, SessionRun.beginning(training)


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
    """Return the current run and the moment that a fork of it begins with; None if there is nothing to fork.

    Raises `ForkError` if the weights can't be trained further with the settings.
    """
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
    newest, config = run.newest, run.config
    forgets = run.own is not None or OPTIMIZERS[config.optimizer].n_memories > 0
    forgets = forgets or bool(config.patience and config.n_validation)
    training = None
    if (
        newest is not None
        and newest.weights
        and newest.epoch % 1 == 0
        and run.status != "failed"
        and not forgets
    ):
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
    """Return the recorded run of `START` on MNIST, with which the page opens; None on other images.

    It is finished, with its networks, also those within its first epoch: nobody has to wait for its training.
    """
    content = (files("explorer.session") / RECORDING).read_bytes()
    try:
        (run,) = read_session(content, RECORDING, dataset).runs
    except SessionFileError:  # a test holds that the file itself has no fault
        return None
    return run
