"""The second tab, without a page."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from app_steps import DIVERGING, open_tab, retrain, run_of, send

from explorer import Explorer, TrainingConfig
from explorer.figures.digits import sprite
from explorer.figures.reliability import reliability
from explorer.network.metrics import answered, confidences, select_samples

CONFIG = TrainingConfig(hidden_sizes=4, epochs=3, batch_size=16, learning_rate=0.02)


@pytest.fixture
def panel(app):
    return open_tab(app, "mistakes")["mistakes"]


def test_the_table_shows_recall_and_support(app, panel, small_dataset):
    confusion = run_of(app).newest.confusion
    for k, row in enumerate(panel.table.shown.rows):
        assert row[0] == str(k)
        assert row[1] == f"{100 * confusion[k, k] / confusion[k].sum():.1f} %"
        assert row[4] == str((small_dataset.test_labels == k).sum())


def test_all_mistakes_are_paged_in_the_chosen_order(app, panel, small_dataset):
    """The pictures, what is said of each and the order are those of the same test images."""
    labels, gallery = small_dataset.test_labels, panel.images.gallery
    retrain(app, learning_rate=0.001)  # more mistakes than a page has
    outputs = run_of(app).newest.test_outputs
    sure = confidences(outputs)
    for order, first in (("confidence", "surest first"), ("loss", "worst first")):
        indices = select_samples(outputs, labels, mistakes_only=True, order=order)
        panel.order.value = order
        assert gallery.heading == f"{len(indices)} mistakes, {first}"
        for number in range(2):
            send(gallery, {"page": number})
            page = indices[54 * number :][:54]
            assert gallery.sprite == sprite(small_dataset.test_images[page], gallery.columns, theme="dark")
            for k, image in zip(page, gallery.images, strict=True):
                assert (image["note"], image["right"]) == (f"{100 * sure[k]:.0f} % sure", False)
                assert image["caption"] == f"{labels[k]} → {outputs[:, k].argmax()}"


def test_calibration_is_that_of_the_confidences_that_are_shown(app, panel, small_dataset):
    outputs = run_of(app).newest.test_outputs
    bins = reliability(outputs, small_dataset.test_labels)
    assert panel.calibration.summary == f"expected calibration error {100 * bins.error:.1f} %"
    assert panel.calibration.plot.layout.title.text == f"Expected calibration error {100 * bins.error:.1f} %"
    (_, points) = panel.calibration.plot.data
    assert len(points.x) == len({*np.ceil(10 * confidences(outputs))})
    assert "On the diagonal the network is right as often as it is sure" in panel.calibration_caption.text


def test_a_threshold_answers_fewer_and_better(app, panel, small_dataset):
    outputs = run_of(app).newest.test_outputs
    assert panel.threshold.text.startswith("200 of 200")
    panel.threshold.value = 20
    n, n_right = answered(outputs, small_dataset.test_labels, 0.2)
    assert 0 < n < 200
    assert panel.threshold.text.startswith(f"{n} of 200")
    assert f"{100 * n_right / n:.1f}" in panel.threshold.text


def test_an_image_that_is_opened_is_looked_into(app, panel, small_dataset):
    gallery = panel.images.gallery
    chosen = gallery.images[2]
    send(gallery, {"open": len(small_dataset.test_labels)})
    assert app.panels.tab_bar.selected == "mistakes"
    send(gallery, {"open": chosen["key"]})
    network = app.panels["overview"].network
    assert (app.panels.tab_bar.selected, app.views.image) == ("overview", chosen["key"])
    true, read = re.match("true (.+), read as (.+)", chosen["title"]).groups()
    assert [network.drawing.signal[name] for name in ("true", "decided")] == [int(true), int(read)]


def test_a_cards_shares_are_those_of_its_image(app, panel):
    outputs = run_of(app).newest.test_outputs.astype(float)
    for image in panel.images.gallery.images[:5]:
        y = outputs[:, image["key"]]
        np.testing.assert_allclose(image["shares"], y / y.sum(), atol=6e-5)
        assert image["about"] == f"test image {image['key']}, shares of the outputs' sum"


def test_before_the_first_run_it_says_so_and_a_cell_can_be_chosen(untrained):
    panel = open_tab(untrained, "mistakes")["mistakes"]
    assert panel.sentence.text == "not trained yet"
    assert (panel.calibration.summary, panel.calibration_caption.text) == ("", "")
    gallery = panel.images.gallery
    untrained.views.choose(9, 4)
    assert (gallery.true, gallery.predicted, gallery.heading) == (9, 4, "9 read as 4")
    assert gallery.empty == "not trained yet"
    untrained.views.toggle(9, 4)
    assert (gallery.true, gallery.predicted, gallery.heading) == (-1, -1, "Images")


def test_the_heading_says_which_cell(app, panel):
    images, confusion = panel.images, run_of(app).newest.confusion
    mistakes = confusion - np.diag(np.diag(confusion))
    sizes = set()
    for true, predicted in np.ndindex(10, 10):
        app.views.choose(true, predicted)
        n = int(confusion[true, predicted])
        order = ", worst first" if n > 1 else ""
        what = (
            f"{true} classified correctly: {n} image{'' if n == 1 else 's'}"
            if true == predicted
            else f"{true} read as {predicted}: {n} mistake{'' if n == 1 else 's'}"
        )
        assert images.gallery.heading == what + order
        sizes.add(min(n, 2))
    assert sizes == {0, 1, 2}
    of_3, as_3 = int(mistakes[3].sum()), int(mistakes[:, 3].sum())
    app.views.choose(3, -1)
    assert images.gallery.heading.startswith(f"3 misclassified: {of_3} mistake")
    app.views.choose(-1, 3)
    assert images.gallery.heading.startswith(f"misclassified as 3: {as_3} mistake")


def test_a_run_that_failed_in_its_first_epoch_says_so_wherever_it_has_nothing_to_show(new_app):
    app = new_app(DIVERGING)
    app.views.refresh()
    assert (app.status, run_of(app).newest) == ("failed", None)
    panel = open_tab(app, "mistakes")["mistakes"]
    what = "The run failed in its first epoch: the loss has not been a number since epoch 1."
    assert panel.sentence.text == panel.images.gallery.empty == panel.matrix.caption.text == what
    assert open_tab(app, "inside", "histograms").reason.text == f"{what} Shown are its initial weights."


def test_a_cell_of_this_matrix_filters_these_images(app, panel):
    confusion = run_of(app).newest.confusion
    mistakes = confusion - np.diag(np.diag(confusion))
    row, column = (int(k) for k in np.unravel_index(mistakes.argmax(), mistakes.shape))
    app.views.toggle(row, column)
    assert len(panel.images.gallery.images) == min(54, mistakes.max())
    (frame,) = panel.matrix.figure.plot.to_plotly_json()["layout"]["shapes"]
    assert (frame["x0"], frame["y0"]) == (column - 0.5, row - 0.5)
    app.views.toggle(row, column)
    assert app.selected_cell is None


def press_keys(figure, *keys):
    for key in keys:
        send(figure, {"kind": "key", "key": key})


def test_the_arrow_keys_go_from_cell_to_cell(app, panel):
    def press(*keys):
        press_keys(panel.matrix.figure, *keys)
        return app.selected_cell

    assert press("ArrowDown") == (0, 0)
    assert press("ArrowLeft", "ArrowUp") == (0, 0)  # the edge
    assert press("ArrowDown", "ArrowRight", "ArrowRight") == (1, 2)
    assert press("x", *("ArrowDown",) * 20) == (9, 2)
    assert (panel.images.gallery.true, panel.images.gallery.predicted) == (9, 2)
    assert press("Escape") is None
    assert press("Escape") is None


def test_no_arrow_key_is_lost_while_the_event_loop_is_busy(small_dataset):
    """JupyterLab has the kernel hear keys on another thread: many come before the first is answered."""

    async def page():
        app = Explorer(small_dataset, train=False)
        figure = app.panels["mistakes"]["mistakes"].matrix.figure
        # This thread waits for the other, so the loop answers no key before the last.
        with ThreadPoolExecutor(1) as other:
            other.submit(press_keys, figure, *["ArrowDown"] * 10, *["ArrowRight"] * 4).result()
        assert app.selected_cell is None
        await asyncio.sleep(0)
        chosen = app.selected_cell
        app.close()
        return chosen

    assert asyncio.run(page()) == (9, 4)
