"""The command ``nn-explorer``: its parser, made from ``commands.toml``, its exit codes, and ``archive``."""

import os
import sys
import tomllib
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.mnist import write_archive
from explorer.safe_write import whole_file
from explorer.serve import access
from explorer.serve.access import FAILED, INTERRUPTED, REFUSED, RefusedError
from explorer.serve.environment import configure_terminal, names_command
from explorer.serve.warm_process import WarmProcess
from explorer.training import FIELDS, ConfigError

_ARCHIVE = "mnist.tgz"
OPTIONS: Mapping[str, Any] = MappingProxyType({"path": {"nargs": "?", "default": _ARCHIVE}})


def main(arguments: Sequence[str] | None = None, warm_process: WarmProcess | None = None) -> int:
    """Run a command line, by default this process's, and return its exit code.

    `warm_process` is what `serve` forks kernels from; by default, it starts one of its own.
    """
    configure_terminal()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not names_command(words):
        words.insert(0, "serve")
    given, unknown = _parser(words).parse_known_args(words, Namespace(warm_process=warm_process))
    program = f"nn-explorer {given.command}"
    try:
        if unknown:
            raise RefusedError(f"{unknown[0]} is unknown; {program} --help lists the options.")
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
        epilog="Each has its own help: nn-explorer train --help. Options without a command are those of serve.",
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {version('nn-explorer')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name, entry in commands.items():
        texts = {key: entry.get(key) for key in ("help", "usage", "description", "epilog")}
        command = subparsers.add_parser(
            name, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False, **texts
        )
        if name == arguments[0]:
            _add(command, page if entry.get("is_page") else {}, access.OPTIONS)
            _add_groups(command, entry)
            command.set_defaults(run=entry["run"])
    return parser


def _add_groups(parser: ArgumentParser, entry: Mapping[str, Any]) -> None:
    """Add a command's own options, those for the settings of a run first."""
    module = import_module(f"explorer.serve.{entry['run'].partition('.')[0]}")
    parsed = {**access.OPTIONS, **getattr(module, "OPTIONS", {})}
    groups: dict[str, Any] = {}
    if title := entry.get("settings"):
        run_options = import_module("explorer.serve.run_options")
        groups[title] = run_options.add_settings(parser, title, several=entry.get("has_several_values"))
    _add(parser, entry.get("options", {}), parsed)
    for title, options in entry.get("groups", {}).items():
        _add(groups.get(title) or parser.add_argument_group(title), options, parsed)


def _add(group: Any, options: Mapping[str, str], parsed: Mapping[str, Any]) -> None:
    """Add options by their spelling. One without a value is a flag."""
    for spelling, words in options.items():
        spellings, _, metavar = spelling.partition("=")
        settings = {**parsed.get(spellings.split()[-1], {}), "help": words}
        if metavar:
            settings["metavar"] = metavar
        elif "choices" not in settings:
            settings["action"] = "store_true"
        group.add_argument(*spellings.split(), **settings)


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
