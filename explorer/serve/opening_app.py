"""The app as its page opens: on the first data set of the command, its first run over.

What all visitors begin with is made once for each process, and with it for all that are forked from it.
"""

from functools import cache

from ipywidgets import Widget

from explorer.app.explorer import Explorer
from explorer.datasets import Dataset
from explorer.serve.visit import offered_datasets
from explorer.session import SessionRun
from explorer.session.trained_run import trained_run
from explorer.training import TrainingConfig
from explorer.widgets.look import forget_looks

__all__ = ["opening_app", "opening_run", "warm_up"]

MOST_SECONDS = 10.0
"""A first run that takes longer begins as the page opens, once for each visitor."""


def opening_app() -> Explorer:
    """Return a new app, which offers what `offered_datasets` says."""
    app = Explorer(_opening_dataset(), others=offered_datasets()[1:], train=False)
    if (run := opening_run()) is not None:
        app.session.begin_with(run)
    else:
        app.train()
    return app


def warm_up() -> None:
    """Do once what is only done for a process's first app, and leave no widget."""
    opening_app().close()
    Widget.close_all()
    forget_looks()


@cache
def opening_run() -> SessionRun | None:
    """Return the first run on the first data set, trained here; None if it takes long or diverges."""
    return trained_run(TrainingConfig(), _opening_dataset(), MOST_SECONDS)


@cache
def _opening_dataset() -> Dataset:
    return offered_datasets()[0].load()
