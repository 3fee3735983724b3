"""Exports from the page, checked for real; links in a second browser; Back and Forward."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import NeuralNetwork, TrainingConfig, load_mnist, train
from explorer.exports.files import KINDS

DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
MATRIX = """() => {
  const [mistakes, right] = document.querySelector('.explorer-place-confusion .js-plotly-plot').data;
  return mistakes.z.map((row, i) => row.map((value, j) => (i === j ? right.z[i][j] : value) || 0));
}"""


@pytest.fixture(scope="module")
def shared(app, open_shared_page):
    found = open_shared_page(app.url, permissions=["clipboard-read", "clipboard-write"])
    found.page.wait_for_function(DRAWN)
    until_finished(found.page)
    return found


@pytest.fixture
def found(shared, begin):
    """The page of all these tests, with a run of two epochs that has ended; clean when the test has ended."""
    shared.page.get_by_role("tab", name="Overview").click()
    begin(shared.page, "?epochs=2")
    until_finished(shared.page)
    until_matrix(shared.page, records(epochs=2)[-1].confusion)
    yield shared
    shared.assert_clean()


@pytest.fixture
def page(found):
    return found.page


def until_finished(page):
    expect(page.locator(".explorer-run")).to_contain_text("finished", timeout=60_000)


def tile(page, label):
    return page.locator(".explorer-tiles dl > div", has_text=label).first


def test_accuracy(page):
    return tile(page, "Test accuracy")


test_accuracy.__test__ = False  # the name is the field's


@cache
def records(**changes):
    return list(train(TrainingConfig(**changes), load_mnist()))


def until_matrix(page, counts):
    page.wait_for_function(
        f"(wanted) => JSON.stringify(({MATRIX})()) === wanted", arg=str(counts.tolist()).replace(" ", "")
    )


def set_number(page, label, value):
    field = page.get_by_role("textbox", name=label).or_(page.get_by_role("spinbutton", name=label)).first
    field.fill(str(value))
    field.press("Enter")


def exported(page, kind, folder):
    """Choose an entry of the menu and return where its file is."""
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=KINDS[kind].words).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def open_weights(page, path):
    page.get_by_role("button", name="Export").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Open weights").click()
    chooser.value.set_files(path)


# ---------------------------------------------------------------- files


def test_the_script_run_alone_prints_what_the_tiles_show(page, tmp_path):
    path = exported(page, "script", tmp_path)
    assert path.name == "explorer-784-32-10-seed0.py"
    printed = subprocess.run(
        [sys.executable, "-W", "error", path.name], capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    final = records(epochs=2)[-1]
    assert f"Test accuracy   {final.test_accuracy:.3%} of 10000 images" in printed
    for label in ("Test accuracy", "Train accuracy"):
        share = float(re.search(rf"{label} +([\d.]+)%", printed)[1])
        expect(tile(page, label)).to_contain_text(f"{share:.1f} %")


def test_the_table_holds_the_curves(page, tmp_path):
    path = exported(page, "csv", tmp_path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [float(row["test_accuracy_share"]) for row in rows] == [r.test_accuracy for r in records(epochs=2)]
    assert [float(row["train_loss_per_image"]) for row in rows] == [r.train_loss for r in records(epochs=2)]


def test_the_weights_read_the_same_digits_here_and_on_the_page(page, tmp_path):
    path = exported(page, "weights", tmp_path)
    final, dataset = records(epochs=2)[-1], load_mnist()
    network = NeuralNetwork.load(path)
    assert np.mean(network.predict(dataset.X_test) == dataset.test_labels) == final.test_accuracy
    set_number(page, "Hidden units", 8)
    expect(page.locator(".explorer-tiles")).to_contain_text("784-8-10")
    until_finished(page)
    open_weights(page, path)
    expect(page.locator(".explorer-messages")).to_contain_text("explorer-784-32-10-seed0.npz is open")
    until_matrix(page, final.confusion)
    expect(test_accuracy(page)).to_contain_text(f"{100 * final.test_accuracy:.1f} %")
    page.get_by_role("button", name="Copy link").click()
    lacks = "Link copied. It holds the settings, not the weights that this run began with."
    status = page.locator(".explorer-header").get_by_role("status").filter(has_text=lacks)
    assert status.bounding_box()["height"] > 20  # to be seen, not only heard
    page.get_by_role("button", name="Train on from these weights").click()
    until_matrix(page, records(epochs=12)[-1].confusion)


def test_the_largest_network_that_the_controls_allow_is_opened(page, begin, tmp_path):
    """24 MB: more than one message of the page may hold."""
    begin(page, "?epochs=1&n=1000")
    until_finished(page)
    network = NeuralNetwork(784, [1024] * 6, 10, hidden_activation="relu", initializer="he", seed=0)
    path = tmp_path / "large.npz"
    network.save(path)
    assert path.stat().st_size > 20e6
    open_weights(page, path)
    expect(page.locator(".explorer-messages")).to_contain_text("large.npz is open", timeout=60_000)
    expect(page.locator(".explorer-tiles")).to_contain_text("784-1024-1024-1024-1024-1024-1024-10")


def hostile(folder):
    """Files that are no such network, by what is said of them."""
    bomb = folder / "bomb.npz"
    np.savez_compressed(bomb, W1=np.zeros((8_200, 8_200), np.float32), network=np.array("{}"))
    objects = folder / "objects.npz"
    np.savez(objects, network=np.array([{"a": 1}], dtype=object))
    foreign = folder / "foreign.npz"
    NeuralNetwork(4, 3, 2, seed=0).save(foreign)
    nan = folder / "nan.npz"
    NeuralNetwork(784, 3, 10, seed=0).save(nan)
    with np.load(nan) as arrays:
        entries = {name: arrays[name] for name in arrays.files}
    entries["b1"] = np.full((3, 1), np.nan, np.float32)
    np.savez(nan, **entries)
    large = folder / "large.npz"
    with large.open("wb") as stream:
        stream.truncate(1 << 27)
    empty = folder / "empty.npz"
    empty.touch()
    return {
        bomb: "bytes when unpacked",
        objects: "found",
        foreign: "784 inputs and 10 outputs",
        nan: "not a number",
        large: "more than 64 MB",
        empty: "zip file",
    }


def test_a_hostile_file_is_one_sentence_and_the_run_stays(page, tmp_path):
    final = records(epochs=2)[-1]
    for path, words in hostile(tmp_path).items():
        open_weights(page, path)
        message = page.locator(".explorer-message[data-kind=error]", has_text=path.name)
        expect(message).to_contain_text(words)
        message.get_by_role("button", name="Dismiss").click()
        expect(message).to_have_count(0)
    until_matrix(page, final.confusion)
    until_finished(page)


def test_the_report_opens_from_the_disk_with_no_network(found, browser, tmp_path):
    path = exported(found.page, "report", tmp_path)
    final = records(epochs=2)[-1]
    context = browser.new_context(offline=True, color_scheme="dark")
    try:
        page, errors, asked = context.new_page(), [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        for figure in ("loss", "accuracy", "confusion"):
            expect(page.locator(f"#{figure} .main-svg").first).to_be_visible()
        shown = page.evaluate("document.getElementById('accuracy')._fullData.at(-1).y[1]")
        assert shown == pytest.approx(100 * final.test_accuracy, rel=1e-5)
        expect(page.locator("#confusion .main-svg").first).to_have_css("background-color", "rgb(23, 28, 35)")
        page.emulate_media(color_scheme="light")
        expect(page.locator("#confusion .main-svg").first).to_have_css(
            "background-color", "rgb(255, 255, 255)"
        )
        pictures = page.evaluate(
            "[...document.images].map((image) => image.complete && image.naturalWidth > 0)"
        )
        assert len(pictures) == 24
        assert all(pictures)
        expect(page.get_by_text(f"{100 * final.test_accuracy:.1f}\u00a0%").first).to_be_visible()
        assert errors == []
        assert [url[:5] for url in asked if not url.startswith("data:")] == ["file:"]
    finally:
        context.close()


def test_the_menu_is_used_by_keys(page):
    button = page.get_by_role("button", name="Export")
    button.focus()
    button.press("Enter")
    expect(page.get_by_role("button", name="Report (HTML)")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Open weights")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".csv")


@pytest.mark.long
def test_without_a_home_that_can_be_written_files_are_saved_all_the_same(start_server, open_page, tmp_path):
    nowhere = "/dev/null/nobody"  # which even root can't write
    command = ["-m", "explorer", "--no-browser", "--port", "0"]
    server = start_server(command, HOME=nowhere, XDG_CACHE_HOME=nowhere)
    found = open_page(server.url + "?epochs=1")
    found.page.wait_for_function(DRAWN)
    until_finished(found.page)
    for kind in KINDS:
        assert exported(found.page, kind, tmp_path).stat().st_size > 100
    found.assert_clean()


# ---------------------------------------------------------------- links


def test_a_copied_link_gives_the_same_run_in_a_second_browser(found, open_page):
    first = found.page
    for label, value in (("Hidden units", 16), ("Batch size", 100), ("Epochs", 3)):
        set_number(first, label, value)
    until_matrix(first, records(hidden_sizes=16, batch_size=100, epochs=3)[-1].confusion)
    first.get_by_role("button", name="Copy link").click()
    expect(first.get_by_role("button", name="Copy link")).to_contain_text("Link copied")
    first.wait_for_function("async () => (await navigator.clipboard.readText()) === location.href")
    answer = first.locator(".explorer-told")
    assert answer.bounding_box()["height"] <= 1  # the button's own word is enough
    first.set_viewport_size({"width": 390, "height": 844})  # where it has none
    first.get_by_role("button", name="Copy link").click()
    expect(first.locator(".explorer-told:not(.explorer-unseen)")).to_have_text("Link copied")
    assert answer.bounding_box()["height"] > 20
    second = open_page(first.url).page
    second.wait_for_function(DRAWN)
    until_matrix(second, np.array(first.evaluate(MATRIX)))
    expect(test_accuracy(second)).to_have_text(test_accuracy(first).inner_text(), use_inner_text=True)


def test_back_and_forward_go_through_the_settings(page):
    entries = page.evaluate("history.length")
    start = page.url
    set_number(page, "Hidden units", 8)
    expect(page).to_have_url(re.compile(r"hidden=8"))
    until_matrix(page, records(hidden_sizes=8, epochs=2)[-1].confusion)
    set_number(page, "Batch size", 300)
    expect(page).to_have_url(re.compile(r"batch=300"))
    until_matrix(page, records(hidden_sizes=8, batch_size=300, epochs=2)[-1].confusion)
    assert page.evaluate("history.length") == entries + 2
    page.evaluate("history.back()")
    until_matrix(page, records(hidden_sizes=8, epochs=2)[-1].confusion)
    page.evaluate("history.back()")
    until_matrix(page, records(epochs=2)[-1].confusion)
    assert page.url == start
    page.evaluate("history.forward()")
    until_matrix(page, records(hidden_sizes=8, epochs=2)[-1].confusion)
    expect(page).to_have_url(re.compile(r"hidden=8"))
    assert page.evaluate("history.length") == entries + 2


def test_theme_and_tab_are_no_steps_and_a_reload_keeps_its_place(page):
    entries = page.evaluate("history.length")
    page.get_by_role("tab", name="Inside").click()
    page.locator(".explorer-inside").get_by_text("Histograms", exact=True).click()
    expect(page).to_have_url(re.compile(r"tab=inside&section=histograms"))
    page.get_by_role("button", name="Theme").click()
    expect(page).to_have_url(re.compile(r"theme=light"))
    assert page.evaluate("history.length") == entries
    page.reload()
    expect(page.get_by_role("tab", name="Inside")).to_have_attribute("aria-selected", "true", timeout=60_000)
    expect(page.get_by_role("radio", name="Histograms")).to_be_checked()
    assert page.evaluate("history.length") == entries


BAD = (
    "?activation=<script>document.title='owned'</script>&tab=<img src=x onerror=document.title='owned'>"
    f"&lr={'9' * 7_000}&batch=-5&epochs=-3&seed=-1&hidden=0&section=spleen"
)


def assert_named(page, query):
    """What is wrong with a link is said, nothing of it has run, and it has left the address."""
    message = page.locator(".explorer-message[data-id=link]")
    expect(message).to_contain_text("The rest of the link is used.")
    assert len(message.inner_text()) < 1_000
    page.wait_for_function(
        "(bad) => bad.every((part) => !decodeURIComponent(location.search).includes(part))",
        arg=[part[:9] for part in query[1:].split("&")],
    )
    assert page.title() != "owned"


def test_a_bad_link_is_named_and_runs_nothing_of_it(app, open_page):
    found = open_page(app.url + BAD)
    found.page.wait_for_function(DRAWN)
    assert_named(found.page, BAD)
    query = "?n=70000"  # all that is left are the defaults, which the page had before
    found.page.goto(app.url + query, wait_until="commit")
    found.page.wait_for_function(DRAWN)
    assert_named(found.page, query)
    found.assert_clean()
