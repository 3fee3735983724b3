"""Within a run's first epoch: figures of a sample, and until there are any, those of the run before."""

import asyncio

import numpy as np
import pytest
from app_steps import DIVERGING, PATIENCE, messages, open_tab, retrain, rewind, run_of, set_controls

from explorer import Explorer, TrainingConfig
from explorer.app.views import ANY
from explorer.widgets.drawing_pad import DrawingPad
from explorer.wording import percent

CONFIG = TrainingConfig(hidden_sizes=12, epochs=3, batch_size=16, learning_rate=0.05)


@pytest.fixture
def sampled(app, monkeypatch):
    """An app whose run has scored samples of 60 of its 200 test images."""
    monkeypatch.setattr("explorer.training.learners._SAMPLED", 60)
    retrain(app, seed=1)
    return app


def drawn(app):
    """What the first screen shows."""
    overview = app.panels["overview"]
    return app.tiles.shown, overview.confusion.caption.text, dict(overview.network.drawing.signal)


def test_the_first_screen_shows_the_network_of_a_step_and_figures_of_the_sample(sampled):
    run, overview = run_of(sampled), sampled.panels["overview"]
    early, bar = run.early[4], sampled.panels.time_bar
    assert bar.epochs == [*(one.epoch for one in run.early), 1, 2, 3]
    rewind(sampled, early.epoch)
    accuracy, wrong = sampled.tiles.shown.tiles
    assert (accuracy.value, accuracy.note) == (percent(early.test_accuracy), "sample of 60")
    assert (wrong.value, wrong.note) == (str(60 - np.trace(early.confusion)), "of 60")
    assert sampled.tiles.shown.facts[0].text == "step 8 of 38"
    right = f"{np.trace(early.confusion)} of 60 sampled images right"
    assert overview.confusion.caption.text.startswith(right)
    assert overview.accuracy.caption.text.startswith("step 8 of epoch 1, ")
    network = run.new_network()
    network.set_weights(early.snapshot.weights)
    x = sampled.dataset.test_images[0].reshape(-1, 1) / np.float32(255)
    signal = overview.network.drawing.signal
    np.testing.assert_allclose(signal["outputs"], network.forward(x)[:, 0], rtol=1e-4)
    true, predicted = divmod(int(early.confusion.argmax()), 10)
    sampled.views.choose(true, predicted)
    labels, read = sampled.dataset.test_labels[early.sample], early.snapshot.test_outputs.argmax(0)
    gallery, found = overview.gallery.gallery, early.sample[(labels == true) & (read == predicted)]
    assert gallery.heading.endswith(f"{len(found)} images, worst first (in a sample)")
    assert {image["key"] for image in gallery.images} <= {*found.tolist()}
    first = sampled.dataset.test_images[gallery.images[0]["key"]]
    assert overview.network.pad.ink == DrawingPad.ink_of(first)
    sampled.views.choose(ANY, ANY)
    assert not bar.can_fork
    assert (sampled.test_accuracy, sampled.selected_epoch) == (None, early.epoch)
    with pytest.raises(ValueError, match="Go to an epoch's end"):
        sampled.export("weights")
    set_controls(sampled, learning_rate=0.02)
    assert messages(sampled)["waiting"]["text"] == "Not trained yet: learning rate 0.05 → 0.02."


def test_the_curves_lead_through_the_sample_to_the_first_epochs_end_and_other_tabs_say_why_not(sampled):
    run = run_of(sampled)
    _, line, *_ = sampled.panels["overview"].accuracy.figure.plot.data[-5:]
    np.testing.assert_allclose(line.x, [*(one.epoch for one in run.early), 1], rtol=1e-6)
    accuracies = [one.test_accuracy for one in (*run.early, run.history[0])]
    np.testing.assert_allclose(line.y, 100 * np.array(accuracies), rtol=1e-6)
    rewind(sampled, run.early[2].epoch)
    mistakes = open_tab(sampled, "mistakes")["mistakes"]
    assert mistakes.sentence.text.startswith("Within the first epoch, only")
    assert open_tab(sampled, "why").reason.text == ""


def test_the_run_before_stays_until_there_is_something_to_show(app):
    before = drawn(app)
    app.train(CONFIG.replace(seed=2))
    assert (app.session.state.is_blank, app.views.state.is_ghost, app._notice.busy) == (True, True, True)
    assert app.views.state.run.number == 1
    app.header.theme = "dark"  # it follows the page
    app.header.theme = "light"
    assert drawn(app) == before
    assert app.wait(PATIENCE)
    assert (app.views.state.is_ghost, app._notice.busy) == (False, False)
    assert drawn(app) != before


def test_it_goes_when_the_first_steps_fail_on_a_reset_and_with_other_data(app, other_dataset):
    retrain(app, **{name: getattr(DIVERGING, name) for name in DIVERGING.differences(CONFIG)})
    assert (app.status, app._notice.busy, app.tiles.shown.tiles[0].value) == ("failed", False, "–")
    assert "not_a_number" in messages(app)
    retrain(app, **{name: getattr(CONFIG, name) for name in DIVERGING.differences(CONFIG)})
    app.session.reset()
    assert app.wait(PATIENCE)
    assert (app._notice.busy, app.history.batches) == (False, ())
    app.session.use(other_dataset)
    app.train()
    assert (app.session.state.is_blank, app._notice.busy) == (True, False)


def test_the_page_opens_with_the_first_epoch_in_all_views(small_dataset, monkeypatch):
    monkeypatch.setattr("explorer.app.panels.overview._REPLAY_SECONDS", 0)  # each is drawn, however soon

    async def replayed():
        app, seen = Explorer(small_dataset, CONFIG.replace(epochs=5)), []
        while app.status != "finished":
            await asyncio.sleep(0.01)
        app.views.add(lambda state: seen.append((state.pictured.epoch, app.tiles.shown.tiles[0].value)))
        del seen[:]
        app.panels["overview"].network.replay.begin()
        while app.views.replayed is not None:
            await asyncio.sleep(0.01)
        run = run_of(app)
        app.close()
        return seen, run

    seen, run = asyncio.run(replayed())
    shown = [*run.early, *(one for one in run.moments if one.epoch == 1)][::2]
    assert [epoch for epoch, _ in seen] == [*(one.epoch for one in shown), 5]
    assert seen[2][1] == percent(shown[2].test_accuracy)
