"""The command ``nn-explorer``: its parser, made from ``commands.toml``, its exit codes, and ``archive``."""

import os
import sys
import tomllib
from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.archive import write_archive
from explorer.safe_write import whole_file
from explorer.serve import access
from explorer.serve.access import FAILED, INTERRUPTED, REFUSED, PageOptions, RefusedError
from explorer.serve.environment import settle_terminal
from explorer.training import FIELDS, ConfigError

_ARCHIVE = "mnist.tgz"
OPTIONS: Mapping[str, Any] = MappingProxyType({"path": {"nargs": "?", "default": _ARCHIVE}})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's, and return its exit code."""
    settle_terminal()
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser(arguments).parse_args(arguments, PageOptions())
    program = f"nn-explorer {given.command or ''}".rstrip()
    try:
        if foreign := [f"--{name.replace('_', '-')}" for name in vars(given) if name in given.foreign]:
            which = f"option{'s' * (len(foreign) > 1)} {' and '.join(foreign)}"
            raise RefusedError(f"there is no {which}; {program} --help lists the options.")
        module, _, function = given.run.partition(".")
        code: int = getattr(import_module(f"explorer.serve.{module}"), function)(given)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # the disk is full, or the reader has closed the pipe, as in `… | head`
        if not isinstance(error, BrokenPipeError):
            print(f"{program}: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would fail once more
        return FAILED
    except (RefusedError, DatasetError, ConfigError) as error:
        print(f"{program}: {_reason(error)}", file=sys.stderr)
        return REFUSED
    return code


def _reason(error: Exception) -> str:
    if isinstance(error, ConfigError):
        option = FIELDS[error.field].key.replace("_", "-")
        return f"--{option} is {error.value!r}; expected {error.expected}."
    return f"{'--dataset: ' * isinstance(error, DatasetError)}{error}"


def _parser(arguments: Sequence[str]) -> ArgumentParser:
    """Return the parser with the options of the command that is named; the others' modules stay unloaded."""
    table = tomllib.loads((files("explorer.serve") / "commands.toml").read_text(encoding="utf-8"))
    page, commands = table["page"], table["commands"]
    parser = ArgumentParser(
        prog="nn-explorer",
        description="A neural network in NumPy that learns handwritten digits and that you control.",
        epilog="Each command has its own help: nn-explorer train --help",
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {version('nn-explorer')}")
    shared = _add(parser, page | commands["serve"]["options"], access.OPTIONS, default=SUPPRESS)
    parser.set_defaults(run=commands["serve"]["run"], foreign=())  # without a command
    subparsers = parser.add_subparsers(title="commands", metavar="", dest="command")
    for name, entry in commands.items():
        texts = {key: entry.get(key) for key in ("help", "usage", "description", "epilog")}
        command = subparsers.add_parser(
            name, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False, **texts
        )
        if name in arguments:
            own = _add(command, page, access.OPTIONS, default=SUPPRESS) if entry.get("is_page") else set()
            own |= _add_groups(command, entry)
            command.set_defaults(run=entry["run"], foreign=shared - own)
    return parser


def _add_groups(parser: ArgumentParser, entry: Mapping[str, Any]) -> set[str]:
    """Add a command's own options, those for the settings of a run first; return their names."""
    module = import_module(f"explorer.serve.{entry['run'].partition('.')[0]}")
    parsed = {**access.OPTIONS, **getattr(module, "OPTIONS", {})}
    groups: dict[str, Any] = {}
    if title := entry.get("settings"):
        run_options = import_module("explorer.serve.run_options")
        groups[title] = run_options.add_settings(parser, title, several=entry.get("has_several_values"))
    own = _add(parser, entry.get("options", {}), parsed)
    for title, options in entry.get("groups", {}).items():
        group = groups.get(title) or parser.add_argument_group(title)
        own |= _add(group, options, parsed)
    return own


def _add(group: Any, options: Mapping[str, str], parsed: Mapping[str, Any], **usual: Any) -> set[str]:
    """Add options by their spelling; return the names of their values. One without a value is a flag."""
    added = set()
    for spelling, words in options.items():
        spellings, _, metavar = spelling.partition("=")
        settings = {**usual, **parsed.get(spellings.split()[-1], {}), "help": words}
        if metavar:
            settings["metavar"] = metavar
        elif "choices" not in settings:
            settings["action"] = "store_true"
        added.add(group.add_argument(*spellings.split(), **settings).dest)
    return added


def archive(arguments: Namespace) -> int:
    """Run ``nn-explorer archive``."""
    try:
        path = Path(arguments.path).expanduser()
        path = path / _ARCHIVE if path.is_dir() else path
        with whole_file(path, overwrite=arguments.overwrite) as stream:
            write_archive(load_mnist(), stream)
    except FileExistsError as error:
        raise RefusedError(f"{error}; --overwrite replaces it.") from error
    except (DatasetError, OSError, RuntimeError, ValueError) as error:
        raise RefusedError(f"{str(error).rstrip('.')}.") from error
    print(f"Wrote {path}: images and labels of MNIST, {path.stat().st_size / 1e6:.1f} MB.")
    return 0
