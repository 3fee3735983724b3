"""Hints about regularization, augmentation, early stopping and schedules: if too strong, or if they would help."""

from collections.abc import Mapping
from types import MappingProxyType

from explorer.network import OPTIMIZERS
from explorer.training.diagnostics import Findings, Hint
from explorer.wording import counted, percent, plain

_STRONG_L2, _STRONG_L1 = 0.001, 0.0001
_WIDE_ENOUGH = 64  # units; enough to drop a fifth of them in each step
_ROOM: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"shift": (3.0, 2.0), "rotation": (30.0, 15.0), "scale": (0.25, 0.1), "elastic": (2.0, 1.0)}
)
"""For each distortion, the largest value without a hint and one that suits digits."""


def dropout_too_strong(findings: Findings) -> Hint | None:
    """Fix dropout that leaves too few units to learn with: less of it, or none in a narrow network."""
    config = findings.config
    if max(config.dropout, config.input_dropout) < 0.3 or not findings.ends_below(0.95):
        return None
    while_dropping, without = findings.epochs[-1].train_accuracy, findings.train_accuracy
    if without - while_dropping < 0.03 and while_dropping > 0.5:
        return None
    spare = 0.2 if min(config.hidden_sizes) >= _WIDE_ENOUGH else 0.0
    changes = {"dropout": min(config.dropout, spare), "input_dropout": min(config.input_dropout, 0.1)}
    what = f"Train accuracy is {percent(while_dropping)} with dropout, and {percent(without)} without."
    why = "So much is left out in each step that what is left can't tell the classes apart."
    return findings.hint("dropout_too_strong", "hint", why, changes, what)


def penalty_too_strong(findings: Findings) -> Hint | None:
    """Fix a penalty that outweighs the data loss: at most a tenth of the threshold."""
    config = findings.config
    in_loss = not OPTIMIZERS[config.optimizer].decays_weights
    is_strong = (in_loss and config.l2 > _STRONG_L2) or config.l1 > _STRONG_L1
    if not is_strong or not findings.ends_below(0.93):
        return None
    l2 = min(config.l2, _STRONG_L2 / 10) if in_loss else config.l2
    changes = {"l2": l2, "l1": min(config.l1, _STRONG_L1 / 10)}
    why = "The loss falls more by small weights than by right answers, so the weights shrink towards 0."
    return findings.hint("penalty_too_strong", "hint", why, changes)


def augmentation_too_strong(findings: Findings) -> Hint | None:
    """Fix distortions that make digits unrecognizable: milder ones."""
    config = findings.config
    strong = {name: mild for name, (most, mild) in _ROOM.items() if getattr(config, name) > most}
    if not strong or not findings.ends_below(0.95):
        return None
    why = "Distorted so much, images no longer look like their class: a 6 that is turned is a 9."
    return findings.hint("augmentation_too_strong", "hint", why, strong)


def patience_too_short(findings: Findings) -> Hint | None:
    """Fix early stopping at the first fluctuation of the validation loss: more patience."""
    config, records = findings.config, findings.epochs
    stopped = findings.finished and len(records) and records[-1].epoch < config.epochs
    if not stopped or not 0 < config.patience <= 3 or not config.n_validation:
        return None
    best = min(record.test_loss for record in records)
    only_wobbles = records[-1].test_loss < 1.03 * best
    still_learns = findings.train_accuracy < 0.99
    if not (only_wobbles and still_learns):
        return None
    what = f"It stopped after {counted(records[-1].epoch, 'epoch')}, at a validation loss hardly above its lowest."
    why = "From one epoch to the next the loss may also rise by chance: only a lasting rise is a reason to stop."
    return findings.hint("patience_too_short", "hint", why, {"patience": 10}, what)


def wavering_loss(findings: Findings) -> Hint | None:
    """Fix a loss that fluctuates until the end: a schedule with small steps at the end."""
    config, losses = findings.config, [loss for loss, _ in findings.judged]
    ran_to_end = findings.finished and len(losses) >= 5 and findings.epochs[-1].epoch == config.epochs
    if not ran_to_end or config.schedule != "constant" or config.changes or findings.accuracy < 0.5:
        return None
    lowest, ends_high = min(losses), losses[-1] > 1.08 * min(losses)
    if not ends_high or min(losses[-3:]) > 1.2 * lowest:  # a lasting rise is not caused by the steps
        return None
    name = f"{findings.judged_by.capitalize()} loss"
    what = f"{name} goes up and down: it ends at {losses[-1]:.3g}, and was {lowest:.3g} before."
    rate = plain(config.learning_rate)
    why = f"At learning rate {rate} steps are too large for the loss to settle: let them get smaller at the end."
    return findings.hint("wavering_loss", "hint", why, {"schedule": "cosine"}, what)


def memorised(findings: Findings) -> Hint | None:
    """Fix memorized training images, as shown by validation images: new variants of them in each epoch."""
    if not _learned_by_heart(findings) or findings.config.augmentation.is_on:
        return None
    what = f"Train accuracy is {percent(findings.train_accuracy)}, validation accuracy "
    what += f"{percent(findings.test_accuracy)}."
    why = "The training images are learned by heart: shifted and turned a little, they are new in each epoch."
    return findings.hint("memorised", "info", why, {"shift": 1.0, "rotation": 10.0}, what)


def room_to_memorise(findings: Findings) -> Hint | None:
    """Fix a wide network that has memorized: dropout, so that no unit can rely on certain others."""
    config = findings.config
    has_dropout = config.dropout or config.input_dropout
    if not _learned_by_heart(findings) or has_dropout or min(config.hidden_sizes) < _WIDE_ENOUGH:
        return None
    what = f"{config.hidden_units} have room to learn individual images by heart."
    why = "Where a few units are left out in each step, each has to be of use by itself, for many images."
    return findings.hint("room_to_memorise", "info", why, {"dropout": 0.2}, what)


def _learned_by_heart(findings: Findings) -> bool:
    """Return whether a run classifies nearly all of many training images correctly, but clearly fewer others."""
    if not findings.finished or not findings.config.n_validation or findings.n_train < 5000:
        return False
    gap = findings.train_accuracy - findings.test_accuracy
    return findings.train_accuracy >= 0.985 and gap >= 0.015


METHOD_CAUSES = (penalty_too_strong, dropout_too_strong, augmentation_too_strong)
"""Rules for runs that don't learn."""

METHOD_ADVICE = (patience_too_short, wavering_loss, memorised, room_to_memorise)
"""Rules that improve a sound run."""
