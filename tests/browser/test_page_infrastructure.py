"""The page around the app: in the right theme at once, kept from others, and honest when Python is gone."""

import json
import os
import re
import sys
import urllib.error
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from browser.page_object import SURFACE

pytestmark = pytest.mark.long
SKELETON = "document.getElementById('explorer-skeleton')"
REVEALED = f"() => document.querySelector('main:not([aria-busy])') && !{SKELETON}"
BACKGROUND = "() => getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = SURFACE["light"], SURFACE["dark"]
KERNEL = "() => JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
FIGURE = ".js-plotly-plot .main-svg"
SECRETS = ("GITHUB_TOKEN", "JUPYTERHUB_API_TOKEN", "DATABASE_URL")


@pytest.fixture(scope="module")
def server(start_server, notebook):
    script = Path(__file__).with_name("serve_page.py")
    variables = {**dict.fromkeys(SECRETS, "x"), "EXPLORER_NOTE": "kept"}
    return start_server([script, notebook("surroundings")], **variables)


def assert_shown_on(page, color):
    """The page has this color from the first paint on."""
    page.wait_for_selector("#explorer-skeleton", state="attached")
    assert page.evaluate(BACKGROUND) == color
    page.wait_for_function(REVEALED)
    assert page.evaluate(BACKGROUND) == color


ELSEWHERE = """() => new Promise((resolve) => {
  document.addEventListener("securitypolicyviolation", (event) => resolve(event.blockedURI));
  document.createElement("img").src = "http://elsewhere.example/pixel.png";
})"""


def test_a_page_is_dark_at_once_and_kept_from_other_hosts_and_its_kernel_from_secrets(server, open_page):
    page = open_page(server.url, color_scheme="dark").page
    assert_shown_on(page, DARK)
    assert page.evaluate(ELSEWHERE) == "http://elsewhere.example/pixel.png"
    found = json.loads(page.text_content("#found"))
    assert not set(SECRETS) & found["variables"].keys()
    assert found["variables"]["EXPLORER_NOTE"] == "kept"
    assert found["variables"]["PATH"] == os.environ["PATH"]
    assert found["executable"] == sys.executable


PART = re.compile(r"/\d+\.voila\.js|/(anywidget|jupyterlab-manager)/static/(?!remoteEntry)")
FETCHED = """() => performance.getEntriesByType("resource")
  .filter((entry) => entry.transferSize > 0).map((entry) => new URL(entry.name).pathname)"""


def test_a_closed_page_leaves_no_kernel_but_theme_and_scripts(server, open_page, wait_for):
    first = open_page(server.url + "?theme=light", color_scheme="dark").page
    assert_shown_on(first, LIGHT)
    first.wait_for_selector(FIGURE)
    fetched = first.evaluate(FETCHED)
    assert [path for path in fetched if PART.search(path)] == []  # they come joined
    assert 5 < len(fetched) < 30
    kernel = server.url + "api/kernels/" + first.evaluate(KERNEL)
    with urlopen(kernel) as answer:
        assert json.load(answer)["connections"] == 1
    second = first.context.new_page()
    first.close(run_before_unload=True)
    wait_for(lambda: _status(kernel) == 404)
    second.goto(server.url, wait_until="commit")
    assert_shown_on(second, LIGHT)
    assert "explorer-theme=light" in second.evaluate("document.cookie")
    second.wait_for_selector(FIGURE)
    asked = second.evaluate(FETCHED)  # an answer that nothing has changed counts, too
    assert [path for path in asked if not path.startswith("/api/kernels/")] == []


WIDGETS_COME_AFTER_THE_LAST_LOOK = """
// Whoever looks for a widget every 0.1 s, for two seconds, looks at once, after 1.5 s, and gives up after 3 s.
const later = setTimeout;
globalThis.setTimeout = (call, ms, ...given) => later(call, ms === 100 ? 1500 : ms, ...given);
globalThis.WebSocket = class extends WebSocket {
  set onmessage(take) {
    const first = performance.now() + 2200;
    super.onmessage = (event) => later(() => take(event), Math.max(0, first - performance.now()));
  }
};
"""


def test_widgets_that_come_just_as_the_page_gives_them_up_are_shown(server, open_page):
    visit = open_page(server.url, prepare=lambda page: page.add_init_script(WIDGETS_COME_AFTER_THE_LAST_LOOK))
    visit.page.wait_for_selector(FIGURE)
    visit.page.wait_for_function(REVEALED)
    visit.assert_clean()


@pytest.mark.sweep
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


@pytest.mark.sweep
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


def _status(address, **headers):
    try:
        with urlopen(Request(address, headers=headers)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
