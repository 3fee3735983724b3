"""An honest split in a real Chromium: the best epoch comes back, and a button opens the test set once."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from explorer import TrainingConfig, load_mnist
from explorer.training import TrainingRun, complete, open_test_set
from explorer.training.query import write_query

SETTINGS = {
    "hidden_sizes": 64, "hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy",
    "initializer": "he", "batch_size": 16, "learning_rate": 0.1, "reduction": "mean", "n_train": 3000,
    "n_validation": 500, "epochs": 60, "patience": 3,
}  # fmt: skip


@pytest.mark.long
def test_the_best_epoch_is_back_and_the_test_set_is_opened_once(app, open_page):
    config = TrainingConfig(**SETTINGS)
    history = complete(run := TrainingRun(config, load_mnist()))
    best, test = history.restored, open_test_set(run.network, load_mnist())
    assert best + 3 == len(history) < 60
    found = open_page(f"{app.url}?{write_query(config)}")
    page = found.page
    bar, tiles, said = found.bar, found.tiles, found.messages
    expect(bar).to_contain_text(f"stopped early · weights of epoch {best}")
    expect(said).to_contain_text(f"the validation loss was lowest after epoch {best}, whose weights are back")
    expect(tiles).to_contain_text("Validation accuracy")
    expect(tiles).to_contain_text(f"{100 * history.end.final.test_accuracy:.1f} %")
    expect(tiles).not_to_contain_text("Test accuracy")
    expect(page.locator(".explorer-time output")).to_have_text(f"epoch {best}")
    expect(page.locator(".explorer-overview .shapelayer path").first).to_be_attached()

    # The run that the page opens with has no validation images.
    expect(said).to_contain_text("The test set is closed for this run: 10\u202f000 images. But 1 run without")
    found.button("Open the test set").click()
    expect(tiles).to_contain_text("Test accuracy")
    expect(tiles).to_contain_text(f"{100 * test.accuracy:.1f} %")
    expect(tiles).to_contain_text("opened once")
    expect(said).to_contain_text(f"Test accuracy is {100 * test.accuracy:.2f}")
    expect(found.button("Open the test set")).to_have_count(0)

    found.tab("runs")
    row = page.locator(".explorer-runs tbody tr[data-present]")
    expect(row).to_contain_text(f"{100 * test.accuracy:.2f}\u00a0%")
    expect(row).to_contain_text(re.compile(rf"{best} of {best + 3} · early"))

    if not found.number("seed").is_visible():
        page.get_by_text("More settings").click()
    found.set(seed=1)
    expect(bar).to_contain_text(re.compile(r"stopped early · weights of epoch"))
    since = re.compile(r"You have seen the test score \(run \d\): later ones are no longer unbiased")
    expect(said).to_contain_text(since)
    found.button("Open the test set as well").click()
    expect(said).to_contain_text("these images are no longer unseen")
    expect(tiles).to_contain_text("opened for the 2nd time")
    found.assert_clean()
