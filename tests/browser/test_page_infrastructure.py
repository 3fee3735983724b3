"""The page around the app: from here alone, in the right theme at once, and honest when Python is gone."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.error
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

REVEALED = (
    "() => document.querySelector('main:not([aria-busy])') && !document.getElementById('explorer-skeleton')"
)
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(23, 28, 35)"
KERNEL = "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"


@pytest.fixture(scope="module")
def figures(serve_notebook):
    return serve_notebook("live_figures")


def test_the_app_opens_from_here_alone(app, open_page):
    visit = open_page(app.url)
    page = visit.page
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_function(REVEALED)
    visit.assert_clean()
    assert visit.socket_bytes < 2_000_000  # Plotly, 5 MB, came over HTTP
    assert page.title() == "explorer"
    assert page.get_attribute("html", "lang") == "en"
    assert "width=device-width" in page.get_attribute("meta[name=viewport]", "content")
    assert page.locator("main").count() == 1
    assert page.locator("main .explorer-app").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_icon_is_our_own(app, open_page):
    page = open_page(app.url).page
    address = page.get_attribute("link[rel=icon]", "href")
    with urlopen(app.url.rstrip("/") + address) as answer:
        assert answer.headers["Content-Type"] == "image/svg+xml"


ELSEWHERE = """() => new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI));
  document.createElement("img").src = "http://elsewhere.example/pixel.png";
})"""


def test_the_browser_keeps_the_page_from_other_hosts(figures, open_page):
    page = open_page(figures.url, wait_until="domcontentloaded").page
    assert page.evaluate(ELSEWHERE) == "http://elsewhere.example/pixel.png"


@pytest.mark.parametrize(
    ("system", "asked", "shown"),
    [
        ("light", "", LIGHT),
        ("dark", "", DARK),
        ("light", "?theme=dark", DARK),
        ("dark", "?theme=light", LIGHT),
    ],
)
def test_the_theme_is_right_from_the_first_paint(figures, open_page, system, asked, shown):
    page = open_page(figures.url + asked, color_scheme=system).page
    page.wait_for_selector("#explorer-skeleton", state="attached")
    assert page.evaluate(BACKGROUND) == shown
    page.wait_for_function(REVEALED)
    assert page.evaluate(BACKGROUND) == shown


FETCHED = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.transferSize > 0).map((entry) => new URL(entry.name).pathname)"""


def test_a_second_visit_finds_theme_and_scripts_where_they_were_left(figures, open_page):
    page = open_page(figures.url + "?theme=dark").page
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert len(page.evaluate(FETCHED)) > 50
    page.goto(figures.url, wait_until="commit")
    page.wait_for_selector("#explorer-skeleton", state="attached")
    assert page.evaluate(BACKGROUND) == DARK
    assert "explorer-theme=dark" in page.evaluate("document.cookie")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    asked = page.evaluate(FETCHED)  # an answer that nothing has changed counts, too
    assert [path for path in asked if not path.startswith("/api/kernels/")] == []


def test_the_skeleton_says_so_when_python_is_late(serve_notebook, open_page):
    server = serve_notebook("never_ready")
    visit = open_page(server.url, prepare=lambda page: page.clock.install())
    page = visit.page
    page.wait_for_selector("#explorer-skeleton [role=status]", state="attached")
    assert page.locator("#explorer-late").is_hidden()
    page.clock.fast_forward(19_000)
    assert page.locator("#explorer-late").is_hidden()
    page.clock.fast_forward(1_500)
    page.wait_for_selector("#explorer-late:has-text('20 seconds')")
    page.get_by_role("button", name="Reload").click()
    page.wait_for_function("() => document.getElementById('explorer-late')?.hidden")
    assert visit.page_errors == []


def test_an_error_in_the_notebook_is_told_without_its_code(serve_notebook, open_page, wait_for):
    server = serve_notebook("broken")
    page = open_page(server.url).page
    page.wait_for_selector(".explorer-failed")
    page.wait_for_function(REVEALED)
    told = page.inner_text("main")
    assert "could not start" in told
    assert "terminal" in told
    assert "left in the log" not in page.content()
    wait_for(lambda: "left in the log" in server.log.read_text(), words=server.log.read_text())


def test_a_kernel_that_dies_shows_a_banner(figures, open_page):
    visit = open_page(figures.url)
    page = visit.page
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert page.locator(".explorer-banner").count() == 0
    os.kill(int(page.inner_text("text=pid ").removeprefix("pid ")), signal.SIGKILL)
    page.wait_for_selector(".explorer-banner")
    page.locator(".explorer-banner").get_by_role("button", name="Reload").click()
    page.wait_for_selector(".explorer-banner", state="detached")
    page.wait_for_selector(".js-plotly-plot .main-svg")


def test_a_server_that_ends_shows_a_banner(serve_notebook, open_page):
    server = serve_notebook("live_figures")
    page = open_page(server.url).page
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert server.stop() == 0
    page.wait_for_selector(".explorer-banner[role=alert]")


def test_a_closed_page_ends_its_kernel(figures, open_page, wait_for):
    page = open_page(figures.url).page
    page.wait_for_selector(".js-plotly-plot .main-svg")
    kernel = figures.url + "api/kernels/" + page.evaluate(KERNEL)
    with urlopen(kernel) as answer:
        assert json.load(answer)["connections"] == 1
    page.close(run_before_unload=True)
    wait_for(lambda: _status(kernel) == 404)


def test_another_name_for_this_computer_is_refused(figures):
    assert _status(figures.url, Host="stranger.example") == 403
    assert _status(figures.url + "api/kernels/0-0-0-0-0", Host="stranger.example") == 403


def test_kernels_inherit_no_secret(start_server, notebook, open_page):
    script = Path(__file__).with_name("serve_page.py")
    secrets = {"GITHUB_TOKEN": "x", "JUPYTERHUB_API_TOKEN": "x", "DATABASE_URL": "x", "EXPLORER_NOTE": "kept"}
    server = start_server([script, notebook("surroundings")], **secrets)
    page = open_page(server.url).page
    page.wait_for_selector("#found")
    found, executable = json.loads(page.inner_text("#found"))
    assert not {"GITHUB_TOKEN", "JUPYTERHUB_API_TOKEN", "DATABASE_URL"} & found.keys()
    assert found["EXPLORER_NOTE"] == "kept"
    assert found["PATH"] == os.environ["PATH"]
    assert executable == sys.executable


def _status(address, **headers):
    try:
        with urlopen(Request(address, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
