"""The tab Demonstrations: chosen, guessed at, run, stopped, answered live by the knob, and kept by the session."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from app_steps import PATIENCE, done, send

from explorer import Explorer, TrainingConfig, load_mnist
from explorer.app.views import Drawing
from explorer.session.state import Finding
from explorer.training import TrainingRun

CONFIG = TrainingConfig(hidden_sizes=4, epochs=1)


@pytest.fixture(scope="module")
def mnist():
    """An untrained app with as few digits as a demonstration needs."""
    data = load_mnist().head(10_000)
    data = replace(data, test_images=data.test_images[:1000], test_labels=data.test_labels[:1000])
    app = Explorer(data, CONFIG, train=False)
    yield app
    app.close()


@pytest.fixture
def panel(mnist):
    found = mnist.panels["demos"]
    found.open("")
    return found


def press(panel, name):
    send(panel.buttons, {"press": name})


def run(panel):
    """Press the button, and wait for the end."""
    press(panel, "run")
    until_over()


def until_over():
    """Wait for the experiment's thread: without an event loop, it delivers by itself."""
    for thread in threading.enumerate():
        if thread.name == "demonstration":
            thread.join(PATIENCE)


def words(part):
    return re.sub(r"<[^>]*>", " ", str(part.content))


def test_a_guess_and_the_answer_stand_next_to_each_other(mnist, panel):
    panel.open("rate_finder")
    panel.choices["guess"].value = "0.5"
    run(panel)
    assert "You guessed 0.5." in words(panel.outcome)
    assert "Smith (2017)" in words(panel.outcome)
    assert len(panel.figure.children) == 1
    finding = mnist.session.state.findings["rate_finder"]
    assert finding.guess == 0.5
    assert finding.numbers["best"] == panel.results["rate_finder"].numbers["best"]
    panel.open("temperature")
    assert panel.figure.children == ()
    panel.open("rate_finder")
    assert len(panel.figure.children) == 1


def test_another_knob_value_reuses_the_network_and_may_come_before_an_experiment_ends(panel, monkeypatch):
    trained = []

    def noted(config, dataset):
        trained.append(config)
        return TrainingRun(config, dataset)

    monkeypatch.setattr("explorer.experiments.TrainingRun", noted)
    panel.open("fgsm")
    run(panel)
    before = panel.results["fgsm"].numbers
    for value in ("0.05", "0.3", "0.15", "0.02"):
        panel.choices["knob"].value = value
    until_over()
    after = panel.results["fgsm"].numbers
    assert (after["eps"], after["before"], panel.state.text) == (0.02, before["before"], "")
    assert after["attacked"] > before["attacked"]
    assert len(trained) <= 1  # if no test before has done it


def test_a_drawing_and_the_runs_own_network_can_be_taken_and_a_lottery_ticket_is_cut_out_of_it(mnist, panel):
    panel.open("fgsm")
    panel.choices["network"].value = "mine"
    press(panel, "run")
    assert "no network of a run" in panel.state.text
    done(mnist.train)
    mnist.views.image = Drawing(load_mnist().test_images[3])
    run(panel)
    accuracy = mnist.session.state.run.newest.record.test_accuracy
    assert panel.results["fgsm"].numbers["before"] == pytest.approx(accuracy, abs=1e-3)
    drawn = panel.results["fgsm"].figure("light").data[0].z[:28, :28]
    np.testing.assert_allclose(drawn, load_mnist().test_images[3] / 255, atol=1e-6)
    panel.open("lottery")
    panel.choices["network"].value = "mine"
    run(panel)
    found = panel.results["lottery"]
    assert found.numbers["dense"] == pytest.approx(accuracy, abs=1e-3)
    assert len(found.figure("light").layout.annotations) == 4  # units


def test_it_stops_and_goes_on_to_another_and_what_goes_wrong_is_said(mnist, panel):
    def broken(*_given, **_options):
        yield 0.5
        raise MemoryError("no room")

    panel.open("grokking")
    press(panel, "run")
    press(panel, "stop")
    assert panel.state.text == "Stopped."
    until_over()
    assert "grokking" not in mnist.session.state.findings
    press(panel, "all")
    assert panel.chosen is None
    panel.open("rate_finder")
    panel.chosen = replace(panel.chosen, run=broken)
    run(panel)
    assert panel.state.text == "It failed: MemoryError: no room"


def test_other_images_are_refused_with_a_way_out(app):
    panel = app.panels["demos"]
    panel.open("fgsm")
    press(panel, "run")
    assert "images of ten digits, 10,000 or more" in panel.state.text
    assert "MNIST, in the page's header, will do." in panel.state.text


def test_what_was_found_is_in_the_report(own_app):
    own_app.session.note_finding("straight_line", Finding({"rise": 0.0, "first": 2.4, "last": 0.1}, 2.0))
    text = own_app.export("report").content.decode()
    assert "Demonstrations in this session" in text
    assert "You guessed 2." in text


def test_what_was_found_is_unsaved_until_it_is_saved(own_app, tmp_path):
    app = own_app
    assert app.header.unsaved == ""
    app.session.note_finding("fgsm", Finding({"attacked": 0.2}, 2.0))
    assert app.header.unsaved == "What 1 demonstration found is not saved."
    app.save(tmp_path / "it.session")
    assert app.header.unsaved == ""
    app.session.note_finding("fgsm", Finding({"attacked": 0.3}, 2.0))
    assert app.header.unsaved
    app.open_session(tmp_path / "it.session")
    assert app.header.unsaved == ""


def test_the_focus_goes_to_the_heading_and_back_to_the_card(panel):
    panel.open("fgsm")
    heading = panel.words.content[0][1]
    assert heading["tabindex"] == "-1"
    panel.open("")
    (moved,) = (card[1] for card in panel.cards.content if "data-focus" in card[1])
    assert (moved["data-press"], moved["data-focus"] != heading["data-focus"]) == ("fgsm", True)


def test_a_guess_counts_for_the_question_that_was_asked(mnist, panel):
    panel.open("fgsm")
    panel.choices["guess"].value = "50"
    panel.choices["knob"].value = "0.3"
    run(panel)
    assert "You guessed" not in words(panel.outcome)
    assert mnist.session.state.findings["fgsm"].guess is None


def test_a_finding_that_does_not_fit_is_not_shown(mnist, panel):
    mnist.session.note_finding("swapped", Finding({"of another version": 1.0}))
    panel.open("swapped")
    assert panel.figure.children == ()
    numbers = {"found": 0.9, "first_third": 0.99, "learned": 0.01, "n": 3000}
    mnist.session.note_finding("swapped", Finding(numbers, 60.0))
    panel.open("swapped")
    assert "Of the 3,000 labels" in words(panel.outcome)
    assert "You guessed 60" in words(panel.outcome)


def test_other_images_end_the_experiment_and_forget_what_was_found(new_app, small_dataset):
    app = new_app(dataset=load_mnist(), others=[small_dataset], train=False)
    panel = app.panels["demos"]
    panel.open("grokking")
    press(panel, "run")
    app.session.note_finding("rate_finder", Finding({"best": 0.5, "advised": 0.2}))
    app.session.use(small_dataset)
    until_over()
    assert app.session.state.findings == {}
