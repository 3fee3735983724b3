"""The command ``nn-explorer``; each subcommand is a module next to this one."""

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

from explorer.datasets import DatasetError
from explorer.serve import serve_command
from explorer.serve.access import RefusedError
from explorer.serve.environment import settle_terminal
from explorer.serve.serve_command import DEFAULTS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line in `arguments`, or this process's, and return the exit code.

    The code is 0 if all went well, 1 if the command failed, 2 if an option has an invalid value, and 130 after
    Ctrl-C. Help texts and unknown options or commands raise SystemExit.
    """
    settle_terminal()
    arguments = sys.argv[1:] if arguments is None else arguments
    given = _parser(arguments).parse_args(arguments)
    foreign = [f"--{name.replace('_', '-')}" for name in given.foreign if hasattr(given, name)]
    try:
        if foreign:
            which = f"option{'s' * (len(foreign) > 1)} {' and '.join(foreign)}"
            help_command = f"nn-explorer {given.command} --help"
            raise RefusedError(f"{given.command} has no {which}: {help_command} lists them.")
        code: int = given.run(Namespace(**{**DEFAULTS, **vars(given)}))
    except (RefusedError, DatasetError) as error:
        print(f"nn-explorer: {error}", file=sys.stderr)
        return 2
    return code


def _parser(arguments: Sequence[str]) -> ArgumentParser:
    """Return the parser of a command line, with the options of the command that it names.

    The other commands' modules are not loaded: that would take as long as ``serve`` needs until it prints.
    """
    parser = ArgumentParser(
        prog="nn-explorer",
        description="A neural network in NumPy that learns handwritten digits and that you control.",
        epilog="Each command has its own help: nn-explorer train --help",
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {version('nn-explorer')}")
    serve_command.add_options(parser)
    parser.set_defaults(run=serve_command.run, foreign=())  # without a command
    subparsers = parser.add_subparsers(title="commands", metavar="", dest="command")
    of_page = (*DEFAULTS, "dataset")
    exact, many = {"allow_abbrev": False}, {"allow_abbrev": False, "usage": "%(prog)s [options]"}
    commands: tuple[tuple[Any, ...], ...] = (  # with the options before a command that it doesn't have
        ("serve", "open the explorer in the browser; what happens without a command", (), {}),
        ("train", "train one network in the terminal", DEFAULTS, many),
        ("study", "train many networks in the terminal, and compare them", DEFAULTS, many),
        ("present", "open the talk as slides in the browser", ("dataset",), {}),
        ("archive", "write the exercise's mnist.tgz", of_page, {}),
        ("check", "check solutions of the exercise, and name their mistakes", of_page, exact),
    )
    for name, words, foreign, settings in commands:
        command = subparsers.add_parser(
            name, help=words, formatter_class=RawDescriptionHelpFormatter, **settings
        )
        if name in arguments:
            module = import_module(f"explorer.serve.{name}_command")
            command.description, command.epilog = module.DESCRIPTION, getattr(module, "EPILOG", None)
            module.add_options(command)
            command.set_defaults(run=module.run, foreign=foreign)
    return parser
