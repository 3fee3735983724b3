"""A run as one HTML file that works offline: figures, mistakes, settings, notes."""

import shlex
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from explorer.datasets import Dataset
from explorer.exports.exported_run import ExportedRun
from explorer.exports.pages import page
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_figure
from explorer.figures.curves import curves_figure
from explorer.figures.digits import sprite
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.studies import StudyMeasure, StudyView, measure_view, study_figure
from explorer.figures.summaries import confusion_summary, curves_summary, difficulty
from explorer.network import hardest_classes, most_confused, per_class
from explorer.network.metrics import probabilities, select_samples
from explorer.training import FIELDS, History
from explorer.training.config import held_out_of
from explorer.training.studies import Trial
from explorer.training.studies.journal import data_hash
from explorer.training.studies.summary import level_rows, levels, outcome, study_words, varied
from explorer.training.studies.trials import versions
from explorer.wording import class_noun, counted, duration, enumerated, grouped, percent

_MOST_FIGURES = 8
_MOST_VALUES = 20
_MEASURES: tuple[StudyMeasure, ...] = ("accuracy", "time")
MOST_MISTAKES = 24  # pictures, the worst first
_PIXELS = 3  # per pixel of an image: stays sharp although browsers smooth


def report(run: ExportedRun) -> str:
    """Return the report as HTML of about 5 MB, including Plotly's JavaScript.

    Figures, matrix and mistakes are those of the run's moment; the curves show the whole run, including a fork's
    parents. It loads nothing from other hosts, follows the reader's choice of light or dark, and prints light. The
    user's note stays text.
    """
    names, held_out = run.dataset.class_names, run.config.held_out
    confusion, whole = run.moment.confusion, run.whole()
    return _report_page(
        "report.html.j2",
        _figures(run),
        page_title=f"{run.title} · {run.dataset.name} · {run.day}",
        run=run,
        whole=whole,
        held_out=held_out,
        n_held_out=len(run.scored_on.test_labels),
        summaries={"curves": curves_summary(whole), "matrix": confusion_summary(confusion, names, held_out)},
        of_other_loss=[stage.end for stage in run.stages if stage.config.loss_terms != run.config.loss_terms],
        sentence=difficulty(confusion, names, held_out),
        kind=class_noun(names),
        classes=_classes(run),
        confused=most_confused(confusion, 1),
        mistakes=[*_mistakes(run)],
        n_mistakes=int(confusion.sum() - confusion.trace()),
        settings=[(FIELDS[name].label, run.config.text(name), FIELDS[name].help) for name in FIELDS],
        before=[*_before(run)],
        is_cut_short=_is_cut_short(run),
        query=run.config.to_query(),
        path=_path(run),
        histories=[*_histories(run)],
        shows_rates=len({stage.config.learning_rate for stage in run.stages}) > 1
        or not all(stage.config.has_one_rate for stage in run.stages),
    )


def _figures(run: ExportedRun) -> dict[str, Callable[..., go.Figure]]:
    metrics: tuple[Metric, ...] = ("loss", "accuracy") if run.whole() else ()
    return {metric: partial(_curves, run, metric) for metric in metrics} | {
        "confusion": partial(_matrix, run)
    }


def _matrix(run: ExportedRun, theme: Theme) -> go.Figure:
    matrix = confusion_figure(run.moment.confusion, run.dataset.class_names, theme=theme)
    return matrix.update_layout(title=None, margin={"t": 8})  # the page has its heading


def _curves(run: ExportedRun, metric: Metric, theme: Theme) -> go.Figure:
    figure = curves_figure(run.whole(of_one_loss=metric == "loss"), metric=metric, theme=theme)
    restored = [] if run.history.restored is None else [run.history.restored]
    for dash, epochs in {"dot": run.forks, "dash": restored}.items():
        for epoch in epochs:
            figure.add_vline(epoch, line={"width": 1.5, "dash": dash, "color": PALETTES[theme].muted})
    return figure


def _classes(run: ExportedRun) -> list[tuple[str, ...]]:
    scores, names = per_class(run.moment.confusion), run.dataset.class_names
    shares = (scores.recall, scores.precision, scores.f1)
    return [
        (names[k], *(percent(float(column[k])) for column in shares), grouped(int(scores.support[k])))
        for k in hardest_classes(run.moment.confusion)
    ]


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
        pictures = {theme: b64encode(sprite(image, 1, theme=theme, scale=_PIXELS)) for theme in PALETTES}
        yield {
            "caption": f"{true} → {read}",
            "note": surely,
            "words": f"{data.held_out} image {grouped(int(index))}: true {true}, read as {read} ({surely})",
            "pictures": {theme: f"data:image/png;base64,{png.decode()}" for theme, png in pictures.items()},
        }


def _histories(run: ExportedRun) -> Iterator[tuple[str, History]]:
    """Yield each stage's name and records; for a run that is not a fork the name is empty."""
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
        yield (
            stage.end,
            ", ".join(f"{FIELDS[name].label.lower()} {stage.config.text(name)}" for name in others),
        )


def _is_cut_short(run: ExportedRun) -> bool:
    """Return whether the run ended or stands before its last epoch; a failed one would fail there again."""
    has_failed = run.history.end is not None and run.history.end.status == "failed"
    return run.newest.epoch < run.config.epochs and run.history.restored is None and not has_failed


def _path(run: ExportedRun) -> str | None:
    """Return the images' file for a command line: empty for MNIST, None if its name can't be typed."""
    name = run.dataset_option
    return shlex.quote(name) if name and name.isprintable() else "" if name == "" else None


def study_report(trials: Sequence[Trial], dataset: Dataset, *, day: date | None = None) -> str:
    """Return the report on trials as HTML of about 5 MB that loads nothing and follows the reader's theme."""
    axes, day = varied(trial.config for trial in trials), day or date.today()
    figures = [*_study_figures(trials, axes, len(dataset.train_labels))]
    title = enumerated([FIELDS[name].label.lower() for name in axes or ("seed",)])
    return _report_page(
        "study_report.html.j2",
        {f"figure-{place}": draw for place, (_, draw) in enumerate(figures)},
        title=f"Study: {title}",
        page_title=f"Study: {title} · {dataset.name} · {day}",
        n_runs=len(trials),
        dataset=dataset,
        day=day,
        words=study_words(trials, axes),
        held_out=held_out_of(trial.config for trial in trials),
        headings=[heading for heading, _ in figures],
        table_rows=level_rows(trials, axes),
        settings=[(FIELDS[name].label, _values(trials, name), FIELDS[name].help) for name in FIELDS],
        origin=[*_study_origin(trials, dataset)],
        names=[*axes, "seed"],
        fields=FIELDS,
        trials=[(trial, outcome(trial)) for trial in trials],
    )


def _study_figures(
    trials: Sequence[Trial], axes: Sequence[str], n_images: int
) -> Iterator[tuple[str, partial[go.Figure]]]:
    """Yield headings and figures for the first two settings, for each combination of the others."""
    parts, configs = levels(trials, axes[2:]) if axes else (), [trial.config for trial in trials]
    for part in parts[:_MOST_FIGURES]:
        where = [
            f"{FIELDS[name].label.lower()} {FIELDS[name].text(value)}"
            for name, value in zip(axes[2:], part.values, strict=True)
        ]
        for measure in _MEASURES[: 2 if len(parts) == 1 else 1]:
            yield (
                ", ".join([measure_view(measure, configs).caption, *where]),
                partial(study_figure, StudyView(part.trials, axes[:2], measure, n_images=n_images)),
            )


def _values(trials: Sequence[Trial], name: str) -> str:
    texts = [*dict.fromkeys(trial.config.text(name) for trial in trials)]
    more = len(texts) - _MOST_VALUES
    return ", ".join(texts if more <= 0 else [*texts[:_MOST_VALUES], f"and {counted(more, 'other')}"])


def _study_origin(trials: Sequence[Trial], dataset: Dataset) -> Iterator[tuple[str, str]]:
    yield "Versions", versions()
    yield "Images", f"{dataset.name}, hash {data_hash(dataset)}"
    hosts = dict.fromkeys(trial.worker.rpartition(":")[0] for trial in trials)
    yield "Computers", enumerated([*hosts])
    yield "Time", f"{duration(sum(trial.seconds for trial in trials))} of training in total"


def _report_page(template: str, figures: Mapping[str, Callable[..., go.Figure]], **values: object) -> str:
    """Render a report as HTML of about 5 MB that loads nothing from other hosts: it includes Plotly's JavaScript.

    Its `template` extends ``report_base.html.j2``. The figures are named by the id of their element in the page,
    and each is drawn in both themes, with `theme` as keyword: the page follows the reader's choice.
    """
    drawn = {
        name: {theme: draw(theme=theme).to_dict() for theme in PALETTES} for name, draw in figures.items()
    }
    return page(
        template,
        palettes={theme: palette.css() for theme, palette in PALETTES.items()},
        figures=to_json_plotly(drawn),  # Plotly writes no `<`
        plotly=get_plotlyjs(),
        **values,
    )
