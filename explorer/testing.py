"""Helps to test an extension: for a while it alone is used, next to the core, whatever else is installed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from explorer.app.explorer import Explorer
from explorer.app.panels.tabs import FailedPanel
from explorer.discovery import FOUND, ExtensionError, checked, in_file, offers, use
from explorer.extension import Extension
from explorer.serve import command, gate


@contextmanager
def only(*extensions: Extension | str) -> Iterator[None]:
    """Use these extensions alone, each one or a loose file's path; raises `ExtensionError` for a faulty one."""
    before = os.environ.get(FOUND)
    try:
        for one in use(in_file(one) if isinstance(one, str) else checked(one) for one in extensions):
            if one.fault:
                raise ExtensionError(one.fault)
        yield
    finally:
        os.environ.pop(FOUND, None)
        if before is not None:
            os.environ[FOUND] = before


@contextmanager
def opened(extension: Extension | str, **options: Any) -> Iterator[Explorer]:
    """Yield an `Explorer` that shows the extension's first tab; raises `ExtensionError` if that fails."""
    with only(extension):
        (*_, own) = (offer.by.extension for offer in offers("tabs"))
        app = Explorer(**options)
        try:
            app.panels.tab_bar.selected = own.tabs[0].name
            if isinstance(panel := app.panels[own.tabs[0].name], FailedPanel):
                raise ExtensionError(panel.reason)
            yield app
        finally:
            app.close()


def run_command(extension: Extension | str, *words: str) -> int:
    """Run a command line of ``nn-explorer`` with the extension, and return its exit code."""
    with only(extension):
        return command.main(words, looks=False)


def answered(extension: Extension | str, path: str, **query: str) -> tuple[str, bytes]:
    """Return the media type and the content that the extension's route answers; raises `ExtensionError`."""
    with only(extension):
        (route,) = (one for one in offers("routes") if one.what.path == path)
        return gate.answered(route, query)
