"""What stands in the page: words for a screen reader, images pixel for pixel, figures in both themes."""

import io
import json
import re
from base64 import b64decode
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from lessons import figures_in
from PIL import Image
from threadpoolctl import threadpool_info, threadpool_limits

from explorer.figures.charts import lines_figure
from explorer.figures.palette import PALETTES, rgb
from explorer.notebook.exercise import Exercise
from explorer.notebook.page import figure, images, prepare, table
from explorer.training.process_settings import one_blas_thread


@pytest.fixture
def pictures():
    return np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def test_each_light_color_has_its_dark_counterpart():
    colors = json.loads(prepare().html.rpartition("drawLessonFigures(")[2].removesuffix(");</script>"))
    light, dark = PALETTES["light"], PALETTES["dark"]
    for name in ("surface", "text", "muted", "train", "test", "heat", "negative"):
        assert colors[getattr(light, name)] == getattr(dark, name)
    assert colors["rgba(138,63,151"] == "rgba(208,139,224"  # the bands of a study


def test_a_figure_goes_to_the_page_whole():
    drawn = lines_figure({"f": ([0, 1], [2, 3])}, x_title="</script><b>").update_layout(height=123)
    shown = figure(drawn, 'up "and" up')
    assert figures_in(shown.html) == [json.loads(drawn.to_json())]
    assert shown.html.count("</script>") == 1
    html = shown.html.replace("&#34;", "&quot;")
    assert 'role="img" aria-label="up &quot;and&quot; up" style="height: 123px"' in html
    assert "<figcaption>up &quot;and&quot; up</figcaption>" in html
    assert shown.text == 'up "and" up'


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_images_are_there_in_both_themes(pictures, theme):
    shown = images(pictures, ["a", "b", "<c>"], "Three.")
    tags = re.findall(
        rf'<img class="lesson-{theme}" width="12" height="10" alt="(.*?)" src="data:image/png;base64,(.*?)">',
        shown.html,
    )
    assert [label for label, _ in tags] == ["a", "b", "&lt;c&gt;"]
    palette = PALETTES[theme]
    for _, data in tags:
        with Image.open(io.BytesIO(b64decode(data))) as png:
            assert png.size == (6, 5)  # which the page enlarges
    with Image.open(io.BytesIO(b64decode(tags[0][1]))) as png:
        assert "#{:02x}{:02x}{:02x}".format(*png.convert("RGB").getpixel((0, 0))) == palette.raised  # no ink
    assert shown.text == "Three. a, b, <c>"
    hues = images(np.linspace(-1, 1, 3)[:, None, None] * np.ones((4, 5)), ["a", "b", "c"], "Weights.").html
    found = re.findall(rf'<img class="lesson-{theme}".*?base64,(.*?)">', hues)
    drawn = [Image.open(io.BytesIO(b64decode(data))).convert("RGB").getpixel((0, 0)) for data in found]
    assert drawn == [rgb(color) for color in (palette.negative, palette.raised, palette.positive)]


def test_a_table_sets_code_and_escapes():
    shown = table(("name", "value"), [["`a < b`", "1"], ["plain", "`x`, `y`"]], "A & B")
    assert "<caption>A &amp; B</caption>" in shown.html
    assert "<td><code>a &lt; b</code></td>" in shown.html
    assert "<td><code>x</code>, <code>y</code></td>" in shown.html
    assert shown.text.splitlines()[0] == "name     value"


def blas():
    pools = (pool for pool in threadpool_info() if pool["user_api"] == "blas")
    return {pool["num_threads"] for pool in pools if "scipy.libs" not in pool["filepath"]}


@pytest.fixture
def cell(tmp_path):
    """Runs a cell, before which BLAS has two threads; returns how many it has at the cell's end, and after it."""
    shell, found = InteractiveShell.instance(), []
    begin = partial(Exercise, tmp_path / "progress.jsonl", examiner=SimpleNamespace(prepare=lambda: None))
    shell.push({"prepare": prepare, "begin": begin, "training": one_blas_thread()})
    shell.push({"limit": threadpool_limits, "note": lambda: found.append(blas())})
    with threadpool_limits(2, user_api="blas"):
        yield lambda code: (shell.run_cell(f"try: {code}\nfinally: note()"), (found[-1], blas()))[1]
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("first", ["shown = prepare()", "exercise = begin()"])
def test_a_notebooks_cells_have_one_blas_thread_and_give_back_what_was_set(cell, first):
    assert cell("pass") == ({2}, {2})
    for code in (first, "pass", first, "shown = prepare(); exercise = begin()", "1 / 0", "pass"):
        assert cell(code) == ({1}, {2})
    events = InteractiveShell.instance().events.callbacks
    assert (len(events["pre_run_cell"]), len(events["post_run_cell"])) == (1, 1)
    assert [cell("training.__enter__()"), cell("pass")] == [({1}, {1})] * 2  # a run outlasts its cell
    assert cell("training.__exit__(None, None, None)") == ({1}, {2})


def test_a_number_of_blas_threads_that_a_cell_sets_stays(cell):
    cell("shown = prepare()")
    assert cell("limit(2, user_api='blas').unregister()") == cell("pass") == ({1}, {2})
    assert cell("limit(3, user_api='blas')") == cell("pass") == ({3}, {3})
    assert cell("shown = prepare()") == cell("pass") == ({1}, {3})
