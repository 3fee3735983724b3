"""Exports from the page, checked for real; links in a second browser; Back and Forward."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browser.page_object import MATRIX, SURFACE, enter
from playwright.sync_api import expect
from reference_runs import records

from explorer import NeuralNetwork, load_mnist

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
    found = open_shared_page(app.exercise, permissions=["clipboard-read", "clipboard-write"])
    found.until_drawn()
    found.until_finished()
    return found


@pytest.fixture
def found(shared):
    """The page of all these tests, with a run of two epochs that has ended; clean when the test has ended."""
    shared.tab("overview")
    shared.begin("?epochs=2")
    shared.until_finished()
    shared.until_matrix(records(epochs=2)[-1].confusion)
    yield shared
    shared.assert_clean()


def tile(found, label):
    return found.tiles.locator("dl > div", has_text=label).first


# ---------------------------------------------------------------- files


@pytest.mark.long
def test_the_weights_read_the_same_digits_here_and_on_the_page(found, tmp_path):
    path = found.export("weights", tmp_path)
    final, dataset = records(epochs=2)[-1], load_mnist()
    network = NeuralNetwork.load(path)
    assert np.mean(network.predict(dataset.X_test) == dataset.test_labels) == final.test_accuracy
    found.set(hidden_sizes=8)
    expect(found.tiles).to_contain_text("784-8-10")
    found.until_finished()
    found.open_file(path)
    expect(found.messages).to_contain_text("explorer-784-32-10-seed0.npz is open")
    found.until_matrix(final.confusion)
    expect(tile(found, "Test accuracy")).to_contain_text(f"{100 * final.test_accuracy:.1f} %")
    found.button("Copy link").click()
    lacks = (
        "Link copied. It opens a new run with the settings in the controls, not the weights of explorer-784"
    )
    status = found.page.locator(".explorer-header").get_by_role("status").filter(has_text=lacks)
    assert status.bounding_box()["height"] > 20  # to be seen, not only heard
    found.button("Branch from these weights").click()
    found.until_matrix(records(epochs=12)[-1].confusion)


@pytest.mark.long
def test_numbers_from_all_tabs_are_those_of_the_weights_that_the_page_exports(found, tmp_path):
    """Worked out in plain NumPy: a forward pass, a backward pass, and counting."""
    found.begin("?n=2000&batch=32&epochs=3")
    found.until_finished()
    with np.load(found.export("weights", tmp_path)) as file:
        known = PlainNetwork(*(file[name] for name in ("W1", "b1", "W2", "b2")))
    for tab, look in LOOKS.items():
        found.tab(tab)
        numbers = look(found.page, known)
        assert numbers
        for what, (shown, expected) in numbers.items():
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
    caption = page.locator(".explorer-place-accuracy .explorer-caption p").first.text_content()
    wrong = known.counts - np.diag(np.diag(known.counts))
    recall = np.diag(known.counts) / known.counts.sum(axis=1)
    return {
        "test accuracy": (number_after("Test accuracy", text), 100 * known.accuracy),
        "wrong": (number_after("Wrong", text), wrong.sum()),
        "train accuracy": (number_after("train", text), 100 * known.on_train),
        "parameters": (number_after("784-32-10,", text), 785 * 32 + 33 * 10),
        "missed of the hardest digit": (
            number_after("hardest digit \\d,", text),
            wrong[recall.argmin()].sum(),
        ),
        "the most frequent mistake": (number_after("read as \\d,", text), wrong.max()),
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

    spread = show("Histograms").locator(".explorer-caption p").first
    expect(spread).to_contain_text("→")
    found = {
        "the spread of the weights": (number_after("→", spread.inner_text()), known.W1.std()),
    }
    stuck = show("Over time").locator(".explorer-caption p:not(.explorer-unseen)").last
    expect(stuck).to_contain_text("saturated")
    h = known.h[:, :512]
    share = 100 * np.mean((h < 0.01) | (h > 0.99))
    found["saturated activations"] = number_after("a limit[^:]*:", stuck.inner_text()), share
    section = show("Gradient check")
    expect(section.locator("tbody tr").first).to_be_visible()
    name, slope, *_ = section.locator("tbody tr").first.locator("th, td").all_inner_texts()
    n = int(number_after("summed loss of", section.inner_text()))
    found["a slope"] = number_after("", slope), known.slope(name, n)
    return found


LOOKS = {"overview": look_at_overview, "mistakes": look_at_mistakes, "inside": look_at_inside}
"""For each tab what it shows, as it is written, next to what is expected."""


@pytest.mark.long
def test_a_session_is_asked_about_saved_and_opened_again(found, tmp_path):
    page, rows, evil = found.page, found.rows, '<img src=x onerror="window.hit = 1">'
    page.evaluate(TRAIN_AGAIN)  # the run that is shown may be one from before, under a name of its own
    found.until_finished()
    found.tab("runs")
    present = rows.and_(page.locator("[data-present]"))
    name = present.get_by_role("textbox", name=re.compile("^Name of run"))
    expect(name).to_have_attribute("placeholder", "the exercise")
    count = rows.count()
    enter(name, evil)
    save = found.button("Save session")
    expect(save).to_have_attribute("data-unsaved", "")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("setTimeout(() => location.reload())")
    status = page.locator(".explorer-header").get_by_role("status")
    lost = status.filter(has_text="with your name, note or pin")
    expect(lost).to_be_visible()
    assert asked == ["beforeunload"]
    assert lost.bounding_box()["height"] > 20  # to be seen, not only heard
    path = found.download(save, tmp_path)
    expect(save).not_to_have_attribute("data-unsaved", "")
    enter(name, "")
    expect(name).to_have_attribute("title", "the exercise")
    found.open_file(path)
    message = page.locator(".explorer-message[data-id=session]")
    expect(message).to_contain_text(f"{path.name} is open: {count} runs, saved 20")
    expect(name).to_have_value(evil)
    expect(rows).to_have_count(count)
    assert page.evaluate("window.hit") is None
    found.until_finished()


@pytest.mark.long
def test_the_report_opens_from_the_disk_with_no_network(found, open_file, tmp_path):
    final = records(epochs=2)[-1]
    report = open_file(found.export("report", tmp_path), color_scheme="dark")
    page = report.page
    for figure in ("loss", "accuracy", "confusion"):
        expect(page.locator(f"#{figure} .main-svg").first).to_be_visible()
    shown = page.evaluate("document.getElementById('accuracy')._fullData.at(-1).y[1]")
    assert shown == pytest.approx(100 * final.test_accuracy, rel=1e-5)
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        surface = page.locator("#confusion .main-svg").first
        expect(surface).to_have_css("background-color", SURFACE[theme])
    pictures = page.evaluate("[...document.images].map((image) => image.complete && image.naturalWidth > 0)")
    assert pictures == [True] * 24
    expect(page.get_by_text(f"{100 * final.test_accuracy:.1f}\u00a0%").first).to_be_visible()
    report.assert_clean()


# ---------------------------------------------------------------- links


@pytest.mark.long
def test_a_copied_link_gives_the_same_run_in_a_second_browser(found, open_page):
    first, copy = found.page, found.button("Copy link")
    found.set(hidden_sizes=16, batch_size=100, epochs=3)
    found.until_matrix(records(hidden_sizes=16, batch_size=100, epochs=3)[-1].confusion)
    copy.click()
    expect(copy).to_contain_text("Link copied")
    first.wait_for_function("async () => (await navigator.clipboard.readText()) === location.href")
    assert first.locator(".explorer-told").bounding_box()["height"] <= 1  # the button's own word is enough
    first.set_viewport_size({"width": 390, "height": 844})  # where it has none
    copy.click()
    first.wait_for_function("""() => {
      const told = document.querySelector('.explorer-told:not(.explorer-unseen)');
      return told?.textContent === 'Link copied' && told.getBoundingClientRect().height > 20;
    }""")
    first.set_viewport_size({"width": 1440, "height": 900})
    second = open_page(first.url)
    second.until_drawn()
    second.until_matrix(found.matrix())
    reached = tile(found, "Test accuracy").locator(".explorer-value").inner_text()
    expect(tile(second, "Test accuracy").locator(".explorer-value")).to_have_text(reached)


@pytest.mark.long
def test_back_and_forward_go_through_the_settings_and_a_reload_keeps_tab_and_theme(found):
    page = found.page
    entries, address = page.evaluate("history.length"), page.url
    found.set(hidden_sizes=8)
    expect(page).to_have_url(re.compile(r"hidden=8"))
    found.until_matrix(records(hidden_sizes=8, epochs=2)[-1].confusion)
    found.set(batch_size=300)
    expect(page).to_have_url(re.compile(r"batch=300"))
    found.until_matrix(records(hidden_sizes=8, batch_size=300, epochs=2)[-1].confusion)
    assert page.evaluate("history.length") == entries + 2
    page.evaluate("history.back()")
    found.until_matrix(records(hidden_sizes=8, epochs=2)[-1].confusion)
    page.evaluate("history.back()")
    found.until_matrix(records(epochs=2)[-1].confusion)
    assert page.url == address
    page.evaluate("history.forward()")
    found.until_matrix(records(hidden_sizes=8, epochs=2)[-1].confusion)
    expect(page).to_have_url(re.compile(r"hidden=8"))

    found.tab("inside")
    page.get_by_role("radiogroup", name="Section").get_by_text("Over time", exact=True).click()
    expect(page).to_have_url(re.compile(r"tab=inside&section=time"))
    found.button("Theme").click()
    expect(page).to_have_url(re.compile(r"theme=light"))
    page.reload()
    expect(page.get_by_role("tab", name="Layers")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("radio", name="Over time")).to_be_checked()
    assert page.evaluate("history.length") == entries + 2


BAD = (
    "?activation=<script>document.title='owned'</script>&tab=<img src=x onerror=document.title='owned'>"
    f"&lr={'9' * 7_000}&batch=-5&epochs=-3&seed=-1&hidden=0&section=spleen"
)
DEFAULTS = "?n=70000"
"""All that is left of it are the defaults, which the page had before."""


@pytest.mark.long
def test_a_bad_link_is_named_and_runs_nothing_of_it(app, open_page):
    found = open_page(app.url + BAD)
    for query in (BAD, DEFAULTS):
        if query != BAD:
            found.page.goto(app.url + query, wait_until="commit")
        found.until_drawn()
        message = found.page.locator(".explorer-message[data-id=link]")
        expect(message).to_contain_text("The rest of the link is used.")
        assert len(message.inner_text()) < 1_000
        found.page.wait_for_function(
            "(bad) => bad.every((part) => !decodeURIComponent(location.search).includes(part))",
            arg=[part[:9] for part in query[1:].split("&")],
        )
        assert found.page.title() != "owned"
    found.assert_clean()
