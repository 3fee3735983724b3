"""A run as one HTML file that works offline: figures, mistakes, settings, notes."""

import shlex
from base64 import b64encode
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from explorer.exports.files import ExportedRun, page
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_figure, confusion_summary, difficulty
from explorer.figures.curves import curves_figure, curves_summary
from explorer.figures.digits import sprite
from explorer.figures.palette import PALETTES, Theme
from explorer.network import hardest_classes, most_confused, per_class
from explorer.network.metrics import probabilities, select_samples
from explorer.training import FIELDS, History
from explorer.training.query import write_query
from explorer.wording import class_noun, grouped, percent

MOST_MISTAKES = 24  # pictures, the worst first
_PIXELS = 3  # per pixel of an image: stays sharp although browsers smooth


def report(run: ExportedRun) -> str:
    """Return the report as HTML of about 5 MB, including Plotly's JavaScript: it loads nothing from other hosts.

    Figures, matrix and mistakes are those of the run's moment; the curves show the whole run, including a fork's
    parents. It follows the reader's choice of light or dark, and prints light.
    """
    names, held_out = run.dataset.class_names, run.config.held_out
    confusion, whole, of = run.moment.confusion, run.whole(), run.scored_on.held_out_noun
    scores = per_class(confusion)
    shares = scores.recall, scores.precision, scores.f1
    classes = [
        (names[k], *(percent(float(column[k])) for column in shares), grouped(int(scores.support[k])))
        for k in hardest_classes(confusion)
    ]
    end, name = run.history.end, run.dataset_option
    has_failed = end is not None and end.status == "failed"  # it would fail there again
    return page(
        "report.html.j2",
        palettes={theme: palette.css() for theme, palette in PALETTES.items()},
        figures=to_json_plotly({theme: dict(_figures(run, theme)) for theme in PALETTES}),  # without any `<`
        plotly=get_plotlyjs(),
        page_title=f"{run.title} · {run.dataset.name} · {run.day}",
        run=run,
        whole=whole,
        held_out=held_out,
        n_held_out=len(run.scored_on.test_labels),
        summaries={"curves": curves_summary(whole), "matrix": confusion_summary(confusion, names, of)},
        of_other_loss=[stage.end for stage in run.stages if stage.config.loss_terms != run.config.loss_terms],
        sentence=difficulty(confusion, names, of),
        kind=class_noun(names),
        classes=classes,
        confused=most_confused(confusion, 1),
        mistakes=[*_mistakes(run)],
        n_mistakes=int(confusion.sum() - confusion.trace()),
        settings=[(FIELDS[name].label, run.config.text(name), FIELDS[name].help) for name in FIELDS],
        before=[*_before(run)],
        is_cut_short=run.newest.epoch < run.config.epochs and run.history.restored is None and not has_failed,
        query=write_query(run.config),
        # The images' file for a command line: empty for MNIST, None if its name can't be typed.
        path=shlex.quote(name) if name and name.isprintable() else "" if name == "" else None,
        histories=[*_histories(run)],
        shows_rates=len({stage.config.learning_rate for stage in run.stages}) > 1
        or not all(stage.config.has_one_rate for stage in run.stages),
    )


def _figures(run: ExportedRun, theme: Theme) -> Iterator[tuple[str, go.Figure]]:
    restored = [] if run.history.restored is None else [run.history.restored]
    metrics: tuple[Metric, ...] = ("loss", "accuracy") if run.whole() else ()
    for metric in metrics:
        figure = curves_figure(run.whole(of_one_loss=metric == "loss"), metric=metric, theme=theme)
        for dash, epochs in {"dot": run.forks, "dash": restored}.items():
            for epoch in epochs:
                figure.add_vline(epoch, line={"width": 1.5, "dash": dash, "color": PALETTES[theme].muted})
        yield metric, figure
    matrix = confusion_figure(run.moment.confusion, run.dataset.class_names, theme=theme)
    yield "confusion", matrix.update_layout(title=None, margin={"t": 8})  # the page has its heading


def _mistakes(run: ExportedRun) -> Iterator[dict[str, Any]]:
    """Yield the mistakes, with images as data URLs in both themes; none if the outputs were discarded."""
    data, outputs, names = run.scored_on, run.moment.test_outputs, run.dataset.class_names
    if not outputs.size:
        return
    worst = select_samples(outputs, data.test_labels, mistakes_only=True, loss=run.config.loss)
    for index in worst[:MOST_MISTAKES]:
        shares, image = probabilities(outputs[:, [index]]), data.test_images[index : index + 1]
        true, read = names[data.test_labels[index]], names[int(shares.argmax())]
        surely = f"{100 * shares.max():.0f} % sure"
        shades: dict[Theme, Theme] = {one: "dark" if data.is_photographic else one for one in PALETTES}
        pictures = {one: b64encode(sprite(image, 1, theme=by, scale=_PIXELS)) for one, by in shades.items()}
        yield {
            "caption": f"{true} → {read}",
            "note": surely,
            "words": f"{data.held_out_noun} {grouped(int(index))}: true {true}, read as {read} ({surely})",
            "pictures": {theme: f"data:image/png;base64,{png.decode()}" for theme, png in pictures.items()},
        }


def _histories(run: ExportedRun) -> Iterator[tuple[str, History]]:
    differ = len({stage.config.loss_name for stage in run.stages}) > 1
    for number, stage in enumerate(run.stages, 1):
        name = f"Stage {number} of {len(run.stages)}" if run.forks else ""
        name += f", loss: {stage.config.loss_name}" if differ else ""
        if stage.history:
            yield name, stage.history


def _before(run: ExportedRun) -> Iterator[tuple[float, str]]:
    """Yield the end of each stage before the run's own, and its settings that differ from the next stage's."""
    for stage, following in pairwise(run.stages):
        others = [name for name in stage.config.differences(following.config) if name != "epochs"]
        words = (f"{FIELDS[name].label.lower()} {stage.config.text(name)}" for name in others)
        yield stage.end, ", ".join(words)
