"""A published page from a server of files, with no other host to ask and no Python: everything in it is alive."""

import re
import shutil
from base64 import b64encode
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from browser.static_files import served
from playwright.sync_api import expect
from thinned import swept

from explorer.datasets import Dataset, load_mnist
from explorer.datasets.preprocessing import preprocess
from explorer.extensions.publish.recordings import KeepingPool, KeptWeights
from explorer.extensions.publish.site import publish
from explorer.training import PRESETS, TrainingConfig, new_network
from explorer.training.studies import grid, study

SCRIPTS = Path(__file__).parents[2] / "explorer" / "extensions" / "publish"
BASE = TrainingConfig(hidden_sizes=(8,), epochs=3, batch_size=50, n_train=2000)
TURN = """async (slider, by) => {
  const views = [".explorer-network-layer", "#site-curves-caption", "#site-matrix-caption"];
  const texts = () => views.map((view) => document.querySelector(view).textContent);
  const before = texts();
  const { promise, resolve } = Promise.withResolvers();
  const { replaceState } = history;
  history.replaceState = (...given) => {
    replaceState.apply(history, given);
    history.replaceState = replaceState;
    resolve(texts().map((text, k) => text !== before[k])); // before what follows a moment later
  };
  slider.value = String(Number(slider.value) + by);
  for (const event of ["input", "change"]) slider.dispatchEvent(new Event(event));
  return promise;
}"""
"""Moves a slider; returns which views have changed when the address has."""
LOADED = "() => performance.getEntries().filter(({ name }) => /run-/.test(name)).length === 4"
WITHIN = """() => {
  const { top, bottom } = document.querySelector(".explorer-network-classes").getBoundingClientRect();
  const links = document.querySelectorAll(".explorer-network-stage path");
  const end = (link) => link.getPointAtLength(link.getTotalLength()).matrixTransform(link.getScreenCTM()).y;
  return links.length && [...links].every((link) => top - 5 <= end(link) && end(link) <= bottom + 5);
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A page of eight runs on MNIST, and its folder."""
    folder = tmp_path_factory.mktemp("published")
    modern = PRESETS["Modern"].replace(epochs=3, n_train=2000)
    settings = {"hidden_sizes": [(8,), (40,)], "batch_size": [50, 1000]}
    configs = (*grid(BASE, **settings), *grid(modern, **settings))
    kept = KeptWeights(folder, (1, 2, 3))
    with KeepingPool(kept) as pool:
        trials = sorted(study(configs, executor=pool), key=lambda trial: configs.index(trial.config))
    runs = [kept.run_of(trial, load_mnist()) for trial in trials]
    publish(runs, load_mnist(), folder / "site", title="What batch size does", text="<p>Move a slider.</p>")
    with served(folder / "site") as address:
        yield address, folder / "site"


def drawn(found):
    """Wait until a page has all its figures."""
    n_drawn = "document.querySelectorAll('.js-plotly-plot:has(.main-svg)').length"
    found.page.wait_for_function(f"() => {n_drawn} === 3")
    return found


def slider(page, label):
    """The slider of a setting."""
    return page.locator(".explorer-control", has_text=label).locator("input[type=range]")


@pytest.mark.long
def test_a_second_publication_is_shown_whole_where_all_of_the_first_is_cached(open_page, tmp_path):
    """As a cache in between keeps files for good, but asks for the page itself again."""
    mnist, folder, cached = load_mnist(), tmp_path / "site", {}
    kept = KeptWeights(tmp_path, (1,))
    configs = [BASE.replace(epochs=1, hidden_sizes=(n,)) for n in (5, 7)]
    with KeepingPool(kept) as pool:
        runs = [kept.run_of(trial, mnist) for trial in study(configs, executor=pool)]
    runs.sort(key=lambda run: run.config.hidden_sizes)
    publish(runs[:1], mnist, folder, title="First")

    def from_cache(route):
        url = route.request.url
        if url not in cached:
            cached[url] = route.fetch().body()
        route.fulfill(body=cached[url], content_type="text/javascript")

    with served(folder) as address:
        found = open_page(address, prepare=lambda page: page.route("**/data/*.js", from_cache))
        expect(drawn(found).page.get_by_role("listbox", name="5 units, sigmoid")).to_be_visible()
        before = {*cached}
        shutil.rmtree(folder)
        publish(runs[1:], mnist, folder, title="Second")
        found.page.reload()
        expect(drawn(found).page.get_by_role("listbox", name="7 units, sigmoid")).to_be_visible()
        (run,) = {*cached} - before  # images and Plotly are the same, and not loaded again
        assert "/data/run-0." in run


def test_a_link_sliders_cells_epochs_and_drawings_are_alive(open_page, site):
    found = drawn(open_page(f"{site[0]}#hidden=32&batch=8&epoch=2"))
    page = found.page
    expect(page.locator("#site-said")).to_have_text(
        "The nearest recorded: hidden units 40, not 32; batch size 50, not 8."
    )
    expect(page).to_have_url(re.compile(r"hidden=40&batch=50&epoch=2$"))
    page.wait_for_function(LOADED)
    page.route("**/run-*.js", lambda route: None)  # no more of them
    hidden, caption = slider(page, "Hidden units"), page.locator("#site-matrix-caption")
    before = caption.inner_text()
    assert hidden.evaluate(TURN, -1) == [True, True, False]  # what is in the window is first
    expect(caption).not_to_have_text(before)
    page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    assert hidden.evaluate(TURN, 1) == [False, True, True]
    expect(page.get_by_role("listbox", name="40 units, sigmoid")).to_be_visible()
    page.unroute("**/run-*.js")

    accuracy = page.locator(".explorer-tiles .explorer-value").first
    before = accuracy.inner_text()
    slider(page, "Batch size").press("ArrowRight")
    expect(accuracy).not_to_have_text(before)
    expect(page).to_have_url(re.compile("batch=1000&"))
    page.reload()
    drawn(found)
    expect(page).to_have_url(re.compile(r"hidden=40&batch=1000&epoch=2$"))
    expect(page.locator("#site-said")).to_be_empty()
    waiting = []
    page.route("**/run-0.*.js", lambda route: waiting.append(route))
    with page.expect_request("**/run-0.*.js"):
        page.evaluate("() => (location.hash = 'hidden=8&batch=50')")
    page.get_by_label("Epoch shown").press("Home")  # while the run is still loading
    expect(page).to_have_url(re.compile("epoch=1$"))
    before = accuracy.inner_text()
    waiting[0].continue_()
    page.unroute("**/run-0.*.js")
    expect(accuracy).not_to_have_text(before)
    expect(page).to_have_url(re.compile(r"method=The\+exercise&hidden=8&batch=50&epoch=1$"))
    page.get_by_text("Modern", exact=True).click()
    expect(page.get_by_role("listbox", name="8 units, relu")).to_be_visible()
    matrix = page.locator("#site-matrix").get_by_role("application")
    matrix.press("ArrowRight")
    matrix.press("ArrowLeft")
    heading = page.locator(".explorer-gallery-heading")
    expect(heading).to_have_text(re.compile("^0 classified correctly: [0-9]+ images, worst first$"))
    matrix.press("ArrowRight")
    expect(heading).to_have_text(re.compile("^0 read as 1: [0-9]+ mistakes?, worst first$"))
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("A blank pad")).to_be_visible()
    box = page.locator("#site-drawing_pad canvas").bounding_box()
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] - 40, steps=4)
    page.mouse.up()
    expect(page.locator("#site-image")).to_have_text(re.compile("Your drawing, read as [0-9]$"))
    found.assert_clean()


@pytest.mark.long
def test_it_fits_a_phone_in_both_themes_from_the_disk(open_file, site):
    size = {"width": 390, "height": 844}
    page = (found := drawn(open_file(site[1] / "index.html", viewport=size, color_scheme="dark"))).page
    dark, light = "rgb(15, 19, 24)", "rgb(245, 246, 248)"
    for theme, scheme in (("dark", dark), ("light", light), ("auto", dark)):
        page.get_by_text(theme, exact=True).click()
        expect(page.locator("body")).to_have_css("background-color", scheme)
        assert page.evaluate("() => document.documentElement.scrollWidth") == 390
        assert theme == "auto" or found.severe(impacts=None) == []
    found.assert_clean()


@pytest.mark.long
@pytest.mark.parametrize("width", [pytest.param(390, marks=pytest.mark.sweep), 1440])
def test_of_a_hundred_classes_the_one_that_is_read_is_in_sight(open_file, tmp_path, width):
    rng, labels = np.random.default_rng(0), np.arange(2000) % 100
    patterns = 255 * np.kron(rng.integers(0, 2, (100, 8, 8)), np.ones((2, 2))).astype(np.uint8)  # 16 × 16
    data = Dataset(
        train_images=patterns[labels],
        train_labels=labels,
        test_images=patterns[labels[::-1]],
        test_labels=labels[::-1],
        class_names=[f"Species number {k}" for k in range(100)],
        name="Species",
    )
    configs = [PRESETS["Modern"].replace(epochs=1, batch_size=size) for size in (200, 400)]
    kept = KeptWeights(tmp_path, (1,))
    with KeepingPool(kept) as pool:
        runs = [kept.run_of(trial, data) for trial in study(configs, data, executor=pool)]
    publish(runs, data, tmp_path / "site", title="Species")
    found = drawn(open_file(tmp_path / "site" / "index.html", viewport={"width": width, "height": 844}))
    page = found.page
    classes = page.get_by_role("listbox", name="Classes")
    for _ in range(3):
        read = classes.locator("[data-kind]:not([data-kind=''])")
        seen, row = classes.bounding_box(), read.bounding_box()
        assert seen["y"] <= row["y"] <= row["y"] + row["height"] <= seen["y"] + seen["height"]
        classes.evaluate("(list) => (list.scrollTop = list.scrollTop > 400 ? 0 : list.scrollHeight)")
        page.wait_for_function(WITHIN)  # the links lead to the list also when the class is scrolled away
        page.get_by_role("button", name="A mistake").click()
    matrix = page.locator("#site-matrix")
    boxes = sorted((one.bounding_box() for one in matrix.locator(".ytick").all()), key=lambda box: box["y"])
    assert len(boxes) == 7
    assert all(a["y"] + a["height"] <= b["y"] for a, b in pairwise(boxes))
    matrix.locator(".nsewdrag").hover()
    expect(matrix.locator(".hovertext")).to_contain_text(re.compile("→ predicted Species number .* of "))
    plot, words = matrix.bounding_box(), matrix.locator(".hovertext").bounding_box()
    assert plot["x"] <= words["x"] <= words["x"] + words["width"] <= plot["x"] + plot["width"]
    assert page.evaluate("() => document.documentElement.scrollWidth") == width
    found.assert_clean()


@pytest.mark.long
@pytest.mark.parametrize(
    "config",
    [
        *swept((TrainingConfig(),), (PRESETS["Modern"],)),
        PRESETS["Modern"].replace(hidden_sizes=(64, 32), hidden_activation="tanh"),
    ],
    ids=["sigmoid", "relu and softmax", "two layers"],
)
def test_outputs_in_the_page_equal_python_s(open_page, site, config):
    """For all 10,000 test images; and drawings are prepared in the same way."""
    data = load_mnist()
    network = new_network(config.replace(seed=3), data)
    (page := open_page(site[0]).page).wait_for_selector("#site-main")
    sizes = [*network.layer_sizes]
    weights = [
        (np.ascontiguousarray(W.T) if k % 2 == 0 else W).astype("<f4").tobytes()
        for k, W in enumerate(W for pair in zip(network.W, network.b, strict=True) for W in pair)
    ]
    rng = np.random.default_rng(0)
    sizes_of_drawings = rng.integers(1, 20, (50, 2))
    drawings = [np.kron(rng.random(size) < 0.4, np.ones((5, 5))) for size in sizes_of_drawings]
    inks = np.zeros((50, 140, 140), np.uint8)
    for ink, drawing in zip(inks, drawings, strict=True):
        ink[: drawing.shape[0], -drawing.shape[1] :] = 255 * drawing
    result = page.evaluate(
        """async ({ text, network, weights, images, inks }) => {
          const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
          const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
          const { forward, preprocessed } = await import(url);
          const arrays = weights.map((one) => new Float32Array(bytes(one).buffer));
          const own = { ...network, W: arrays.filter((_, k) => k % 2 === 0), b: arrays.filter((_, k) => k % 2) };
          const [all, outputs] = [bytes(images), []];
          const part = (all, n, k) => all.subarray(k * n, (k + 1) * n);
          for (let k = 0; k < 10_000; k++) outputs.push(...forward(own, part(all, 784, k)).at(-1));
          const drawn = bytes(inks);
          const prepared = Array.from({ length: 50 }, (_, k) => [...preprocessed(part(drawn, 19_600, k))]);
          return [outputs, prepared];
        }""",
        {
            "text": (SCRIPTS / "network.js").read_text(encoding="utf-8"),
            "network": {"hidden": config.hidden_activation, "output": config.output, "sizes": sizes},
            "weights": [b64encode(one).decode() for one in weights],
            "images": b64encode(data.test_images.tobytes()).decode(),
            "inks": b64encode(inks.tobytes()).decode(),
        },
    )
    outputs = np.reshape(result[0], (10_000, 10)).T
    assert np.abs(outputs - network.forward(data.X_test)).max() <= 1e-5
    np.testing.assert_array_equal(np.reshape(result[1], (50, 28, 28)), [*map(preprocess, inks)])
