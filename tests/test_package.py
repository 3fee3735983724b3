import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ["plotly", "ipywidgets", "anywidget", "voila", "rich", "traitlets", "IPython", "tornado", "pandas",
         "scipy"]  # fmt: skip
PUBLIC = {
    "sigmoid", "d_sigmoid", "relu", "d_relu", "tanh", "d_tanh", "softmax", "squared_error", "d_squared_error",
    "cross_entropy", "d_cross_entropy", "NeuralNetwork", "accuracy", "confusion_matrix", "load_mnist",
    "load_dataset", "TrainingConfig", "train", "EpochRecord", "History", "grid", "study",
    "Trial", "Explorer",
}  # fmt: skip


def python(code: str) -> str:
    """What `code` prints in a fresh interpreter, away from the repository."""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_loads_nothing_heavier_than_numpy():
    """Every worker process imports the package."""
    code = "from explorer import TrainingConfig, load_mnist, study, train; import sys; print(*sys.modules)"
    modules = {*python(code).split()}
    assert "explorer.training.networks" in modules
    assert not {"explorer.training.own_network", "explorer.training.runner"} & modules
    assert not {name.split(".")[0] for name in modules} & {*HEAVY}


@pytest.mark.parametrize(
    ("module", "floors"),
    [
        ("explorer.network", {"explorer.network"}),
        ("explorer.checks", {"explorer.checks", "explorer.network", "explorer.wording"}),
    ],
)
def test_the_network_and_its_checks_load_numpy_alone(module, floors):
    code = "import numpy.random, sys; was = {*sys.modules}; import %s; print(*{*sys.modules} - was)"
    loaded = python(code % module).split()
    packages = {name.split(".")[0] for name in loaded if name[0] != "_"} - sys.stdlib_module_names
    assert packages - {"numpy"} == {"explorer"}
    own = {".".join(name.split(".")[:2]) for name in loaded if name.split(".")[0] == "explorer"}
    assert own == {"explorer", *floors}


def test_the_networks_folder_runs_without_the_rest_of_the_package(tmp_path):
    shutil.copytree(ROOT / "explorer" / "network", tmp_path / "network")
    code = f"""if True:
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        sys.modules["explorer"] = None  # not to be imported
        import numpy as np
        from network import NeuralNetwork
        X, d = np.random.default_rng(0).random((3, 20)), np.eye(2)[:, np.arange(20) % 2]
        for options in ({{}}, {{"optimizer": "adam", "dropout": 0.2, "l2": 0.001, "hidden_activation": "relu"}}):
            history = NeuralNetwork(3, 4, 2, seed=0, **options).fit(X, d, batch_size=5, n_epochs=3)
            print(np.isfinite(history).all())"""
    assert python(code) == "True\nTrue\n"


def test_a_study_is_a_call():
    """Not the module of that name, also once that is imported."""
    code = "import explorer\nfrom explorer.training.studies.study import study"
    assert python(f"{code}\nprint(explorer.study is study)") == "True\n"


def test_every_public_name_is_listed_once_is_there_and_has_words():
    import explorer

    assert PUBLIC <= {*explorer.__all__} <= {*dir(explorer)}
    assert not hasattr(explorer, "no_such_name")
    assert len(explorer.__all__) == len({*explorer.__all__})
    for name in explorer.__all__:
        thing = getattr(explorer, name)
        assert not callable(thing) or (thing.__doc__ or "").strip(), name


def test_the_version_is_in_one_place_and_heads_the_changelog():
    import explorer

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["version"] == {"path": "explorer/__init__.py"}
    assert project["project"]["dynamic"] == ["version"]
    head = re.search("^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert f"version = {{{explorer.__version__}}}" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.fullmatch(rf"{re.escape(explorer.__version__)} — (unreleased|\d{{4}}-\d\d-\d\d)", head)
