"""Runs in a real Chromium: named, compared, deleted and brought back; guessed; raced; and studied."""

import re
from itertools import pairwise

import pytest
from browser.page_object import enter, exercise
from playwright.sync_api import expect
from reference_runs import records

pytestmark = pytest.mark.long
EVIL = '<img src=x onerror="window.hit = 1"><script>window.hit = 1</script><b>bold</b>'
RACED = """() => [...document.querySelectorAll('.explorer-runs-curves .js-plotly-plot')].map((plot) => plot.data
  .filter((trace) => trace.visible === true && trace.name.includes(', lr '))
  .map(({ name, y }) => [name, [...y]]))"""
RACED_TO = (
    f"(least) => [({RACED})()].every((plots) => plots.length === 2"
    " && plots.every((plot) => plot.length === 5 && plot.every(([, y]) => y.length >= least)))"
)
PERCENT = re.compile(r"\d+\.\d\d\s%")
POINT = """(at) => {
  const plot = document.querySelector('.explorer-study-figures .js-plotly-plot');
  const { left, top } = plot.getBoundingClientRect();
  const { x, y } = plot.calcdata.find(([{ trace }]) => trace.name === 'median')[at];
  const { xaxis: h, yaxis: v } = plot._fullLayout;
  return [left + h._offset + h.c2p(x), top + v._offset + v.c2p(y)];
}"""


def test_runs_are_named_compared_deleted_and_brought_back(app, open_page):
    found = open_page(f"{app.url}{exercise(epochs=2)}&tab=runs")
    page, rows = found.page, found.rows
    found.until_finished(2)
    found.set(hidden_sizes=16)
    expect(found.tiles).to_contain_text("784-16-10")
    found.until_finished(2)
    found.tab("runs")
    numbers = [int(row.get_attribute("data-number")) for row in rows.all()]
    second, first = numbers[:2]
    assert second > first

    for field in ("Name", "Note"):
        enter(page.get_by_label(f"{field} of run {first}", exact=True), EVIL)
    expect(page.get_by_label(f"Note of run {first}", exact=True)).to_have_value(EVIL)
    at_curves = page.locator(".explorer-runs-curves .annotation-text")
    expect(at_curves.filter(has_text="<img").first).to_be_attached()

    for number in (first, second):
        page.get_by_label(f"Compare run {number}", exact=True).press("Space")
    verdict = page.locator(".explorer-verdict")
    expect(verdict).to_contain_text(re.compile(r"B classifies \d+ images? correctly that A misclassifies"))
    expect(page.locator(".explorer-side-by-side thead")).to_contain_text(EVIL[:30])
    last = records(epochs=2, hidden_sizes=16)[-1]
    expect(page.locator(".explorer-side-by-side tbody")).to_contain_text(f"{100 * last.test_accuracy:.2f} %")

    before = rows.count()
    page.locator(f'[data-number="{first}"] [data-verb="delete"]').press("Enter")
    expect(rows).to_have_count(before - 1)
    expect(verdict).to_be_hidden()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(rows).to_have_count(before)
    expect(page.get_by_label(f"Note of run {first}", exact=True)).to_have_value(EVIL)
    expect(page.locator(".explorer-run-status")).to_contain_text("back.")
    expect(page.get_by_role("region", name="Table of runs")).to_be_focused()

    page.locator(f'[data-number="{first}"] [data-verb="load"]').press("Enter")
    expect(page.locator(".explorer-run-status")).to_contain_text("are in the controls")
    assert "hidden=16" not in page.url

    heading = page.get_by_role("button", name="Best", exact=True)
    heading.press("Enter")
    page.evaluate("window.there = document.activeElement")
    train = found.bar.get_by_role("button", name="Train", exact=True)
    train.evaluate("button => button.click()")
    newest = rows.and_(page.locator("[data-present]"))
    expect(newest).not_to_have_attribute("data-number", str(second))
    expect(newest).to_contain_text(re.compile(r"\d\d\.\d\d\s% at\s2"))
    expect(rows).to_have_count(before + 1)
    assert page.evaluate("window.there === document.activeElement")  # the rows' coming took no focus
    assert page.evaluate("window.hit") is None

    found.preset("Modern")
    expect(page.locator(".explorer-runs tbody tr[data-present]")).to_contain_text("relu")
    columns = page.get_by_role("region", name="Table of runs").element_handle()
    whole = "table => table.scrollWidth <= table.clientWidth"
    page.wait_for_function(whole, arg=columns)
    page.get_by_role("button", name=re.compile("^Branch from epoch")).click()
    expect(newest).to_contain_text(re.compile(r"from run \d+, epoch \d"))
    page.wait_for_function(whole, arg=columns)
    found.assert_clean()


def test_a_guess_before_training_stays_next_to_its_run(app, open_page):
    found = open_page(f"{app.url}?epochs=1&n=3000")
    page = found.page
    found.until_finished(1)
    guess = page.get_by_role("group", name="Your guess", exact=True)
    expect(guess).to_be_hidden()
    found.button("Train again, reset, auto-train").click()
    page.get_by_role("switch", name="Auto-train").uncheck()
    page.keyboard.press("Escape")
    share, true, read = guess.get_by_role("spinbutton"), *guess.get_by_role("combobox").all()
    true.select_option("4")
    read.select_option("4")
    assert "another class" in read.evaluate("(one) => one.validationMessage")
    read.select_option("9")
    assert read.evaluate("(one) => one.validationMessage") == ""
    share.fill("850")
    share.press("Tab")
    assert not share.evaluate("(one) => one.validity.valid")
    expect(share).to_have_value("850")  # to be put right
    share.fill("85")
    assert found.severe() == []
    for name in ("Train again, reset, auto-train", "Train again"):
        found.button(name, exact=True).first.click()
    outcome = re.compile(r"Guessed: 85 %, 4 → 9 · Outcome: [\d.]+\s%, \d → \d")
    expect(page.locator(".explorer-run")).to_contain_text(outcome)
    expect(share).to_have_value("")
    found.tab("runs")
    expect(found.rows.first.get_by_label(re.compile("^Note of run"))).to_have_value("Guessed: 85 %, 4 → 9")
    found.assert_clean()


@pytest.mark.sweep
def test_one_click_draws_all_methods_and_each_becomes_a_run_to_open(app, open_page):
    found = open_page(f"{app.url}{exercise(hidden=8, n=6000, batch=64, epochs=3)}&tab=runs")
    page = found.page
    found.until_finished(3)
    page.get_by_role("group", name="Race against other").get_by_role("button", name="Optimizers").click()
    page.wait_for_function(RACED_TO, arg=3)
    page.set_viewport_size({"width": 1280, "height": 720})
    expect(page.locator(".explorer-runs-curves .js-plotly-plot").first).to_be_in_viewport(ratio=1)
    found.until_finished(3)
    found.tab("overview")
    for place in ("loss", "accuracy"):
        ends = page.locator(f".explorer-place-{place} .annotation-text")
        expect(ends.filter(has_text="Adam")).to_be_in_viewport(ratio=1)
        boxes = sorted((one.bounding_box() for one in ends.all()), key=lambda box: box["y"])
        assert len(boxes) == 5
        assert all(a["y"] + a["height"] <= b["y"] + 3 for a, b in pairwise(boxes))
        plot = page.locator(f".explorer-place-{place} .main-svg").first.bounding_box()
        assert all(box["x"] + box["width"] <= plot["x"] + plot["width"] for box in boxes)
    found.tab("runs")
    adam = page.locator(".explorer-runs tbody tr", has_text="Adam")
    expect(adam).to_be_in_viewport(ratio=1)  # a hidden button takes no focus, and so no key
    accuracy = PERCENT.search(adam.inner_text()).group()
    adam.locator('[data-verb="open"]').press("Enter")
    expect(page.locator(".explorer-run-status")).to_contain_text("All tabs show run")
    expect(adam).to_have_attribute("data-present", "")
    reached = f"{float(accuracy.split()[0]):.1f}"
    expect(found.tiles).to_contain_text(reached)
    found.tab("overview")
    expect(page.locator(".explorer-overview")).to_contain_text(f"epoch 3 of 3, test accuracy {reached}")
    found.assert_clean()


def test_a_study_fills_in_and_a_click_says_which_run_opens_with_equal_figures(app, open_page):
    study = open_page(f"{app.url}?n=2000&epochs=1&tab=study")
    page = study.page
    progress = page.locator(".explorer-study p")
    expect(progress).to_contain_text("about")
    words = page.locator(".explorer-study-words p:not(.explorer-unseen)")
    expect(words).to_have_text([re.compile("^A recorded example"), re.compile("^Best of 16: .*\nNext: ")])
    page.get_by_role("combobox", name="What varies", exact=True).select_option("learning_rate")
    panel = page.locator(".explorer-panel:has(> .explorer-study-start)")
    expect(panel.get_by_role("textbox", name="Values")).to_have_value("0.05..5.0 ×5")  # offered
    for label, text in {"Values": "0.001..1 ×4", "Epochs": "1", "Seeds": "3"}.items():
        enter(panel.get_by_role("textbox", name=label, exact=False), text)
    expect(progress).to_contain_text("12 runs, about")
    page.locator(".explorer-study").get_by_role("button", name="Run the study").press("Enter")
    study.tab("runs")  # the page answers meanwhile
    expect(page.locator(".explorer-runs tbody tr[data-present]")).to_have_count(1)
    study.tab("study")
    expect(progress).to_contain_text("12 of 12 runs · done", timeout=180_000)
    expect(page.locator(".explorer-study-choice option")).to_have_count(12)  # drawn last
    chosen, point = page.get_by_role("combobox", name="Run", exact=True), None
    while point != (point := page.evaluate(POINT, 0)):  # the page takes its final shape
        page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    best = chosen.locator("option").first.inner_text()
    expect(chosen.locator("option:checked")).to_have_text(best)
    expect(words.last).to_have_text(re.compile(r"^Best of 4: learning rate .*\(3 seeds, "))
    page.mouse.click(*point)
    expect(chosen.locator("option:checked")).to_have_text(re.compile("learning rate 0.001"))
    reached = re.match(r"[\d.]+", chosen.locator("option:checked").inner_text()).group()
    said = page.locator(".explorer-study-choice .explorer-caption")
    expect(said).to_contain_text(f"median {reached} % of 3 runs. Shown is seed")
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true")
    page.get_by_role("button", name="Open this run").click()
    expect(page.get_by_role("tab", name="Explore")).to_have_attribute("aria-selected", "true")
    study.tab("runs")
    present = page.locator(".explorer-runs tbody tr[data-present] td")
    expect(present.nth(2)).to_have_text(re.compile(rf"^{re.escape(reached)}"))
    study.assert_clean()
