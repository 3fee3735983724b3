"""What the commands that train share: options for the settings, the terminal, and the files that they write."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from explorer.datasets import Dataset, load_dataset, load_mnist
from explorer.safe_write import check_destination, whole_file
from explorer.serve.access import FAILED, RefusedError
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Changes, Field, LayerSizes, Real, Whole
from explorer.training.presets import usual_config
from explorer.training.query import DATA_KEY, NAMED, listed, parts, read_query

Status = Callable[[], tuple[str, float, str]]
"""Returns what a progress bar shows: the words before it, the share done, 0 to 1, and the words after it."""


def terminal(*, stderr: bool = False) -> Console:
    """Return a console for plain lines, which it neither formats nor wraps."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def report(text: str) -> None:
    """Print a message to standard error."""
    sys.stderr.write(f"{text}\n")


def agrees(question: str) -> bool:
    """Ask a question in the terminal; without one, nobody agrees."""
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def progress_bar(console: Console, status: Status) -> AbstractContextManager[object]:
    """Return a context manager with a progress bar below the lines, ten times a second; only on a terminal."""

    def bar() -> Table:
        before, share, after = status()
        row = Table.grid(padding=(0, 1, 0, 0))
        row.add_row(before, ProgressBar(total=1.0, completed=share, width=40), after)
        return row

    # In a file or a pipe, even a disabled bar ends with an empty line (rich 13).
    bars = Live(get_renderable=bar, console=console, refresh_per_second=10, transient=True)
    return bars if console.is_terminal else nullcontext()


def add_settings(parser: ArgumentParser, title: str, *, several: bool = False) -> Any:
    """Add options for the settings, with one value or several, and their presets; return the first group."""
    group = parser.add_argument_group(title)
    kinds: dict[type, str] = {
        LayerSizes: "N-N-…" if several else "N,N,…", Whole: "N", Real: "X", Changes: "STEP:X:N,…",
    }  # fmt: skip
    for field in FIELDS.values():
        if several and isinstance(field, Changes):  # its steps belong to one run
            continue
        names = dict.fromkeys(f"--{name.replace('_', '-')}" for name in (field.key, field.name))
        metavar = kinds.get(type(field), "NAME") + (",…" if several else "")
        default = field.format(getattr(TrainingConfig(), field.name)) or "none"
        unit, expected = f" {field.unit}" if field.unit else "", field.expected_text
        words = f"{field.help} {expected[:1].upper()}{expected[1:]}; default: {default}{unit}."
        group.add_argument(*names, dest=field.name, metavar=metavar, help=words.replace("%", "%%"))
    others = parser.add_argument_group("where the settings come from (single options override them)")
    start = others.add_mutually_exclusive_group()
    start.add_argument("--preset", metavar="NAME", help=f"a named start: {', '.join(NAMED)}")
    start.add_argument("--from-url", metavar="URL", help="a link to the page, or the part after its “?”")
    return group


def data_of(args: Namespace) -> tuple[Dataset, Mapping[str, Field]]:
    """Return the data set, and the fields of settings adapted to it."""
    dataset = load_dataset(args.dataset[-1]) if args.dataset else load_mnist()
    for note in dataset.notes:
        report(f"{dataset.name}: {note}")
    return dataset, fields_of(len(dataset.train_labels), dataset.n_classes, dataset.n_inputs)


def settings_of(args: Namespace, fields: Mapping[str, Any]) -> tuple[TrainingConfig, dict[str, str]]:
    """Return the settings that the options start from, and the text of each setting given explicitly."""
    given = {name: text for name in fields if (text := getattr(args, name, None)) is not None}
    if args.preset is not None:
        if args.preset not in NAMED:
            raise RefusedError(f"--preset is {args.preset!r}; expected one of {', '.join(NAMED)}.")
        return NAMED[args.preset], given
    if args.from_url is None:
        sizes = fields["hidden_sizes"]
        return usual_config(fields["n_train"].high, sizes.n_inputs, sizes.n_outputs), given
    query = query_of(args.from_url)
    config, notices = read_query(query, fields)
    data = parts(query).get(DATA_KEY)
    if data and not args.dataset:
        words = f"The link is of the data set {listed([data])}, which --dataset must name: this is MNIST."
        notices += (words,)
    for notice in notices:
        report(f"--from-url: {notice}")
    return config, given


def query_of(text: str) -> str:
    """Return the part of an address after its ``?``, or the whole text if it isn't an address."""
    address, mark, query = text.partition("?")
    if not mark and "://" not in text:
        return text
    return text if "=" in address and "://" not in address else query.partition("#")[0]


def report_unused_settings(configs: Iterable[TrainingConfig]) -> None:
    """Report settings that have no effect without another one."""
    if any(config.patience and not config.n_validation for config in configs):
        report("--patience does nothing without validation images; --validation says how many.")


def check_files(files: Iterable[tuple[str, str, bool]]) -> None:
    """Check that files are writable: (option, path, whether the file may already exist)."""
    taken: dict[Path, str] = {}
    for option, path, overwrite in files:
        try:
            destination = check_destination(path, overwrite=overwrite)
        except FileExistsError as error:
            raise RefusedError(f"{option}: {error}; --force replaces it.") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise RefusedError(f"{option}: {error}; expected a file in a writable folder.") from error
        if destination in taken:
            raise RefusedError(f"{option} and {taken[destination]} name the same file; expected two files.")
        taken[destination] = option


def save(args: Namespace, option: str, path: str, make: Callable[[], bytes]) -> int:
    """Write the file that an option names, report success or failure, and return the exit code."""
    try:
        content = make()
        with whole_file(path, overwrite=args.force) as stream:
            stream.write(content)
    except (OSError, ValueError) as error:
        report(f"nn-explorer {args.command}: {option}: {str(error).rstrip('.')}.")
        return FAILED
    report(f"Saved to {path}.")
    return 0
