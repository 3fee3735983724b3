"""A run of the session as the exports see it."""

from explorer.app.session_run import SessionRun
from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun, Stage
from explorer.exports.files import ExportError
from explorer.training import History, Moment

__all__ = ["exported"]


def exported(run: SessionRun | None, moment: Moment | None, dataset: Dataset) -> ExportedRun:
    """Return what an export needs to know.

    Parameters
    ----------
    run : SessionRun or None
        The run.
    moment : Moment or None
        The network of it that is looked at.
    dataset : Dataset
        The whole data set.

    Raises
    ------
    ExportError
        If there is nothing to export yet.
    """
    if run is None:
        raise ExportError("Nothing is trained yet: there is no run to export.")
    if moment is None or run.newest is None:
        raise ExportError("The first epoch has not ended yet: there is nothing to export so far.")
    root, before = run, []
    while root.parent is not None:
        behind = _until(root.parent.history, root.first_epoch)
        before.append(Stage(root.parent.config, float(root.first_epoch), behind))
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
    )


def _until(history: History, epoch: int) -> History:
    """Return a history's records up to the end of an epoch."""
    first = History(history.config)
    for batch in history.batches:
        if batch.epoch <= epoch:
            first.append(batch)
    for record in history:
        if record.epoch <= epoch:
            first.append(record)
    return first
