"""Messages to a session's user: how the run started, which settings are pending, and how to improve it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.network import OPTIMIZERS
from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.session.new_runs import ForkError, fork_point
from explorer.session.session_run import SessionRun
from explorer.session.state import SessionState
from explorer.training import FIELDS, TrainingConfig
from explorer.training.hints import Severity, changes_in_words, hints
from explorer.training.process_settings import one_blas_thread
from explorer.training.runner import STOPPED_BY_USER
from explorer.wording import counted, enumerated, percent

_PROBE = 300  # held-out images used for the diagnostics

_FRESH = "freshly initialized weights"

Verb = Literal["", "train", "apply", "fork", "open_test_set"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One message to the user."""

    id: str
    """Its name, unique at any time."""
    kind: Severity
    text: str
    why: str = ""
    """The reason, shown on request; may be empty."""
    action: str = ""
    """Label of the action: ``"Learning rate 0.5 → 0.05"``; empty for none."""
    verb: Verb = ""
    """The method of `Session` that is its action; empty for none."""
    config: TrainingConfig | None = None
    """The settings to use for it; None for the current ones."""


class Advisor:
    """Generates the advice for successive states of a session; caches the diagnostics of the network."""

    def __init__(self) -> None:
        self._measured: tuple[object, tuple[LayerDiagnostics, ...]] = (None, ())

    def advise(self, state: SessionState) -> tuple[Advice, ...]:
        """Return all advice for a state, pending settings first."""
        run = state.run
        if run is None:
            return ()
        if run.status == "idle":
            return tuple(_untrained(state))
        waiting = (_waiting(run, state),) if state.waits else ()
        found = tuple(self._hints(run, state)) if run.history.epochs or run.history.end else ()
        repeated, parent = list[Advice](), run.origin.parent
        # Optimizers with memories restart without them, so that a fork doesn't repeat its parent.
        if parent and run.config == parent.config and not OPTIMIZERS[run.config.optimizer].n_memories:
            text = f"Same settings: this repeats {parent.short_title} exactly."
            why = "Change a setting, and the curve parts from that run's."
            repeated.append(Advice("repeated", "info", text, why))
        return (*waiting, *repeated, *_ended(run, state, found), *_own(run))

    def _hints(self, run: SessionRun, state: SessionState) -> Iterator[Advice]:
        for hint in hints(
            run.history,
            n_train=run.dataset.n_train,
            diagnostics=self._diagnosed(run),
            n_available=len(state.dataset.train_labels),
            start_accuracy=run.start_accuracy,
        ):
            if run.own and not {*hint.fix} <= {*run.own.settings}:
                continue
            verb: Verb = "train" if hint.fresh else "apply"
            config = run.config.replace(**hint.fix)
            yield Advice(hint.id, hint.kind, hint.what, hint.why, hint.action, verb, config)

    def _diagnosed(self, run: SessionRun) -> tuple[LayerDiagnostics, ...]:
        """Return the diagnostics of each layer on a few held-out images; empty while the run trains."""
        if run.status == "running" or run.newest is None or run.own is not None:
            return ()
        weights = run.newest.weights
        if weights is not self._measured[0]:
            data = run.dataset
            X = pixel_columns(data.test_images[:_PROBE])
            d = one_hot_columns(data.test_labels[:_PROBE], data.n_classes)
            with one_blas_thread():
                found = diagnose(run.new_network(), X, d, weights=weights)
            self._measured = weights, found
        return self._measured[1]


def _untrained(state: SessionState) -> Iterator[Advice]:
    if state.moment is None:
        return
    accuracy = percent(state.moment.record.test_accuracy)
    text = f"This network is not trained yet: it is right for {accuracy} of the {state.scored_on.held_out_noun}s."
    n = state.dataset.n_classes
    why = f"Its weights are random. A guess among {n} classes is right for about {percent(1 / n, 0)}."
    yield Advice("untrained", "info", text, why)


def _own(run: SessionRun) -> Iterator[Advice]:
    """Report that the user's own network is trained, and which settings don't affect it."""
    if run.own is None:
        return
    name, offered = run.own.name, run.own.settings
    text = f"This is {name}, a network of your own, trained by its own methods. "
    text += "The textbook's is next to it, in gray."
    of_its_own = [field.label.lower() for key, field in FIELDS.items() if key not in offered]
    why = f"{name} decides about these by itself: {', '.join(of_its_own)}." if of_its_own else ""
    yield Advice("own", "info", text, why)


def _waiting(run: SessionRun, state: SessionState) -> Advice:
    if not state.withholds_settings or state.moment is None:
        changes = changes_in_words(run.config, state.config, most=3), _FRESH * state.starts_clean
        text = f"Not trained yet: {', '.join(filter(None, changes))}."
        return Advice("waiting", "info", text, action="Train with them", verb="apply")
    here = f"epoch {state.moment.epoch:g}"
    text = f"You are looking at {here}, so the new settings wait."
    why = f"They begin with {_FRESH}." if state.starts_clean else ""
    try:
        fork_point(state)
    except ForkError as error:
        why = why or str(error)
    if why:
        return Advice("waiting", "info", text, why, f"Train with {_FRESH}", "train")
    return Advice("waiting", "info", text, f"Train begins with {_FRESH}.", f"Branch from {here}", "fork")


def _ended(run: SessionRun, state: SessionState, found: tuple[Advice, ...]) -> Iterator[Advice]:
    """Say how the run ended, around the advice that was `found` in its records."""
    end, best = run.history.end, run.history.restored
    if end is not None and end.status == "stopped" and end.reason not in ("", STOPPED_BY_USER):
        yield Advice("limit", "warning", f"The run was stopped. {end.reason}", "What it has learned is kept.")
    yield from _test_set(run, state)
    yield from found
    if not found and end is not None and end.status == "failed":
        yield Advice("failed", "error", f"The run failed. {end.reason}", "Its records are kept.")
    if end is not None and best is not None:
        n = counted(run.epochs_done - best, "epoch")
        why = f"It didn't get lower in the {n} that followed, so their weights were dropped."
        yield Advice("stopped_early", "info", end.reason, why)


def _test_set(run: SessionRun, state: SessionState) -> Iterator[Advice]:
    """Offer to open the test set for an ended run with validation images; once opened, report the results."""
    others = [one.short_title for one in state.runs if one.test is not None and one.key != run.key]
    if run.test is not None and run.newest is not None:
        held_out = run.newest.record
        text = (
            f"Test accuracy is {percent(run.test.accuracy, 2)}, test loss {run.test.loss:.3g}; on the validation "
            f"images they are {percent(held_out.test_accuracy, 2)} and {held_out.test_loss:.3g}."
        )
        why = "Settings that are changed from here on are chosen by the test images as well."
        if run.test.number > 1:
            seen = f"for {enumerated(others)} as well" if others else f"{run.test.times}"
            why = f"It was opened {seen}: these images are no longer unseen."
        yield Advice("test_set", "info", text, why)
    if not run.can_be_tested:
        return
    whole = run.dataset.unsplit  # whose test images are hidden from the run
    n = counted(len(whole.test_labels), "image")
    once = "Look once; whoever goes back to the settings after that chooses by these images."
    text = f"The test set is closed: {n} that nothing was chosen by. {once}"
    if state.n_tested:
        seen = f"the test score ({enumerated(others)})" if others else "a test score"
        text = f"You have seen {seen}: later ones are no longer unbiased."
    elif n_showed := sum(one.newest is not None and one.dataset.compares_with(whole) for one in state.runs):
        showed = f"{counted(n_showed, 'run')} without validation images showed accuracy on it"
        since = "whatever was changed since then may have been chosen by that"
        text = f"The test set is closed for this run: {n}. But {showed}: {since}."
    why = "The validation images have helped to choose the settings, so accuracy on them is a little flattering."
    action = "Open the test set" + (" as well" if state.n_tested else "")
    yield Advice("test_set", "info", text, why, action, "open_test_set")
