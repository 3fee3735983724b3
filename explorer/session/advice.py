"""What a session has to say to its user: how the run came about, what waits, and what would make it better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.session.session_run import SessionRun
from explorer.session.state import SessionState
from explorer.training import TrainingConfig
from explorer.training.findings import Severity
from explorer.training.hints import hints
from explorer.training.process_settings import one_blas_thread
from explorer.wording import percent

__all__ = ["Advice", "Advisor"]

_PROBE = 300  # test images that the diagnostics look at

Verb = Literal["", "train", "apply", "fork"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to say."""

    id: str
    """Its name: there is one of a name at a time."""
    kind: Severity
    """How severe it is."""
    text: str
    """What happened, in a sentence."""
    why: str = ""
    """The reason, for those who ask; may be empty."""
    action: str = ""
    """What can be done about it: ``"Learning rate 0.5 → 0.05"``; empty for nothing."""
    verb: Verb = ""
    """The method of `Session` that does it; empty for none."""
    config: TrainingConfig | None = None
    """The settings that it is done with; None for those that are set."""


class Advisor:
    """Advises on one state of a session after the other; what it has measured of a network it keeps."""

    def __init__(self) -> None:
        self._measured: tuple[object, tuple[LayerDiagnostics, ...]] = (None, ())

    def advise(self, state: SessionState) -> tuple[Advice, ...]:
        """Return what there is to say."""
        run = state.run
        if run is None:
            return ()
        if run.status == "idle":
            return _untrained(state)
        about_settings = (_waiting(state),) if state.waits else ()
        found = tuple(self._hints(run, state))
        return (*_beginning(run), *about_settings, *(found or _failure(run)))

    def _hints(self, run: SessionRun, state: SessionState) -> Iterator[Advice]:
        for hint in hints(
            run.history,
            n_train=run.n_samples,
            diagnostics=self._diagnosed(run, state),
            n_available=len(state.dataset.train_labels),
            start_accuracy=run.start_accuracy,
        ):
            verb: Verb = "train" if hint.fresh else "apply"
            config = run.config.replace(**hint.fix)
            yield Advice(hint.id, hint.kind, hint.what, hint.why, hint.action, verb, config)

    def _diagnosed(self, run: SessionRun, state: SessionState) -> tuple[LayerDiagnostics, ...]:
        """Return how each layer does on a few test images; nothing while the run trains."""
        if run.status == "running" or run.newest is None:
            return ()
        weights = run.newest.weights
        if weights is not self._measured[0]:
            data = state.dataset
            images = data.test_images[:_PROBE].reshape(-1, data.n_inputs)
            X = np.divide(images, np.float32(255), dtype=np.float32).T
            with one_blas_thread():
                found = diagnose(run.new_network(), X, data.Y_test[:, :_PROBE], weights=weights)
            self._measured = weights, found
        return self._measured[1]


def _beginning(run: SessionRun) -> tuple[Advice, ...]:
    """Say what a run began with, where that is not freshly initialised weights."""
    if run.opened is not None:
        text = f"{run.opened.file} is open: {run.opened.described(run.config)}."
        why = (
            "It is a run of its own. Train starts with freshly initialised weights; to keep these, train on."
        )
        return (Advice("opened", "info", text, why, "Train on from these weights", "fork"),)
    if run.parent is not None:
        text = f"This run goes on from epoch {run.first_epoch} of {run.parent.title}."
        why = "With other settings it begins again from there. Train begins with freshly initialised weights."
        return (Advice("forked", "info", text, why),)
    return ()


def _untrained(state: SessionState) -> tuple[Advice, ...]:
    if state.moment is None:
        return ()
    accuracy = percent(state.moment.record.test_accuracy)
    text = f"This network is not trained yet: it is right for {accuracy} of the test images."
    n = state.dataset.n_classes
    why = f"Its weights are random. A guess among {n} classes is right for about {percent(1 / n, 0)}."
    return (Advice("untrained", "info", text, why),)


def _waiting(state: SessionState) -> Advice:
    if not state.withholds_settings or state.moment is None:
        text = "The new settings are not trained yet."
        return Advice("waiting", "info", text, action="Train with them", verb="apply")
    epoch = f"epoch {state.moment.epoch:g}"
    text = f"You are looking at {epoch}, so the new settings wait."
    why = "Train begins with freshly initialised weights."
    return Advice("waiting", "info", text, why, f"Train on from {epoch}", "fork")


def _failure(run: SessionRun) -> tuple[Advice, ...]:
    end = run.history.end
    if end is None or end.status != "failed":
        return ()
    return (Advice("failed", "error", f"The run failed. {end.reason}", "Its records are kept."),)
