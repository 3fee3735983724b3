"""A run of the session as the exports see it."""

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun, TrainingStage
from explorer.exports.files import ExportError
from explorer.session import SessionRun
from explorer.training import Moment

__all__ = ["exported"]


def exported(run: SessionRun | None, moment: Moment | None, dataset: Dataset) -> ExportedRun:
    """Return what an export needs to know of a run, and of its network at the selected epoch.

    Raises
    ------
    ExportError
        If there is nothing to export yet.
    """
    if run is None or run.status == "idle":
        raise ExportError("Nothing is trained yet: there is no run to export.")
    if run.own is not None:
        why = "no file can train it again. Its figures are in app.history, its weights in app.network"
        raise ExportError(f"This is a run of {run.own.name}, a class of your own: {why}.")
    if moment is None or run.newest is None:
        raise ExportError("The first epoch has not ended yet: there is nothing to export so far.")
    root, before = run, []
    while root.parent is not None:
        history = root.parent.history.until(root.first_epoch)
        before.append(TrainingStage(root.parent.config, float(root.first_epoch), history))
        root = root.parent
    return ExportedRun(
        title=run.title[:1].upper() + run.title[1:],
        dataset=dataset,
        history=run.history,
        moment=moment,
        newest=run.newest,
        before=tuple(reversed(before)),
        opened=root.opened,
        note=run.note,
        test=run.test,
    )
