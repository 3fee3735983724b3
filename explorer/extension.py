"""What an extension adds to the explorer: data, whose code is imported when it is first used.

A package names its `Extension` in the entry point group ``explorer.extensions``; ``--extension FILE`` takes the
`EXTENSION` of a file that isn't installed. The core's own tabs, commands and exports are such data, too: `CORE`.
Names and paths consist of letters, digits, hyphens, underscores and dots.
"""

from dataclasses import dataclass
from typing import Annotated

API = 1
"""The version of these classes; an extension that was made for a later one is refused."""

Code = Annotated[str, "code"]
"""Where a function, a class or an object is found: ``"module:name"``."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab of the page."""

    name: str
    """In addresses, as ``?tab=name``."""
    label: str
    """On the page."""
    make: Code
    """``make(views)`` returns the tab's `explorer.app.views.Panel`, when it is first opened."""
    group: str = "More"
    """Heading of its group in the tab bar."""
    before: str = ""
    """Name of the tab that it stands before; empty for the end of its group."""
    key: str = ""
    """Of its levels, in addresses: ``?key=2`` opens it at the second. The panel finds it in `Views.levels`.
    A key that links have already, such as that of a setting, keeps its meaning."""
    levels: int = 0
    """How many it has."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the terminal, ``nn-explorer name``."""

    name: str
    """In the terminal."""
    help: str
    """What it does, as the list of commands says it."""
    run: Code
    """``run(arguments)`` returns the exit code, for an `argparse.Namespace`."""
    options: Code = ""
    """``options(parser)`` adds its options to an `argparse.ArgumentParser`."""
    table: str = ""
    """Instead, a file of a package with its texts and options, as ``explorer.serve:commands.toml``; the values of
    options are parsed as `OPTIONS` of the module of `run` says."""


@dataclass(frozen=True, slots=True)
class Export:
    """A kind of file that a run can be saved as."""

    name: str
    """In Python, as ``app.export("name")``."""
    label: str
    """In the page's menu."""
    suffix: str
    """Of the file, with its dot; ``app.save`` finds the kind by it."""
    write: Code
    """``write(run)`` returns text or bytes for an `explorer.exports.files.ExportedRun`."""
    media_type: str = "application/octet-stream"
    """The file's MIME type."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report on a run."""

    name: str
    """Its name among all sections."""
    heading: str
    """Above it; without a part, the section is left out."""
    write: Code
    """``write(state)`` returns its parts, a title and sentences each, for an `explorer.session.SessionState`."""


@dataclass(frozen=True, slots=True)
class LessonCard:
    """Something that a notebook shows, ``explorer.notebook.page.card(name, …)``."""

    name: str
    """In notebooks."""
    show: Code
    """``show(…)`` returns an `explorer.notebook.page.Shown`."""


@dataclass(frozen=True, slots=True)
class OfferedDataset:
    """A data set that the page offers under Data."""

    name: str
    """On the page and in addresses; it may have spaces."""
    load: Code
    """``load()`` returns an `explorer.Dataset`, when it is first chosen."""


@dataclass(frozen=True, slots=True)
class Route:
    """What the server answers at an address."""

    path: str
    """Its last part, after ``/x/`` and the extension's name."""
    answer: Code
    """``answer(query)`` returns a media type and text or bytes, for the arguments of the address by name; in a
    thread of the server's process."""


@dataclass(frozen=True, slots=True)
class Extension:
    """All that one extension adds."""

    name: str
    """By which it is listed, and chosen with ``--extensions``."""
    api: int = API
    """The version of these classes that it was made for."""
    tabs: tuple[Tab, ...] = ()
    commands: tuple[Command, ...] = ()
    exports: tuple[Export, ...] = ()
    sections: tuple[Section, ...] = ()
    lesson_cards: tuple[LessonCard, ...] = ()
    datasets: tuple[OfferedDataset, ...] = ()
    demonstrations: tuple[Code, ...] = ()
    """Each a sequence of `explorer.experiments.Demonstration`, for the tab *Demonstrations*."""
    routes: tuple[Route, ...] = ()
    kernels: tuple[Code, ...] = ()
    """``make()`` returns an `explorer.serve.access.KernelPool`, which may change; ``serve`` uses the first."""


_PANELS, _FILES = "explorer.app.panels", "explorer.exports.files"
_WITHOUT_COMMAND = "open the explorer in the browser; what happens without a command"

CORE = Extension(
    "core",
    tabs=(
        Tab("overview", "Explore", f"{_PANELS}.overview:Overview", "Explore"),
        Tab("mistakes", "Mistakes", f"{_PANELS}.mistakes:mistakes_panel", "Look inside"),
        Tab("inside", "Layers", f"{_PANELS}.inside:layers_panel", "Look inside"),
        Tab("map", "Map", f"{_PANELS}.image_tabs:LayerMap", "Look inside"),
        Tab("why", "Why", f"{_PANELS}.image_tabs:why_panel", "Look inside"),
        Tab("runs", "Runs", f"{_PANELS}.runs:RunsPanel", "Compare"),
        Tab("data", "Data", f"{_PANELS}.data:DataPanel", "Learn"),
    ),
    commands=tuple(
        Command(name, words, f"explorer.serve.{code}", table="explorer.serve:commands.toml")
        for name, words, code in (
            ("serve", _WITHOUT_COMMAND, "serve_command:run"),
            ("train", "train one network in the terminal", "train_command:run"),
            ("study", "train many networks in the terminal, and compare them", "study_command:run"),
            ("archive", "write the exercise's mnist.tgz", "command:write_mnist"),
            ("extensions", "list what adds to the explorer", "command:list_extensions"),
        )
    ),
    exports=(
        Export("report", "Report (HTML)", ".html", "explorer.exports.report:report", "text/html"),
        Export("script", "Python script", ".py", "explorer.exports.script:training_script", "text/x-python"),
        Export("csv", "Records (CSV)", ".csv", f"{_FILES}:records_table", "text/csv"),
        Export("weights", "Weights (NumPy)", ".npz", f"{_FILES}:weights_archive"),
    ),
)
"""What the core itself offers."""
