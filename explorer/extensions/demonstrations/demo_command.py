"""``nn-explorer demo``: the demonstrations listed, or one of them run."""

from argparse import Namespace
from collections.abc import Mapping
from functools import partial
from html import escape
from types import MappingProxyType
from typing import Any

from explorer.experiments import Demonstration, Result, offered_demonstrations
from explorer.serve import run_options
from explorer.serve.access import RefusedError, whole_number

_SEED = whole_number("expected a whole number of at least 0", 0)
OPTIONS: Mapping[str, Any] = MappingProxyType(
    {"name": {"nargs": "?"}, "--seed": {"type": _SEED, "default": 0}, "--value": {"type": float}}
)


def run(args: Namespace) -> int:
    """Run ``nn-explorer demo``."""
    console = run_options.terminal()
    if args.name is None:
        for one in offered_demonstrations().values():
            title = f"{one.texts.title} ({one.texts.seconds:g} s)"
            console.print(f"{one.key:16} {title}\n{'':16} {one.texts.question}")
        return 0
    chosen = offered_demonstrations().get(args.name)
    if chosen is None:
        raise RefusedError(f"there is no demonstration {args.name!r}; nn-explorer demo lists them.")
    dataset, _ = run_options.data_of(args)
    if refused := chosen.refused(dataset):
        raise RefusedError(refused)
    knob = chosen.knob
    if args.value is not None and knob is None:
        raise RefusedError(f"--value: {chosen.key} has no number to change.")
    if args.value is not None and knob and not min(knob.values) <= args.value <= max(knob.values):
        raise RefusedError(f"--value: expected {knob.values[0]:g} to {knob.values[-1]:g}.")
    knobs = {} if args.value is None or chosen.knob is None else {chosen.knob.name: args.value}
    if args.html is not None:
        run_options.check_files([("--html", args.html, args.force)])
    try:
        found = chosen.last(dataset, args.seed, **knobs)
    except ValueError as error:
        raise RefusedError(f"--value: {error}.") from error
    console.print(chosen.texts.question)
    console.print(*chosen.sentences(found.numbers), sep="\n")
    return run_options.save(args, "--html", args.html, partial(_page, chosen, found)) if args.html else 0


def _page(one: Demonstration, found: Result) -> bytes:
    figure = found.figure("light").update_layout(title={"text": one.texts.title}, margin={"t": 60})
    html: str = figure.to_html(include_plotlyjs=True)
    words = escape(f"{one.texts.question} {' '.join(one.sentences(found.numbers))}")
    return html.replace("<body>", f'<body style="font-family: sans-serif"><p>{words}</p>', 1).encode()
