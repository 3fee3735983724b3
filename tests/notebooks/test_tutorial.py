"""The tutorial: its checks go red when a formula of the package is broken, and it stays whole as a static page."""

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from lessons import code_cells, complaints, execute, read, said_by, sections, shown

from explorer.checks.mistakes import METHODS

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "notebooks" / "tutorial.ipynb"

# By file: a formula of the textbook, how it is broken, and the cell whose check must notice.
BROKEN = {
    "network/activations.py": (
        ("return 1 / (1 + np.exp(-a))", "return 1 / (1 + np.exp(a))", "sigmoid-check"),
        ("return h * (1 - h)", "return h + (1 - h)", "sigmoid-slope-check"),
        ("np.exp(a - a.max(axis=0))", "np.exp(a)", "softmax-check"),
        ("np.maximum(0, a)", "np.minimum(0, a)", "relu-check"),
        ("np.heaviside(a, 0)", "np.maximum(a, 0)", "relu-slope-check"),
        ("lambda a: m * self.d(a)", "self.d", "dropout-gradient-check"),
    ),
    "network/losses.py": (
        ("0.5 * np.sum((y - d) ** 2)", "np.sum((y - d) ** 2)", "loss-check"),
        ("return y - d\n\n\n@of_one_shape", "return d - y\n\n\n@of_one_shape", "loss-slope-check"),
        ("return (y - d) * y * (1 - y)", "return y - d", "backward-check"),
        ("-np.sum(d * np.log(", "-np.sum(d * np.log2(", "cross-entropy-check"),
        ("np.asarray(-d / ", "np.asarray(d / ", "cross-entropy-slope-check"),
        ('(Bridle, 1990)."""\n    return y - d', '(Bridle, 1990)."""\n    return d - y', "delta-check"),
    ),
    "network/initializers.py": (
        ("rng.uniform(-limit, limit,", "rng.uniform(0.0, limit,", "init-check"),
        ("np.sqrt(6.0 / (n_in + n_out))", "np.sqrt(3.0 / (n_in + n_out))", "init-check"),
    ),
    "network/network.py": (
        ("zip(self.layer_sizes, self.layer_sizes[1:])", "[self.layer_sizes[:2]] * 2", "init-check"),
        ("W @ self.h[-1] + b", "W @ self.h[-1] - b", "forward-check"),
        ("W @ self.h[-1] + b", "W @ self.h[-1]", "forward-check"),
        ("self.h.append(f(self.a[-1]))", "self.h.append(self.a[-1])", "forward-check"),
        ("np.argmax(self.forward(X), axis=0)", "np.argmin(self.forward(X), axis=0)", "decision-check"),
        ("(self.W[i].T @ delta) * self.f[i - 1].d(self.a[i - 1])", "self.W[i].T @ delta", "backward-check"),
        (".d(self.a[i - 1])", ".d(self.h[i])", "backward-check"),
        ("d_b = delta.sum(axis=1, ", "d_b = delta.mean(axis=1, ", "backward-check"),
        ("theta -= lr * d_theta", "theta += lr * d_theta", "step-check"),
        (
            "self.step(gradient, lr, X.shape[1])\n",
            "self.step(gradient, lr, X.shape[1])\n        loss = self.compute_loss(self.forward(X), d)\n",
            "step-check",
        ),
        ("range(0, n_samples, batch_size)", "range(0, n_samples - batch_size + 1, batch_size)", "fit-check"),
        ("self.rng.permutation(n_samples)", "np.arange(n_samples)", "fit-check"),
        ("            loss = 0.0\n", "            loss = locals().get('loss', 0.0)\n", "fit-check"),
        ("history.append(loss / n_samples)", "history.append(loss / n_epochs)", "fit-check"),
    ),
    "datasets/dataset.py": (
        ("pixels = images.reshape(", "pixels = images.swapaxes(1, 2).reshape(", "pixels-check"),
        ("[labels].T)", "[labels - 1].T)", "one-hot-check"),
        ("np.sort(np.delete(order, chosen)),", "np.sort(order),", "split-check"),
    ),
    "network/metrics.py": (
        ("true * n_classes + predicted", "predicted * n_classes + true", "confusion-check"),
    ),
    "network/optimizers.py": (
        ("    return v, (v,)", "    return v, (lr * g,)", "momentum-check"),
        ("m / (1 - BETA_1**t), s / (1 - BETA_2**t)", "m, s", "adam-check"),
    ),
    "network/methods.py": (
        ("step(tuple(changes), 1.0, n)", "step(tuple(changes), -1.0, n)", "optimization-check"),
        ("g / n if optimizer.is_scale_free else g", "g / n", "optimization-check"),
        ("lr(t, n) if callable(lr) else lr", "lr", "schedule-check"),
        ("d_W += y.shape[1] * d_penalty(", "d_W += d_penalty(", "penalties-check"),
        ("f.times(m) for", "f.times(m)._replace(d=f.d) for", "dropout-gradient-check"),
    ),
    "training/run.py": (("self.set_weights(best.weights)", "best.weights", "stopping-check"),),
    "network/regularization.py": (
        ("np.float32(1 / (1 - rate))", "np.float32(1)", "dropout-check"),
        ("l2 * W + l1 * np.sign(W)", "l2 * W", "penalties-check"),
    ),
    "datasets/augmentation.py": (("np.deg2rad(degrees)", "np.deg2rad(2 * degrees)", "augmentation-check"),),
}
CASES = [(file, *case) for file, cases in BROKEN.items() for case in cases]


def raised(lasts, **environment):
    """What cells and those that they need raise, with the package in a folder: {folder: {id: (error, words)}}."""
    command = [sys.executable, Path(__file__).with_name("cells.py"), TUTORIAL]
    cells = "".join(f"{folder}\t{cell}\n" for folder, cell in lasts.items())
    environment = {**os.environ, **environment}
    done = subprocess.run(command, input=cells, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = {str(folder): {} for folder in lasts}
    for line in (line for line in done.stdout.splitlines() if line.count("\t") == 3):
        folder, cell, *told = line.split("\t")
        found[folder][cell] = tuple(told)
    return found


def broken_package(folder, file, right, wrong):
    """Make the package in a folder of links to its parts, and of a copy of one part, with one formula broken."""
    package, part = ROOT / "explorer", Path(file).parent
    shutil.copytree(package / part, folder / "explorer" / part)
    for entry in package.iterdir():
        if entry.name != part.name:
            (folder / "explorer" / entry.name).symlink_to(entry)
    path = folder / "explorer" / file
    source = path.read_text(encoding="utf-8")
    assert source.count(right) == 1
    path.write_text(source.replace(right, wrong), encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):  # the others' are as good as at home
        compiled.unlink()
    return folder


@pytest.fixture(scope="module")
def red(tmp_path_factory):
    """What the tutorial's cells raise with each formula broken: {case: {id: (error, message)}}."""
    folders = {case: broken_package(tmp_path_factory.mktemp("broken"), *case[:3]) for case in CASES}
    found = raised({folder: cell for (*_, cell), folder in folders.items()})
    return {case: found[str(folder)] for case, folder in folders.items()}


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES, ids=lambda case: case[-1])
def test_a_broken_formula_turns_its_check_red(case, red):
    error, message = red[case][case[-1]]
    assert error == "CheckError"
    assert "expected" in message
    assert len(message) < 200


@pytest.mark.long
def test_a_red_check_is_one_line_in_the_notebook():
    cells = [cell for cell in code_cells(TUTORIAL) if cell.id in ("begin", "sigmoid-figure")]
    wrong = nbformat.v4.new_code_cell("checks.sigmoid(np.tanh)")
    notebook = nbformat.v4.new_notebook(cells=[*cells, wrong])
    execute(notebook, allow_errors=True)
    (output,) = wrong.outputs
    assert output.ename == "CheckError"
    (line,) = output.traceback
    assert line.startswith("\x1b[31m✗ tanh(0.25): expected 0.56")


@pytest.mark.long
def test_the_images_come_without_a_writable_home(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    nowhere = str(tmp_path / "file" / "home")
    assert raised({ROOT: "pixels-check"}, HOME=nowhere, XDG_CACHE_HOME=nowhere) == {str(ROOT): {}}


def test_every_check_is_broken_by_something():
    checks = {cell.id for cell in code_cells(TUTORIAL) if re.search(r"^checks\.", cell.source, re.MULTILINE)}
    assert {cell for *_, cell in CASES} == checks - {"deep-check"}  # that is part 5's, on another network


def test_the_ten_parts_come_in_order():
    cells = read(TUTORIAL).cells
    heads = [line for cell in cells for line in cell.source.splitlines() if line.startswith("## ")]
    assert [head.split()[1] for head in heads[:10]] == [str(number) for number in range(1, 11)]


def test_each_part_has_a_formula_a_source_a_picture_and_a_check():
    parts = sections(TUTORIAL)
    assert len(parts) == 10
    for part in parts:
        assert "$$" in part
        assert re.search(r"^source\(", part, re.MULTILINE)
        assert re.search(r"pictures\.\w|show_plane\(", part)
        assert re.search(r"^checks\.", part, re.MULTILINE)


def test_source_comes_right_after_its_formula():
    before = ""
    for cell in read(TUTORIAL).cells:
        if "source(" not in cell.source or cell.cell_type == "markdown":
            before = cell.source if cell.cell_type == "markdown" else ""
        else:
            assert "$" in before, cell.id


def test_parts_3_to_10_show_the_textbook_and_its_methods():
    shown = "\n".join(cell.source for cell in code_cells(TUTORIAL) if "source(" in cell.source)
    formulas = *METHODS, "output_delta", "step"
    methods = "Optimization", "Schedule", "Penalties", "Dropout"
    for formula in (*(f"Network.{formula}" for formula in formulas), *methods):
        assert re.search(rf"[( ]{formula}[,)]", shown), formula


class Page(HTMLParser):
    """What a static page holds, in whatever order its attributes are written: figures, images, and errors."""

    def __init__(self):
        super().__init__()
        self.figures, self.images, self.errors = 0, 0, 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.figures += "lesson-plot" in (attributes.get("class") or "").split()
        self.images += tag == "img" and (attributes.get("src") or "").startswith("data:image/png;base64,")
        self.errors += attributes.get("data-mime-type") == "application/vnd.jupyter.stderr"


@pytest.fixture(scope="module")
def executed():
    """The tutorial after it ran, top to bottom; its study of 48 runs on a sixth of the images, for an epoch."""
    notebook = read(TUTORIAL)
    (study,) = (cell for cell in notebook.cells if cell.get("id") == "batch-study")
    assert study.source.count("TrainingConfig(epochs=2)") == 1
    study.source = study.source.replace("epochs=2", "epochs=1, n_train=10_000")
    return execute(notebook, store_widget_state=False)


@pytest.mark.long
def test_a_static_page_holds_every_figure(executed):
    from nbconvert import HTMLExporter

    text, _ = HTMLExporter().from_notebook_node(executed)
    drawn = sum(html.count('class="lesson-plot"') for html in shown(executed))
    page = Page()
    page.feed(text)
    assert page.figures == text.count("explorerLesson ??= []).push(") == drawn >= 15
    assert page.images >= 2 * 12
    assert page.errors == 0
    assert text.count("plotly.js v") == 1  # the library is there, once
    assert "metadata.widgets" not in text
    assert "application/vnd.jupyter.widget-view+json" not in text


@pytest.mark.long
def test_what_a_lesson_shows_loads_nothing(executed):
    for html in shown(executed):
        bare = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
        assert not re.search(r"(src|href)=\"(?!data:)", bare)
        assert "url(" not in bare


@pytest.mark.long
def test_every_cell_is_quiet_and_what_the_text_claims_is_what_they_print(executed):
    assert complaints(executed) == []
    said = said_by(executed)
    sums = re.findall(r"-?0\.\d{5}$", said["blame"], re.MULTILINE)
    assert (len(sums), len({*sums})) == (3, 1)
    on_train, on_test, without = map(float, re.findall(r"[\d.]+(?=%| images)", said["linear"]))
    assert (on_train > 90, on_test > on_train - 1) == (True, True)
    assert 1.2 * int(re.search(r"(\d+) with one", said["hidden-layer"])[1]) < without
    assert re.search(r"(\d.\d+)00 with W2 = 0; expected \1\n", said["sanity-loss"])
    assert said["sanity-few"].endswith("Accuracy: 100%.")
    assert re.search(r"(\d.\d+) with W2 = 0; log 10 is \1\n", said["softmax-start"])
    before, after = map(float, re.findall(r"([\d.]+) \w+ training", said["batch-lengths-figure"]))
    assert (before < 2, after > 10) == (True, True)
