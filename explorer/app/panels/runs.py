"""The Runs tab: all runs of the session in a table, their curves, and two of them side by side."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from explorer.app.layout import box
from explorer.app.readouts import glossary
from explorer.app.views import Pace, Views, ViewState
from explorer.figures import confusion
from explorer.figures.axes import Metric, Scale
from explorer.figures.curves import SLOTS, Axis, RunCurve, run_color, runs_data, runs_figure
from explorer.figures.palette import Theme
from explorer.figures.template import legend_text
from explorer.network.diagnostics import paired, verdict
from explorer.session import SessionRun
from explorer.session.run_names import setting_in_words
from explorer.training import FIELDS
from explorer.training.config import held_out_of
from explorer.training.races import RACES
from explorer.widgets.controls import Dropdown, Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.numbers import SideBySide
from explorer.widgets.page_part import set_hidden
from explorer.widgets.rendered import Caption, Display, Element, Rendered, button_element, element
from explorer.widgets.run_table import RunCell, RunRow, RunTable
from explorer.wording import counted, ordinal, percent, with_noun

_SECONDS_BETWEEN = 1.0
_BEST = 5  # runs drawn of too many
_MOST_POINTS = 40  # of a sparkline
_NONE = "–"
_RACE = "They start alike and train at once; the settings in the controls are one of them."
_IMAGES = (
    "{a} and {b} hold out other images: neither accuracy nor loss says which of the two networks is better."
)
_LOSSES = "Their losses don't compare: {why}. Accuracy does: it counts the same images in both."
_PENALTIES = "they don't hold the same penalties on the weights"
_TWO_LOSSES = "squared error is ½ Σ (y − d)², cross-entropy is −Σ d log y, so one number means two things"
_TEST = "exact McNemar test"
_AGAIN = "load its settings and train again: equal settings give the equal run."
_LIMITS = "This compares these two networks only. To compare their settings, train with several seeds."


def _differing(runs: Sequence[SessionRun]) -> list[str]:
    """Return the settings, except for the number of epochs, that any two runs differ in."""
    return [n for n in FIELDS if n != "epochs" and len({getattr(run.config, n) for run in runs}) > 1]


def _held_out_accuracy(runs: Sequence[SessionRun]) -> str:
    return f"{held_out_of(run.config for run in runs).capitalize()} accuracy"


def _row(run: SessionRun, state: ViewState, differing: Iterable[str], n_columns: int) -> RunRow:
    """Return a run's row: the current run's chips are all that differs, those of another what it doesn't share."""
    present = state.begun_run
    others = {*(present or state).config.differences(run.config)}
    if not run.dataset.compares_with(state.scored_on):
        others.add("dataset")
    named = {name: getattr(run, name) for name in ("number", "label", "name", "note", "pinned", "hidden")}
    shares = [record.test_accuracy for record in run.history.epochs]
    chips = [name for name in differing if run is present or name in others]
    return RunRow(
        **named,
        color=run_color(run.number, state.theme),
        cells=(*_result_cells(run, epochs_differ="epochs" in others), _test_cell(run))[:n_columns],
        curve=tuple(round(share, 4) for share in shares[:: len(shares) // _MOST_POINTS + 1]),
        chips=tuple(_chips(run, chips, state.runs)),
        present=run is present,
    )


def _chips(run: SessionRun, names: Iterable[str], runs: Iterable[SessionRun]) -> Iterator[str]:
    """Yield where a run began, if it is a fork, and its settings in words, except for those that are off."""
    if (parent := run.origin.parent) is not None:
        gone = "" if any(one.number == parent.number for one in runs) else " (deleted)"
        yield f"from run {parent.number}{gone}, epoch {run.origin.epoch}"
    for name in names:
        if name == "dataset":
            yield run.dataset.name
        elif name == "seed" or getattr(run.config, name) not in (0, ()):
            yield with_noun(setting_in_words(run.config, name), run.dataset.noun)


def _result_cells(run: SessionRun, *, epochs_differ: bool = False) -> tuple[RunCell, ...]:
    final = best = RunCell(_NONE, -1.0)
    if run.newest is not None:
        accuracy = run.newest.record.test_accuracy
        final = RunCell(f"{100 * accuracy:.2f} %", accuracy)
    if run.best is not None:
        at = f"{percent(run.best.test_accuracy, 2)} at\u00a0{run.best.epoch:.4g}"
        best = RunCell(at, run.best.test_accuracy)
    seconds = run.origin.seconds + sum(record.seconds for record in run.history)  # a fork's parents included
    time = RunCell(f"{seconds:.1f} s", seconds) if seconds else RunCell(_NONE, 0.0)
    epochs = f"{run.epoch:.2f}".rstrip("0").rstrip(".")
    if run.history.restored is not None:
        how = "early" if run.history.is_stopped_early else "best"
        epochs = f"{epochs} of {run.epochs_done} · {how}"
    elif run.status not in ("finished", "idle"):
        epochs = f"{epochs} · {run.status}"
    return final, best, RunCell(epochs, run.epoch, epochs_differ), time


def _test_cell(run: SessionRun) -> RunCell:
    """Return the accuracy on the test set, if it was opened; ``"(2nd)"`` if it was no longer unseen."""
    if run.test is None:
        return RunCell(_NONE if run.config.held_out == "test" else "closed", -1.0)
    again = f" ({ordinal(run.test.number)})" if run.test.number > 1 else ""
    return RunCell(percent(run.test.accuracy, 2) + again, run.test.accuracy)


class RunComparison:
    """The comparison below the table when two runs are selected."""

    def __init__(self, class_names: Sequence[str], theme: Theme) -> None:
        self.side_by_side, self.caption = Display(SideBySide()), Caption()
        none = np.zeros((len(class_names), len(class_names)), np.int64)
        figure = confusion.difference_figure(none, none, class_names, theme=theme)
        name = "Difference of two confusion matrices"
        self.difference = LiveFigure(figure, fills=True, theme=theme, name=name)
        self.figure = box("explorer-panel-figure", self.difference, self.caption)
        classes = "explorer-column explorer-two explorer-runs-compare explorer-hidden"
        self.view = box(classes, self.side_by_side, self.figure)

    def show(self, runs: Sequence[SessionRun], theme: Theme) -> None:
        set_hidden(self.view, len(runs) != 2)
        if len(runs) != 2:
            return
        a, b = runs
        pairs = zip("AB", runs, strict=True)
        heads = [(f"{letter} · {run.title}", run_color(run.number, theme)) for letter, run in pairs]
        words, remarks = self._judged(a, b)
        self.side_by_side.show(SideBySide(heads, words, remarks, _lines(a, b)))
        counts = [run.newest.confusion for run in runs if run.newest is not None]
        compare = len(counts) == 2 and a.dataset.compares_with(b.dataset)
        set_hidden(self.figure, not compare)
        if compare:
            both = counts[0], counts[1], a.dataset.class_names
            self.caption.text = confusion.difference_summary(*both)
            self.difference.set_theme(theme)
            self.difference.show(*confusion.difference_data(*both, theme), self.caption.text)

    def _judged(self, a: SessionRun, b: SessionRun) -> tuple[str, list[str | list[Element | str]]]:
        runs = {"A": a, "B": b}
        if not a.dataset.compares_with(b.dataset):
            return _IMAGES.format(a=_images_of(a, b), b=_images_of(b, a)), []
        if a.newest is None or b.newest is None:
            early = " and ".join(letter for letter, run in runs.items() if run.newest is None)
            return f"No network to compare: the first epoch of {early} has not ended.", []
        remarks: list[str | list[Element | str]] = []
        if a.config.loss_terms != b.config.loss_terms:
            why = _PENALTIES if a.config.loss == b.config.loss else _TWO_LOSSES
            remarks = [_LOSSES.format(why=why)]
        outputs = {"A": a.newest.test_outputs, "B": b.newest.test_outputs}
        gone = [letter for letter, of_run in outputs.items() if not of_run.size]
        if gone:
            words = f"What {' and '.join(gone)} read in each image is no longer kept, to save memory."
            alone = [name for name in gone if runs[name].status == "finished" and not runs[name].origin.words]
            return words, [*(f"For {letter}, {_AGAIN}" for letter in alone), *remarks]
        labels = a.dataset.test_labels
        look = {"type": "button", "class_": "explorer-term", "data_help": glossary(a.dataset.noun)[_TEST]}
        images, test = counted(len(labels), a.dataset.held_out_noun), element("button", _TEST, **look)
        both: list[Element | str] = [f"Both classify the same {images} (", test, f"). {_LIMITS}"]
        return verdict(*paired(outputs["A"], outputs["B"], labels)), [both, *remarks]


def _lines(a: SessionRun, b: SessionRun) -> list[tuple[str, str, str]]:
    words = (_held_out_accuracy((a, b)), "Best epoch", "Epochs", "Training time")
    results = zip(words, _result_cells(a), _result_cells(b), strict=True)
    lines = [(name, in_a.text, in_b.text) for name, in_a, in_b in results]
    if a.test or b.test:
        lines.insert(1, ("Test accuracy", _test_cell(a).text, _test_cell(b).text))
    if not a.dataset.compares_with(b.dataset):
        lines.insert(0, ("Data set", _images_of(a, b), _images_of(b, a)))
    elif a.config.loss_terms == b.config.loss_terms:
        losses = [_NONE if run.newest is None else f"{run.newest.record.test_loss:.4g}" for run in (a, b)]
        lines.insert(1, (f"{a.config.held_out.capitalize()} loss", losses[0], losses[1]))
    names = [name for name in a.config.differences(b.config) if name != "epochs"]
    for name in names:
        label = with_noun(FIELDS[name].label, a.dataset.noun)
        lines.append((label, a.config.text(name), b.config.text(name)))
    return lines if names else [*lines, ("Other settings", "the same", "the same")]


def _images_of(run: SessionRun, other: SessionRun) -> str:
    name = run.dataset.name
    return name if name != other.dataset.name else f"{name} (other {run.dataset.held_out_noun}s)"


class RunsPanel:
    """The session's runs."""

    def __init__(self, views: Views) -> None:
        theme, on_loop = views.theme, views.on_loop
        self._views, self._session = views, views.session
        self._pace = Pace(_SECONDS_BETWEEN)
        self._marks: object = None  # all that the user can change in runs, and their results on the test set
        self._replied_during: int | None = None  # number of the current run when the user was last replied to
        self.table = RunTable(meanings=glossary(views.dataset.noun))
        self.table.on_action(on_loop(self._on_action))
        buttons = (button_element(name, name, class_="explorer-button", data_help=_RACE) for name in RACES)
        self.races = Rendered(
            "explorer-races",
            element("p", "Race against other", class_="explorer-muted explorer-small"),
            element("div", *buttons, class_="explorer-wrap", role="group", aria_label="Race against other"),
        )
        self.races.on_press(on_loop(self._on_race))
        self.table.observe(on_loop(lambda _: self._show_comparison(views.state)), "chosen")
        self.comparison = RunComparison(views.dataset.class_names, theme)
        axes = {axis: axis for axis in ("epochs", "steps", "seconds")}
        self.axis = Segmented("What the x axis counts", axes)
        self.scale = Segmented("Scale of the loss", {"linear": "linear loss", "log": "log loss"})
        self.filter = Dropdown("Only runs with", {"": "any settings"}).add_class("explorer-hidden")
        for choice in (self.axis, self.scale, self.filter):
            choice.observe(on_loop(lambda _: self._show_all(views.state)), "value")
        self.accuracy, self.loss = _figure("accuracy", theme), _figure("loss", theme)
        self.captions = {"accuracy": Caption(), "loss": Caption()}
        pairs = zip((self.accuracy, self.loss), self.captions.values(), strict=True)
        figures = (box("explorer-panel-figure", *pair) for pair in pairs)
        curves = box("explorer-column explorer-two explorer-runs-curves", *figures)
        races = () if self._session.own else (self.races,)
        tools = box("explorer-tools", *races, self.filter, self.axis, self.scale)
        self.view = box("explorer-panel explorer-column", tools, curves, self.table, self.comparison.view)

    def show(self, state: ViewState) -> None:
        marks = state.theme, [(r.key, r.name, r.note, r.pinned, r.hidden, r.test) for r in state.runs]
        is_changed, self._marks = marks != self._marks, marks
        training = *state.racing, *([] if state.run is None else [state.run])
        progress = [(run.key, run.status, len(run.history), id(run.evaluation)) for run in training]
        config = state.config if state.run is None else None
        if self._pace.is_due(state, *marks, progress, config, at_once=is_changed):
            self._show_all(state)

    def _show_all(self, state: ViewState) -> None:
        for part in (self._show_table, self._show_accuracy, self._show_loss, self._show_comparison):
            self._views.in_turn(part, state)

    def _is_wanted(self, run: SessionRun) -> bool:
        name, _, text = self.filter.value.partition("=")
        return not name or run.config.text(name) == text

    def _show_table(self, state: ViewState) -> None:
        runs, present = state.runs, state.begun_run
        headings = [_held_out_accuracy(runs), "Best", "Epochs", "Time"]
        if any(run.test is not None for run in runs):
            headings.append("Test set")
        names = _differing(runs)
        words = {
            f"{name}={run.config.text(name)}": setting_in_words(run.config, name)
            for name in names
            for run in runs
        }
        self.filter.offer({"": "any settings", **words})
        set_hidden(self.filter, len(runs) <= SLOTS)
        if len({run.dataset.name for run in runs}) > 1:
            names = ["dataset", *names]
        wanted = [run for run in runs if run is present or self._is_wanted(run)]
        self.table.show(headings, [_row(run, state, names, len(headings)) for run in wanted])
        if not self.table.undo and self._replied_during != _number(state):
            self._replied_during = None
            tick = "" if len(runs) == 1 else "Tick two to compare them. "
            which = _replaced(state.earlier.replaced, present) or "Only the current run can be rewound."
            about = f"{counted(len(runs), 'run')}. {tick}{which}"
            self.table.show_status(about if runs else "No run yet: Train starts one.")

    def _drawn_runs(self, state: ViewState) -> list[SessionRun]:
        earlier = [run for run in state.comparable.shown if run.has_curve and self._is_wanted(run)]
        if len(earlier) >= SLOTS:
            best = sorted(earlier, key=lambda run: run.best.test_accuracy if run.best else 0.0)[-_BEST:]
            earlier = [run for run in earlier if run in best or run.pinned]
        return [*earlier, *([] if state.begun_run is None else [state.begun_run])]

    def _show_accuracy(self, state: ViewState) -> None:
        drawn = self._drawn_runs(state)
        caption = _accuracy_caption(drawn, len(state.comparable.shown) + 1)
        if others := [run for run in state.not_comparable.shown if run.has_curve]:
            datasets = " and ".join(dict.fromkeys(run.dataset.name for run in others))
            what = " and ".join(dict.fromkeys(f"{run.dataset.held_out_noun}s" for run in others))
            caption += f" · Not drawn: {counted(len(others), 'run')} on {datasets}, with other {what}"
        self._draw("accuracy", self.accuracy, drawn, caption, state)

    def _show_loss(self, state: ViewState) -> None:
        runs = self._drawn_runs(state)
        loss = (runs[-1] if runs else state).config.loss_terms
        comparable = [run for run in runs if run.config.loss_terms == loss]
        caption = f"{' + '.join(loss)}, mean over the {state.scored_on.held_out_noun}s"
        if n_others := len(runs) - len(comparable):
            others = f"{counted(n_others, 'run')} with another loss, which measures something else"
            caption = f"{caption}. Not drawn: {others}. Accuracy compares."
        self._draw("loss", self.loss, comparable, caption, state)

    def _draw(
        self, metric: Metric, figure: LiveFigure, runs: list[SessionRun], caption: str, state: ViewState
    ) -> None:
        axis, scale = cast(Axis, self.axis.value), cast(Scale, self.scale.value)
        cut = [legend_text(run.title.removesuffix(f" (run {run.number})")) for run in runs]
        curves = list[RunCurve]()
        for run, text in zip(runs, cut, strict=True):
            own: Any = {name: getattr(run, name) for name in ("number", "title", "steps_at_ends")}
            own |= {"loss": run.config.loss_terms, "held_out": run.config.held_out}
            own |= {f"first_{name}": getattr(run.origin, name) for name in ("epoch", "step", "seconds")}
            alike = [other for other, another in zip(runs, cut, strict=True) if another == text]
            if len(alike) > 1 and text.endswith("…") and not run.name:  # they are cut where they differ
                texts = [setting_in_words(run.config, one) for one in _differing(alike)]
                own["title"] = f"{', '.join(texts) or run.label} (run {run.number})"
            curves.append(RunCurve(**own, epochs=run.curve.epochs, is_present=run is state.run))
        self.captions[metric].text = caption
        figure.set_theme(state.theme)
        figure.show(*runs_data(curves, metric, axis, scale=scale, theme=state.theme), caption)

    def _show_comparison(self, state: ViewState) -> None:
        by_number = {run.number: run for run in state.runs}
        chosen = [by_number[number] for number in self.table.chosen if number in by_number]
        self.comparison.show(chosen, state.theme)

    def _on_race(self, name: str) -> None:
        session = self._session
        if name in RACES:
            session.race(RACES[name](session.config, len(session.dataset.train_labels)))

    def _on_action(self, verb: str, number: int, text: str) -> None:
        session, earlier = self._session, self._session.state.earlier
        run = next((run for run in session.state.runs if run.number == number), None)
        match verb:
            case "undo":
                self._reply(f"{_named(earlier.deleted)} back.")
                session.restore()
            case "forget":
                self.table.show_status("")
                self._replied_during = None
                session.forget()
                self._show_table(self._views.state)
            case _ if run is None:
                return
            case "name" | "note":
                session.edit(run.number, **{verb: text})
            case "pin":
                session.edit(run.number, pinned=not run.pinned)
            case "hide":
                session.edit(run.number, hidden=not run.hidden)
            case "open":
                session.go_back_to(run.number)
                is_open = _number(self._views.state) == run.number
                why = "of other images or without its network: load its settings and train again"
                self._reply(f"All tabs show {run.mention}." if is_open else f"{_named((run,))} {why}.")
            case "load":
                session.config = run.config
                here = f"The settings of {run.mention} are in the controls."
                self._reply(f"{here} Train starts a run with them.")
            case "delete":
                self._reply(f"{_named((*earlier.deleted, run))} deleted.", undo=True)
                session.delete(run.number)

    def _reply(self, words: str, *, undo: bool = False) -> None:
        self._replied_during = _number(self._views.state)
        self.table.show_status(words, undo=undo)


def _number(state: ViewState) -> int:
    return 0 if state.run is None else state.run.number


def _replaced(gone: tuple[SessionRun, ...], run: SessionRun | None) -> str:
    """Return a sentence on the runs that `run` has replaced; empty if there are none."""
    names = " and ".join(f"run {other.number}" for other in gone if run and other.config == run.config)
    if run is None or run.origin.words or not names:
        return ""
    return (
        f"Run {run.number} has taken the place of {names}: equal settings give the equal run."
        " One with a name, a note or a pin would have stayed."
    )


def _named(runs: tuple[SessionRun, ...]) -> str:
    """Return ``"Run 3 is"``, or ``"2 runs are"``, for the beginning of a sentence."""
    if len(runs) > 1:
        return f"{len(runs)} runs are"
    name = runs[0].mention
    return f"{name[:1].upper()}{name[1:]} is"


def _accuracy_caption(runs: list[SessionRun], n_runs: int) -> str:
    if n_runs > SLOTS:
        n = min(SLOTS, len(runs))
        return f"{n} of {n_runs} runs: the present, the pinned, the best. Hide or pin to choose."
    done = [(run.best.test_accuracy, run.mention) for run in runs if run.best is not None]
    if not done:
        return "not trained yet"
    accuracy, called = max(done, key=lambda found: found[0])
    return f"highest {runs[-1].config.held_out} accuracy: {called}, {100 * accuracy:.2f} %"


def _figure(metric: Metric, theme: Theme) -> LiveFigure:
    name = f"{metric.capitalize()} of the runs on held-out data"
    return LiveFigure(runs_figure([], metric, theme=theme), fills=True, theme=theme, name=name)
