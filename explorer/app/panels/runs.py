"""The Runs tab: all runs of the session in a table, their curves, and two of them side by side."""

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import cast

from explorer.app.layout import box
from explorer.app.panels.run_comparison import RunComparison
from explorer.app.panels.run_rows import Columns, columns_of, headings, row
from explorer.app.readouts import GLOSSARY
from explorer.app.views import Views, ViewState
from explorer.figures.axes import Metric, Scale
from explorer.figures.palette import Theme
from explorer.figures.runs import SLOTS, Axis, RunCurve, runs_data, runs_figure
from explorer.session import SessionRun
from explorer.training import FIELDS, TrainingConfig
from explorer.training.races import RACES
from explorer.widgets.controls import Segmented
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption, Rendered, button_element, element
from explorer.widgets.run_table import RunAction, RunRow, RunTable
from explorer.wording import counted

_SECONDS_BETWEEN = 1.0
_NEVER = -1
_KEPT = (
    "Earlier runs keep their curves and their last network; only the present one goes back epoch by epoch."
)
_RACE = "They start alike and train at once; the settings in the controls are one of them."


class RunsPanel:
    """The session's runs."""

    def __init__(self, views: Views) -> None:
        theme, on_loop = views.theme, views.on_loop
        self._views, self._session = views, views.session
        self._drawn: object = None
        self._rows: tuple[object, list[RunRow]] | None = None
        self._drawn_at = float("-inf")
        self._said_during = _NEVER  # number of the current run when the line below the table was last set
        self.table = RunTable(meanings={**GLOSSARY, **{field.label: field.help for field in FIELDS.values()}})
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
        for choice in (self.axis, self.scale):
            choice.observe(on_loop(self._on_axes), "value")
        self.accuracy, self.loss = _figure("accuracy", theme), _figure("loss", theme)
        self.captions = {"accuracy": Caption(), "loss": Caption()}
        pairs = zip((self.accuracy, self.loss), self.captions.values(), strict=True)
        curves = box(
            "explorer-column explorer-two explorer-runs-curves",
            *(box("explorer-panel-figure", *pair) for pair in pairs),
        )
        races = () if self._session.own else (self.races,)
        tools = box("explorer-tools", *races, self.axis, self.scale)
        self.view = box("explorer-panel explorer-column", tools, self.table, self.comparison.view, curves)

    def show(self, state: ViewState) -> None:
        """Show all runs; during training, once a second."""
        run = state.run
        marks = _marks(state.runs)
        known = tuple(map(_progress, (*state.racing, *([] if run is None else [run]))))
        wanted = (state.theme, None if run else state.config, known, marks)
        waits = state.is_training and monotonic() - self._drawn_at < _SECONDS_BETWEEN
        if wanted == self._drawn or (waits and self._same_runs(wanted)):
            return
        self._drawn_at = monotonic()
        for part in (self._show_table, self._show_accuracy, self._show_loss, self._show_comparison):
            state.in_turn(part, state)
        state.in_turn(self._note_drawn, wanted)

    def _note_drawn(self, wanted: object) -> None:
        self._drawn = wanted

    def _same_runs(self, wanted: tuple[object, ...]) -> bool:
        """Return whether nothing but the current run's progress has changed since the last drawing."""
        drawn = self._drawn
        return isinstance(drawn, tuple) and (drawn[0], drawn[3]) == (wanted[0], wanted[3])

    def _show_table(self, state: ViewState) -> None:
        runs = state.runs
        columns = columns_of(runs)
        numbers = frozenset(run.number for run in runs)
        present = state.begun_run
        config = state.config if present is None else present.config
        rows = self._earlier_rows(state, columns, config, numbers)
        if present is not None:
            own = row(present, columns, config, state.scored_on, numbers, state.theme, is_present=True)
            rows = [*rows, own]
        self.table.show(headings(columns, runs), rows)
        if not self.table.undo and self._said_during != _number(state):
            self._said_during = _NEVER
            self.table.say(_described(len(runs), _replaced(state.earlier.replaced, state.begun_run)))

    def _earlier_rows(
        self, state: ViewState, columns: Columns, config: TrainingConfig, numbers: frozenset[int]
    ) -> list[RunRow]:
        """Return the rows of the ended runs, cached until something changes in them."""
        earlier, dataset, theme = state.earlier, state.scored_on, state.theme
        racing = tuple(map(_progress, state.racing))
        key = (theme, columns, config, dataset, numbers, _marks(earlier), racing)
        if self._rows is None or self._rows[0] != key:
            made = [row(run, columns, config, dataset, numbers, theme, is_present=False) for run in earlier]
            self._rows = key, made
        return self._rows[1]

    def _drawn_runs(self, state: ViewState) -> list[SessionRun]:
        earlier = [run for run in state.comparable.shown if run.has_curve]
        return [*earlier, *([] if state.begun_run is None else [state.begun_run])]

    def _show_accuracy(self, state: ViewState) -> None:
        drawn = self._drawn_runs(state)
        others = [run for run in state.not_comparable.shown if run.has_curve]
        runs = [_curve(run, present=run is state.run) for run in drawn]
        self._draw("accuracy", self.accuracy, runs, _accuracy_caption(drawn) + _left_out(others), state)

    def _show_loss(self, state: ViewState) -> None:
        runs = [_curve(run, present=run is state.run) for run in self._drawn_runs(state)]
        loss = runs[-1].loss if runs else state.config.loss_terms
        comparable = [run for run in runs if run.loss == loss]
        caption = _loss_caption(loss, len(runs) - len(comparable), state.scored_on.held_out)
        self._draw("loss", self.loss, comparable, caption, state)

    def _draw(
        self, metric: Metric, figure: LiveFigure, runs: list[RunCurve], caption: str, state: ViewState
    ) -> None:
        axis, scale = cast(Axis, self.axis.value), cast(Scale, self.scale.value)
        self.captions[metric].text = caption
        figure.set_theme(state.theme)
        figure.show(*runs_data(runs, metric, axis, scale=scale, theme=state.theme), caption)

    def _show_comparison(self, state: ViewState) -> None:
        by_number = {run.number: run for run in state.runs}
        chosen = [by_number[number] for number in self.table.chosen if number in by_number]
        self.comparison.show(chosen, state.theme)

    def _on_axes(self, _change: object) -> None:
        self._show_accuracy(self._views.state)
        self._show_loss(self._views.state)

    def _on_race(self, name: str) -> None:
        session = self._session
        if name in RACES:
            session.race(RACES[name](session.config, len(session.dataset.train_labels)))

    def _on_action(self, action: RunAction) -> None:
        self._drawn = None
        session = self._session
        if action.verb == "undo":
            self._say(f"{_named(session.state.earlier.deleted)} back.")
            session.restore()
        elif action.verb == "forget":
            self.table.say("")
            self._said_during = _NEVER
            session.forget()
        else:
            run = next((run for run in session.state.runs if run.number == action.number), None)
            if run is not None:
                self._change(run, action)

    def _change(self, run: SessionRun, action: RunAction) -> None:
        session = self._session
        if action.verb in ("name", "note"):
            session.edit(run.number, **{action.verb: action.text})
        elif action.verb == "pin":
            session.edit(run.number, pinned=not run.pinned)
        elif action.verb == "hide":
            session.edit(run.number, hidden=not run.hidden)
        elif action.verb == "open":
            session.go_back_to(run.number)
            is_open = _number(self._views.state) == run.number
            why = "is of other images or without its network: load its settings and train again"
            self._say(f"All tabs show {run.mention}." if is_open else f"{_mentioned(run)} {why}.")
        elif action.verb == "load":
            session.config = run.config
            self._say(f"The settings of {run.mention} are in the controls. Train starts a run with them.")
        elif action.verb == "delete":
            deleted = (*session.state.earlier.deleted, run)
            self._say(f"{_named(deleted)} deleted.", undo=True)
            session.delete(run.number)

    def _say(self, words: str, *, undo: bool = False) -> None:
        """Show a reply to the user, until the next reply or the next run."""
        self._said_during = _number(self._views.state)
        self.table.say(words, undo=undo)


def _progress(run: SessionRun) -> tuple[object, ...]:
    """Return the values that change as a run progresses."""
    return run.key, run.status, len(run.history), id(run.evaluation)


def _marks(runs: Iterable[SessionRun]) -> tuple[object, ...]:
    """Return everything that the user can change in runs, and their results on the test set."""
    return tuple((run.key, run.name, run.note, run.pinned, run.hidden, run.test) for run in runs)


def _curve(run: SessionRun, *, present: bool = False) -> RunCurve:
    return RunCurve(
        number=run.number,
        title=run.title,
        epochs=run.curve.epochs,
        steps_at_ends=run.steps_at_ends,
        loss=run.config.loss_terms,
        first_epoch=run.first_epoch,
        first_step=run.first_step,
        first_seconds=run.first_seconds,
        is_present=present,
        held_out=run.held_out,
    )


def _number(state: ViewState) -> int:
    """Return the number of the current run, 0 without one."""
    return 0 if state.run is None else state.run.number


def _described(n_runs: int, replaced: str) -> str:
    if n_runs == 0:
        return "No run yet: Train starts one."
    if n_runs == 1:
        return f"1 run. {replaced or _KEPT}"
    return f"{n_runs} runs. Tick two to compare them. {replaced or _KEPT}"


def _replaced(gone: tuple[SessionRun, ...], run: SessionRun | None) -> str:
    """Return a sentence on the runs that `run` has replaced; empty if there are none."""
    if run is None or run.parent is not None or run.opened is not None or not gone:
        return ""
    if gone[0].config != run.config:
        return ""
    names = " and ".join(f"run {other.number}" for other in gone)
    return (
        f"Run {run.number} has taken the place of {names}: equal settings give the equal run."
        " One with a name, a note or a pin would have stayed."
    )


def _named(runs: tuple[SessionRun, ...]) -> str:
    """Return ``"Run 3 is"``, or ``"2 runs are"``, for the beginning of a sentence."""
    return f"{_mentioned(runs[0])} is" if len(runs) == 1 else f"{len(runs)} runs are"


def _mentioned(run: SessionRun) -> str:
    """Return a run's name for the beginning of a sentence."""
    return f"{run.mention[:1].upper()}{run.mention[1:]}"


def _left_out(runs: list[SessionRun]) -> str:
    """Return which runs are not drawn, by data set; empty if there are none."""
    if not runs:
        return ""
    datasets = " and ".join(dict.fromkeys(run.dataset.name for run in runs))
    verb, what = "is" if len(runs) == 1 else "are", " and ".join(dict.fromkeys(run.held_out for run in runs))
    return f" · {counted(len(runs), 'run')} on {datasets} {verb} not drawn: other {what} images"


def _accuracy_caption(runs: list[SessionRun]) -> str:
    if len(runs) > SLOTS:
        return f"{SLOTS} of {len(runs)} runs: the present, the pinned, the newest. Hide or pin to choose."
    done = [(run.best.test_accuracy, run.mention) for run in runs if run.best is not None]
    if not done:
        return "not trained yet"
    accuracy, called = max(done, key=lambda found: found[0])
    return f"highest {runs[-1].held_out} accuracy: {called}, {100 * accuracy:.2f} %"


def _loss_caption(loss: Mapping[str, float], n_others: int, held_out: str) -> str:
    name = " + ".join(loss)
    if not n_others:
        return f"{name}, mean over the {held_out} images"
    others = "1 run with another loss is" if n_others == 1 else f"{n_others} runs with another loss are"
    return f"{name} only: {others} left out, because the two measure different things. Accuracy compares."


def _figure(metric: Metric, theme: Theme) -> LiveFigure:
    name = f"{metric.capitalize()} of the runs on held-out images"
    return LiveFigure(runs_figure([], metric, theme=theme), fills=True, theme=theme, name=name)
