"""The command ``nn-explorer``: its parser, made of all commands, its exit codes, and its two shortest commands."""

import os
import sys
import tomllib
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.mnist import write_archive
from explorer.discovery import ExtensionError, Offer, found, look_as_asked, offers, options_parser
from explorer.extension import Extension
from explorer.safe_write import whole_file
from explorer.serve import access
from explorer.serve.access import FAILED, INTERRUPTED, REFUSED, KernelPool, RefusedError
from explorer.serve.environment import configure_terminal, names_command
from explorer.training import FIELDS, ConfigError
from explorer.training.studies import StudyError

_SENTENCES = (RefusedError, DatasetError, ConfigError, StudyError)
_ARCHIVE = "mnist.tgz"
OPTIONS: Mapping[str, Any] = MappingProxyType({"path": {"nargs": "?", "default": _ARCHIVE}})


def main(
    arguments: Sequence[str] | None = None, pool: KernelPool | None = None, *, looks: bool = True
) -> int:
    """Run a command line, by default this process's, and return its exit code.

    `pool` is what `serve` takes kernels from, if it has been started already. Unless it `looks` for extensions, it
    uses those that this process has.
    """
    configure_terminal()
    program = "nn-explorer"
    try:
        words = list(sys.argv[1:] if arguments is None else arguments)
        words = _after_extensions(words) if looks else words
        if not names_command(words):
            words.insert(0, "serve")
        given, unknown = _parser(words).parse_known_args(words, Namespace(pool=pool))
        program = f"{program} {given.command}"
        if unknown:
            raise RefusedError(f"{unknown[0]} is unknown; {program} --help lists the options.")
        run = given.offer.load(given.offer.what.run)
        with given.offer.explaining_errors(OSError, *_SENTENCES):
            code: int = run(given)
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:  # the disk is full, or the reader has closed the pipe, as in `… | head`
        if not isinstance(error, BrokenPipeError):
            print(f"{program}: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or closing it would fail once more
        return FAILED
    except (ExtensionError, *_SENTENCES) as error:
        print(f"{program}: {_reason(error)}", file=sys.stderr)
        return REFUSED
    return code


def _after_extensions(words: Sequence[str]) -> list[str]:
    """Look for the extensions that options ask for, say which can't be used, and return the other words."""
    others, is_strict = look_as_asked(words)
    faults = [one for one in found() if one.fault]
    for one in faults:
        print(f"nn-explorer: the extension {one.extension.name} is left out: {one.fault}", file=sys.stderr)
    if faults and is_strict:
        raise RefusedError("--strict: an extension can't be used.")
    return others


def _reason(error: Exception) -> str:
    if isinstance(error, ConfigError):
        option = FIELDS[error.field].key.replace("_", "-")
        return f"--{option} is {error.value!r}; expected {error.expected}."
    return f"{'--dataset: ' if isinstance(error, DatasetError) else ''}{error}"


def _parser(arguments: Sequence[str]) -> ArgumentParser:
    """Return the parser with the options of the command that is named; the others' modules stay unloaded."""
    parser = ArgumentParser(
        prog="nn-explorer",
        description="A neural network in NumPy that learns handwritten digits and that you control.",
        epilog="Each has its own help: nn-explorer train --help. Options without a command are those of serve.",
        parents=[options_parser()],
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {version('nn-explorer')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for offer in offers("commands"):
        how: Any = {"formatter_class": RawDescriptionHelpFormatter, "allow_abbrev": False}
        command = subparsers.add_parser(offer.what.name, help=offer.what.help, **how)
        if offer.what.name == arguments[0]:
            with offer.explaining_errors():
                _describe(command, offer)
            command.set_defaults(offer=offer)
    return parser


def _table(place: str) -> Mapping[str, Any]:
    package, _, file = place.partition(":")
    return tomllib.loads((files(package) / file).read_text(encoding="utf-8"))


def _describe(parser: ArgumentParser, offer: Offer) -> None:
    """Add what a command's help says and its own options, those for the settings of a run first."""
    if offer.what.options:
        offer.call(offer.what.options, parser)
    if not offer.what.table:
        return
    entry = _table(offer.what.table)[offer.what.name]
    parser.usage, parser.description, parser.epilog = map(entry.get, ("usage", "description", "epilog"))
    if entry.get("is_page"):
        _add(parser, _table("explorer.serve:commands.toml")["page"], access.OPTIONS)
    parsed = {**access.OPTIONS, **getattr(import_module(offer.what.run.partition(":")[0]), "OPTIONS", {})}
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


def list_extensions(_arguments: Namespace) -> int:
    """Run ``nn-explorer extensions``: print what adds to the explorer, and what is left out."""
    for one in found():
        print(f"{one.extension.name} ({one.source or 'nn-explorer ' + version('nn-explorer')})")
        if one.fault:
            print(f"  left out: {one.fault}")
            continue
        for kind in (field.name for field in fields(Extension)[2:]):
            if offered := getattr(one.extension, kind):
                names = (str(getattr(what, "name", getattr(what, "path", what))) for what in offered)
                print(f"  {kind.replace('_', ' ')}: {', '.join(names)}")
    return FAILED if any(one.fault for one in found()) else 0


def write_mnist(arguments: Namespace) -> int:
    """Run ``nn-explorer archive``: write MNIST's archive, as the exercise reads it."""
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
