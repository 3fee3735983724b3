"""The Runs tab in a real Chromium: words stay words, keys work, deletions are undone, two runs compared."""

from __future__ import annotations

import re

import pytest
from browser.page_object import enter
from playwright.sync_api import expect
from reference_runs import records

EVIL = '<img src=x onerror="window.hit = 1"><script>window.hit = 1</script><b>bold</b>'


@pytest.mark.long
def test_runs_are_named_compared_deleted_and_brought_back(app, open_page):
    found = open_page(f"{app.url}?epochs=2&tab=runs")
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
    expect(
        page.locator(".explorer-runs-curves .annotation-text").filter(has_text="<img").first
    ).to_be_attached()

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


@pytest.mark.long
def test_a_guess_before_training_stays_next_to_its_run(app, open_page):
    found = open_page(f"{app.url}?epochs=1&n=3000")
    page = found.page
    found.until_finished(1)
    guess = page.get_by_role("group", name="Your guess", exact=True)
    expect(guess).to_be_hidden()
    page.get_by_role("switch", name="Auto-train").uncheck()
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
    page.get_by_role("button", name="Train again").first.click()
    expect(page.locator(".explorer-run")).to_contain_text(
        re.compile(r"Guessed: 85 %, 4 → 9 · Outcome: [\d.]+\s%, \d → \d")
    )
    expect(share).to_have_value("")
    found.tab("runs")
    expect(found.rows.first.get_by_label(re.compile("^Note of run"))).to_have_value("Guessed: 85 %, 4 → 9")
    found.assert_clean()
