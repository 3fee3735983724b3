"""Exports from the page, checked for real; links in a second browser; Back and Forward."""

from __future__ import annotations

import csv
import re
import subprocess
import sys

import numpy as np
import pytest
from playwright.sync_api import expect
from reference_runs import records

from explorer import NeuralNetwork, load_mnist
from explorer.datasets.preprocessing import preprocess
from explorer.exports.files import KINDS
from explorer.serve.sockets import MOST_FRAME_BYTES

DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
MATRIX = """() => {
  const [mistakes, right] = document.querySelector('.explorer-place-confusion .js-plotly-plot').data;
  return mistakes.z.map((row, i) => row.map((value, j) => (i === j ? right.z[i][j] : value) || 0));
}"""


TRAIN_AGAIN = """() => new Promise((begun) => {
  const run = document.querySelector('.explorer-run');
  const look = () => /epoch \\d+ of/.test(run.innerText) && begun();
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  new MutationObserver(look).observe(run, all);
  run.querySelector('[data-action=train]:not([disabled])').click();
})"""
"""Is over once the new run is under way."""


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
    shared.page.evaluate(TRAIN_AGAIN)  # the run that is shown may be one from before, under a name of its own
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
    for label in ("Test accuracy", "Train accuracy"):
        share = float(re.search(rf"{label} +([\d.]+)% of [16]0000 images", printed)[1])
        shown = float(number_after("", tile(page, label).locator("dd").first.inner_text()))
        assert share == pytest.approx(shown, abs=0.15)  # 0.1 points, and the page's rounding


@pytest.mark.sweep
def test_the_table_holds_the_curves(page, tmp_path):
    path = exported(page, "csv", tmp_path)
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [float(row["test_accuracy_share"]) for row in rows] == [r.test_accuracy for r in records(epochs=2)]
    assert [float(row["train_loss_per_image"]) for row in rows] == [r.train_loss for r in records(epochs=2)]


@pytest.mark.long
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
    lacks = (
        "Link copied. It opens a run with freshly initialised weights, not these weights of explorer-784-32"
    )
    status = page.locator(".explorer-header").get_by_role("status").filter(has_text=lacks)
    assert status.bounding_box()["height"] > 20  # to be seen, not only heard
    page.get_by_role("button", name="Train on from these weights").click()
    until_matrix(page, records(epochs=12)[-1].confusion)


@pytest.mark.long
def test_numbers_from_all_tabs_are_those_of_the_weights_that_the_page_exports(page, begin, tmp_path):
    """Worked out in plain NumPy: a forward pass, a backward pass, and counting."""
    begin(page, "?n=2000&batch=32&epochs=3")
    until_finished(page)
    with np.load(exported(page, "weights", tmp_path)) as file:
        known = PlainNetwork(*(file[name] for name in ("W1", "b1", "W2", "b2")))
    for tab, look in LOOKS.items():
        page.get_by_role("tab", name=tab).click()
        found = look(page, known)
        assert found
        for what, (shown, expected) in found.items():
            digits = len(shown.partition(".")[2])
            assert float(shown) == pytest.approx(expected, abs=0.51 * 10.0**-digits), f"{tab}: {what}"


class PlainNetwork:
    """The exercise's network and what it makes of the test images."""

    def __init__(self, W1, b1, W2, b2):
        self.W1, self.b1, self.W2, self.b2 = W1, b1, W2, b2
        data = load_mnist()
        self.images, self.labels = data.test_images, data.test_labels
        self.h, self.y = self.forward(data.X_test)
        self.d = np.eye(10)[self.labels].T
        self.counts = np.zeros((10, 10), int)
        np.add.at(self.counts, (self.labels, self.y.argmax(axis=0)), 1)
        self.on_train = np.mean(self.forward(data.X_train[:, :2000])[1].argmax(0) == data.train_labels[:2000])
        self.accuracy = np.trace(self.counts) / 10_000
        self.sure = self.y.max(axis=0) / self.y.sum(axis=0)

    def forward(self, X):
        h = 1 / (1 + np.exp(-(self.W1 @ X + self.b1)))
        return h, 1 / (1 + np.exp(-(self.W2 @ h + self.b2)))

    def slope(self, name, n):
        """The derivative of the first n images' summed loss by a parameter such as ``W1[3, 200]``."""
        X, y, h = self.images[:n].reshape(n, -1).T / 255, self.y[:, :n], self.h[:, :n]
        delta2 = (y - self.d[:, :n]) * y * (1 - y)
        delta1 = (self.W2.T @ delta2) * h * (1 - h)
        array, *place = re.findall(r"[Wb]\d|\d+", name)
        delta, inputs = (delta1, X) if array[1] == "1" else (delta2, h)
        row, *column = map(int, place)
        return (delta @ inputs.T)[row, column[0]] if array[0] == "W" else delta[row].sum()


def number_after(words, text):
    """The first number after some words, as it is written."""
    found = re.search(rf"{words}\D*?(−?[\d\u202f]+(?:\.\d+)?)", text)
    assert found, f"{words!r} is not in {text!r}"
    return found[1].replace("\u202f", "").replace("−", "-")


def look_at_overview(page, known):
    text = page.locator(".explorer-tiles").inner_text()
    caption = page.locator(".explorer-place-accuracy .explorer-caption p").first.inner_text()
    wrong = known.counts - np.diag(np.diag(known.counts))
    recall = np.diag(known.counts) / known.counts.sum(axis=1)
    return {
        "test accuracy": (number_after("Test accuracy", text), 100 * known.accuracy),
        "train accuracy": (number_after("Train accuracy", text), 100 * known.on_train),
        "parameters": (number_after("Parameters", text), 785 * 32 + 33 * 10),
        "recall of the hardest digit": (number_after("recall", text), 100 * recall.min()),
        "the most frequent mistake": (number_after("→ \\d", text), wrong.max()),
        "a cell": (str(page.evaluate(MATRIX)[4][9]), known.counts[4, 9]),
        "test loss": (number_after("test loss", caption), 0.5 * np.square(known.y - known.d).sum() / 10_000),
    }


def look_at_mistakes(page, known):
    cell = page.locator(".explorer-mistakes-scores tbody tr").nth(8).locator("td").nth(2)
    f1 = 200 * known.counts[8, 8] / (known.counts[8].sum() + known.counts[:, 8].sum())
    answered, all_of_them = page.locator(".explorer-slider p"), "10\u202f000 of 10\u202f000"
    expect(answered).to_contain_text(all_of_them)
    page.get_by_label("Answer only when the confidence is at least").fill("60")
    expect(answered).not_to_contain_text(all_of_them)
    title = page.locator(".explorer-mistakes-trust .gtitle").text_content()
    over = known.sure - (known.y.argmax(axis=0) == known.labels)
    bins = np.ceil(10 * known.sure)
    error = sum(abs(over[bins == k].sum()) for k in range(11)) / 100
    return {
        "F1 of 8": (number_after("", cell.inner_text()), f1),
        "answered images": (number_after("", answered.inner_text()), np.sum(known.sure >= 0.6)),
        "calibration error": (number_after("error", title), error),
    }


def look_at_inside(page, known):
    def show(section):
        page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click()
        return page.locator(".explorer-section:visible")

    section = show("Weights")
    expect(section.locator(".explorer-bars h2")).to_contain_text("Unit")
    unit = int(number_after("Unit", section.locator(".explorer-bars h2").inner_text()))
    weight = section.locator(".explorer-bars-text").nth(3).inner_text()
    spread = show("Histograms").locator(".explorer-caption p").first
    expect(spread).to_contain_text("→")
    found = {
        "an outgoing weight": (number_after("", weight), known.W2[3, unit]),
        "the spread of the weights": (number_after("→", spread.inner_text()), known.W1.std()),
    }
    stuck = show("Over time").locator(".explorer-caption p:not(.explorer-unseen)").last
    expect(stuck).to_contain_text("saturated")
    h = known.h[:, :512]
    share = 100 * np.mean((h < 0.01) | (h > 0.99))
    found["saturated activations"] = number_after("layer 1", stuck.inner_text()), share
    section = show("Gradient check")
    expect(section.locator("tbody tr").first).to_be_visible()
    name, slope, *_ = section.locator("tbody tr").first.locator("th, td").all_inner_texts()
    n = int(number_after("summed loss of", section.inner_text()))
    found["a slope"] = number_after("", slope), known.slope(name, n)
    section = show("One image")
    page.get_by_role("spinbutton", name=re.compile("Test image")).fill("4")
    page.keyboard.press("Enter")
    true = known.labels[4]
    output = section.locator(".explorer-bars-text").nth(true)
    expect(output).to_contain_text("true")
    found["an output"] = number_after("", output.inner_text()), known.y[true, 4]
    return found


def look_at_draw(page, known):
    page.get_by_role("button", name="Load a test image").click()
    sentence = page.locator(".explorer-draw-sentence p").first
    expect(sentence).to_contain_text("It is test image")
    image = known.images[int(number_after("test image", sentence.inner_text()))]
    seen = preprocess(image.repeat(5, axis=0).repeat(5, axis=1)).image.reshape(-1, 1) / 255
    _, y = known.forward(seen)
    return {"the share of a class": (number_after(r"\(", sentence.inner_text()), 100 * y.max() / y.sum())}


def look_at_runs(page, known):
    cell = page.locator(".explorer-runs tbody tr[data-present] td").nth(1)
    return {"test accuracy": (number_after("", cell.inner_text()), 100 * known.accuracy)}


def look_at_study(page, known):
    """The run of the page is one of its runs."""
    page.get_by_role("textbox", name="Seeds").fill("1")
    page.keyboard.press("Enter")
    expect(page.locator(".explorer-study-progress")).to_contain_text("12 runs")
    page.get_by_role("button", name="Run the study").click()
    expect(page.locator(".explorer-study-progress")).to_contain_text("12 of 12 runs · done", timeout=90_000)
    drawn = page.locator(".explorer-study-choice option", has_text="batch size 32 · sum").inner_text()
    return {"test accuracy by sum": (number_after("", drawn), 100 * known.accuracy)}


LOOKS = {
    "Overview": look_at_overview,
    "Mistakes": look_at_mistakes,
    "Inside": look_at_inside,
    "Draw": look_at_draw,
    "Runs": look_at_runs,
    "Study": look_at_study,
}
"""For each tab what it shows, as it is written, next to what is expected."""


@pytest.mark.long
def test_a_session_is_asked_about_saved_and_opened_again(page, tmp_path):
    evil = '<img src=x onerror="window.hit = 1">'
    page.get_by_role("tab", name="Runs").click()
    rows = page.locator(".explorer-runs tr[data-number]")
    present = rows.and_(page.locator("[data-present]"))
    name = present.get_by_role("textbox", name=re.compile("^Name of run"))
    expect(name).to_have_attribute("placeholder", "the exercise")
    count = rows.count()
    name.fill(evil)
    name.press("Enter")
    save = page.get_by_role("button", name="Save session")
    expect(save).to_have_attribute("data-unsaved", "")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("setTimeout(() => location.reload())")
    lost = (
        page.locator(".explorer-header").get_by_role("status").filter(has_text="with your name, note or pin")
    )
    expect(lost).to_be_visible()
    assert asked == ["beforeunload"]
    assert lost.bounding_box()["height"] > 20  # to be seen, not only heard
    with page.expect_download() as download:
        save.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    expect(save).not_to_have_attribute("data-unsaved", "")
    name.fill("")
    name.press("Enter")
    expect(name).to_have_attribute("title", "the exercise")
    open_weights(page, path)
    message = page.locator(".explorer-message[data-id=session]")
    expect(message).to_contain_text(f"{path.name} is open: {count} runs, saved 20")
    expect(name).to_have_value(evil)
    expect(rows).to_have_count(count)
    assert page.evaluate("window.hit") is None
    until_finished(page)


@pytest.mark.long
def test_a_large_network_is_opened(page, begin, tmp_path):
    """6 MB: more than one message of the page may hold."""
    begin(page, "?epochs=1&n=1000")
    until_finished(page)
    path = tmp_path / "large.npz"
    NeuralNetwork(784, (1024, 784), 10, hidden_activation="relu", initializer="he", seed=0).save(path)
    assert path.stat().st_size > 2 * MOST_FRAME_BYTES
    open_weights(page, path)
    expect(page.locator(".explorer-messages")).to_contain_text("large.npz is open", timeout=60_000)
    expect(page.locator(".explorer-tiles")).to_contain_text("784-1024-784-10")


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


@pytest.mark.long
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


@pytest.mark.long
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


BELOW = """() => {
  const menu = document.querySelector('.explorer-menu:popover-open');
  const button = menu && document.querySelector(`[popovertarget="${menu.id}"]`);
  return menu ? menu.getBoundingClientRect().top - button.getBoundingClientRect().top : NaN;
}"""


STILL = f"""async () => {{
  const before = ({BELOW})();
  for (let frame = 0; frame < 20; frame += 1) await new Promise(requestAnimationFrame);
  return Math.abs(({BELOW})() - before) < 1;
}}"""
"""Where the menu lies below its button has not changed for twenty frames."""


def test_an_open_menu_goes_with_its_button_until_that_is_out_of_sight(page):
    page.set_viewport_size({"width": 390, "height": 844})
    button = page.get_by_role("button", name="Loss: picture")
    button.click()
    menu = page.locator(".explorer-menu:popover-open")
    expect(menu).to_be_visible()
    page.wait_for_function(STILL)  # the window is narrower: the page is still moving
    below = page.evaluate(f"({BELOW})()")
    page.evaluate("scrollBy(0, 30)")
    page.wait_for_function(f"(before) => scrollY > 20 && Math.abs(({BELOW})() - before) < 1", arg=below)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(menu).to_have_count(0)
    page.set_viewport_size({"width": 1440, "height": 900})


@pytest.mark.sweep
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


@pytest.mark.long
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
    first.wait_for_function("""() => {
      const told = document.querySelector('.explorer-told:not(.explorer-unseen)');
      return told?.textContent === 'Link copied' && told.getBoundingClientRect().height > 20;
    }""")
    second = open_page(first.url).page
    second.wait_for_function(DRAWN)
    until_matrix(second, np.array(first.evaluate(MATRIX)))
    expect(test_accuracy(second)).to_have_text(test_accuracy(first).inner_text(), use_inner_text=True)


@pytest.mark.long
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


@pytest.mark.long
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


@pytest.mark.long
def test_a_bad_link_is_named_and_runs_nothing_of_it(app, open_page):
    found = open_page(app.url + BAD)
    found.page.wait_for_function(DRAWN)
    assert_named(found.page, BAD)
    query = "?n=70000"  # all that is left are the defaults, which the page had before
    found.page.goto(app.url + query, wait_until="commit")
    found.page.wait_for_function(DRAWN)
    assert_named(found.page, query)
    found.assert_clean()
