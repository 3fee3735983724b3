"""What figures call the images that a run holds out: validation images where its settings say so."""

import numpy as np
import pytest

from explorer.figures.confusion import confusion_data, confusion_summary, difficulty
from explorer.figures.curves import RunCurve, curves_figure, curves_summary, runs_data
from explorer.figures.layers import layers_summary
from explorer.figures.studies import StudyView
from explorer.network.diagnostics import LayerDiagnostics
from explorer.training import Evaluation, RunEnd, Snapshot, TrainingConfig

KINDS = pytest.mark.parametrize(("held_out", "n_validation"), [("test", 0), ("validation", 1000)])
COUNTS = np.eye(10, dtype=np.int64) + np.eye(10, k=1, dtype=np.int64)
SPLIT = TrainingConfig(n_validation=1000)


@KINDS
@pytest.mark.parametrize("metric", ["loss", "accuracy"])
def test_curves(make_history, held_out, n_validation, metric):
    run, before = (make_history(3 - seed, n_validation=n_validation, seed=seed) for seed in (0, 1))
    figure = curves_figure(run, [before], metric=metric)
    shown = [trace for trace in figure.data if trace.visible]
    assert [trace.name for trace in shown][-2:] == ["train", held_out]
    earlier = next(trace for trace in shown if trace.name == "earlier")
    assert f"· {held_out} " in earlier.hovertemplate
    assert f"{held_out} accuracy 96.0 %, {held_out} loss 0.04" in curves_summary(run)


@KINDS
def test_all_else(make_history, held_out, n_validation):
    config = TrainingConfig(n_validation=n_validation)
    run = RunCurve(1, "run 1", make_history(2).epochs, (0, 1, 2), config.loss_terms, held_out=held_out)
    for metric in ("loss", "accuracy"):
        assert runs_data([run], metric)[1]["yaxis"]["title"]["text"].startswith(f"{held_out} ")
    noun = f"{held_out} image"
    assert confusion_summary(COUNTS, "0123456789", noun).startswith(f"10 of 19 {held_out} images right")
    assert difficulty(np.eye(10, dtype=int), "0123456789", noun) == f"No {held_out} image is misclassified."
    assert confusion_data(None, "0123456789", held_out=held_out)[1]["title"]["text"].endswith(f"· {held_out}")
    layer = LayerDiagnostics(1, "relu", 8, 0.0, 0.5, 0.1)
    assert all(f"7 {held_out} images" in words for words in layers_summary([layer, layer], 7, noun))
    assert StudyView((), ("epochs",), configs=[config]).title == f"{held_out} accuracy (%)"


def test_the_words_are_of_the_epoch_whose_weights_are_back(make_history):
    run = make_history(4, n_validation=1000)
    final = Evaluation(2, 8, 0.1, 0.06, 0.9, 0.94, COUNTS, Snapshot(2, (), np.empty((10, 0))))
    run = run.followed_by(RunEnd("finished", "Stopped early.", final))
    assert run.restored == 2
    assert curves_summary(run).startswith("epoch 2 of 10, validation accuracy 94.0 %")
    assert curves_summary(run, 3).startswith("epoch 3 of 10")
