"""A page in a real browser: its controls by the labels that readers see, and a record of what went wrong on it."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, expect
from playwright.sync_api import TimeoutError as TooLateError

from explorer.app.panels.tabs import offered_tabs
from explorer.exports.files import kinds
from explorer.figures.palette import PALETTES
from explorer.training import FIELDS

DRAWN = "document.querySelectorAll('.explorer-figure .js-plotly-plot .main-svg').length >= 6"
FITTED = """() => {
  const near = (plot, side, length) => Math.abs(plot.querySelector('.main-svg')?.getAttribute(side) - length) < 2;
  const fills = (plot) => near(plot, "width", plot.clientWidth) && near(plot, "height", plot.clientHeight);
  const plots = [...document.querySelectorAll('.explorer-live-plot')];
  return plots.length >= 3 && plots.filter((plot) => plot.clientHeight > 0).every(fills);
}"""
TRACES = """(place) => {
  const plain = (values) => values && Array.from(values, (v) => (v && typeof v === 'object' ? Array.from(v) : v));
  const plot = document.querySelector(`.explorer-place-${place} .js-plotly-plot`);
  return (plot?.data ?? []).map(({ name, y, z }) => ({ name, y: plain(y), z: plain(z) }));
}"""
MATRIX = f"""() => {{
  const [mistakes, right] = ({TRACES})('confusion');
  return mistakes?.z.map((row, i) => row.map((value, j) => (i === j ? right.z[i][j] : value) || 0));
}}"""
GO = "query => { history.pushState(null, '', query); dispatchEvent(new PopStateEvent('popstate')); }"
LOST = "document.body?.textContent.includes('Error displaying widget: model not found')"
IDLE = "window.jupyterapp?.shell.currentWidget?.context?.sessionContext.session?.kernel?.status === 'idle'"
RESTART = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()"
SHEETS = """() => [...document.querySelectorAll('style')].map(({ id }) => id)
  .filter((id) => /^explorer[.][a-z]+$/.test(id))"""
SHARED = "Object.keys(globalThis).filter((key) => /^explorer.plotly.[0-9.]+$/.test(key)).length"
FETCHED = """performance.getEntriesByType('resource')
  .filter((entry) => entry.name.endsWith('/plotly.js') && entry.transferSize > 0).length"""
"""How often the page has fetched Plotly."""
WATCH = """
globalThis.unstyled = [];
const isStyled = () => getComputedStyle(document.documentElement).getPropertyValue('--explorer-font') !== '';
new MutationObserver((changes) => {
  for (const node of changes.flatMap(({ addedNodes }) => [...addedNodes])) {
    const isOurs = node instanceof Element && node.closest('.explorer-part, .explorer-app');
    if (isOurs && !isStyled()) globalThis.unstyled.push(node.outerHTML);
  }
}).observe(document, { childList: true, subtree: true });
"""
"""Keeps each of our elements that comes before its style sheet."""
OUT_OF_REACH = """() => {
  const found = [];
  const texts = '.explorer-caption p, .explorer-value, .explorer-status';
  const parts = `button, input, select, summary, .explorer-gallery-tile, ${texts}`;
  for (const part of document.querySelector('.explorer-app').querySelectorAll(parts)) {
    const isUnseen = part.matches('.explorer-unseen') || part.closest('[popover]:not(:popover-open)');
    if (isUnseen || !part.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    part.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const { left, top, right, bottom, width, height } = part.getBoundingClientRect();
    const at = document.elementFromPoint(left + width / 2, top + height / 2);
    const isInside = left >= -1 && top >= -1 && right <= innerWidth + 1 && bottom <= innerHeight + 1;
    const isFree = at !== null && (part.contains(at) || at.contains(part) || at.closest('label')?.contains(part));
    const name = part.ariaLabel ?? part.textContent;
    if (!isInside || !isFree) found.push([part.className, name, left, top, bottom, at?.className]);
  }
  scrollTo(0, 0);
  return found;
}"""
SEVERE = ("serious", "critical")


def rgb(color):
    """A color such as ``#171c23`` as browsers write it."""
    return "rgb({}, {}, {})".format(*(int(color[i : i + 2], 16) for i in (1, 3, 5)))


SURFACE = {theme: rgb(palette.surface) for theme, palette in PALETTES.items()}


def exercise(**settings):
    """The query of the exercise's settings, of which some may be others, by their keys in links."""
    return f"?{urlencode({'preset': 'exercise', **settings}, safe=',')}"


def number(place, name, *, exact=True):
    """The number of a setting, of any place on a page."""
    options = {"name": FIELDS[name].label, "exact": exact}
    return place.get_by_role("spinbutton", **options).or_(place.get_by_role("textbox", **options)).first


def assert_becomes(page, expression, value, *where):
    """What a function of the page returns becomes this value: parts may still be on their way."""
    with suppress(TooLateError):
        equal = f"(value) => JSON.stringify(({expression})()) === JSON.stringify(value)"
        page.wait_for_function(equal, arg=value, timeout=60_000)
    found = page.evaluate(expression)
    assert found == value, (found, *where)


def enter(field, text):
    field.fill(str(text))
    field.press("Enter")


@dataclass
class Visit:
    """A page of the explorer, and what happened on it."""

    page: object
    url: str
    page_errors: list = field(default_factory=list)
    console_errors: list = field(default_factory=list)
    foreign: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    socket_bytes: int = 0

    def __post_init__(self):
        on = self.page.on
        on("pageerror", lambda error: self.page_errors.append(f"{error}\n{error.stack}"))
        on("console", lambda m: m.type == "error" and self.console_errors.append(f"{m.text} {m.location}"))
        on("request", self._on_request)
        on("response", lambda r: r.status >= 400 and self.refused.append(f"{r.status} {r.url}"))
        on("websocket", lambda sock: sock.on("framereceived", self._on_frame))
        self.bar = self.page.locator(".explorer-run")
        self.tiles = self.page.locator(".explorer-place-tiles")
        self.messages = self.page.locator(".explorer-messages")
        self.gallery = self.page.locator(".explorer-place-gallery")
        self.rows = self.page.locator(".explorer-runs tr[data-number]")  # of the table of runs, newest first

    def _on_request(self, request):
        own = (self.url, self.url.replace("http", "ws", 1), "blob:", "data:")
        if not request.url.startswith(own):
            self.foreign.append(request.url)

    def _on_frame(self, payload):
        self.socket_bytes += len(payload)

    def assert_clean(self):
        """No script error, nothing on the console, nothing from another host, nothing refused."""
        wrong = self.page_errors, self.console_errors, self.foreign, self.refused
        assert not any(wrong), wrong

    # ---------------------------------------------------------------- parts

    def button(self, name, **options):
        return self.page.get_by_role("button", name=name, **options)

    def number(self, name):
        """The number of a setting, such as ``hidden_sizes``."""
        return number(self.page, name)

    def slider(self, name):
        return self.page.get_by_role("slider", name=FIELDS[name].label)

    # ---------------------------------------------------------------- what a user does

    def set(self, **settings):
        """Type values of settings."""
        for name, value in settings.items():
            enter(self.number(name), value)

    def tab(self, view):
        """Turn to a view, by its name in links; return its tab."""
        of = offered_tabs()[view].what
        return self.tab_of(of.group, of.label)

    def tab_of(self, group, words):
        """The same, by the names of the group and of the tab on the page."""
        outer = self.page.get_by_role("tab", name=group, exact=True)
        outer.click()
        if words == group:
            return outer
        tab = self.page.get_by_role("tab", name=words, exact=True)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        return tab

    def preset(self, name):
        """Choose a preset in the menu."""
        self.button("Experiments").click()
        menu, header = (
            self.page.locator(part).bounding_box() for part in (".explorer-situations", ".explorer-header")
        )
        assert menu["y"] > header["y"] + header["height"]
        self.button(name, exact=True).click()
        expect(self.button(f"Experiments: {name}")).to_be_in_viewport(ratio=1)

    def section(self, name):
        """Turn to a section of the tab; return it."""
        self.page.get_by_role("radiogroup", name="Section").get_by_text(name, exact=True).click()
        return self.page.locator(".explorer-section:visible")

    def press(self, name):
        """Press a button of the run bar."""
        self.bar.get_by_role("button", name=name, exact=True).click()

    def choose_cell(self, true, predicted):
        """Choose a cell of the confusion matrix by keys, of which the first leads to (0, 0)."""
        cells = self.page.locator(".explorer-place-confusion [role=application]")
        cells.press("Escape")
        expect(self.gallery).to_be_hidden()
        for key, times in {"ArrowDown": 1 + true, "ArrowRight": predicted}.items():
            for _ in range(times):
                cells.press(key)
        expect(self.gallery.locator("h2")).to_contain_text(f"{true} read as {predicted}")

    def choose(self, figure, words):
        """Choose an entry of a figure's menu."""
        self.button(f"{figure}: picture, data, full screen").click()
        self.button(words, exact=True).click()

    def keys(self, *keys):
        """Press keys, each followed by how many times."""
        for key, times in zip(keys[::2], keys[1::2], strict=True):
            for _ in range(times):
                self.page.keyboard.press(key)

    def resize(self, width, height):
        """Give the window another size, and wait until each figure has its own."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.until_fitted()

    def go(self, query):
        """Go to settings as an entry of the browser's history does: to their run, if there is one."""
        self.page.evaluate(GO, query)

    def begin(self, query):
        """Train settings again: they come as those of an entry of the browser's history do."""
        self.go("?hidden=1&n=100&epochs=1")  # between two tests: no test has such a run
        expect(self.tiles).to_contain_text("784-1-10")
        self.go(query)
        expect(self.tiles).not_to_contain_text("784-1-10")

    def download(self, button, folder, **patience):
        """Press a button that saves a file; return where the file is."""
        with self.page.expect_download() as download:
            button.click(**patience)
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def export(self, kind, folder, place=None):
        """Export a run, of one app of several; return where the file is. Scrolling closes the menu: again."""
        app = place or self.page
        menu = app.get_by_role("button", name="Export")
        entry = app.get_by_role("button", name=kinds()[kind].what.label)
        menu.click()
        with suppress(TooLateError):
            return self.download(entry, folder, timeout=20_000)
        menu.click()
        return self.download(entry, folder)

    def open_file(self, path):
        """Open a session."""
        self.button("Export").click()
        with self.page.expect_file_chooser() as chooser:
            self.button("Open session").click()
        chooser.value.set_files(path)

    # ---------------------------------------------------------------- in JupyterLab

    def command(self, name, **arguments):
        """Have JupyterLab do something, and wait for it."""
        execute = "([name, given]) => window.jupyterapp.commands.execute(name, given).then(() => null)"
        self.page.evaluate(execute, [name, arguments])

    def until_idle(self):
        self.page.wait_for_function(IDLE)

    def run_all(self):
        """Begin to run all cells."""
        self.until_idle()
        self.page.evaluate("() => void window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def restart(self):
        """Give the notebook another kernel."""
        self.page.evaluate(RESTART)

    # ---------------------------------------------------------------- what the page shows

    def until_drawn(self):
        try:
            self.page.wait_for_function(DRAWN)
        except Error as error:
            error.add_note(self.account())
            raise

    def until_shown(self, condition):
        """Wait for what a function of the page looks for, on a page of Voilà as it comes.

        ipywidgets' manager gives up on an output's model after 2 s, without a last look: on a page that is busy
        for longer, the output is lost until a reload. The explorer's own template waits instead.
        """
        either = f"() => ({condition})() ? 'shown' : {LOST} ? 'lost' : null"
        while self.page.wait_for_function(either).json_value() == "lost":
            self.page.reload()

    def account(self):
        """What the page says, and what went wrong on it."""
        words = self.page.evaluate("document.body.innerText.slice(0, 1000)")
        wrong = self.page_errors, self.console_errors, self.foreign, self.refused
        return f"{words}\n{wrong}\n{self.socket_bytes} bytes came by its socket"

    def until_fitted(self):
        """Wait until each figure in sight fills its place: it is drawn once before that has its size."""
        self.page.wait_for_function(FITTED)

    def until_finished(self, epochs=None):
        done = "finished" if epochs is None else re.compile(rf"finished · {epochs} of {epochs} epochs?")
        expect(self.bar).to_contain_text(done)

    def until_points(self, number, figure="accuracy", name="test"):
        """Wait for a number of points on a curve, such as "> 3"."""
        points = f"({TRACES})('{figure}').find((t) => t.name === '{name}')?.y.length ?? 0"
        self.page.wait_for_function(f"({points}) {number}")

    def until_matrix(self, counts):
        """Wait until the page shows this confusion matrix: each part is drawn when its news comes."""
        arg = str(np.asarray(counts).tolist()).replace(" ", "")
        self.page.wait_for_function(f"(counts) => JSON.stringify(({MATRIX})()) === counts", arg=arg)

    def curve(self, figure, name):
        trace = next(t for t in self.page.evaluate(TRACES, figure) if t["name"] == name)
        return np.array(trace["y"], dtype=float)

    def matrix(self):
        return np.array(self.page.evaluate(MATRIX), dtype=int)

    def severe(self, context=None, impacts=SEVERE, **options):
        """What keeps somebody from using the page, by the rules of axe-core: the rule, and what breaks it.

        With `impacts` None also what only hinders.
        """
        axe = Axe()
        if self.page.evaluate("'axe' in window"):
            axe.axe_script = ""  # it is there, and stays
        found = axe.run(self.page, context, {"resultTypes": ["violations"], **options}).response["violations"]
        broken = [violation for violation in found if impacts is None or violation["impact"] in impacts]
        return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in broken]
