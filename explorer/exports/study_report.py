"""A study as one HTML file that works offline: figures, table, summary, every run."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial

import plotly.graph_objects as go

from explorer.datasets import Dataset
from explorer.exports.pages import report_page
from explorer.exports.study_table import level_rows, outcome
from explorer.figures.studies import study_figure
from explorer.figures.study_axes import StudyMeasure, StudyView, measure_view
from explorer.training import FIELDS
from explorer.training.config import held_out_of
from explorer.training.studies import Trial
from explorer.training.studies.journal import data_hash
from explorer.training.studies.summary import levels, study_words, varied
from explorer.training.studies.trials import versions
from explorer.wording import counted, duration, enumerated

__all__ = ["study_report"]

_MOST_FIGURES = 8
_MOST_VALUES = 20
_MEASURES: tuple[StudyMeasure, ...] = ("accuracy", "time")


def study_report(trials: Sequence[Trial], dataset: Dataset, *, day: date | None = None) -> str:
    """Return the report on one or more trials on a data set as HTML of about 5 MB.

    It loads nothing from other hosts, follows the reader's choice of light or dark, and prints light.
    """
    axes, day = varied(trial.config for trial in trials), day or date.today()
    figures = [*_figures(trials, axes, len(dataset.train_labels))]
    title = enumerated([FIELDS[name].label.lower() for name in axes or ("seed",)])
    return report_page(
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
        origin=[*_origin(trials, dataset)],
        names=[*axes, "seed"],
        fields=FIELDS,
        trials=[(trial, outcome(trial)) for trial in trials],
    )


def _figures(
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


def _origin(trials: Sequence[Trial], dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield the facts needed to reproduce the study."""
    yield "Versions", versions()
    yield "Images", f"{dataset.name}, hash {data_hash(dataset)}"
    hosts = dict.fromkeys(trial.worker.rpartition(":")[0] for trial in trials)
    yield "Computers", enumerated([*hosts])
    yield "Time", f"{duration(sum(trial.seconds for trial in trials))} of training in total"
