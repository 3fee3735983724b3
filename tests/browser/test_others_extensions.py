"""The guide's extensions, as others have them: installed in a folder of their own, and seen on the page."""

import os
import subprocess
import sys

import nbformat
import pytest
from extension_files import PACKAGES, write_loose, write_package
from playwright.sync_api import expect

from .conftest import HERE

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The variable with which Python finds the guide's packages, which pip has built and installed."""
    place, target = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("installed")
    packages = [write_package(name, place) for name in PACKAGES]
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target, *packages], check=True
    )
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH")]))}


def serve(start_server, *options, **environment):
    return start_server(["-m", "explorer", "--no-browser", "--port", "0", *options], **environment).url


def test_packages_are_found_and_seen(start_server, open_page, installed):
    environment = {name: value for name, value in os.environ.items() if name != "EXPLORER_EXTENSIONS"}
    command = [sys.executable, "-m", "explorer", "extensions", "--strict"]
    said = subprocess.run(
        command, env={**environment, **installed}, capture_output=True, text=True, check=True
    )
    for line in ("my_tab (my_tab 1.0)\n  tabs: sure", "symmetry (symmetry 1.0)", "stripes (stripes 1.0)"):
        assert line in said.stdout
    url = serve(start_server, "--extensions", "demonstrations,my_tab,symmetry,stripes", **installed)
    found = open_page(f"{url}?tab=sure")
    expect(found.page.get_by_role("tab", name="How sure")).to_have_attribute("aria-selected", "true")
    expect(found.page.locator(".explorer-panel:visible .bars path")).not_to_have_count(0)
    found.tab("demos")
    found.button("All alike").click()
    found.page.locator(".explorer-demonstration-tab").get_by_role("button", name="Run", exact=True).click()
    expect(found.page.get_by_text("The 32 hidden units have learned 1 image")).to_be_visible()
    found.assert_clean()
    found = open_page(f"{url}?data=stripes&epochs=1&tab=data")
    expect(found.page.get_by_text("Stripes has 2\u202f000 training images")).to_be_visible()
    found.until_finished()
    found.assert_clean()


@pytest.mark.sweep
def test_an_optimizer_trains_in_a_notebook(start_server, open_page, installed, tmp_path):
    code = "from explorer import Explorer\nfrom sign_descent import SignDescent\n"
    code += "Explorer(network=SignDescent, learning_rate=0.003, epochs=2, n_train=2000)"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(code)]
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), tmp_path / "own.ipynb"
    )
    server = start_server([HERE / "serve_page.py", tmp_path / "own.ipynb"], **installed)
    found = open_page(server.url)
    found.until_finished()
    expect(found.page.get_by_role("figure").first).to_contain_text("the textbook’s network")  # for comparison
    found.assert_clean()


@pytest.mark.sweep
def test_a_loose_file_is_seen_next_to_others_that_fail(start_server, open_page, tmp_path):
    (tmp_path / "broken.py").write_text("import no_such_module", encoding="utf-8")
    files = [write_loose(name, tmp_path) for name in ("my_tab", "shaky")]
    options = [word for path in [*files, str(tmp_path / "broken.py")] for word in ("--extension", path)]
    url = serve(start_server, "--extensions", "lab", *options)
    found = open_page(f"{url}?tab=undrawn")
    words = "The extension shaky failed: ValueError: out of luck (shaky.py, line"
    for tab in ("Undrawn", "Unmade"):
        found.tab_of("More", tab)
        expect(found.page.get_by_role("alert").filter(has_text=words, visible=True)).to_have_count(1)
    found.tab_of("Look inside", "How sure")
    expect(found.page.locator(".explorer-panel:visible .bars path")).not_to_have_count(0)
    found.tab("data")
    found.button("Data set: MNIST").click()
    found.button("Nothing much", exact=True).click()
    expect(found.messages).to_contain_text(f"Nothing much can't be read. {words}")
    found.set(hidden_sizes=8, epochs=1)
    found.until_finished()
    found.assert_clean()
