"""The section of changed images in the tab of mistakes, without a page."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from app_steps import PATIENCE, drawn, open_tab, retrain, run_of, send

from explorer import Explorer, TrainingConfig
from explorer.app.panels import mistakes
from explorer.app.views import Drawing
from explorer.datasets.augmentation import CORRUPTIONS, corrupt
from explorer.datasets.dataset import pixel_columns
from explorer.figures.digits import sprite

CONFIG = TrainingConfig(hidden_sizes=12, epochs=4, batch_size=16, learning_rate=0.05)


@pytest.fixture(scope="module")
def data(small_dataset):
    """Few held-out images: each is changed many times."""
    few = {name: getattr(small_dataset, name)[:60] for name in ("test_images", "test_labels")}
    return replace(small_dataset, **few)


@pytest.fixture(scope="module")
def usual(data):
    return {"dataset": data, "config": CONFIG}


@pytest.fixture
def section(app):
    found = open_tab(app, "mistakes", "robustness")
    found.kind.value = "rotation"
    return found


def accuracies(run, data, kind):
    """What the run's network comes to on all test images, amount by amount, by the textbook's class."""
    network = run.new_network()
    network.set_weights(run.newest.weights)
    changed = (corrupt(data.test_images, kind, amount) for amount in CORRUPTIONS[kind].amounts)
    return [100 * np.mean(network.predict(pixel_columns(one)) == data.test_labels) for one in changed]


def curves(section):
    """What is drawn, by name; without an event loop all is measured at once."""
    return {trace.name: trace.y.tolist() for trace in drawn(section.figure)}


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_curve_is_the_accuracy_on_the_changed_images(app, section, data, kind):
    section.kind.value = kind
    expected = accuracies(run_of(app), data, kind)
    (found,) = curves(section).values()
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len({*found}) > 1 or kind in {"blur", "stroke"}  # coarse patterns survive those
    assert section.caption.text.startswith("Accuracy on 60 of 60 test images: this run ")
    assert CORRUPTIONS[kind].about in section.caption.text
    assert section.figure.plot.layout.xaxis.title.text.startswith(CORRUPTIONS[kind].label.lower())


def test_another_run_is_a_second_curve(app, section, data):
    first = run_of(app)
    retrain(app, hidden_sizes=9)
    section.other.value = str(first.number)
    found = curves(section)
    assert [*found] == ["this run", "run 1"]
    np.testing.assert_allclose(found["run 1"], accuracies(first, data, "rotation"), rtol=1e-5)
    np.testing.assert_allclose(found["this run"], accuracies(run_of(app), data, "rotation"), rtol=1e-5)
    assert "; run 1 " in section.caption.text
    section.other.value = ""
    assert [*curves(section)] == ["this run"]


def test_it_follows_the_selected_epoch_and_the_newest_run(app, section, data, monkeypatch):
    last = curves(section)
    section.kind.value = "blur"
    sizes = []

    def noted(images, *how):
        sizes.append(len(images))
        return corrupt(images, *how)

    with monkeypatch.context() as patch:
        patch.setattr(mistakes, "corrupt", noted)
        section.kind.value = "rotation"
    assert curves(section) == last
    assert max(sizes) == 8  # those in sight: what was measured is not measured again
    app.session.select(1.0)
    assert curves(section) != last
    app.session.select(None)
    assert curves(section) == last
    retrain(app, seed=5)
    expected = accuracies(run_of(app), data, "rotation")
    np.testing.assert_allclose(curves(section)["this run"], expected, rtol=1e-5)


def test_the_images_are_changed_by_the_slider_and_read(app, section, data):
    section.amount.value = 40
    indices = np.arange(8)
    changed = corrupt(data.test_images[indices], "rotation", 40)
    gallery = section.gallery
    assert gallery.sprite == sprite(changed, 8, theme="dark")
    read = app.network.predict(pixel_columns(changed))
    labels = data.test_labels[indices]
    captions = [f"{true} → {predicted}" for true, predicted in zip(labels, read, strict=True)]
    assert [one["caption"] for one in gallery.images] == captions
    n = (read == labels).sum()
    assert section.amount.text.startswith(f"{n} of these 8 test images ")
    assert [one["x0"] for one in section.figure.plot.to_plotly_json()["layout"]["shapes"]] == [40]


def test_a_changed_image_opens_with_its_way_through_the_network(app, section, data, monkeypatch):
    opened = []
    monkeypatch.setattr(app.views, "look_into", opened.append)
    section.amount.value = -20
    send(section.gallery, {"open": 3})
    send(section.gallery, {"open": 8})  # there is none
    (drawing,) = opened
    assert isinstance(drawing, Drawing)
    np.testing.assert_array_equal(drawing.image, corrupt(data.test_images[:8], "rotation", -20)[3])
    assert drawing.true == data.test_labels[3]


def test_before_the_first_epoch_it_says_why_there_is_nothing(untrained):
    section = open_tab(untrained, "mistakes", "robustness")
    assert section.caption.text == section.gallery.empty == "not trained yet"
    assert curves(section) == {}


def test_it_measures_between_other_work_on_an_event_loop(data):
    """On a loop, the first amount stands before all are measured, and none is while the run trains."""

    async def lengths():
        app = Explorer(data, CONFIG)
        section = open_tab(app, "mistakes", "robustness")
        seen = set()
        n = len(CORRUPTIONS["rotation"].amounts)
        async with asyncio.timeout(PATIENCE):
            while n not in seen:
                seen |= {len(y) for y in curves(section).values()}
                if app.session.state.is_training:
                    assert seen <= {0}
                await asyncio.sleep(0.005)
        app.close()
        return seen

    assert len(asyncio.run(lengths())) > 2


def test_two_networks_are_measured_on_the_same_images(app, section, data, monkeypatch):
    """Where the other one is so large that fewer images must do, the first is measured on these again."""
    first = run_of(app)
    retrain(app, hidden_sizes=6)
    monkeypatch.setattr(mistakes, "_LEAST_IMAGES", 20)
    monkeypatch.setattr(mistakes, "_MOST_PRODUCTS", 30 * first.new_network().n_parameters)
    section.other.value = str(first.number)
    assert section.caption.text.startswith("Accuracy on 30 of 60 test images")
    for run, found in zip((run_of(app), first), curves(section).values(), strict=True):
        network = run.new_network()
        network.set_weights(run.newest.weights)
        read = network.predict(pixel_columns(data.test_images[::2]))
        assert found[5] == pytest.approx(100 * np.mean(read == data.test_labels[::2]))
