"""The command ``nn-explorer``: its subcommands, and the smallest of them, ``archive``."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from explorer.datasets import DatasetError, load_mnist
from explorer.datasets.archive import write_archive
from explorer.safe_write import whole_file
from explorer.serve import serve_command
from explorer.serve.access import PageOptions, RefusedError
from explorer.serve.environment import settle_terminal

_ARCHIVE = "mnist.tgz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's, and return its exit code: 0, 1 if it failed, 2 if refused."""
    settle_terminal()
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser(arguments).parse_args(arguments, PageOptions())
    foreign = [f"--{name.replace('_', '-')}" for name in given.foreign if name in given]
    try:
        if foreign:
            which = f"option{'s' * (len(foreign) > 1)} {' and '.join(foreign)}"
            help_command = f"nn-explorer {given.command} --help"
            raise RefusedError(f"{given.command} has no {which}: {help_command} lists them.")
        code: int = given.run(given)
    except (RefusedError, DatasetError) as error:
        print(f"nn-explorer: {error}", file=sys.stderr)
        return 2
    return code


def _parser(arguments: Sequence[str]) -> ArgumentParser:
    """Return the parser with the options of the command that is named; the others' modules stay unloaded."""
    parser = ArgumentParser(
        prog="nn-explorer",
        description="A neural network in NumPy that learns handwritten digits and that you control.",
        epilog="Each command has its own help: nn-explorer train --help",
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {version('nn-explorer')}")
    serve_command.add_options(parser)
    parser.set_defaults(foreign=())  # without a command
    subparsers = parser.add_subparsers(title="commands", metavar="", dest="command")
    page = tuple(PageOptions.__annotations__)
    exact, many = {"allow_abbrev": False}, {"allow_abbrev": False, "usage": "%(prog)s [options]"}
    commands: tuple[tuple[Any, ...], ...] = (  # with the options before a command that it doesn't have
        ("serve", "open the explorer in the browser; what happens without a command", (), {}),
        ("train", "train one network in the terminal", page, many),
        ("study", "train many networks in the terminal, and compare them", page, many),
        ("present", "open the talk as slides in the browser", ("dataset",), {}),
        ("archive", "write the exercise's mnist.tgz", (*page, "dataset"), {}),
        ("check", "check solutions of the exercise, and name their mistakes", (*page, "dataset"), exact),
    )
    here = {
        "serve": serve_command.add_options,
        "present": serve_command.add_present_options,
        "archive": _add_archive_options,
    }
    for name, words, foreign, settings in commands:
        command = subparsers.add_parser(
            name, help=words, formatter_class=RawDescriptionHelpFormatter, **settings
        )
        if name in arguments:
            (here.get(name) or import_module(f"explorer.serve.{name}_command").add_options)(command)
            command.set_defaults(foreign=foreign)
    return parser


def _add_archive_options(parser: ArgumentParser) -> None:
    parser.set_defaults(run=_write_archive)
    parser.description = """\
Write the archive that the exercise begins with: mnist-train-images.npy,
mnist-train-labels.npy, mnist-test-images.npy and mnist-test-labels.npy, made
from the images of the package. Nothing is downloaded.
"""
    words = f"the file to write, or a folder for it (default: {_ARCHIVE})"
    parser.add_argument("path", nargs="?", default=_ARCHIVE, metavar="PATH", help=words)
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def _write_archive(arguments: Namespace) -> int:
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
