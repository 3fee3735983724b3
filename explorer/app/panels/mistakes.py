"""The Mistakes tab: hard classes, frequent confusions, and how far the network can be trusted."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import monotonic

import numpy as np

from explorer.app.layout import box, set_hidden
from explorer.app.panels.images import ChosenImages
from explorer.app.panels.matrix import ComparedMatrix
from explorer.app.panels.robustness import Robustness
from explorer.app.readouts import GLOSSARY
from explorer.app.views import Views, ViewState
from explorer.figures import reliability as figures
from explorer.figures.summaries import difficulty
from explorer.network import ClassScores, per_class
from explorer.network.mistakes import answered
from explorer.training import Moment
from explorer.widgets.controls import Segmented, Slider
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption, Display
from explorer.widgets.tables import Table
from explorer.wording import class_noun, counted, grouped, percent

MISTAKES_SECTIONS = ("mistakes", "robustness")
"""Names of the sections, also used in links; the first is the default."""

_SECONDS_BETWEEN = 1.0
_HARDEST = 3
_PER_PAGE = 54
_PROBABILITY = "Confidence is the largest probability"
_SHARE = "Confidence is the largest output's share of the sum – sigmoid outputs need not sum to 1 –"
_WHERE = "and stands under each image."
_HOW_TO_READ = (
    "A point stands for the images of one tenth of the confidences, and is the larger the more they are. "
    "On the diagonal the network is right as often as it is sure; the error is the mean distance from there."
)


class MistakesPanel:
    """Confusions with their images, scores of each class, calibration, and robustness."""

    def __init__(self, views: Views, on_chosen: Callable[[], object] = lambda: None) -> None:
        dataset, theme, on_loop = views.dataset, views.theme, views.on_loop
        self._views, self._dataset, self._on_chosen = views, dataset, on_chosen
        self.choice = Segmented("Section", {name: name.capitalize() for name in MISTAKES_SECTIONS})
        self.choice.observe(on_loop(self._on_choice), "value")
        self._robustness: Robustness | None = None
        self._drawn: object = self  # nothing drawn yet, as opposed to no moment
        self._moment: Moment | None = None
        self._confidence = _SHARE
        self._drawn_at = float("-inf")
        self.sentence = Caption()
        kind = class_noun(dataset.class_names)
        columns = [kind, "recall", "precision", "F1", "test images"]
        self.table = Display(Table("Scores of each class", columns, GLOSSARY))
        self.table.on_press(on_loop(lambda press: self.table.show(self.table.shown.sorted_on(press))))
        self.images = ChosenImages(
            dataset, on_loop, views.choose, lambda: views.state, on_open=views.look_into, per_page=_PER_PAGE
        )
        self.matrix = ComparedMatrix(views)
        orders = {"loss": "highest loss first", "confidence": "surest first"}
        self.order = Segmented("Order of the images", orders)
        self.order.observe(on_loop(self._on_order), "value")
        self.threshold = Slider(label="Answer only when the confidence is at least")
        self.threshold.observe(on_loop(lambda _: self._show_threshold()), "value")
        empty, style = figures.reliability_figure(None, theme=theme), figures.reliability_style
        self.calibration = LiveFigure(empty, fills=True, theme=theme, style=style, name="Calibration")
        self.calibration_caption = Caption()
        # The box gives the figure its height: the figure's element has only its own.
        figure = box("explorer-panel-figure", self.calibration)
        self._mistakes = box(
            "explorer-column explorer-mistakes",
            box("explorer-words explorer-prominent", self.sentence, area="sentence"),
            box("", self.matrix.view, area="matrix"),
            box("explorer-mistakes-all", self.order, self.images.gallery, area="all"),
            box("explorer-mistakes-scores", self.table, area="scores"),
            box(
                "explorer-mistakes-trust explorer-words",
                self.threshold,
                figure,
                self.calibration_caption,
                area="trust",
            ),
        )
        self.view = box("explorer-panel explorer-sectioned", self.choice, self._mistakes)

    @property
    def robustness(self) -> Robustness:
        """The section of corrupted images, which is created on first use."""
        if self._robustness is None:
            self._robustness = Robustness(self._views)
            self.view.children = (*self.view.children, self._robustness.view)
        return self._robustness

    def show(self, state: ViewState) -> None:
        """Show the visible section at the selected epoch."""
        is_robustness = self.choice.value == "robustness"
        set_hidden(self._mistakes, is_robustness)
        if is_robustness or self._robustness is not None:
            set_hidden(self.robustness.view, not is_robustness)
        if is_robustness:
            self.robustness.show(state)
        else:
            self._show_mistakes(state)

    def _show_mistakes(self, state: ViewState) -> None:
        """Show the mistakes; during training, once a second."""
        self.images.show(state)
        self.matrix.show(state)
        self.calibration.set_theme(state.theme)
        snapshot = None if state.moment is None else state.moment.snapshot
        if snapshot is None:
            self.sentence.text = state.nothing
        if snapshot is self._drawn or (state.is_training and monotonic() - self._drawn_at < _SECONDS_BETWEEN):
            return
        self._drawn, self._moment, self._drawn_at = snapshot, state.moment, monotonic()
        self._dataset = state.scored_on
        if state.run is not None:
            self._confidence = _PROBABILITY if state.run.config.output == "softmax" else _SHARE
        self._show_scores()
        self._show_threshold()
        self._show_calibration()

    def _show_scores(self) -> None:
        if self._moment is None:
            self.table.show(replace(self.table.shown, rows=(), marked=()))
            return
        confusion, names = self._moment.confusion, self._dataset.class_names
        scores = per_class(confusion)
        self.sentence.text = difficulty(confusion, names, self._dataset.held_out)
        hardest = np.argsort(scores.recall, kind="stable")[:_HARDEST]
        marked = [(int(row), 1) for row in hardest]
        columns = (*self.table.shown.columns[:-1], f"{self._dataset.held_out} images")
        self.table.show(replace(self.table.shown, columns=columns, rows=_rows(scores, names), marked=marked))

    def _show_threshold(self) -> None:
        if self._moment is None:
            self.threshold.text = ""
            return
        kept = answered(self._moment.test_outputs, self._dataset.test_labels, self.threshold.value / 100)
        n, of = grouped(kept.n), counted(kept.n_samples, f"{self._dataset.held_out} image")
        share = "" if not kept.n else f", {percent(kept.accuracy)} of them correctly"
        answered_ = f"{'is' if kept.n == 1 else 'are'} answered ({percent(kept.coverage)})"
        self.threshold.text = f"{n} of {of} {answered_}{share}."

    def _show_calibration(self) -> None:
        bins: figures.Reliability | None = None
        if self._moment is not None:
            bins = figures.reliability(self._moment.test_outputs, self._dataset.test_labels)
        self.calibration.show(*figures.reliability_data(bins))
        error = "" if bins is None else f"expected calibration error {100 * bins.error:.1f} %"
        self.calibration.summary = error
        self.calibration_caption.text = error and f"{self._confidence} {_WHERE} {_HOW_TO_READ}"

    def _on_choice(self, _change: object) -> None:
        self.show(self._views.state)
        self._on_chosen()

    def _on_order(self, _change: object) -> None:
        self.images.sort_by("confidence" if self.order.value == "confidence" else "loss")


def _rows(scores: ClassScores, names: Sequence[str]) -> list[list[str]]:
    columns = (scores.recall, scores.precision, scores.f1)
    return [
        [name, *(f"{100 * column[k]:.1f} %" for column in columns), grouped(int(scores.support[k]))]
        for k, name in enumerate(names)
    ]
