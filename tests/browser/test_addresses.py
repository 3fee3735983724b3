"""An address means one thing: what it leaves out is Start's. Back and Forward show the runs that were there."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def visit(app, open_page):
    """Open the page at a query in a fresh profile, and wait for its run."""

    def visit(query=""):
        found = open_page(f"{app.url}{query}")
        found.until_finished(10)
        return found

    return visit


def accuracy(found):
    return found.tiles.locator(".explorer-value").first.inner_text()


@pytest.mark.parametrize("query", ["tab=runs", "controls=hidden,batch,epochs", "theme=dark", "motion=off"])
def test_what_changes_the_view_alone_leaves_the_run_of_start(visit, query):
    found = visit(f"?{query}")
    expect(found.tiles).to_contain_text("95.9\xa0%")
    found.assert_clean()


def test_a_link_has_one_run_and_is_what_copy_link_says(visit):
    found = visit("?preset=exercise&hidden=16")
    assert found.page.evaluate("location.search") == "?preset=exercise&hidden=16"
    expect(found.tiles).not_to_contain_text("vs. run")
    found.tab("runs")
    expect(found.rows).to_have_count(1)


def test_back_and_forward_show_what_was_there_and_train_nothing(visit):
    found = visit()
    page, opened = found.page, "95.9\xa0%"
    expect(found.tiles).to_contain_text(opened)  # not what the opening's motion shows at step 0

    def where(query, value, words="finished · 10 of 10 epochs"):
        """Both the address and what is shown; nothing trains."""
        page.wait_for_function("(query) => location.search === query", arg=query)
        expect(found.tiles.locator(".explorer-value").first).to_have_text(value)
        expect(found.bar).to_contain_text(words)

    found.set(hidden_sizes=8)
    expect(found.tiles).to_contain_text("784-8-10")
    found.until_finished(10)
    narrow = accuracy(found)
    page.go_back()
    where("", opened)
    page.go_forward()
    where("?hidden=8", narrow)
    page.go_back()
    where("", opened)
    found.tab("runs")
    page.get_by_role("button", name="The exercise", exact=True).click()
    page.wait_for_function("location.search.startsWith('?preset=exercise')")
    found.until_finished(10)
    exercise = accuracy(found)
    page.go_back()
    where("?tab=runs", opened)
    page.go_forward()
    where("?preset=exercise&tab=runs", exercise)
    found.assert_clean()
