"""What extensions add, from the guide's own files; what fails, fails alone, with its reason, in its place."""

import os
import re
import subprocess
import sys
import threading

import guide_reference
import pytest
from extension_files import FILES, GUIDE, write_loose

from explorer import Explorer, TrainingConfig
from explorer.discovery import FOUND, NAMES, ExtensionError, checked, found, offers, use
from explorer.experiments import failed_demonstrations, offered_demonstrations
from explorer.exports.files import ExportError
from explorer.extension import API, Command, Export, Extension, OfferedDataset, Route, Tab
from explorer.notebook.page import card
from explorer.serve.command import main
from explorer.serve.request import offered_datasets
from explorer.testing import answered, only, opened, run_command

LUCK = r"The extension shaky failed: ValueError: out of luck \(shaky.py, line \d+\)\."
SMALL = {"config": TrainingConfig(hidden_sizes=2, epochs=1, n_train=1000)}


@pytest.fixture
def looking(monkeypatch):
    """A process that hasn't looked for extensions yet, and forgets them after the test."""
    monkeypatch.setenv(FOUND, "")
    monkeypatch.delenv(FOUND)


@pytest.fixture
def shaky(tmp_path):
    return write_loose("shaky", tmp_path)


@pytest.fixture
def more(tmp_path):
    return write_loose("more", tmp_path)


def test_the_guide_has_every_class_and_field_of_what_an_extension_adds():
    text = GUIDE.read_text(encoding="utf-8")
    assert guide_reference.extending() in text, "run tests/guide_reference.py"
    assert "| `before` | `str = ''` |" in text


def test_the_guides_test_of_a_tab_passes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_loose("my_tab", tmp_path)
    exec(FILES["test_my_tab.py"] + "\ntest_each_image_is_counted()", {})


def test_everything_else_of_the_guide_works(more, tmp_path, capsys):
    assert run_command(more, "greet", "--name", "Ada") == 0
    assert run_command(more, "greet", "--to", "Ada") == 2
    out, err = capsys.readouterr()
    assert (out, "--to is unknown" in err) == ("Hello, Ada!\n", True)
    assert answered(more, "sum.json", a="1", b="2") == ("application/json; charset=utf-8", b"3.0")
    with only(more):
        assert card("greeting", "Ada").text == "Hello, Ada!"
        app = Explorer(**SMALL)
        assert app.wait(60)
        app.save(tmp_path / "run.txt")
        assert (tmp_path / "run.txt").read_text() == f"1 {app.test_accuracy}"
        assert "It has 1 epochs." in app.export("report").content.decode()
        assert app.header.exports["epochs"] == "Epochs (text)"
        app.close()


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("unmade", LUCK),
        ("undrawn", LUCK),
        ("unseen", "TypeError: its view is NoneType; expected a widget"),
        ("lost", "AttributeError: .* has no attribute 'lost'"),
    ],
)
def test_a_tab_that_fails_says_why_in_its_place_and_the_others_draw(shaky, tab, words, caplog):
    with only(shaky):
        app = Explorer(**SMALL)
        assert app.wait(60)
        app.panels.tab_bar.selected = tab
        app.views.refresh()
        panel = app.panels[tab]
        assert re.search(words, str(panel.view.children[0].content))
        assert panel.view in app.panels.view.children
        app.panels.tab_bar.selected = "inside"
        app.views.refresh()
        assert "fault" not in {message["id"] for message in app.messages.messages}
        app.close()
    assert len(caplog.records) <= 1  # a test before may have had it logged


def test_the_helper_raises_what_a_tab_would_show(shaky):
    with pytest.raises(ExtensionError, match=LUCK), opened(shaky, train=False):
        pass


def test_all_else_that_fails_says_why_where_it_would_stand(shaky, capsys):
    with only(shaky):
        for name, words in (("Nothing much", LUCK), ("Odd", "returned int; expected a Dataset")):
            offer = {one.name: one for one in offered_datasets()}[name]
            with pytest.raises(ExtensionError, match=words):
                offer.load()
        assert re.search(LUCK, card("bad").text)
        assert not offered_demonstrations()
        assert ["object is not iterable" in one for one in failed_demonstrations()] == [True, True]
        app = Explorer(**SMALL)
        assert app.wait(60)
        report = app.export("report").content.decode()
        assert re.search(f"Bad news.*{LUCK}.*Odd news.*object is not iterable", report, re.DOTALL)
        for kind, words in (("void", LUCK), ("odd", "memoryview")):
            with pytest.raises(ExportError, match=words):
                app.export(kind)
        app.header._on_message(app.header, {"export": "void"}, [])
        assert re.search(LUCK, app.messages.messages[0]["text"])
        app.close()
    assert run_command(shaky, "fall") == 2
    assert re.fullmatch(f"nn-explorer fall: {LUCK}\n", capsys.readouterr().err)
    for path, words in (("fails", LUCK), ("odd", "cannot unpack")):
        with pytest.raises(ExtensionError, match=words):
            answered(shaky, path)


OTHER = Extension("other", tabs=(Tab("sure", "Sure", "other:make"),))


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (7, "it is int; expected an explorer.extension.Extension."),
        (Extension("new", api=API + 1), f"a later explorer: its api is {API + 1}, and this one's {API}."),
        (Extension("a name"), "its name is 'a name'; expected letters, digits, hyphens,"),
        (Extension(7), "its name is 7; expected"),
        (Extension("x", tabs=Tab("a", "A", "x:y")), "tabs is Tab; expected a tuple, as (Tab(…),)."),
        (Extension("x", tabs=(7,)), "tabs has int; expected Tab."),
        (Extension("x", tabs=(Tab("a", "A", print),)), "tabs: make is <built-in function print>; expected"),
        (Extension("x", tabs=(Tab("a", 7, "x:y"),)), "tabs: label is 7; expected text."),
        (Extension("x", tabs=(Tab("a", "A", "x:y", levels="3"),)), "levels is '3'; expected a whole number."),
        (
            Extension("x", tabs=(Tab("a", "A", "x:y", levels=True),)),
            "levels is True; expected a whole number.",
        ),
        (Extension("x", routes=(Route("../y", "x:y"),)), "routes: path is '../y'; expected letters"),
        (Extension("x", demonstrations=("x",)), "demonstrations: code is 'x'; expected module:name"),
        (Extension("x", datasets=(OfferedDataset("a,b", "x:y"),)), "datasets: name is 'a,b'; expected up to"),
    ],
)
def test_data_that_are_not_as_they_should_be_are_a_sentence(extension, words):
    assert words in checked(extension, "x").fault


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (Extension("other"), "other has name 'other', as other has."),
        (Extension("second", tabs=OTHER.tabs), "second has tabs 'sure', as other has."),
        (Extension("second", tabs=(Tab("runs", "Runs", "x:y"),)), "second has tabs 'runs', as core has."),
        (Extension("second", exports=(Export("csv", "CSV", ".csv", "x:y"),)), "exports 'csv', as core has."),
        (Extension("second", commands=(Command("go", "go", "x:y"),) * 2), "commands 'go', as itself has."),
    ],
)
def test_of_two_with_one_name_the_second_is_left_out_and_both_are_named(extension, words, looking):
    *first, last = use(map(checked, (OTHER, extension)))
    assert [one.fault for one in first] == ["", ""]
    assert words in last.fault
    assert offers("tabs")[-1].by.extension.name == "other"


def test_a_data_set_with_the_name_of_another_is_left_out(caplog):
    twice = Extension("twice", datasets=(OfferedDataset("mnist", "x:y"), OfferedDataset("My own", "x:y")))
    with only(twice):
        names = [one.name for one in offered_datasets()]
    assert (names.count("MNIST"), names.count("mnist"), names[-1]) == (1, 0, "My own")
    assert "The data set mnist of the extension twice is left out" in caplog.text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("raises", "raise ValueError('no')", "ValueError: no (raises.py, line 1)."),
        ("ends", "import sys; sys.exit(3)", "SystemExit: 3 (ends.py, line 1)."),
        ("typed", "EXTENSION = (", "SyntaxError: '(' was never closed (typed.py, line 1)."),
        ("empty", "", "no attribute 'EXTENSION'."),
    ],
)
def test_one_that_cannot_be_imported_is_left_out_unless_strict(
    name, text, words, more, tmp_path, looking, capsys
):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    options = ["--extension", str(path), "--extension", more]
    assert main(["greet", *options]) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("Hello, world!\n", 1)
    assert err.startswith(f"nn-explorer: the extension {name} is left out: ")
    assert words in err
    assert main(["greet", *options, "--strict"]) == 2
    assert capsys.readouterr().err.endswith("nn-explorer: --strict: an extension can't be used.\n")
    assert main(["extensions", *options]) == 1
    assert f"{name} ({path})\n  left out: " in capsys.readouterr().out


def test_which_are_used_is_chosen(looking, monkeypatch, capsys):
    def listed(*options):
        assert main(["extensions", *options]) == 0
        return re.findall(r"^\w+", capsys.readouterr().out, re.MULTILINE)

    usual = ["classroom", "demonstrations", "grading", "lab", "many_runs", "publish", "robustness", "talk"]
    assert listed() == ["core", *usual]
    assert listed("--extensions", "talk, grading") == ["core", "grading", "talk"]
    assert listed("--extensions", "none") == ["core"]
    for options in (["--extensions", "no"], ["--extension"]):
        assert main(["extensions", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 2
    monkeypatch.delenv(FOUND)
    monkeypatch.setenv(NAMES, "publish")  # as in a notebook
    assert [one.extension.name for one in found()] == ["core", "publish"]


@pytest.mark.parametrize(
    "asked", ["--seats=2", "--password", "--certfile=x", "--allow-host=x", "$EXPLORER_PASSWORD"]
)
def test_what_needs_a_classroom_is_refused_without_it(asked, looking, monkeypatch, capsys):
    options = [asked] if asked.startswith("--") else monkeypatch.setenv(asked[1:], "secret") or []
    assert main(["--no-browser", "--extensions", "none", *options]) == 2
    words = f"nn-explorer serve: {asked.partition('=')[0]} needs the extension classroom.\n"
    assert capsys.readouterr().err == words


ALONE = """
import sys
from explorer import Explorer, TrainingConfig, grid, load_mnist, study, train
from explorer.notebook.page import prepare
from explorer.serve.command import main
if __name__ == "__main__":
    config, data = TrainingConfig(hidden_sizes=2, epochs=1, n_train=1000), load_mnist()
    assert len([*train(config, data)]) == 1
    app = Explorer(data, config)
    assert app.wait(60) and app.status == "finished"
    for name in app.panels.labels:
        app.panels.tab_bar.selected = name
    app.open_link("?tab=demos")
    print(*app.panels.labels, app.export("report").content[:15].decode())
    prepare()
    assert len([*study(grid(config, seed=[0, 1]), data)]) == 2
    assert main(["train", "--epochs", "1", "--n", "1000", "--hidden", "2"]) == 0
    assert not [name for name in sys.modules if name.startswith("explorer.extensions.")]
"""


@pytest.mark.slow
def test_page_training_studies_and_notebooks_work_when_none_is_found():
    command, environment = [sys.executable, "-c", ALONE], {**os.environ, NAMES: "none", FOUND: ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("overview mistakes inside map why runs data <!DOCTYPE html>")


FINDING = """
import sys
from explorer.discovery import found, look_as_asked
before = {*sys.modules}
look_as_asked([])
print(*sorted(name for name in {*sys.modules} - before if name.startswith("explorer") or "numpy" in name))
before = {*sys.modules}
assert len(found()) == 9 and not {*sys.modules} - before
"""


def test_finding_imports_data_alone_and_what_was_found_is_read_without_an_import():
    command = [sys.executable, "-c", FINDING]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = (
        "",
        ".classroom",
        ".demonstrations",
        ".grading",
        ".lab",
        ".many_runs",
        ".publish",
        ".robustness",
        ".talk",
    )
    assert done.stdout.split() == [f"explorer.extensions{name}" for name in names]


@pytest.mark.slow
def test_routes_answer_whom_the_page_lets_in_and_one_that_fails_or_waits_is_alone(start, shaky, more):
    token = "a secret of the server"
    server = start("--extension", shaky, "--extension", more, "--token", token, "--base-url", "/a/")
    assert server.fetch("/a/x/more/sum.json?a=1&b=2")[0] == 302  # to the login
    login = {"Authorization": f"token {token}"}
    status, headers, content = server.fetch("/a/x/more/sum.json?a=1&b=2", **login)
    assert (status, headers["Content-Type"], content) == (200, "application/json; charset=utf-8", b"3.0")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert server.fetch("/a/x/more/sum.json", **login, Sec_Fetch_Site="cross-site")[0] == 403
    assert server.fetch("/a/x/more/sumxjson", **login)[0] == 404
    waited = []
    waiting = threading.Thread(target=lambda: waited.append(server.ask("/a/x/shaky/waits", **login)[2]))
    waiting.start()
    for _ in range(2):
        status, _, text = server.ask("/a/x/shaky/fails", **login)
        assert (status, bool(re.search(LUCK, text))) == (500, True)
    assert "cannot unpack" in server.ask("/a/x/shaky/odd", **login)[2]
    assert not waited
    assert server.ask(f"/a/x/shaky/go?token={token.replace(' ', '%20')}&n=1")[2] == "{'n': '1'}"
    waiting.join(60)
    assert waited == ["waited"]
    code, _, err = server.end()
    assert (code, len(re.findall(LUCK, err)), err.count("\n")) == (0, 1, 2)


WARMING = """
import sys
from explorer.serve.request import warm_up
warm_up()
print([name for name in sys.modules if name.startswith(("explorer.extensions", "explorer_extension"))])
"""


@pytest.mark.slow
def test_the_process_that_kernels_are_forked_from_imports_nothing_of_them(shaky, looking, capsys):
    assert main(["extensions", "--extension", shaky]) == 0
    assert "shaky" in os.environ[FOUND]
    command = [sys.executable, "-c", WARMING]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
