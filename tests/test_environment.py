"""environment.yml for conda and pyproject.toml for pip ask for the same packages at the same floors."""

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "environment.yml").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ITEMS = re.findall(r"^  - ([^:\s#]+)", TEXT, flags=re.MULTILINE)  # `  - name>=floor`, without the comment
PYTHON = next(item.removeprefix("python=") for item in ITEMS if item.startswith("python="))


def specifiers(items):
    """The versions that are asked for, by name."""
    return {canonicalize_name(item.name): item.specifier for item in map(Requirement, items)}


CONDA = specifiers(item for item in ITEMS if not item.startswith(("conda-forge", "python=")))
REQUIRED = specifiers(PROJECT["dependencies"])
OPTIONAL = specifiers(item for extra in PROJECT["optional-dependencies"].values() for item in extra)


def test_the_package_itself_is_installed_from_the_folder_with_the_talk():
    extras = re.search(r"^  - pip:\n      - -e \.\[([\w,]+)\] +# \w.*\n?\Z", TEXT, flags=re.MULTILINE)
    assert extras.group(1).split(",") == ["present"]
    assert set(extras.group(1).split(",")) <= PROJECT["optional-dependencies"].keys()
    assert "pip" in CONDA


def test_python_is_one_that_the_package_supports():
    assert PYTHON in SpecifierSet(PROJECT["requires-python"])
    assert f"Programming Language :: Python :: {PYTHON}" in PROJECT["classifiers"]


@cache
def imported(folder):
    """The foreign packages that the folder's files import, each with the distributions that bring it."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / folder).rglob("*.py")]
    found = {name for text in texts for name in re.findall(r"^ *(?:from|import) (\w+)", text, re.MULTILINE)}
    bring = packages_distributions()
    foreign = (found & bring.keys()) - sys.stdlib_module_names - {"explorer"}
    return {name: {canonicalize_name(one) for one in bring[name]} for name in foreign}


def test_all_that_the_package_imports_is_declared():
    found = imported("explorer")
    assert {"numpy", "traitlets", "IPython"} <= found.keys()
    undeclared = {name for name, bringers in found.items() if not bringers & REQUIRED.keys()}
    assert undeclared == {"playwright", "PIL"}  # of the extras "pdf" and "images", asked for where missing


def test_all_that_is_declared_is_imported():
    """What only comes along with another package, and needs a floor for a test, is declared with the tests."""
    assert REQUIRED.keys() <= set().union(*imported("explorer").values())


def test_all_that_the_tests_import_is_declared():
    declared = REQUIRED.keys() | OPTIONAL.keys()
    assert {name for name, bringers in imported("tests").items() if not bringers & declared} == set()


def test_the_licences_of_program_and_data_are_declared():
    assert PROJECT["license"] == "MIT AND CC-BY-SA-3.0"
    data = "explorer/datasets/data"
    assert PROJECT["license-files"] == ["LICENSE", f"{data}/LICENSE.md", f"{data}/NOTICE.md"]
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in (ROOT / data / "LICENSE.md").read_text(encoding="utf-8")


def test_it_names_what_pyproject_names_with_equal_floors_and_ceilings():
    known = REQUIRED | OPTIONAL | {"pip": CONDA["pip"]}
    assert REQUIRED.keys() <= CONDA.keys()
    assert {name: known.get(name) for name in CONDA} == CONDA
