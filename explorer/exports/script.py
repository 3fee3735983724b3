"""A run as a Python script that trains its network again: the textbook's source, and the run's settings."""

import ast
import inspect
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, replace
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import ceil
from textwrap import fill, indent
from types import MappingProxyType, ModuleType

from explorer.checks.source import plain_source
from explorer.datasets.augmentation import Augmentation
from explorer.datasets.plane import all_points
from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import code, page
from explorer.network import OPTIMIZERS
from explorer.network.methods import Dropout
from explorer.session.session_run import OpenedWeights
from explorer.training import Evaluation, TrainingConfig

_WIDTH = 110
_FOR_TOOLS = re.compile(r"  # (type|noqa)\b.*")
_MODULES = (
    "network.activations",
    "network.losses",
    "network.initializers",
    "network.schedules",
    "network.optimizers",
    "network.regularization",
    "network.network",
    "network.methods",
    "datasets.dataset",
    "exports.script_parts",
)
"""The modules that a script's parts come from, in order."""

_IMPORTS = (
    "import gzip",
    "import sys",
    "import tarfile",
    "from collections import namedtuple",
    "from importlib.util import find_spec",
    "from io import BytesIO",
    "from math import cos, pi",
    "from pathlib import Path",
)
_LEFT_OUT = MappingProxyType(
    {
        "Network": ("predict", "rate", "fit"),
        "Penalties": ("penalties", "optimizer", "train_iteration"),
        "Dropout": ("draw_masks", "dropout", "masked"),
        "Optimization": ("optimizer",),
    }
)
"""Members that scripts define differently, or don't need."""

_TABLES = MappingProxyType(
    {
        "ACTIVATIONS": ('"{0.hidden_activation}"', "{0.hidden_activation}"),
        "OUTPUTS": ('"{0.output}"', "{0.output}"),
        "LOSSES": ('"{0.loss}"', "{0.loss}"),
        "OUTPUT_DELTAS": ('("{0.output}", "{0.loss}")', "delta_{0.output}_{0.loss}"),
        "INITIALIZERS": ('"{0.initializer}"', "{0.initializer}"),
        "OPTIMIZERS": ('"{0.optimizer}"', "{1.change.__name__}"),
    }
)
"""Key and function of an entry of each of the textbook's tables, as formats of settings and optimizer."""

_OPTIMIZER = 'Optimizer = namedtuple("Optimizer", "change n_memories is_scale_free decays_weights")'


def training_script(run: ExportedRun) -> str:
    """Return a script that imports only NumPy, trains the run again and prints its figures.

    It includes only the methods beyond the exercise that the run uses. A continued run is trained in one go, which
    gives the same records. A run that began with a file of weights loads it by name; so does a fork, whose script
    says where to export that file. A run that was paused or stopped within an epoch stops after the same
    mini-batch; a failed one ends with its last complete epoch, one whose best weights were restored with those.
    With validation images the figures refer to these, and the script finally prints the test accuracy.
    """
    forks = run.stages[:-1]
    if forks:
        fork = forks[-1]
        file = f"explorer-{run.architecture}-seed{fork.config.seed}-epoch{fork.end:g}.npz"
        run = replace(run, before=(), opened=OpenedWeights(file, int(fork.end)))
    config, figures = run.config, run.newest.record
    shown = f"The explorer showed a {config.held_out} accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%} on all training images"
    methods = _methods(config)
    assignments = [f"{', '.join(each)} = {', '.join(map(code, each.values()))}" for each in methods.values()]
    values = {
        "run": run,
        "shown": f"{shown}.",
        "is_fork": bool(forks),
        "closeness": _closeness(run),
        "methods": methods,
        "assignments": assignments,
        "network": _network(run, "Run" if methods else "Network"),
        "points": fill(all_points(run.dataset).tobytes().hex(), _WIDTH) if run.dataset.is_plane else "",
        **_loop(run),
    }
    settings = page("script.py.j2", textbook="", imports=(), **values)
    textbook = _textbook(settings, _tables(config, methods))
    imports = [line for line in _IMPORTS if re.search(rf"\b{line.split()[-1]}\b", textbook + settings)]
    return page("script.py.j2", textbook=textbook, imports=imports, **values)


def _closeness(run: ExportedRun) -> tuple[float, float]:
    """Return the tolerances of the script's figures: losses in percent, accuracies in points.

    They are bounds from runs of ten epochs on MNIST with several seeds. For smooth networks the largest
    differences were 0.01 % and 0.02 points, with relu and Adam 1.5 % and 0.09 points. Large steps amplify
    differences from one to the next, up to 71 % and 1.7 points where the loss jumped.
    """
    losses, is_relu = [record.test_loss for record in run.history], run.config.hidden_activation == "relu"
    most = 1.05 if is_relu else 1.01
    jumps = any(after > most * before for before, after in pairwise(losses))
    is_gentle = not is_relu or OPTIMIZERS[run.config.optimizer].is_scale_free
    if jumps or run.dataset.is_plane or not is_gentle:
        return 100, 3
    return (3, 0.3) if is_relu else (0.1, 0.1)


# ---------------------------------------------------------------- the settings


def _network(run: ExportedRun, name: str) -> str:
    """Return the network, of the class `name`, as code."""
    config = run.config
    functions = [code(getattr(config, it)) for it in ("hidden_activation", "output", "loss", "initializer")]
    sizes = config.hidden_sizes
    hidden = f"{sizes if len(sizes) > 1 else sizes[0]}"
    values = [f"{run.dataset.n_inputs}", hidden, f"{run.dataset.n_classes}", *functions, f"{config.seed}"]
    return wrapped(f"network = {name}(", values, ")")


def _loop(run: ExportedRun) -> dict[str, object]:
    """Return the settings as the training loop needs them, as code where they aren't numbers."""
    config, end, begin = run.config, run.newest.epoch, run.first_epoch
    n = (config.n_train or run.dataset.n_train) - config.n_validation
    steps = config.steps_at_ends(n)
    in_use = config.at_step(steps[begin])
    coming = [it for it in config.changes if steps[begin] < it.step < steps[ceil(end)]]
    changes = [f"{it.step}: ({it.learning_rate}, {it.batch_size})" for it in coming]
    factor = _formula(config.schedule).partition(": ")[2].replace("T", f"{config.epochs}")
    if config.warmup:
        factor = f"{f'{factor} * ' * (factor != '1.0')}min(1.0, t / {config.warmup})"
    rate = "learning_rate" if changes else f"{in_use.learning_rate}"
    rate += " * factor" * (factor != "1.0")
    is_mean = config.reduction == "mean" and not OPTIMIZERS[config.optimizer].is_scale_free
    return {
        "begin": begin,
        "last": ceil(end),
        "pause": round(end % 1 * n),  # images of the last epoch that were used before it
        "n": f"{n:_}",
        "n_used": f"{n + config.n_validation:_}",
        "amounts": tuple(getattr(config, name) for name in ("shift", *Augmentation.__slots__)),
        "steps_before": steps[begin],
        "changes": wrapped("changes = {", changes, "}  # from a mini-batch on: learning rate, batch size"),
        "is_changing": bool(changes),
        "rate": in_use.learning_rate,
        "batch_size": in_use.batch_size,
        "factor": factor,
        "step": rate + " / len(batch)" * is_mean,
        "is_augmented": config.augmentation.is_on and not run.dataset.is_plane,
    }


def _methods(config: TrainingConfig) -> dict[str, dict[str, object]]:
    """Return the classes of a run's methods, with their settings."""
    decays = OPTIMIZERS[config.optimizer].decays_weights
    every: dict[str, dict[str, object]] = {
        "Dropout": {"dropout": config.dropout, "input_dropout": config.input_dropout},
        "Penalties": {"penalties": (0.0 if decays else config.l2, config.l1)},
        "Optimization": {
            "optimizer": config.optimizer,
            "l2": config.l2 if decays else 0.0,
            "max_norm": config.max_norm,
        },
    }
    off = {(0.0, 0.0), 0.0, "sgd"}
    return {name: settings for name, settings in every.items() if not off.issuperset(settings.values())}


# ---------------------------------------------------------------- the textbook


def _textbook(text: str, tables: str) -> str:
    """Return the source of everything in the textbook that a text uses, directly or indirectly, in its order."""
    known, used, unread = {**_known(), "Network": f"{tables}\n\n{_known()['Network']}"}, set[str](), [text]
    if "Dropout" not in text:
        known["Activation"] = known["Activation"][: known["Activation"].index("\n\n")]
    while unread:
        new = _free_names(unread.pop()) & known.keys() - used
        used |= new
        unread += [known[name] for name in new]
    return "\n\n".join(known[name] for name in known if name in used)


def _free_names(text: str) -> set[str]:
    """Return the names that a text uses but doesn't assign."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name | ast.arg)]
    own = {node.arg for node in names if isinstance(node, ast.arg)}
    own |= {node.id for node in names if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {node.id for node in names if isinstance(node, ast.Name)} - own


@cache
def _known() -> Mapping[str, str]:
    """Return the source of every definition that a script may contain, by name."""
    modules = (import_module(f"explorer.{name}") for name in _MODULES)
    known = dict(definition for module in modules for definition in _definitions(module))
    plain = {name: re.sub(r"@np\.errstate.*\n", "", source) for name, source in known.items()}
    known = {name: _with_numbers(source, known) for name, source in plain.items()}
    known["Activation"] = known["Activation"].replace("NamedTuple", 'namedtuple("Activation", "value d")')
    del known["Optimizer"]
    known["Network"] = known["Network"].replace("np.dtype(dtype)", "np.float32")
    known["Network"] = re.sub(r" +(loss = self.compute_loss|return loss\b).*\n?", "", known["Network"])
    known["Dropout"] = re.sub(r" +if not .*\n.*\n", "", known["Dropout"])
    known["Dropout"] = _inlined(known["Dropout"], plain_source(Dropout.masked), "self.masked")
    for name in ("penalty", "d_penalty"):
        known["Penalties"] = _inlined(known["Penalties"], known[name], name)
    known["Dropout"] += "\n\n" + indent(known["draw_masks"], "    ")
    return known


def _inlined(source: str, definition: str, name: str) -> str:
    """Return source with the formula of a function of one line in place of its calls with its own arguments."""
    head, result = definition.splitlines()
    arguments = head.partition("(")[2].removeprefix("self, ").removesuffix(":")
    formula = result.partition("return ")[2]
    factor = source.replace(f"* {name}({arguments}", f"* ({formula})")
    return re.sub(rf"(?<!\w){re.escape(f'{name}({arguments}')}", lambda _: formula, factor)


def _with_numbers(source: str, known: Mapping[str, str]) -> str:
    """Return a definition with the values of constants in place of their names."""
    numbers = {name: value for name, value in known.items() if value[0].isdigit()}
    return re.sub(r"\b[A-Z][A-Z_0-9]*\b", lambda name: numbers.get(name[0], name[0]), source)


def _definitions(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the name and the source of the functions, classes and constants of a module."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            source = plain_source(getattr(module, node.name))
            if "\n" in source:  # an exception may have no body
                yield node.name, _trimmed(source, _LEFT_OUT.get(node.name, ()))
        elif isinstance(node, ast.Assign):
            names = [target.id for target in ast.walk(node.targets[0]) if isinstance(target, ast.Name)]
            yield from ((name, repr(getattr(module, name))) for name in names)


def _trimmed(source: str, left_out: Collection[str]) -> str:
    """Return a definition without some members and type declarations; long signatures are wrapped."""
    lines = dict(enumerate(_FOR_TOOLS.sub("", source).splitlines(), 1))
    (definition,) = ast.parse(source).body
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef):
            head, _, rest = lines[node.lineno].partition("(")
            if node.name == "__init__":  # the scripts pass all arguments, by position, and compute in float32
                rest = re.sub(r"\*, |dtype=[^,]+, |=[^,)]+", "", rest)
            lines[node.lineno] = wrapped(f"{head}(", rest.removesuffix("):").split(", "), "):")
    for node in definition.body if isinstance(definition, ast.ClassDef) else ():
        targets = node.targets if isinstance(node, ast.Assign) else ()
        names = {it.id for target in targets for it in ast.walk(target) if isinstance(it, ast.Name)}
        names.add(node.name if isinstance(node, ast.FunctionDef) else "")
        if names & {*left_out} or (isinstance(node, ast.AnnAssign) and node.value is None):
            decorated = node.decorator_list if isinstance(node, ast.FunctionDef) else ()
            first, last = min([node.lineno, *(it.lineno for it in decorated)]), node.end_lineno or 0
            for row in range(first, last + 1 + (lines.get(last + 1) == "")):
                del lines[row]
    return "\n".join(lines.values()).rstrip()


def _tables(config: TrainingConfig, methods: Collection[str]) -> str:
    """Return the textbook's tables with only the entries that a run uses, as code."""
    optimizer, lines = OPTIMIZERS[config.optimizer], list[str]()
    for name, (key, function) in _TABLES.items():
        formula = _formula(function.format(config, optimizer))
        if name == "ACTIVATIONS":
            formula = f"Activation({formula}, {_formula(f'd_{config.hidden_activation}')})"
        if name == "OPTIMIZERS":
            if "Optimization" not in methods:
                continue
            formula = f"Optimizer({', '.join([formula, *map(str, astuple(optimizer)[1:])])})"
            lines.append(_OPTIMIZER)
        lines.append(wrapped(f"{name} = {{", [f"{key.format(config)}: {formula}"], "}"))
    return "\n".join(lines)


def _formula(name: str) -> str:
    """Return a function as a formula if it is one line that no other function calls, else its name."""
    (function,) = ast.parse(_known()[name]).body
    match function:
        case ast.FunctionDef(body=[ast.Return(value=ast.expr() as value)]) if name != "sigmoid":
            formula = ast.get_source_segment(_known()[name], value) or ""
            formula = f"({formula})" if isinstance(value, ast.Tuple) else formula
            return f"lambda {ast.unparse(function.args)}: {formula}"
    return name


def wrapped(head: str, items: Sequence[str], tail: str) -> str:
    """Return a call, or a display of items, as code: on one line, or on as few as possible."""
    whole = f"{head}{', '.join(items)}{tail}"
    if len(whole) <= _WIDTH:
        return whole
    margin = " " * (len(head) - len(head.lstrip()))
    inner, within = ", ".join(item.replace(" ", "\0") for item in items), f"{margin}    "
    lines = fill(inner, _WIDTH, initial_indent=within, subsequent_indent=within, break_on_hyphens=False)
    return f"{head}\n{lines},\n{margin}{tail}".replace("\0", " ")
