"""Builds the folder of a published page: one HTML file, and its data as scripts that also a disk can serve."""

import gzip
import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from plotly.io.json import to_json_plotly

from explorer.datasets import Dataset
from explorer.exports.files import page
from explorer.extensions.publish.recordings import PublishedRun, fitting, packed
from explorer.figures.axes import FACTORS, Metric, epoch_mark
from explorer.figures.confusion import confusion_figure, confusion_mark, confusion_style
from explorer.figures.curves import curves_data, curves_summary
from explorer.figures.palette import PALETTES
from explorer.figures.template import template
from explorer.training import FIELDS, PRESETS, EpochRecord, History, RunEnd, SampleRecord, TrainingConfig
from explorer.training.hints import hints
from explorer.training.studies import grid
from explorer.training.studies.configs import n_weights
from explorer.widgets.assets import page_assets
from explorer.widgets.controls import Segmented, TimeBar
from explorer.widgets.drawing_pad import DrawingPad
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.network_drawing import NetworkDrawing, answers
from explorer.widgets.numbers import Fact, Tile, Tiles
from explorer.widgets.page_part import PagePart
from explorer.widgets.plotly_module import PLOTLY_KEY, plotly_script
from explorer.widgets.rendered import Rendered
from explorer.widgets.setting import Setting
from explorer.wording import class_noun, counted, grouped, percent

_GRID = MappingProxyType({"hidden_sizes": ((8,), (32,), (64,)), "batch_size": (8, 128, 512)})
_RATES = MappingProxyType({"Start": (0.05, 0.5, 5.0), "The exercise": (0.001, 0.01, 0.1)})
DEFAULT_RUNS = (
    *(one for name, rates in _RATES.items() for one in grid(PRESETS[name], **_GRID, learning_rate=rates)),
)
"""The runs of a page for which none are named."""

_TRAINED = "Inputs, units of each hidden layer, outputs; and what training changes."
_TRAIN = (
    "Share of the training images that are classified correctly, each on its turn: the figure lags behind."
)
_STEP = "In each step of the first epoch, the weights change once."
_FAILED = 0.9  # an accuracy below which the page says why

MOST_IMAGES = 2000  # held-out images in a page, fewer if large; more would take a slider longer than 0.1 s

_KEYS = ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Escape")
_MOST_LETTERS = 20  # of options side by side
_OPENS = "Press to see its way through the network"
_FOLDER = Path(__file__).parent
_METHOD = "method"  # key of the control of settings that go together
_METRICS: tuple[Metric, ...] = ("accuracy", "loss")
_LAYOUT = ("xaxis", "yaxis", "shapes", "annotations")  # of the curves
_SCRIPTS = "drawing_pad gallery help live_figure network_drawing rendered segmented setting time_bar"


@dataclass(frozen=True, slots=True)
class Axis:
    """One control of the page: a setting in which its runs differ, or those that go together."""

    name: str
    key: str
    """Its setting in `TrainingConfig`, and its name in links."""
    label: str
    help: str
    values: Sequence[float | str]
    texts: Sequence[str]
    """The recorded values in their order on the control, and as they are written."""
    isNumber: bool  # noqa: N815  # as the page's script names it
    """Whether it is a slider."""


def axes_of(configs: Sequence[TrainingConfig]) -> tuple[list[Axis], list[list[int]]]:
    """Return the axes, and for each config the place of its value on each axis.

    Settings that always change together become one axis, named by the preset that has these values.
    """
    groups: dict[tuple[int, ...], list[str]] = {}
    for name in FIELDS:
        values = [getattr(config, name) for config in configs]
        known = [*dict.fromkeys(values)]
        if len(known) > 1:
            groups.setdefault(tuple(map(known.index, values)), []).append(name)
    found = [_axis(names, configs) for names in sorted(groups.values(), key=lambda names: len(names) == 1)]
    places = [[places[k] for _, places in found] for k in range(len(configs))]
    axes = [axis for axis, _ in found]
    if sum(axis.key == _METHOD for axis in axes) > 1:  # each by its first setting
        axes = [replace(axis, key=FIELDS[axis.name].key, label=FIELDS[axis.name].label) for axis in axes]
    return axes, places


def _axis(names: Sequence[str], configs: Sequence[TrainingConfig]) -> tuple[Axis, list[int]]:
    field = FIELDS[names[0]]
    numbers = [getattr(config, names[0]) for config in configs]
    if all(isinstance(one, tuple) and len(one) == 1 for one in numbers):  # the units of one layer
        numbers = [number for (number,) in numbers]
    if len(names) == 1 and all(isinstance(number, int | float) for number in numbers):
        values = sorted({*numbers})
        texts = {n: config.text(names[0]) for n, config in zip(numbers, configs, strict=True)}
        axis = Axis(field.name, field.key, field.label, field.help, values, [texts[n] for n in values], True)
        return axis, [values.index(n) for n in numbers]
    kinds = [tuple(getattr(config, name) for name in names) for config in configs]
    word_of = {kind: _words(names, config) for kind, config in zip(kinds[::-1], configs[::-1], strict=True)}
    words = [word_of[kind] for kind in kinds]
    known = [*dict.fromkeys(words)]
    label, key = (field.label, field.key) if len(names) == 1 else ("Method", _METHOD)
    about = field.help if len(names) == 1 else ", ".join(FIELDS[name].label.lower() for name in names)
    return Axis(names[0], key, label, about, known, known, False), [known.index(one) for one in words]


def _words(names: Sequence[str], config: TrainingConfig) -> str:
    if len(names) > 1:
        differences = {name: {*config.differences(preset)} for name, preset in PRESETS.items()}
        for name in sorted(differences, key=lambda name: len(differences[name])):
            if not ({*names} - {"epochs"}) & differences[name]:
                return name
    return ", ".join(config.text(name) for name in names)


def publish(
    runs: Sequence[PublishedRun],
    dataset: Dataset,
    folder: Path,
    *,
    title: str,
    text: str = "",
    only: Sequence[str] = ("curves", "matrix", "draw"),
    embedded: bool = False,
) -> dict[str, int]:
    """Write the page's files into a new folder, and return their sizes in bytes by name.

    `text`, HTML, follows the title and a sentence; `only` are the parts to show; an `embedded` page, for a frame
    in another page, has none of these words. All runs are of `dataset`.
    """
    kept = fitting([sorted(run.weights) for run in runs], [n_weights(run.config, dataset) for run in runs])
    pairs = zip(runs, kept, strict=True)
    runs = [replace(run, weights={at: run.weights[at] for at in epochs}) for run, epochs in pairs]
    axes, places = axes_of([run.config for run in runs])
    site = {"axes": [asdict(axis) for axis in axes], "runs": places, "parts": [*only], **_site(runs, dataset)}
    site["models"] = _models(axes, dataset.class_names, only)
    shown = shown_images(dataset.n_test, dataset.n_inputs)
    labels, images = dataset.test_labels[shown], dataset.test_images[shown]
    data = {"plotly": plotly_script(), "images": labels.astype(np.uint8).tobytes() + images.tobytes()}
    data |= {f"run-{k}": packed(run, **_about(run, dataset)) for k, run in enumerate(runs)}
    # By names with their hash, so that a cache never mixes two publications.
    site["files"] = {name: f"{name}.{sha256(content).hexdigest()[:12]}" for name, content in data.items()}
    css, base, scripts = page_assets()
    modules = []  # of this folder, as parts of one
    for name in ("host", "network", "page"):
        lines = (_FOLDER / f"{name}.js").read_text(encoding="utf-8").splitlines()
        modules += [line.removeprefix("export ") for line in lines if not line.startswith("import ")]
    html = page(
        _FOLDER / "page.html.j2",
        **{"title": title, "text": text, "embedded": embedded, "only": only, "axes": axes},
        lead=_lead(runs[site["start"]].config, len(runs), dataset, only),
        css=css + (_FOLDER / "page.css").read_text(encoding="utf-8"),
        site=_json(site),
        scripts=_json({"base": base, "scripts": {name: scripts[name] for name in _SCRIPTS.split()}}),
        module="\n".join([base, *modules]),
    )
    files = {"index.html": html.encode()}
    for name, content in data.items():  # as scripts: pages from a disk may load nothing else
        packed_text = b64encode(gzip.compress(content, mtime=0)).decode()
        script = f'(globalThis.explorerFiles ??= {{}})["{site["files"][name]}"] = "{packed_text}";\n'
        files[f"data/{site['files'][name]}.js"] = script.encode()
    (folder / "data").mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: len(content) for name, content in files.items()}


def shown_images(n: int, n_pixels: int = 784) -> NDArray[np.int64]:
    """Return the indices of the `n` held-out images in a page: evenly spaced, as they may be sorted by class."""
    n_shown = min(MOST_IMAGES * 784 // max(784, n_pixels), n)
    return np.arange(n_shown) * n // n_shown


def _site(runs: Sequence[PublishedRun], dataset: Dataset) -> dict[str, Any]:
    """Return what the page's script needs besides the runs and their axes."""
    shown, names = len(shown_images(dataset.n_test, dataset.n_inputs)), dataset.class_names
    matrix = confusion_figure(None, names).layout.to_plotly_json()
    start = max(range(len(runs)), key=lambda k: runs[k].config in PRESETS.values())
    looks = {}  # what depends on the theme: the palette, the template, the matrix, and marks to be moved
    for theme, palette in PALETTES.items():
        marks = {"mark": epoch_mark(1, theme)[0], "frame": confusion_mark((0, 0), theme)["shapes"][0]}
        styles = {"template": template(theme).to_plotly_json(), "matrix": confusion_style(names, theme)[:2]}
        looks[theme] = asdict(palette) | marks | styles
    return {
        "start": start,
        "n_early": len(runs[start].early),
        "names": names,
        "side": dataset.image_shape[0],
        "n_images": shown,
        "n_test": dataset.n_test,
        "of_images": counted(shown, "test image"),
        "plotly": PLOTLY_KEY,
        "looks": looks,
        "matrix": {key: matrix[key] for key in ("xaxis", "yaxis")},
    }


def _models(axes: Sequence[Axis], names: Sequence[str], only: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the state with which each part and each control begins."""
    themes = [("", "auto"), ("light", "light"), ("dark", "dark")]
    keys, opens = {"Accuracy": (), "Loss": (), "Confusion matrix": _KEYS}, _OPENS if "draw" in only else ""
    empty = {"edit": 0, "data": [], "layout": {}, "summary": "", "buffers": []}
    return {
        "time_bar": _begun(TimeBar, can_fork=False),
        "rendered": _begun(Rendered, kind=Tiles.kind, content=[], pictures=[]),
        "segmented": _begun(Segmented, label="Theme", options=themes, value=""),
        "drawing_pad": _begun(DrawingPad),
        "network_drawing": _begun(NetworkDrawing, classes=names, answers=answers(names)),
        "gallery": _begun(Gallery, class_names=names, filters=True, empty="No such image.", opens=opens),
        **{n: _begun(LiveFigure, name=n, _figure=empty, _keys=k, _clicks=bool(k)) for n, k in keys.items()},
        **{axis.key: _control(axis) for axis in axes},
    }


def _control(axis: Axis) -> dict[str, Any]:
    kind = "scale" if axis.isNumber else "few" if len("".join(axis.texts)) <= _MOST_LETTERS else "choice"
    options = [*zip(axis.values, axis.texts, strict=True)]
    control = {"name": axis.name, "kind": kind, "unit": "", "options": options, "stops": axis.values}
    return _begun(Setting, description=axis.label, tooltip=axis.help, _control=control, value=None)


def _begun(part: type[PagePart], **given: Any) -> dict[str, Any]:
    """Return the state of a new part as JSON: what is given, and else the defaults."""
    own = {*part.class_trait_names(sync=True)} - {*PagePart.class_trait_names(), *given}
    defaults = {name: part.class_traits()[name].default() for name in own}
    return given | {name: value for name, value in defaults.items() if not isinstance(value, bytes)}


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False).replace("<", "\\u003c")  # ends no script


def _about(run: PublishedRun, dataset: Dataset) -> dict[str, Any]:
    """Return why a run has failed, if it has, its curves, and for each moment with weights tiles and a summary."""
    figures: dict[float, EpochRecord | SampleRecord] = {record.epoch: record for record in run.history}
    figures |= run.early
    n_train, history = _n_train(run.config, dataset), run.history
    n_steps = run.config.steps_at_ends(n_train)[1]
    ended = replace(history, end=history.end or RunEnd("finished"))
    has_failed = history.last is not None and history.last.test_accuracy < _FAILED
    found = hints(ended, n_train=n_train, n_available=dataset.n_train)[:1] if has_failed else ()
    return {
        "n_steps": n_steps,
        "hint": " ".join(f"{hint.what} {hint.why}" for hint in found),
        "curves": {metric.title(): _curve(history, metric) for metric in _METRICS},
        "summaries": [curves_summary(run.history, at, run.early.get(at)) for at in run.moments],
        "tiles": [_tiles(run, figures.get(at), n_steps, dataset).elements() for at in run.moments],
    }


def _n_train(config: TrainingConfig, dataset: Dataset) -> int:
    return (config.n_train or dataset.n_train) - config.n_validation


def _lead(config: TrainingConfig, n_runs: int, dataset: Dataset, only: Sequence[str]) -> str:
    images = f"{grouped(_n_train(config, dataset))} images of {dataset.name}"
    noun = "a digit" if class_noun(dataset.class_names) == "digit" else "an image"
    todo = [f"change a setting for another of {n_runs} recorded runs"] * (n_runs > 1)
    todo += [f"draw {noun}: your browser reads it"] * ("draw" in only)
    words = ", or ".join(todo)
    return f"A network that learned from {images}." + (f" {words[0].upper()}{words[1:]}." if words else "")


def _curve(history: History, metric: Metric) -> dict[str, Any]:
    """Return a metric's curves in each theme, and as the rows of a table."""
    lines = {"train": f"train_{metric}", history.config.held_out: f"test_{metric}"}
    rows = (
        [str(record.epoch), *(f"{FACTORS[metric] * getattr(record, name):.5g}" for name in lines.values())]
        for record in history
    )
    figures: dict[str, Any] = {"rows": [["epoch", *lines], *rows]}
    for theme in PALETTES:
        traces, layout = curves_data(history, metric=metric, theme=theme)
        shown = {key: layout[key] for key in _LAYOUT} | {"showlegend": True}
        figures[theme] = json.loads(to_json_plotly({"data": traces[-2:], "layout": shown}))
    return figures


def _tiles(
    run: PublishedRun, record: EpochRecord | SampleRecord | None, n_steps: int, dataset: Dataset
) -> Tiles:
    held_out, n = run.config.held_out.capitalize(), run.config.n_validation or dataset.n_test
    parameters = f"{grouped(n_weights(run.config, dataset))} weights and biases"
    about = Fact(f"{dataset.n_inputs}-{run.config.architecture}-{dataset.n_classes}, {parameters}", _TRAINED)
    if record is None:
        return Tiles((), (about,))
    if isinstance(record, SampleRecord):
        of = f"sample of {grouped(len(record.sample))}"
        fact = Fact(f"step {grouped(record.step)} of {grouped(n_steps)}", _STEP)
    else:
        words = f"train {percent(record.train_accuracy)} during epoch {record.epoch}"
        of, fact = f"of {counted(n, 'image')}", Fact(words, _TRAIN, "train")
    tiles = (
        Tile(f"{held_out} accuracy", percent(record.test_accuracy), of, "test"),
        Tile(f"{held_out} loss", f"{record.test_loss:.3g}", "per image", "test"),
    )
    return Tiles(tiles, (fact, about))
