"""Options shared by the commands that train, made from the table of the page's controls, and their parsing."""

import os
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from rich.console import Console

from explorer.datasets import Dataset, DatasetError, load_dataset, load_mnist
from explorer.safe_write import check_destination, whole_file
from explorer.serve.access import RefusedError, whole_number
from explorer.training import FIELDS, PRESETS, ConfigError, TrainingConfig
from explorer.training.config import DATA_KEY, fields_of, listed, parts
from explorer.training.fields import Changes, Field, LayerSizes, Real, Whole
from explorer.training.studies import StudyError

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
"""Exit codes besides 0; the last is 128 + the number of the signal, as a shell counts it."""

positive = whole_number("expected a whole number from 1 to 100000", 1, 100_000)

_DEFAULT = TrainingConfig()
_PRESETS: Mapping[str, TrainingConfig] = MappingProxyType(
    {name.lower().removeprefix("the ").replace(" ", "-"): config for name, config in PRESETS.items()}
)


def terminal(*, stderr: bool) -> Console:
    """Return a console for plain lines, which it neither formats nor wraps."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


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
        group.add_argument(*names, dest=field.name, metavar=metavar, help=_help(field))
    others = parser.add_argument_group("where the settings come from (single options override them)")
    start = others.add_mutually_exclusive_group()
    start.add_argument("--preset", metavar="NAME", help=f"a named start: {', '.join(_PRESETS)}")
    start.add_argument("--from-url", metavar="URL", help="a link to the page, or the part after its “?”")
    return group


def add_dataset(group: Any) -> None:
    """Add the option for the images."""
    words = "an archive or a folder in MNIST's format (default: MNIST)"
    # A --dataset before the command's name stays unless the option is given again.
    group.add_argument("--dataset", action="append", metavar="PATH", default=SUPPRESS, help=words)


def settings_of(
    args: Namespace, fields: Mapping[str, Field], messages: Console
) -> tuple[TrainingConfig, dict[str, str]]:
    """Return the settings that the options start from, and the text of each setting given explicitly."""
    given = {name: text for name in fields if (text := getattr(args, name, None)) is not None}
    if args.preset is not None:
        if args.preset not in _PRESETS:
            raise RefusedError(f"--preset is {args.preset!r}; expected one of {', '.join(_PRESETS)}.")
        return _PRESETS[args.preset], given
    if args.from_url is None:
        return TrainingConfig(), given
    query = query_of(args.from_url)
    config, notices = TrainingConfig.from_query(query, fields)
    data = parts(query).values.get(DATA_KEY)
    if data and "dataset" not in args:
        notices += (
            f"The link is of the data set {listed([data])}, which --dataset must name: this is MNIST.",
        )
    for notice in notices:
        messages.print(f"--from-url: {notice}")
    return config, given


def query_of(text: str) -> str:
    """Return the part of an address after its ``?``, or the whole text if it isn't an address."""
    address, mark, query = text.partition("?")
    if not mark and "://" not in text:
        return text
    return text if "=" in address and "://" not in address else query.partition("#")[0]


def report_unused_settings(configs: Iterable[TrainingConfig], messages: Console) -> None:
    """Report settings that have no effect without another one."""
    if any(config.patience and not config.n_validation for config in configs):
        messages.print("--patience does nothing without validation images; --validation says how many.")


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


def save(args: Namespace, option: str, path: str, make: Callable[[], bytes], messages: Console) -> int:
    """Write the file that an option names, report success or failure, and return the exit code."""
    try:
        content = make()
        with whole_file(path, overwrite=args.force) as stream:
            stream.write(content)
    except (OSError, ValueError) as error:
        messages.print(f"nn-explorer {args.command}: {option}: {str(error).rstrip('.')}.")
        return FAILED
    messages.print(f"Saved to {path}.")
    return 0


def exit_code(
    args: Namespace, work: Callable[[Namespace, Dataset, Mapping[str, Field], Console], int]
) -> int:
    """Do a command's work and return its exit code; report why it ends early."""
    command, messages = args.command, terminal(stderr=True)
    try:
        try:
            dataset = load_dataset(args.dataset[-1]) if "dataset" in args else load_mnist()
        except DatasetError as error:
            raise RefusedError(f"--dataset: {error}") from error
        return work(args, dataset, fields_of(len(dataset.train_labels), dataset.n_classes), messages)
    except (RefusedError, StudyError) as refusal:
        messages.print(f"nn-explorer {command}: {refusal}")
        return REFUSED
    except ConfigError as error:
        option = FIELDS[error.field].key.replace("_", "-")
        messages.print(f"nn-explorer {command}: --{option} is {error.value!r}; expected {error.expected}.")
        return REFUSED
    except KeyboardInterrupt:
        messages.print("Stopped.")
        return INTERRUPTED
    except OSError as error:  # the disk is full, or the reader has closed the pipe, as in `… | head`
        if not isinstance(error, BrokenPipeError):
            messages.print(f"nn-explorer {command}: {error}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would fail once more
        return FAILED


def _help(field: Field) -> str:
    default = field.format(getattr(_DEFAULT, field.name)) or "none"
    unit = f" {field.unit}" if field.unit else ""
    expected = field.expected_text
    return f"{field.help} {expected[:1].upper()}{expected[1:]}; default: {default}{unit}.".replace("%", "%%")
