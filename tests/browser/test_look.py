"""Style sheets and scripts are on a page once, and before anything is painted that needs them."""

import pytest
from browser.page_object import SHEETS, WATCH
from playwright.sync_api import expect
from thinned import swept

SCRIPTS = "Object.keys(globalThis).filter((key) => key.startsWith('explorer.scripts.')).length"


def watch(page):
    page.add_init_script(WATCH)


def check(page, words):
    """A caption is there, as it is meant to look, and what it needs of the page came once."""
    line = page.locator(".explorer-caption p:visible").filter(has_text=words).first
    expect(line).to_be_visible()
    assert line.evaluate("(line) => getComputedStyle(line).fontSize") == "12px"
    assert page.evaluate(SHEETS) == ["explorer.widgets"]
    assert page.evaluate(SCRIPTS) == 1
    assert page.evaluate("globalThis.unstyled") == []


@pytest.mark.long
@pytest.mark.parametrize("served", ["serve_notebook", *swept(("serve_plainly",))])
def test_a_part_alone_in_a_cell_looks_as_it_does_in_the_app(request, open_page, served):
    server = request.getfixturevalue(served)("alone")
    visit = open_page(server.url, prepare=watch)
    check(visit.page, "alone in its cell")
    check(visit.page, "in another cell")
    assert visit.page_errors == []


@pytest.mark.sweep
def test_in_jupyterlab_after_a_reload_with_two_kernels_and_after_a_restart(jupyterlab, notebook, open_page):
    for name in ("one", "two"):
        (jupyterlab.root / f"{name}.ipynb").write_bytes(notebook("alone").read_bytes())
    visit = open_page(f"{jupyterlab.url}lab/tree/one.ipynb?reset", prepare=watch)
    page = visit.page
    visit.run_all()
    check(page, "in another cell")
    visit.command("docmanager:save")
    page.reload()
    visit.until_shown("() => document.querySelector('.explorer-caption p')")
    check(page, "in another cell")
    visit.command("docmanager:open", path="two.ipynb")
    page.locator(".lm-TabBar-tabLabel", has_text="two.ipynb").click()
    visit.run_all()
    expect(page.locator(".jp-Notebook:visible .explorer-caption")).to_have_count(2)
    check(page, "in another cell")
    visit.restart()
    visit.run_all()
    expect(page.locator(".jp-Notebook:visible .explorer-caption:visible")).to_have_count(2)
    check(page, "in another cell")
    assert visit.page_errors == []
