"""Every demonstration runs on small data, in steps, and says and draws what it found; its texts are whole."""

import re
from itertools import islice
from types import SimpleNamespace

import numpy as np
import plotly.graph_objects as go
import pytest

from explorer import load_mnist
from explorer.experiments import reads
from explorer.extensions.demonstrations.all import DEMONSTRATIONS
from explorer.extensions.demonstrations.presentation import described, pictures
from explorer.extensions.demonstrations.weights import large_weights, masked
from explorer.network import NeuralNetwork
from explorer.serve.command import main
from explorer.session.state import Finding
from explorer.training.process_settings import one_blas_thread
from explorer.training.query import read_query, write_query

BY_KEY = {one.key: one for one in DEMONSTRATIONS}


@pytest.mark.parametrize("key", BY_KEY)
def test_its_texts_and_settings_are_whole(key):
    one = BY_KEY[key]
    assert one.texts.question.endswith("?")
    assert re.search(r"\((19|20)\d\d\): .+\. .+", one.texts.paper)
    assert all(claim.range[0] <= claim.range[1] for claim in one.texts.claims)
    assert read_query(write_query(one.config)) == (one.config, ())
    if one.knob is not None:
        assert one.knob.value in one.knob.values
        assert list(one.knob.values) == sorted(one.knob.values)


@pytest.mark.parametrize("key", ["fgsm", "rate_finder", "straight_line"])
def test_a_short_one_reaches_what_it_must_and_its_progress_only_grows(key):
    """With fewer images; all do so in the notebook's test, and with eight seeds in a benchmark."""
    one, progress, results = BY_KEY[key], [0.0], []
    with one_blas_thread():
        for event in one.run(load_mnist().head(10_000), 0):
            if isinstance(event, float):
                progress.append(event)
            elif not isinstance(event, NeuralNetwork):
                results.append(event)
    assert progress == sorted(progress)
    assert progress[-1] <= 1
    assert one.reproduces(results[-1].numbers) != "no"
    for theme in ("light", "dark"):
        figure = results[0].figure(theme)
        assert isinstance(figure, go.Figure)
        assert len(figure.data) > 0


def below(y):
    """How far a curve's middle is below the mean of its ends."""
    return (y[0] + y[-1]) / 2 - y[len(y) // 2]


TOLD = {  # what the text says, from the figure's curves in percent and from other numbers
    "averages": lambda n, y: {"strangers_below": below(y[0]), "closed": 1 - below(y[1]) / below(y[0])},
    "feedback": lambda n, y: {"angle": y[2][-1], "more": (100 - y[0][-1]) / (100 - y[1][-1]) - 1},
    "forgetting": lambda n, y: {"asked": y[0][4] / 100, "lost": (y[0][0] - y[0][4]) / 100},
    "grokking": lambda n, y: {
        "early": y[1][y[0] == 100][0] / 100,
        "gain": (y[1][-1] - y[1][y[0] == 100][0]) / 100,
        "below": n["usual"] - y[1][-1] / 100,
    },
    "lottery": lambda n, y: {"below": n["dense"] - n["trained"], "lead": n["trained"] - n["other"]},
    "noise_scale": lambda n, y: {"grown": y[0][-1] / n["first"], "cosine": np.clip(n["cosine"], 0.6, 0.8)},
    "rate_finder": lambda n, y: {"double": 2 * n["advised"], "gain": n["whole"] - n["half"]},
    "sharpness": lambda n, y: {
        "off": max(abs(sharp / 5 - 1) for sharp in y[1][len(y[1]) // 2 :]),
        "below": min(y[1]) / 5,
        "fell": 1 - y[2][-1] / y[2][len(y[2]) // 2],
    },
    "temperature": lambda n, y: {"over": n["confidence"] - n["accuracy"], "left": n["after"] / n["before"]},
}


@pytest.mark.long
@pytest.mark.parametrize("key", TOLD)
def test_its_numbers_are_those_of_its_curves(key):
    steps = BY_KEY[key].run(load_mnist().head(4000 if key == "feedback" else 2000), 0)
    with one_blas_thread():
        *_, found = islice((one for one in steps if hasattr(one, "numbers")), 12)
    curves = [np.asarray(trace.y, float) for trace in found.figure("light").data if trace.type == "scatter"]
    for name, expected in TOLD[key](found.numbers, curves).items():
        assert found.numbers[name] == pytest.approx(expected, rel=1e-4, abs=1e-5), name


def test_only_images_are_read_after_an_attack(small_dataset, monkeypatch):
    network, forward, read = NeuralNetwork(784, 4, 10, seed=0), NeuralNetwork.forward, []
    monkeypatch.setattr(NeuralNetwork, "forward", lambda self, X: read.append(X) or forward(self, X))
    for key in ("fgsm", "fooling"):
        BY_KEY[key].last(small_dataset, 0, network, eps=0.3)
    assert len(read) > 20
    assert all(X.min() >= 0 and X.max() <= 1 for X in read)


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ((0.92, 0.94, 50, 90, 0.3), "partly. Not so here: it makes at most 10 % more errors than"),
        ((0.94, 0.94, 50, 90, 0), "yes. So here: it makes at most 10 % more errors than"),
        ((0.94, 0.94, 70, 90, 0), "no. Not so here: the angle falls to at most 60°. So here: it makes"),
    ],
)
def test_the_verdict_is_that_of_the_run(numbers, verdict):
    found = dict(zip(("random", "true", "angle", "first_angle", "more"), numbers, strict=True))
    told = BY_KEY["feedback"].sentences(found)[2]
    assert f"Reproduced in this run: {verdict}" in told
    assert told.endswith("with the true feedback (in none of 8 seeds).")


def test_numbers_that_are_not_its_own_are_refused_and_left_out():
    with pytest.raises(ValueError, match="fgsm has no such numbers"):
        BY_KEY["fgsm"].sentences({"attacked": 0.2})
    known = Finding({"rise": 0.0, "first": 2.4, "last": 0.1}, 2.0)
    findings = {"straight_line": known, "fgsm": Finding({}), "gone": known}
    ((title, told),) = described(SimpleNamespace(findings=findings))
    assert title == "A straight line to the solution"
    assert told[0] == "0. You guessed 2."


@pytest.mark.parametrize("key", ["averages", "lottery"])
def test_a_given_network_is_compared_with_others_of_its_kind(key):
    data, network = load_mnist().head(2000), NeuralNetwork(784, (6, 5), 10, hidden_activation="tanh", seed=3)
    before = [W.copy() for W in network.weights()]
    numbers = BY_KEY[key].last(data, 3, network).numbers
    if key == "lottery":  # it is untrained: what is left of its start is what is left of it
        assert numbers["untrained"] == reads(masked(network, large_weights(network, 0.9)), data)
    else:
        assert numbers["strangers"] != numbers["forks"]
        for one, other in zip(network.weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)


def test_equal_seeds_give_equal_results():
    one, data = BY_KEY["rate_finder"], load_mnist().head(10_000)
    first, again = (one.last(data, seed=1) for _ in range(2))
    assert first.numbers == again.numbers
    assert first.figure("light") == again.figure("light")


def test_images_keep_their_place_as_a_figure_grows():
    """With Plotly's other way, "range", they shrink each time that the figure is drawn larger."""
    layout = pictures([np.zeros((28, 28))] * 2, ["one", "two"], 2)("light").layout
    assert (layout.xaxis.constrain, layout.yaxis.constrain) == ("domain", "domain")


def test_all_are_listed_with_their_questions(capsys):
    assert main(["demo"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for one in DEMONSTRATIONS:
        assert one.key in words
        assert one.texts.question in words


def test_one_is_run_and_drawn(capsys, tmp_path):
    path = tmp_path / "rates.html"
    assert main(["demo", "rate_finder", "--seed", "1", "--html", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "At which rate does the loss stop falling?" in out
    assert "Smith (2017)" in out
    page = path.read_text(encoding="utf-8")
    assert "Smith (2017)" in page
    assert "Plotly.newPlot" in page
    assert main(["demo", "rate_finder", "--html", str(path)]) == 2
    assert "rates.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "gone"], "there is no demonstration 'gone'; nn-explorer demo lists them."),
        (["demo", "rate_finder", "--value", "3"], "--value: rate_finder has no number to change."),
        (["demo", "fgsm", "--value", "nan"], "--value: expected 0 to 0.3."),
        (["demo", "sharpness", "--value", "0"], "--value: expected 0.3 to 0.5."),
        (["demo", "swapped", "--value", "70000"], "--value: expected 1000 to 12000."),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"nn-explorer demo: {words}\n"


def test_a_negative_seed_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "fgsm", "--seed", "-1"])
    assert "expected a whole number of at least 0" in capsys.readouterr().err
