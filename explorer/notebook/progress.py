"""A progress bar for a long call, in a notebook or in a terminal."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from IPython import get_ipython
from IPython.display import ProgressBar
from rich.progress import track

__all__ = ["counted"]

_Item = TypeVar("_Item")


def counted(items: Iterable[_Item], total: int, words: str) -> Iterator[_Item]:
    """Yield the items, and show how many of `total` are done.

    In a notebook the bar is an HTML element, not a widget: it also works in a static page made from the notebook.
    """
    shell = get_ipython()
    if not hasattr(shell, "kernel"):
        yield from track(items, description=words, total=total)
        return
    bar = ProgressBar(total)
    bar.display()
    for n, item in enumerate(items, 1):
        bar.progress = n
        yield item
