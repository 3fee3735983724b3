"""The exercise in JupyterLab, with its gaps empty and filled, and its cards by mouse and keyboard."""

from pathlib import Path

import nbformat
import pytest
from exercise_answers import ANSWERS, answered
from lessons import read
from playwright.sync_api import expect

EXERCISE = Path(__file__).parents[2] / "notebooks" / "exercise.ipynb"


@pytest.fixture
def run(jupyterlab, open_page):
    """Run a notebook in JupyterLab, on a page so long that all its cells are on it; return the visit."""

    def run(notebook, name):
        folder = jupyterlab.root / name
        folder.mkdir()
        nbformat.write(notebook, folder / "exercise.ipynb")
        address = f"{jupyterlab.url}lab/tree/{name}/exercise.ipynb?reset"
        visit = open_page(address, viewport={"width": 1440, "height": 12_000})
        visit.run_all()
        return visit

    return run


def cards(page, outcome):
    return page.locator(f".explorer-task [data-outcome={outcome}]")


@pytest.mark.sweep
def test_with_empty_gaps_every_task_waits_and_hints_open_by_keyboard(run):
    visit = run(read(EXERCISE), "empty")
    page = visit.page
    expect(cards(page, "waiting")).to_have_count(len(ANSWERS))
    waits_for = "train_iteration (part 6) and fit (part 7) are right"
    expect(page.locator(".lesson-waits").last).to_contain_text(waits_for)
    first = page.locator(".explorer-task").first
    hints = [first.get_by_role("button", name=f"Hint {rung}") for rung in (1, 2, 3)]
    expect(first.get_by_role("button", name="Solution")).to_be_hidden()
    for rung, hint in enumerate(hints):
        for later in hints[rung + 1 :]:
            expect(later).to_be_disabled()
        hint.focus()
        hint.press("Enter")
        expect(hint).to_have_attribute("aria-expanded", "true")
        expect(first.locator(".explorer-task-opened > p")).to_have_count(1)
        expect(hint).to_be_focused()
    hints[2].press("Space")
    expect(first.locator(".explorer-task-opened > p")).to_have_count(0)
    assert visit.page_errors == []
    assert visit.foreign == []


WRONG = {
    "sigmoid": "return 1 / (1 + np.exp(a))",
    "squared_error": "return 0.7 * np.sum((y - d) ** 2)",
    "d_squared_error": "return 7**10**8 * (y - d)",  # a number so long that it takes hours
}

FITS = """(card) => {
  const [outer, inner] = [card, card.querySelector("pre")].map((one) => one.getBoundingClientRect());
  const isWhole = inner.height > 90 && inner.width > 0.8 * outer.width; // five lines
  return isWhole && outer.left <= inner.left && inner.right <= outer.right;
}"""


@pytest.mark.long
def test_wrong_answers_are_told_in_their_own_cards_and_nothing_freezes(run):
    filled = answered(read(EXERCISE), answers=ANSWERS | WRONG)
    end = next(number for number, cell in enumerate(filled.cells) if cell.id == "part-5")
    filled.cells = filled.cells[:end]
    visit = run(filled, "wrong")
    page = visit.page
    card = {name: page.get_by_role("region", name=f"Task {name}") for name in ANSWERS}
    expect(card["predict"].locator("em")).to_have_text("Right")
    for name in ("d_sigmoid", "init_weights", "forward", "predict"):
        expect(card[name]).to_have_attribute("data-outcome", "right")
    for name in WRONG:
        expect(card[name]).to_have_attribute("data-outcome", "wrong")
    expect(card["d_sigmoid"]).to_contain_text("Your sigmoid (part 1) isn't right yet")
    expect(card["d_squared_error"]).to_contain_text("no result after 5 seconds: a single call")
    expect(page.locator(".lesson-waits").first).to_contain_text("There are 12 tasks; begin with sigmoid")
    locked = card["sigmoid"].get_by_role("button", name="Solution")
    expect(locked).to_be_disabled()
    expect(locked).to_contain_text("after the hints")
    for rung in (1, 2, 3):
        card["sigmoid"].get_by_role("button", name=f"Hint {rung}").click()
    expect(locked).to_be_enabled()
    card["sigmoid"].get_by_role("button", name="Watch it run").click()
    code = page.locator(".explorer-code-view")
    expect(code.locator("[aria-current=step]")).to_contain_text("def sigmoid(a):")
    above, below = card["sigmoid"].bounding_box(), code.bounding_box()
    assert below["y"] >= above["y"] + above["height"]
    assert below["width"] >= above["width"]
    code.get_by_role("button", name="⇥").click()
    expect(code.locator("[aria-current=step]")).to_contain_text("return 1 / (1 + np.exp(a))")
    expect(code.locator("ul > li").first).to_contain_text("1 × 3")  # the example's a
    for width in (1440, 900):
        page.set_viewport_size({"width": width, "height": 12_000})
        example = card["squared_error"].locator("pre")
        expect(example).to_contain_text("# expected: 0.1875")
        page.wait_for_function(FITS, arg=card["squared_error"].element_handle())  # once it has its new size
    assert visit.page_errors == []


@pytest.mark.sweep
def test_with_the_answers_every_task_passes_and_the_app_takes_the_class(run):
    visit = run(answered(read(EXERCISE), with_app=True), "filled")
    page = visit.page
    expect(cards(page, "right")).to_have_count(len(ANSWERS))
    expect(page.locator(".explorer-task-progress", has_text="12 of 12 tasks")).to_have_count(12)
    expect(page.locator(".explorer-task-progress", has_text="5 of 5 bonus tasks")).to_have_count(5)
    expect(page.locator(".explorer-app .explorer-tiles")).to_be_visible()
    first = page.locator(".explorer-task").first
    first.get_by_role("button", name="Solution").click()
    expect(first.locator("pre")).to_contain_text("return 1 / (1 + np.exp(-a))")
    expect(page.locator(".lesson-waits")).to_have_count(1)  # the first cell's line: no cell waits for another
    assert visit.page_errors == []
    assert visit.foreign == []
