"""What README and guide show works: their Python runs as it stands, their tables say what the code says."""

import doctest
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import guide_reference
import pytest

import explorer
from explorer.serve.command import main

ROOT = Path(__file__).parents[1]
GUIDE = sorted((ROOT / "notebooks" / "guide").glob("*.md"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *GUIDE)}
EXAMPLES = guide_reference.examples(TEXTS["api.md"])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PYTHON = [block for text in TEXTS.values() for block in BLOCK.findall(text)]


# A busy machine has no core to spare for a second BLAS thread, which then keeps all waiting.
ALONE = "from threadpoolctl import threadpool_limits; threadpool_limits(1)\n"


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_runs(number, tmp_path):
    command = [sys.executable, "-W", "error", "-c", ALONE + PYTHON[number]]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stderr) == (0, ""), result.stderr


def test_the_study_of_the_command_runs(folder, tmp_path, monkeypatch, capsys):
    (command,) = re.findall(r"^nn-explorer (study .*)$", TEXTS["studies_and_clusters.md"], re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(import_module("explorer.training.studies.study"), "n_cores", lambda: 1)
    small = ["--dataset", str(folder), "--epochs", "1"]
    assert main([*command.split(), *small]) == 0
    assert "40 of 40  " in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"study.jsonl"}


def test_ci_runs_the_tests_as_a_user_does():
    """Nothing adds to the README's command: what it needs is in pyproject.toml, for everybody."""
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    parts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".ci").iterdir()}
    assert set(re.findall(r"\.ci/(\w+)", "".join(parts.values()))) <= parts.keys()
    command = next(line for line in README.splitlines() if ".venv/bin/pytest" in line)
    assert "=" not in command
    assert """command="$(grep -m1 -F '.venv/bin/pytest' README.md)"\n""" in ci
    assert 'bash -c "$command" || .ci/again $?\n' in ci
    for text in parts.values():
        assert {*re.findall(r"\bexport (\w+)|\b(PYTEST_\w+)", text)} <= {("EXPLORER_REQUIRE_ALL", "")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    options = project["tool"]["pytest"]["ini_options"]["addopts"].split()
    assert {"-n", "auto", "--dist=loadfile"} <= {*options}


@pytest.mark.parametrize("name", TEXTS)
def test_pictures_and_files_are_there(name):
    folder = ROOT if name == "README.md" else GUIDE[0].parent
    shown = re.sub(r"```.*?```", "", TEXTS[name], flags=re.DOTALL)
    linked = re.findall(r"\]\((?!http|#)([^)#]+)", shown)
    assert linked or name != "README.md"
    for target in linked:
        assert (folder / target).is_file(), target


def test_the_way_of_a_setting_goes_through_the_names_that_it_gives():
    text = TEXTS["how_it_is_built.md"]
    rows = re.findall(r"^\| [a-z ]+ \| `(\S+)` \| (`[^|]+`) \|", text, re.MULTILINE)
    way = [(file, name) for file, names in rows for name in re.findall(r"[\w.]+", names)]
    n_files = len({file for file, _ in way})
    assert re.search(rf"by\s{len(way)}\sfunctions\sin\s{n_files}\sfiles", text)
    assert (len({*way}), len(way) <= 45, n_files <= 16) == (len(way), True, True)
    for file, name in way:
        source = (ROOT / "explorer" / file).read_text(encoding="utf-8")
        owner, _, method = name.rpartition(".")
        defined = rf"def {method}\b|^\s*(const |function )?{method}( = )?\("
        of = re.split(rf"^class {owner}\b", source, maxsplit=1, flags=re.MULTILINE)[-1] if owner else source
        assert not owner or of != source, (file, name)
        assert re.search(defined, of, flags=re.MULTILINE), (file, name)


def test_every_guide_is_linked():
    linked = {Path(target).name for target in re.findall(r"\(([^)]+)\)", README)}
    assert {path.name for path in GUIDE} <= linked


def test_the_reference_says_what_settings_and_commands_say():
    written, made = TEXTS["reference.md"], guide_reference.generated()
    assert guide_reference.settings() in written
    for text in re.findall(r"^```\n(usage: .*?)^```$", made, re.DOTALL | re.MULTILINE):
        command = re.match(r"usage: (nn-explorer(?: \w+)?)", text)[1]
        usage = rf"^```\n(usage: {command}(?: [A-Z]+)? \[.*?)^```$"
        (known,) = re.findall(usage, written, re.DOTALL | re.MULTILINE)
        # How they are set differs from Python to Python.
        options, listed = ({*re.findall(r"(?<!\w)--[a-z0-9-]+", one)} for one in (text, known))
        assert options == listed, f"{command}: run tests/guide_reference.py"


def test_the_api_page_is_what_docstrings_say_with_each_public_name_once():
    assert guide_reference.api(TEXTS["api.md"]) in TEXTS["api.md"], "run tests/guide_reference.py"
    named = " ".join(guide_reference.API.values()).split()
    assert sorted(named) == sorted(explorer.__all__)


@pytest.mark.parametrize("name", explorer.__all__)
def test_its_example_runs_and_comes_to_what_it_shows(name):
    code = EXAMPLES[name].removeprefix("```pycon\n").removesuffix("```")
    example = doctest.DocTestParser().get_doctest(code, {}, name, "api.md", 0)
    assert re.search(rf"\b{name}\b", code)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_contributing_names_files_that_are_there_and_each_script_of_ci():
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`((?:explorer|tests|notebooks|\.ci)/[\w./-]*|pyproject\.toml|CHANGELOG\.md)", text)
    )
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert {f".ci/{path.name}" for path in (ROOT / ".ci").iterdir()} <= named
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (ROOT / ".github" / link).is_file(), link
    recipes = text.partition("## Recipes")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert len(recipes) == 7
    assert all(recipe.count("tests/") and len(recipe.strip().splitlines()) <= 12 for recipe in recipes)
