"""The figures of a study, and one of its trials, chosen in them or from a list, to open as a run."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from explorer.app.layout import box, close_all, set_hidden
from explorer.app.panels.study_plan import StudyPlan
from explorer.app.views import RedrawQueue, Views
from explorer.figures.curves import curves_data, curves_figure, curves_style
from explorer.figures.palette import Theme
from explorer.figures.studies import MEASURES, StudyMeasure, StudyView, study_data, study_figure, study_style
from explorer.training import FIELDS, TrainingConfig
from explorer.training.fields import Choice
from explorer.training.records import History
from explorer.training.studies import Trial
from explorer.training.studies.summary import levels
from explorer.widgets.controls import Dropdown, Segmented
from explorer.widgets.live_figure import Click, LiveFigure
from explorer.widgets.rendered import Caption, Rendered, button_element
from explorer.wording import percent


class StudyDrawing:
    """The results of a study: three measures, and the curve of the chosen trial."""

    def __init__(self, views: Views, on_open: Callable[[TrainingConfig], object]) -> None:
        self._views, self._on_open = views, on_open
        self._plan, self.trials, self._queue = StudyPlan(), tuple[Trial, ...](), RedrawQueue(views.loop)
        self._traces: dict[StudyMeasure, list[dict[str, Any]]] = {}
        self.figures: dict[StudyMeasure, LiveFigure] = {}
        self.single = Segmented("Single runs", {"": "Median and band", "runs": "Single runs as well"})
        self.single.observe(views.on_loop(lambda _: self._draw_all()), "value")
        self.choice = Dropdown("Run", {"": "–"})
        self.choice.observe(views.on_loop(lambda _: self._look()), "value")
        empty = curves_figure(History(TrainingConfig()), metric="accuracy", theme=views.theme)
        style = partial(curves_style, metric="accuracy")
        self.curve = LiveFigure(empty, fills=True, theme=views.theme, style=style, name="Run of the study")
        button = button_element("open", "Open this run", class_="explorer-button")
        self.opener = Rendered("explorer-study-open", button)
        self.opener.on_press(views.on_loop(lambda _: self._open()))
        set_hidden(self.opener, True)
        self.words = Caption()
        hint = Caption("Hover over a point to see its run; click to train that run in this session.")
        chosen = "explorer-column explorer-close explorer-study-choice explorer-words"
        tools = box(chosen, self.choice, self.opener, hint)
        trial = box("explorer-column explorer-study-figure explorer-study-trial", self.curve, tools)
        self._first = box("explorer-study-first", box("explorer-words", self.words))
        self._others = box("explorer-study-others")
        self._single = box("explorer-study-part", self.single)
        drawn = box("explorer-column explorer-study-figures", self._first, trial, self._others)
        self.view = box("explorer-column explorer-hidden", self._single, drawn)

    @property
    def chosen(self) -> Trial | None:
        """The chosen trial; None if there is none yet."""
        return dict(enumerate(self.trials)).get(int(self.choice.value or -1))

    def show(self, plan: StudyPlan, trials: Sequence[Trial]) -> None:
        """Show the trials that a study has so far, on the axes of its plan."""
        is_other = not self.figures or plan.settings != self._plan.settings
        self._plan, self.trials = plan, tuple(trials)
        if is_other:
            self._build()
        self._draw_all()

    def set_theme(self, theme: Theme) -> None:
        """Draw in this theme."""
        for figure in (*self.figures.values(), self.curve):
            figure.set_theme(theme)

    def _build(self) -> None:
        views = [StudyView((), self._plan.settings, measure, self._plan.configs) for measure in MEASURES]
        set_hidden(self._single, views[0].is_map)
        before = (*self._first.children, *self._others.children)
        self.figures = {view.measure: self._figure(view) for view in views}
        captions = (Caption(view.measured.caption) for view in views[1:])
        pairs = zip(self.figures.values(), (self.words, *captions), strict=True)  # words: the study's result
        parts = [box("explorer-column explorer-study-figure explorer-words", *pair) for pair in pairs]
        self._first.children, self._others.children = parts[:1], parts[1:]
        for part in before:
            part.children = [child for child in part.children if child is not self.words]
            close_all(part)

    def _figure(self, view: StudyView) -> LiveFigure:
        theme, bind, measure = self._views.theme, self._views.on_loop, view.measure
        look: Any = {"theme": theme, "style": partial(study_style, view), "name": f"Study: {measure}"}
        hear, click = (bind(partial(self._on_point, measure, opens=opens)) for opens in (False, True))
        return LiveFigure(study_figure(view, theme), fills=True, on_hover=hear, on_click=click, **look)

    def _draw_all(self) -> None:
        """Draw part after part, so that the page responds between two of them."""
        self._queue.clear()
        for measure in self.figures:
            self._queue.add(self._draw, measure)
        self._queue.add(self._offer)

    def _draw(self, measure: StudyMeasure) -> None:
        plan, n_images = self._plan, len(self._views.dataset.train_labels)
        given = self.trials, plan.settings, measure, plan.configs, n_images, bool(self.single.value)
        view = StudyView(*given)
        self._traces[measure], layout = study_data(view)
        self.figures[measure].show(self._traces[measure], layout, view.measured.caption)

    def _offer(self) -> None:
        numbers = {trial.config: str(number) for number, trial in enumerate(self.trials)}
        found = []
        for level in levels(self.trials, self._plan.settings):
            found += sorted(level.trials, key=lambda trial: trial.config.seed)
        self.choice.offer({numbers[trial.config]: self._words(trial) for trial in found} or {"": "–"})
        self._look()

    def _look(self) -> None:
        trial = self.chosen
        set_hidden(self.opener, trial is None)
        if trial is not None:
            data = curves_data(trial.history, metric="accuracy")
            self.curve.show(*data, f"{self._words(trial)}. {trial.error}")

    def _words(self, trial: Trial) -> str:
        names = [*self._plan.settings, "seed"]
        texts = ((FIELDS[name], trial.config.text(name)) for name in names)
        words = (text if isinstance(of, Choice) else f"{of.label.lower()} {text}" for of, text in texts)
        reached = percent(trial.final.test_accuracy, 2) if trial.final else trial.status
        return " · ".join([reached, *words])

    def _on_point(self, measure: StudyMeasure, click: Click, *, opens: bool = False) -> None:
        numbers = self._traces[measure][click.trace]["customdata"]
        for index in click.index:
            numbers = numbers[index]
        finals = [(trial.final.test_accuracy if trial.final else -1.0) for trial in self.trials]
        ordered = sorted((n for n in numbers if n < len(finals)), key=finals.__getitem__)
        if ordered:
            self.choice.value = str(ordered[len(ordered) // 2])
            if opens:
                self._open()

    def _open(self) -> None:
        if (trial := self.chosen) is not None:
            self._on_open(trial.config)
