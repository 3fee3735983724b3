"""The first tab: loss, accuracy, confusion matrix, and the images behind a cell of the matrix."""

from time import monotonic
from typing import Any

from explorer.app.layout import overview
from explorer.app.panels.images import ChosenImages
from explorer.app.panels.matrix import Matrix
from explorer.app.scene import OnLoop, Scene
from explorer.datasets import Dataset
from explorer.figures.axes import epoch_mark
from explorer.figures.curves import (
    EARLIER_SLOTS,
    accuracy_figure,
    accuracy_layout,
    accuracy_style,
    accuracy_traces,
    loss_figure,
    loss_layout,
    loss_style,
    loss_traces,
)
from explorer.figures.palette import Theme
from explorer.figures.summaries import curves_summary
from explorer.figures.template import template
from explorer.training import History, TrainingConfig
from explorer.widgets.caption import Caption
from explorer.widgets.live_figure import LiveFigure
from explorer.wording import counted

__all__ = ["Overview"]

_MATRIX_SECONDS = 0.35  # while a run trains: every second tick, and so mostly not with the images
_TRAIN_LAGS = "Train loss is averaged while the epoch runs, so it lags behind test loss."


class Overview:
    """Curves, matrix and images of a run.

    Parameters
    ----------
    dataset : Dataset
        The images.
    config : TrainingConfig
        The settings that the empty axes are made for.
    theme : {"light", "dark"}
        Colours to begin with.
    on_loop : callable
        As in `explorer.app.scene`.
    """

    def __init__(self, dataset: Dataset, config: TrainingConfig, theme: Theme, on_loop: OnLoop) -> None:
        empty, names = History(config), dataset.class_names
        self.loss = LiveFigure(_filling(loss_figure(empty, theme=theme)))
        self.accuracy = LiveFigure(_filling(accuracy_figure(empty, theme=theme)))
        self.images = ChosenImages(dataset, on_loop, self._on_chosen)
        self.matrix = Matrix(names, theme, on_loop, self.images.toggle)
        self.captions = {"loss": Caption(_TRAIN_LAGS), "accuracy": Caption(), "confusion": Caption()}
        self._theme = theme
        self._matrix_at = float("-inf")
        figures = {
            "loss": self.loss,
            "accuracy": self.accuracy,
            "confusion": self.matrix.figure,
            "gallery": self.images.gallery,
        }
        self.view = overview(figures, self.captions, {"confusion": self.matrix.counted})

    def show(self, scene: Scene) -> None:
        """Show the records of the run, with those of earlier ones in grey, and the moment that is looked at."""
        if scene.theme != self._theme:
            self._set_theme(scene.theme)
            self._matrix_at = float("-inf")
        scene.in_turn(self._show_loss, scene)
        scene.in_turn(self._show_accuracy, scene)
        if self._matrix_is_due(scene):
            self._matrix_at = monotonic()
            scene.in_turn(self._show_matrix, scene)
        scene.in_turn(self.images.show, scene)

    def _show_loss(self, scene: Scene) -> None:
        history, earlier, mark = _curves(scene)
        summary = curves_summary(history, scene.looks_back_to)
        self.loss.show(loss_traces(history, earlier), loss_layout(history, earlier) | mark, summary)
        self.captions["loss"].text = _left_out(history, earlier) or _TRAIN_LAGS

    def _show_accuracy(self, scene: Scene) -> None:
        history, earlier, mark = _curves(scene)
        summary = self.captions["accuracy"].text = curves_summary(history, scene.looks_back_to)
        self.accuracy.show(
            accuracy_traces(history, earlier), accuracy_layout(history, earlier) | mark, summary
        )

    def _show_matrix(self, scene: Scene) -> None:
        self.matrix.show(None if scene.moment is None else scene.moment.confusion, scene.theme)
        self.captions["confusion"].text = scene.nothing or self.matrix.text

    def _matrix_is_due(self, scene: Scene) -> bool:
        """Return whether the matrix is drawn now: while the run trains, with its 200 texts, not at every tick."""
        if not scene.is_training or scene.moment is None or scene.looks_back_to is not None:
            return True
        return monotonic() - self._matrix_at >= _MATRIX_SECONDS

    def choose(self, true: int, predicted: int) -> None:
        """Choose a cell of the confusion matrix and show its images; -1 stands for any class."""
        self.images.choose(true, predicted)

    def _on_chosen(self) -> None:
        self.matrix.mark(self.images.cell)

    def _set_theme(self, theme: Theme) -> None:
        self._theme = theme
        layout = {"template": template(theme)}
        self.loss.show(loss_style(theme), layout)
        self.accuracy.show(accuracy_style(theme), layout)


def _curves(scene: Scene) -> tuple[History, list[History], dict[str, Any]]:
    """Return what both figures of curves show: the run, earlier ones, and a layout with the epoch looked at."""
    earlier = [run.curve for run in scene.earlier[-EARLIER_SLOTS:]]
    return scene.history, earlier, {"shapes": epoch_mark(scene.looks_back_to, scene.theme)}


def _left_out(history: History, earlier: list[History]) -> str:
    """Return a sentence on earlier runs whose loss is another quantity, which the axis can't show; or nothing."""
    losses = [run.config.text("loss") for run in earlier if run.config.loss != history.config.loss]
    return f"Not shown: {counted(len(losses), 'earlier run')} with {losses[0]}." if losses else ""


def _filling(figure: Any) -> Any:
    """Return `figure` without a height of its own, so that it fills its place on the screen."""
    return figure.update_layout(height=None, autosize=True)
