"""What an extension adds to the explorer: data, whose code is imported when it is first used.

A package names its `Extension` in the entry point group ``explorer.extensions``; ``--extension FILE`` takes the
one of a file that isn't installed. Code is given as ``"module:name"``. The core's own tabs and commands are such
data, too.
"""

from dataclasses import dataclass

API = 1
"""The version of these classes; an extension that was made for a later one is refused."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the page."""

    name: str
    """In addresses, as ``?tab=name``: letters, digits, hyphens and underscores."""
    label: str
    make: str
    """Code: ``make(views)`` returns the tab's `explorer.app.views.Panel`, when it is first opened."""
    group: str = "More"
    """Heading of its group in the tab bar."""
    before: str = ""
    """Name of the tab that it stands before; empty for the end of its group."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the terminal, ``nn-explorer name``."""

    name: str
    help: str
    """What it does, as the list of commands says it."""
    run: str
    """Code: ``run(arguments)`` returns the exit code."""
    options: str = ""
    """Code: ``options(parser)`` adds its options to an `argparse.ArgumentParser`."""
    table: str = ""
    """Instead, a file of a package with its texts and options, as ``explorer.serve:commands.toml``."""


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of file that a run can be saved as."""

    name: str
    label: str
    """What the page's menu says."""
    suffix: str
    """Of the file, with its dot; ``app.save`` finds the kind by it."""
    write: str
    """Code: ``write(run)`` returns the bytes for an `explorer.exports.exported_run.ExportedRun`."""
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report on a run."""

    name: str
    heading: str
    write: str
    """Code: ``write(state)`` returns titles, each with its sentences, for an `explorer.session.SessionState`."""


@dataclass(frozen=True, slots=True)
class LessonCard:
    """Something that a notebook shows, ``explorer.notebook.page.card(name, …)``."""

    name: str
    show: str
    """Code: ``show(…)`` returns an `explorer.notebook.page.Shown`."""


@dataclass(frozen=True, slots=True)
class OfferedDataset:
    """A data set that the page offers under Data."""

    name: str
    load: str
    """Code: ``load()`` returns an `explorer.Dataset`."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the server answers at an address."""

    path: str
    """After ``/x/`` and the extension's name: letters, digits, hyphens, underscores and dots."""
    answer: str
    """Code: ``answer(query)`` returns the response's media type and content, for a mapping of query arguments."""


@dataclass(frozen=True, slots=True)
class Extension:
    """All that one extension adds."""

    name: str
    api: int = API
    tabs: tuple[Tab, ...] = ()
    commands: tuple[Command, ...] = ()
    exports: tuple[Export, ...] = ()
    sections: tuple[Section, ...] = ()
    lesson_cards: tuple[LessonCard, ...] = ()
    datasets: tuple[OfferedDataset, ...] = ()
    demonstrations: tuple[str, ...] = ()
    """Code: each a sequence of `explorer.experiments.Demonstration`."""
    routes: tuple[Route, ...] = ()
    kernels: tuple[str, ...] = ()
    """Code: ``serve`` takes kernels from the first one that there is."""
