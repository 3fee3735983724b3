"""A run as one HTML file that opens from the disk, with no network: figures, mistakes, settings, notes."""

import shlex
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from explorer.exports.exported_run import ExportedRun
from explorer.exports.report_page import THEMES, DrawnFigures, report_page
from explorer.figures.axes import Metric
from explorer.figures.confusion import confusion_figure
from explorer.figures.curves import curves_figure
from explorer.figures.digits import sprite
from explorer.figures.palette import PALETTES, Theme
from explorer.figures.summaries import confusion_summary, curves_summary, difficulty
from explorer.network import hardest_classes, most_confused, per_class
from explorer.network.mistakes import probabilities, select_samples
from explorer.training import FIELDS, EpochRecord
from explorer.wording import class_noun, counted, grouped, percent, times

__all__ = ["report"]

MOST_MISTAKES = 24
"""Pictures of mistakes, the worst first."""

_METRICS: tuple[Metric, ...] = ("loss", "accuracy")
_PIXELS = 3  # of the file for each of an image: sharp where a browser smooths


def report(run: ExportedRun) -> str:
    """Return the report as HTML, about 5 MB: Plotly's JavaScript is in it, once.

    Figures, matrix and mistakes are those of the run's moment, the curves are of the whole run, a fork's parents
    included. It asks no host for anything, follows the reader's choice of light or dark, and prints light. The
    user's words stay text in it.
    """
    names, held_out = run.dataset.class_names, run.config.held_out
    confusion, whole = run.moment.confusion, run.whole()
    return report_page(
        "report.html.j2",
        _figures(run),
        title=run.title,
        page_title=f"{run.title} · {run.dataset.name} · {run.day}",
        subtitle=_subtitle(run),
        day=f"{run.day.day} {run.day:%B %Y}",
        looks_back=_looks_back(run),
        when=f" after epoch {run.moment.epoch:g}" if run.looks_back else "",
        note=run.note,
        tiles=_tiles(run),
        held_out=held_out,
        summaries={"curves": curves_summary(whole), "matrix": confusion_summary(confusion, names, held_out)},
        restored=_restored(run),
        forked=_forked(run),
        other_loss=_other_loss(run),
        sentence=difficulty(confusion, names, held_out),
        kind=class_noun(names),
        classes=_classes(run),
        mistakes=[*_mistakes(run)],
        n_mistakes=grouped(int(confusion.sum() - confusion.trace())),
        settings=[(FIELDS[name].label, run.config.text(name), FIELDS[name].help) for name in FIELDS],
        history=_history(run),
        again=_again(run),
    )


def _subtitle(run: ExportedRun) -> str:
    config, data = run.config, run.scored_on
    return (
        f"{run.architecture}, {config.hidden_activation}, {config.output} outputs with "
        f"{config.loss.replace('_', ' ')}, on {run.dataset.name}: {grouped(run.n_train)} train and "
        f"{grouped(len(data.test_labels))} {data.held_out} images"
    )


def _looks_back(run: ExportedRun) -> str:
    if not run.looks_back:
        return ""
    return (
        f"Accuracies, matrix and mistakes are those after epoch {run.moment.epoch:g}; "
        f"the curves are of the whole run, which came to epoch {run.newest.epoch:.4g}."
    )


def _tiles(run: ExportedRun) -> list[tuple[str, str, str]]:
    """Return the figures in large: what each is called, the figure, and a note."""
    record, names, whole = run.moment.record, run.dataset.class_names, run.whole()
    recall = per_class(record.confusion).recall
    worst = hardest_classes(record.confusion)[0]
    pair, often = "–", "no mistakes"
    for most in most_confused(record.confusion, 1):
        pair = f"{names[most.true]} → {names[most.predicted]}"
        often = f"{times(most.count)}, {percent(most.share)}"
    scored = f"of {grouped(run.n_train)} training images" if run.exact else "mean over the epoch"
    seconds = sum(epoch.seconds for epoch in whole)
    time = ("Training time", f"{seconds:.1f} s", counted(len(whole), "epoch"))
    held_out, n_held_out = run.config.held_out, grouped(len(run.scored_on.test_labels))
    return [
        (
            f"{held_out.capitalize()} accuracy",
            percent(record.test_accuracy),
            f"of {n_held_out} {held_out} images",
        ),
        ("Train accuracy", percent(record.train_accuracy), scored),
        *_tested(run),
        (f"Hardest {class_noun(names)}", names[worst], f"recall {percent(float(recall[worst]))}"),
        ("Most confused", pair, often),
        ("Epochs", f"{run.moment.epoch:.4g}", f"of {run.config.epochs}"),
        *([time] if whole else []),
        ("Parameters", grouped(run.network().n_parameters), ""),
    ]


def _tested(run: ExportedRun) -> list[tuple[str, str, str]]:
    """Return what the run came to on the test set, in large, where that was opened for it."""
    test = run.test
    if test is None:
        return []
    note = f"of {grouped(test.n_images)} test images, opened {test.times}; loss {test.loss:.4f}"
    return [("Test accuracy", percent(test.accuracy), note)]


def _restored(run: ExportedRun) -> str:
    """Say which epoch's weights early stopping has brought back: there the dashed line stands."""
    epoch = run.history.restored
    return (
        ""
        if epoch is None
        else f"Stopped early: the dashed line marks epoch {epoch}, whose weights are back."
    )


def _figures(run: ExportedRun) -> DrawnFigures:
    curves: DrawnFigures = {metric: partial(_curves, run, metric) for metric in _METRICS if run.whole()}
    return {**curves, "confusion": partial(_matrix, run)}


def _matrix(run: ExportedRun, theme: Theme) -> go.Figure:
    matrix = confusion_figure(run.moment.confusion, run.dataset.class_names, theme=theme)
    return matrix.update_layout(title=None, margin={"t": 8})  # the page has its heading


def _curves(run: ExportedRun, metric: Metric, theme: Theme) -> go.Figure:
    figure = curves_figure(run.whole(of_one_loss=metric == "loss"), metric=metric, theme=theme)
    for epoch in run.forks:
        figure.add_vline(epoch, line={"width": 1.5, "dash": "dot", "color": PALETTES[theme].muted})
    if run.history.restored is not None:
        line = {"width": 1.5, "dash": "dash", "color": PALETTES[theme].muted}
        figure.add_vline(run.history.restored, line=line)
    return figure


def _forked(run: ExportedRun) -> str:
    """Say where the curves were forked: there the dotted lines stand."""
    if not run.forks:
        return ""
    lines = "dotted line, after epoch" if len(run.forks) == 1 else "dotted lines, after epochs"
    return (
        f"Forked at the {lines} {' and '.join(f'{epoch:g}' for epoch in run.forks)}: "
        "the epochs before are those of the run that it was forked from."
    )


def _other_loss(run: ExportedRun) -> str:
    """Say which epochs are not among the losses, for theirs was another loss."""
    ends = [stage.end for stage in run.stages if stage.config.loss_terms != run.config.loss_terms]
    if not ends:
        return ""
    return f"Up to epoch {ends[-1]:g} the loss was another: those epochs are left out here."


def _classes(run: ExportedRun) -> list[tuple[str, ...]]:
    """Return a row for each class: its name, recall, precision, F1 and held-out images; the hardest first."""
    scores, names = per_class(run.moment.confusion), run.dataset.class_names
    return [
        (
            names[k],
            *(percent(float(column[k])) for column in (scores.recall, scores.precision, scores.f1)),
            grouped(int(scores.support[k])),
        )
        for k in hardest_classes(run.moment.confusion)
    ]


def _mistakes(run: ExportedRun) -> Iterator[dict[str, Any]]:
    """Yield the pictures, in both themes as the address of their own data; none if the outputs were let go."""
    data, outputs, names = run.scored_on, run.moment.test_outputs, run.dataset.class_names
    if not outputs.size:
        return
    worst = select_samples(outputs, data.test_labels, mistakes_only=True, loss=run.config.loss)
    for index in worst[:MOST_MISTAKES]:
        shares = probabilities(outputs[:, [index]])
        true, read = names[data.test_labels[index]], names[int(shares.argmax())]
        surely, image = f"{100 * shares.max():.0f} % sure", data.test_images[index : index + 1]
        yield {
            "caption": f"{true} → {read}",
            "note": surely,
            "words": f"{data.held_out} image {grouped(int(index))}: true {true}, read as {read} ({surely})",
            "pictures": {theme: _address(sprite(image, 1, theme=theme, scale=_PIXELS)) for theme in THEMES},
        }


def _address(png: bytes) -> str:
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _history(run: ExportedRun) -> list[tuple[str, list[tuple[str, ...]]]]:
    """Return the rows of each stage, after its name; the rows of a run that is no fork need no name."""
    differ = len({stage.config.loss_name for stage in run.stages}) > 1
    found = []
    for number, stage in enumerate(run.stages, 1):
        name = f"Stage {number} of {len(run.stages)}" if run.forks else ""
        name += f", loss: {stage.config.loss_name}" if differ else ""
        rows = [_row(record) for record in stage.history or ()]
        found += [(name, rows)] if rows else []
    return found


def _row(record: EpochRecord) -> tuple[str, ...]:
    return (
        str(record.epoch),
        f"{record.train_loss:.4f}",
        f"{record.test_loss:.4f}",
        percent(record.train_accuracy, 2),
        percent(record.test_accuracy, 2),
        f"{record.seconds:.2f} s",
    )


def _again(run: ExportedRun) -> dict[str, Any]:
    """Say how the run is trained again, or at least its settings where that doesn't reproduce its weights."""
    query, sentences = run.config.to_query(), [*_before(run), *_cut_short(run)]
    is_exact = not sentences
    plain = run.dataset_option == ""
    if query:
        page_of = "the explorer’s page" if plain else "an explorer’s page that shows these images"
        sentences.append(f"Put this after the address of {page_of}, or run the command below in a terminal:")
    else:
        images = "" if plain else "with these images "
        verb = "is this run" if is_exact else "trains with them"
        sentences.append(
            "All settings are those that the explorer opens with: "
            f"{images}its plain address, or in the terminal the command, {verb}."
        )
    path = run.dataset_option
    if path is None or not path.isprintable():
        path = "PATH"
        sentences.append("PATH stands for an archive or a folder with these images.")
    command = ["nn-explorer train", *([f"--dataset {shlex.quote(path)}"] if path else [])]
    command += [f'--from-url "?{query}"'] if query else []
    title = "The same run again" if is_exact else "The same settings again"
    return {
        "title": title,
        "sentences": sentences,
        "query": query,
        "command": " ".join(command),
        "is_exact": is_exact,
    }


def _cut_short(run: ExportedRun) -> list[str]:
    """Say where the run ended or stands before its last epoch; one that failed fails there again."""
    end, epochs = run.history.end, run.config.epochs
    if (
        run.newest.epoch >= epochs
        or run.history.restored is not None
        or (end is not None and end.status == "failed")
    ):
        return []
    return [
        f"This run came to epoch {run.newest.epoch:.4g} of {epochs}; its settings train all {epochs}. "
        "The Python script ends where the run did."
    ]


def _before(run: ExportedRun) -> list[str]:
    """Return in sentences what came before the run: a weights file, or the runs that it was forked from."""
    found = []
    if run.opened is not None:
        found.append(
            f"It began with the weights of the file {run.opened.file}, epoch {run.opened.age}. "
            "A link to its settings starts with freshly initialised weights."
        )
    for stage, following in pairwise(run.stages):
        others = [name for name in stage.config.differences(following.config) if name != "epochs"]
        words = [f"{FIELDS[name].label.lower()} {stage.config.text(name)}" for name in others]
        settings = f"with {', '.join(words)}" if words else "with the same settings"
        found.append(f"Up to epoch {stage.end:g} it was trained {settings}.")
    if len(run.stages) > 1:
        found.append(
            "A link to its settings trains again from the first epoch; the Python script repeats every stage."
        )
    return found
