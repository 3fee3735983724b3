"""The command ``nn-explorer``. Each command is a module next to this one with an `add_parser`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from explorer import __version__
from explorer.serve import (
    archive_command,
    check_command,
    present_command,
    rehearse_command,
    serve_command,
    study_command,
    train_command,
)
from explorer.serve.surroundings import settle_terminal

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says, and return the exit code.

    Parameters
    ----------
    arguments
        What follows the command's name; None for the command line of this process.

    Returns
    -------
    int
        0 if all went well, 2 if an option has an invalid value; ``train`` and ``study`` also return 1 if they
        failed, and 130 if Ctrl-C stopped them.

    Raises
    ------
    SystemExit
        If there is nothing to do: with 0 after a help text, with 2 where an option or a command is unknown.
    """
    settle_terminal()
    given = _parser().parse_args(arguments)
    foreign = [f"--{name.replace('_', '-')}" for name in given.foreign if hasattr(given, name)]
    if foreign:
        which = f"option{'s' * (len(foreign) > 1)} {' and '.join(foreign)}"
        help_command = f"nn-explorer {given.command} --help"
        return serve_command.refuse(f"{given.command} has no {which}: {help_command} lists them.")
    code: int = given.run(Namespace(**{**serve_command.DEFAULTS, **vars(given)}))
    return code


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="nn-explorer",
        description="A neural network in NumPy that learns handwritten digits and that you control.",
        epilog="Each command has its own help: nn-explorer train --help",
    )
    parser.add_argument("--version", action="version", version=f"nn-explorer {__version__}")
    serve_command.add_options(parser)  # what happens without a command
    parser.set_defaults(foreign=())
    subparsers = parser.add_subparsers(title="commands", metavar="", dest="command")
    commands = (
        serve_command,
        train_command,
        study_command,
        present_command,
        rehearse_command,
        archive_command,
        check_command,
    )
    for command in commands:
        command.add_parser(subparsers)
    return parser
