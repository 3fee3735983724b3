"""A run as a Python script that trains its network again: the textbook's source, and the run's settings."""

import ast
import inspect
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import pairwise
from math import ceil
from textwrap import fill, indent
from types import MappingProxyType, ModuleType

from explorer.checks.source import plain_source
from explorer.datasets.augmentation import Augmentation
from explorer.datasets.dataset import DIGITS
from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import code, page
from explorer.network import OPTIMIZERS
from explorer.network.network import Network
from explorer.training import Evaluation, TrainingConfig

__all__ = ["training_script"]

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
    "datasets.augmentation",
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
    "from types import SimpleNamespace",
)
_LEFT_OUT = MappingProxyType(
    {
        "Network": ("predict", "fit"),
        "Penalties": ("penalties", "optimizer", "train_iteration"),
        "Dropout": ("draw_masks",),
    }
)
"""Members that scripts define differently, or don't need."""

_TABLES = MappingProxyType(
    {
        "ACTIVATIONS": '"{0.hidden_activation}": {0.hidden_activation}',
        "OUTPUTS": '"{0.output}": {0.output}',
        "LOSSES": '"{0.loss}": {0.loss}',
        "OUTPUT_DELTAS": '("{0.output}", "{0.loss}"): delta_{0.output}_{0.loss}',
        "INITIALIZERS": '"{0.initializer}": {0.initializer}',
        "SCHEDULES": '"{0.schedule}": {0.schedule}',
        "OPTIMIZERS": '"{0.optimizer}": SimpleNamespace(change={1.change.__name__}, n_memories={1.n_memories}, '
        "is_scale_free={1.is_scale_free}, decays_weights={1.decays_weights})",
    }
)
"""An entry of each of the textbook's tables, as a format of settings and optimizer."""


def training_script(run: ExportedRun) -> str:
    """Return a script that imports only NumPy, trains the run again and prints its figures.

    It includes only the methods beyond the exercise that the run uses. A continued run is trained in one go, which
    gives the same records. For a fork the script first trains the earlier runs, each up to the epoch of the fork.
    A run that was paused or stopped within an epoch stops after the same mini-batch; a failed one ends with its
    last complete epoch, and one whose best weights were restored with those. A run that began with a file of
    weights loads it by name. With validation images the figures refer to these, and the script finally prints the
    test accuracy.
    """
    figures, stages = run.newest.record, [*_stages(run)]
    shown = f"The explorer showed a {run.config.held_out} accuracy of {figures.test_accuracy:.3%}"
    if isinstance(figures, Evaluation):
        shown += f" and a train accuracy of {figures.train_accuracy:.3%}"
    values = {
        "run": run,
        "shown": f"{shown}.",
        "closeness": _closeness(run),
        "class_names": [*map(code, run.dataset.class_names)],
        "digits": DIGITS,
        "stages": stages,
        "wrapped": wrapped,
    }
    settings = page("script.py.j2", textbook="", imports=(), **values)
    textbook = _textbook(settings, _tables(stages))
    imports = [line for line in _IMPORTS if re.search(rf"\b{line.split()[-1]}\b", textbook + settings)]
    return page("script.py.j2", textbook=textbook, imports=imports, **values)


def _closeness(run: ExportedRun) -> tuple[float, float]:
    """Return the tolerances of the script's figures: losses in percent, accuracies in points.

    They are bounds from runs of ten epochs on MNIST with several seeds. For smooth networks the largest
    differences were 0.01 % and 0.02 points, with relu and Adam 1.5 % and 0.09 points. Large steps amplify
    differences from one to the next, up to 71 % and 1.7 points where the loss jumped.
    """
    configs, losses = [stage.config for stage in run.stages], [record.test_loss for record in run.history]
    with_relu = [config for config in configs if config.hidden_activation == "relu"]
    most = 1.05 if with_relu else 1.01
    jumps = any(after > most * before for before, after in pairwise(losses))
    if jumps or not all(OPTIMIZERS[config.optimizer].is_scale_free for config in with_relu):
        return 100, 3
    return (3, 0.3) if with_relu else (0.1, 0.1)


# ---------------------------------------------------------------- the settings


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stretch of training with one set of settings, in the script's terms."""

    config: TrainingConfig
    begin: int  # epochs before it
    end: float  # and including it
    n: int  # training images
    name: str  # the class of its network
    methods: dict[str, dict[str, object]]  # its base classes, with their settings

    @property
    def last(self) -> int:
        """The number of its last epoch."""
        return ceil(self.end)

    @property
    def pause(self) -> int:
        """Images of the last epoch that were used before a pause; 0 at an epoch's end."""
        return round(self.end % 1 * self.n)

    @property
    def steps(self) -> tuple[int, ...]:
        """Cumulative number of mini-batches at each epoch's end."""
        return self.config.steps_at_ends(self.n)

    @property
    def changes(self) -> list[str]:
        """Mid-run changes of learning rate and batch size, as entries of a dictionary."""
        first, last = self.steps[self.begin], self.steps[self.last]
        coming = [change for change in self.config.changes if first < change.step < last]
        return [f"{change.step}: ({change.learning_rate}, {change.batch_size})" for change in coming]

    @property
    def in_use(self) -> TrainingConfig:
        """Its settings at its beginning."""
        return self.config.at_step(self.steps[self.begin])

    @property
    def arguments(self) -> list[str]:
        """Its network's arguments that differ from the textbook's defaults, as code."""
        sizes, defaults = self.config.hidden_sizes, inspect.signature(Network).parameters
        names = "hidden_activation", "output", "loss", "initializer"
        own = {name: getattr(self.config, name) for name in names}
        functions = [
            f"{name}={code(value)}" for name, value in own.items() if value != defaults[name].default
        ]
        hidden = sizes if len(sizes) > 1 else sizes[0]
        return ["784", f"{hidden}", "10", *functions, "dtype=np.float32", f"seed={self.config.seed}"]

    @property
    def amounts(self) -> str:
        """The augmentation's maximum amounts, as keyword arguments."""
        return ", ".join(f"{name}={getattr(self.config, name)}" for name in Augmentation.__slots__)

    @property
    def rate(self) -> str:
        """The learning rate of a mini-batch, as code."""
        config, by_mean = self.config, self.config.reduction == "mean"
        text = "learning_rate" if self.changes else repr(self.in_use.learning_rate)
        if config.schedule != "constant" or config.warmup:
            text += f" * rate_factor({code(config.schedule)}, t, {config.epochs}, {config.warmup})"
        return f"{text} / len(batch)" if by_mean and not OPTIMIZERS[config.optimizer].is_scale_free else text


def _stages(run: ExportedRun) -> Iterator[_Stage]:
    begin, configs = run.first_epoch, [stage.config for stage in run.stages]
    penalised = any("Penalties" in _methods(config) for config in configs)
    for number, (config, end) in enumerate(zip(configs, (stage.end for stage in run.stages), strict=True), 1):
        methods = _methods(config, penalised=penalised)
        name = ("Run" if len(configs) == 1 else f"Stage{number}") if methods else "Network"
        n = (config.n_train or run.dataset.n_train) - config.n_validation
        yield _Stage(config, begin, end, n, name, methods)
        begin = ceil(end)


def _methods(config: TrainingConfig, *, penalised: bool = False) -> dict[str, dict[str, object]]:
    """Return the classes of a stage's methods, with their settings; `penalised` forces penalties."""
    decays = OPTIMIZERS[config.optimizer].decays_weights
    penalties = (0.0 if decays else config.l2, config.l1)
    every: dict[str, dict[str, object]] = {
        "Dropout": {"dropout": config.dropout, "input_dropout": config.input_dropout},
        "Penalties": {"penalties": penalties if penalised or any(penalties) else 0.0},
        "Optimization": {
            "optimizer": config.optimizer,
            "l2": config.l2 if decays else 0.0,
            "max_norm": config.max_norm,
        },
    }
    used = {
        name: {key: value for key, value in settings.items() if value not in (0.0, "sgd")}
        for name, settings in every.items()
    }
    return {name: settings for name, settings in used.items() if settings}


# ---------------------------------------------------------------- the textbook


def _textbook(text: str, tables: str) -> str:
    """Return the source of everything in the textbook that a text uses, directly or indirectly, in its order."""
    known, used, unread = {**_known(), "Network": f"{tables}\n\n\n{_known()['Network']}"}, set[str](), [text]
    while unread:
        new = _free_names(unread.pop()) & known.keys() - used
        used |= new
        unread += [known[name] for name in new]
    constants = [known[name] for name in known if name in used and name.isupper()]
    others = [known[name] for name in known if name in used and not name.isupper()]
    return "\n\n\n".join(["\n".join(dict.fromkeys(constants)), *others]).strip()


def _free_names(text: str) -> set[str]:
    """Return the names that a text uses but doesn't assign."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name | ast.arg)]
    own = {node.arg if isinstance(node, ast.arg) else node.id for node in names if not _is_read(node)}
    return {node.id for node in names if isinstance(node, ast.Name)} - own


def _is_read(node: ast.Name | ast.arg) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)


@cache
def _known() -> Mapping[str, str]:
    """Return the source of every definition that a script may contain, by name."""
    known = dict(
        definition for name in _MODULES for definition in _definitions(import_module(f"explorer.{name}"))
    )
    known["Activation"] = known["Activation"].replace("NamedTuple", 'namedtuple("Activation", "value d")')
    known["Dropout"] += "\n\n" + indent(known["draw_masks"], "    ")
    return known


def _definitions(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Yield the name and the source of the functions, classes and constants of a module."""
    text = inspect.getsource(module)
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            source = plain_source(getattr(module, node.name))
            if "\n" in source:  # an exception may have no body
                yield node.name, _trimmed(source, _LEFT_OUT.get(node.name, ()))
        elif isinstance(node, ast.Assign):
            names = (target.id for target in ast.walk(node.targets[0]) if isinstance(target, ast.Name))
            yield from ((name, text.splitlines()[node.lineno - 1]) for name in names)


def _trimmed(source: str, left_out: Collection[str]) -> str:
    """Return a definition without some members and type declarations; long signatures are wrapped."""
    lines = dict(enumerate(_FOR_TOOLS.sub("", source).splitlines(), 1))
    (definition,) = ast.parse(source).body
    for node in ast.walk(definition):
        if isinstance(node, ast.FunctionDef):
            head, _, rest = lines[node.lineno].partition("(")
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


def _tables(stages: Sequence[_Stage]) -> str:
    """Return the textbook's tables with only the entries that the stages use, as code."""
    configs, methods = (
        [stage.config for stage in stages],
        {name for stage in stages for name in stage.methods},
    )
    entries = {
        name: [entry.format(it, OPTIMIZERS[it.optimizer]) for it in configs]
        for name, entry in _TABLES.items()
    }
    slopes = {config.hidden_activation: f"d_{config.hidden_activation}" for config in configs}
    if "Dropout" in methods:
        entries["ACTIVATIONS"] = [f'"{name}": Activation({name}, {slope})' for name, slope in slopes.items()]
    if not any("rate_factor" in stage.rate for stage in stages):
        del entries["SCHEDULES"]
    if "Optimization" not in methods:
        del entries["OPTIMIZERS"]
    lines = [wrapped(f"{name} = {{", [*dict.fromkeys(each)], "}") for name, each in entries.items()]
    return "\n".join(
        [*(f"{f}.d = {slope}" for f, slope in slopes.items() if "Dropout" not in methods), *lines]
    )


def wrapped(head: str, items: Sequence[str], tail: str) -> str:
    """Return a call, or a display of items, as code: on one line, or on as few as possible."""
    whole = f"{head}{', '.join(items)}{tail}"
    if len(whole) <= _WIDTH:
        return whole
    margin = " " * (len(head) - len(head.lstrip()))
    inner, within = ", ".join(item.replace(" ", "\0") for item in items), f"{margin}    "
    lines = fill(inner, _WIDTH, initial_indent=within, subsequent_indent=within, break_on_hyphens=False)
    return f"{head}\n{lines},\n{margin}{tail}".replace("\0", " ")
