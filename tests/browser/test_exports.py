"""Exports from the page, checked for real; links in a second browser; Back and Forward."""

import re

import numpy as np
import pytest
from browser.page_object import SURFACE, enter, exercise
from playwright.sync_api import expect
from reference_runs import records

from explorer import NeuralNetwork, load_mnist

pytestmark = pytest.mark.long


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
    shared.begin(exercise(epochs=2))
    shared.until_finished()
    shared.until_matrix(records(epochs=2)[-1].confusion)
    yield shared
    shared.assert_clean()


def tile(found, label):
    return found.tiles.locator("dl > div", has_text=label).first


def test_a_session_is_asked_about_saved_and_opened_again(found, tmp_path):
    page, rows, evil = found.page, found.rows, '<img src=x onerror="window.hit = 1">'
    found.begin(exercise(epochs=1))  # no other test has such a run, which then would have a name of its own
    found.until_finished(1)
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
    expect(lost).to_be_in_viewport(ratio=1)
    assert asked == ["beforeunload"]
    assert lost.bounding_box()["height"] > 20  # to be seen, not only heard
    path = found.download(save, tmp_path)
    expect(save).to_be_hidden()  # nothing is left to save
    enter(name, "")
    expect(name).to_have_attribute("title", "the exercise")
    found.open_file(path)
    message = page.locator(".explorer-message[data-id=session]")
    expect(message).to_contain_text(f"{path.name} is open: {count} runs, saved 20")
    expect(name).to_have_value(evil)
    expect(rows).to_have_count(count)
    assert page.evaluate("window.hit") is None
    found.until_finished()


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
    expect(page.get_by_text(f"{100 * final.test_accuracy:.1f}\u00a0%").first).to_be_in_viewport(ratio=1)
    report.assert_clean()


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
    found.button("Export").click()
    found.button("Theme").click()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"theme=light"))
    page.reload()
    expect(page.get_by_role("tab", name="Layers")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("radio", name="Over time")).to_be_checked()
    assert page.evaluate("history.length") == entries + 2


def test_the_weights_read_the_same_digits_here_and_on_the_page(found, tmp_path):
    path = found.export("weights", tmp_path)
    final, dataset = records(epochs=2)[-1], load_mnist()
    network = NeuralNetwork.load(path)
    assert np.mean(network.predict(dataset.X_test) == dataset.test_labels) == final.test_accuracy


BAD = (
    "?activation=<script>document.title='owned'</script>&tab=<img src=x onerror=document.title='owned'>"
    f"&lr={'9' * 7_000}&batch=-5&epochs=-3&seed=-1&hidden=0&section=spleen"
)
DEFAULTS = "?n=70000"
"""All that is left of it are the defaults, which the page had before."""


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
