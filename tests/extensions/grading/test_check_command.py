"""``nn-explorer check``: what it executes, what a submission may take, what it says of one and of a class."""

import csv
import json
import sys
from pathlib import Path

import needs
import pytest
from exercise_answers import pasted
from study_steps import is_alive, until
from thinned import swept

from explorer.checks import MISTAKES, TASKS
from explorer.extensions.grading.check_command import CheckedSubmission
from explorer.extensions.grading.submission import Cell, cells_of, execute
from explorer.foreign_files import FileError
from explorer.serve.command import main

RIGHT = pasted()
WRONG = RIGHT.replace("h * (1 - h)", "h * (1 - h) / 2")
APP = tuple(f"explorer.{room}" for room in ("app", "notebook", "talk", "serve.visit"))


def notebook(*cells):
    """A notebook with code cells, and a text before them."""
    code = [{"cell_type": "code", "source": source.splitlines(True), "outputs": []} for source in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# Mine"}, *code], "nbformat": 4})


def defined(*sources):
    """What cells define, and what is noted."""
    namespace = {"__name__": "submission"}
    cells = [Cell(f"<cell {n}>", f"code cell {n}, ", source) for n, source in enumerate(sources, 1)]
    notes = [*execute(cells, namespace)]
    return namespace, notes


def namespace_of(tmp_path, *sources):
    """What the cells of a notebook define, of which nothing is noted."""
    (file := tmp_path / "a.ipynb").write_text(notebook(*sources), encoding="utf-8")
    namespace = {"__name__": "submission"}
    assert [*execute(cells_of(file), namespace)] == []
    return namespace


@pytest.fixture
def check(tmp_path, capfd):
    """Write submissions, check them; exit code, lines of standard output, standard error."""

    def call(files, *options):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        what = tmp_path / next(iter(files)) if len(files) == 1 else tmp_path
        capfd.readouterr()
        code = main(["check", str(what), *options])
        out, err = capfd.readouterr()
        return code, out.splitlines(), err

    return call


def records(lines):
    return {Path(record["file"]).name: record for record in map(json.loads, lines)}


@pytest.mark.parametrize(
    "source",
    [
        "f = lambda a: 1 / a",
        "from math import exp as f",
        "import math as f",
        "from explorer import Explorer, accuracy as f",
        "def f(a: Array) -> Unknown: ...",
        "class f: pass",
        "f = 0.01; f += 1",
        "f: float = 3",
        "import numpy as np\nf = np.random.default_rng(3).normal(size=3)",
        "import numpy as np\nrng = np.random.default_rng(3)\nf = rng.normal(size=3)",
        "from numpy import *\nf = zeros(3)",
        "from functools import partial\ndef g(a, b): return a\nf = partial(g, b=3)",
        "try:\n    import no_such_module as f\nexcept ImportError:\n    f = None",
        "f = [number + 1 for number in range(3)]",
        "class f: pass\ndef g(self): return 3\nf.g = g",
        "for k in range(3): f = 10.0**-k",
        "f = 1.0\nwhile 1 + f > 1: f /= 2",
        "for k in range(9):\n    f = k\n    if f > 3: break",
        "%%time\nf = 3",
        "%matplotlib inline\nf = 3",
        "!ls\nf = 3",
        "names = !ls\nf = 3",
    ],
)
def test_definitions_are_executed(source, tmp_path):
    assert "f" in namespace_of(tmp_path, source)


@pytest.mark.parametrize(
    "source",
    [
        "f = g()",
        "f = Network()",
        "f = Network().fit(3)",
        "f = network.W",
        "f = [g() for number in range(3)]",
        "f = (lambda: g())()",
        "import numpy as np\nf = np.array(g())",
        "from explorer import Explorer as f",
        "from explorer.notebook import pictures as f",
        "import explorer\nf = explorer.load_mnist()",
        "f = input()",
        "f = open('mnist.tgz')",
        "f = exec('g()')",
        "for f in range(3): g()",
        "while True: f = 3",
        "if __name__ == 'submission':\n    g()\n    f = 3",
        "with open('a') as f: pass",
        "f = !ls",
        "g()",
        "raise SystemExit",
        "%%bash\nf=3",
    ],
)
def test_what_runs_something_is_left_out(source, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(APP)]:
        monkeypatch.delitem(sys.modules, name)  # a check has not imported them
    definitions = "def g(): raise RuntimeError\nclass Network:\n    def __init__(self): raise RuntimeError"
    assert "f" not in namespace_of(tmp_path, definitions, source)


def test_a_constant_made_in_a_loop_is_the_one_that_is_meant():
    namespace, notes = defined("e = 1.0\nwhile 1 + e > 1: e = e / 2\nfor k in range(4): a = k; b = a + k")
    assert (namespace["e"], namespace["b"], notes) == (2.0**-53, 6, [])


def test_what_an_answer_needs_and_is_left_out_is_told():
    made = "def make(): return abs\ndef g(a): return a * SCALE + f(a)"
    names = "sigmoid = make()\nSCALE = make()(-3)\nother = make()"
    network, loop = "Network = type('N', (), {'g': make()})", "for k in range(3):\n    f = make()"
    _, notes = defined(made, names, network, loop)
    rest = "but is left out: only definitions are executed, and assignments that call nothing that the submission"
    places = ["2, line 1 sets sigmoid", "2, line 2 sets SCALE", "3, line 1 sets Network", "4, line 1 sets f"]
    assert notes == [f"code cell {place}, {rest} defines" for place in places]


def test_a_cell_that_fails_is_told_and_the_rest_goes_on():
    namespace, notes = defined("a = 1", "b = (", "import no_such_module\nb = 2", "c = 1 / 0\nd = 4")
    assert notes == [
        "code cell 2, line 1 is not valid Python: '(' was never closed",
        "code cell 3, line 1 raised ModuleNotFoundError: No module named 'no_such_module'",
        "code cell 4, line 1 raised ZeroDivisionError: division by zero",
    ]
    assert (namespace["a"], namespace["b"], namespace["d"]) == (1, 2, 4)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.py", b"x = '\xff'", "found other bytes than a text has, expected UTF-8"),
        ("a.ipynb", b'{"cells": "\xff"}', "found other bytes than a text has, expected UTF-8"),
        ("a.ipynb", b"{}", "found something else, expected a Jupyter notebook"),
        ("a.ipynb", b"[" * 100_000, "found something else, expected a Jupyter notebook"),
        ("a.IPYNB", b'{"cells": [\n{"cell_', "found a damaged notebook: line 2 is not valid JSON"),
        ("a.ipynb", b"", "found an empty file, expected a Jupyter notebook"),
        ("a.py", b"#" * 21_000_000, "found 21 MB, expected at most 20 MB"),
        ("a.py", None, "expected an existing file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=words):
        cells_of(tmp_path / name)


def test_the_solutions_are_right(check):
    code, lines, err = check({"a.py": RIGHT})
    assert (code, err) == (0, "")
    assert len(lines) == len(TASKS) + 1
    assert all(line.startswith(f"✓ {task}") for line, task in zip(lines, TASKS, strict=False))
    assert lines[-1] == "12 of 12 right, and 5 of the bonus"


def test_a_mistake_is_named_and_says_where_to_look_and_json_is_a_line_a_submission(check):
    mistake, files = MISTAKES["slope-halved"], {"a.ipynb": notebook("%pylab", WRONG, "1 +")}
    code, lines, _ = check(files)
    assert code == 1
    assert f"✗ d_sigmoid: {mistake.what} {mistake.look}" in lines
    assert lines[-1].endswith("a.ipynb: code cell 3, line 1 is not valid Python: invalid syntax")
    code, lines, err = check(files, "--json")
    (record,) = records(lines).values()
    assert (code, err) == (1, "")
    assert (record["right"], record["of"], record["bonus"], record["error"]) == (11, 12, 5, "")
    assert [task["task"] for task in record["tasks"]] == [*TASKS]
    assert {"outcome", "mistake", "message", "look", "seconds"} <= record["tasks"][0].keys()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:", "line 1 is not valid Python: invalid syntax"),
        ("x = 3", "it has none of the exercise's functions"),
        ("import os\nos.abort.__call__()\nx = os.abort()", "its process ended early"),
    ],
)
def test_what_cannot_be_checked_is_one_sentence(check, source, words):
    code, lines, err = check({"a.py": source})
    assert (code, err, len(lines)) == (2, "", 1)
    assert lines[0].endswith(f"a.py: {words}")


@needs.POSIX
@pytest.mark.slow
def test_a_submission_has_little_memory_no_secrets_no_output_and_leaves_nothing(check, monkeypatch, tmp_path):
    monkeypatch.setenv("CANVAS_TOKEN", "secret")
    source = f"""
import os, subprocess, sys
from pathlib import Path
SLEEPER = subprocess.Popen(["sleep", "77.5"])
PARENT = Path("/proc/" + str(os.getppid()) + "/environ")
SEEN = "CANVAS_TOKEN" in os.environ or (PARENT.exists() and "CANVAS_TOKEN" in PARENT.read_text())
MARK = Path({str(tmp_path / "mark.json")!r}).write_text(str(SLEEPER.pid) + " " + str(SEEN)
    + " " + os.getcwd() + " " + str(os.listdir(".")))
SAID = sys.stdout.write("x" * 10**7)
def sigmoid(a):
    return b" " * (2 * 10**9)
"""
    code, lines, err = check({"a.py": source}, "--memory", "600")
    assert (code, err) == (1, "")
    assert lines[0].startswith("✗ sigmoid: ")
    assert "MemoryError" in lines[0]
    sleeper, secret, folder, content = (tmp_path / "mark.json").read_text(encoding="utf-8").split(" ", 3)
    assert (secret, content) == ("False", "['a.py']")
    assert not Path(folder).exists()
    assert not is_alive(int(sleeper))


FLEES = """
import mmap, os, signal, subprocess, time
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path
PLACE = Path({place!r})
FLED = [subprocess.Popen(["sleep", "77.5"], start_new_session=True) for _ in range(3)]
SHARED = shared_memory.SharedMemory(create=True, size=4096)
KEPT = resource_tracker.unregister(SHARED._name, "shared_memory")
MARK = PLACE.write_text(" ".join([SHARED.name, *(str(one.pid) for one in FLED)]))
"""
REST = "REST = time.sleep(60)\n"
MAPS = "TAKEN = mmap.mmap(-1, 600 * 2**20)\nfor k in range(0, 600 * 2**20, 4096): TAKEN[k] = 1\n"
OPENS = "OPEN = [os.memfd_create('taken') for k in range(4)]\n"
OPENS += "for k in range(600): SIZE = os.pwrite(OPEN[k % 4], bytes(2**20), k // 4 * 2**20)\n"
FORKS = f"for k in range(4):\n    if os.fork() == 0:\n        TAKEN = bytearray(200 * 2**20)\n        {REST}"
STOPS = "END = os.kill(os.getppid(), signal.SIGSTOP)\n"
FLEEING = {
    "ends": ("", "none of the exercise's functions"),
    "maps what is shared": (MAPS + REST, "it uses more than 500 MB in all its processes"),
    "opens what has no name": (OPENS + REST, "it uses more than 500 MB in all its processes"),
    "forks": (FORKS + REST, "it uses more than 500 MB in all its processes"),
    "forks too often": ("for k in range(7): PID = os.fork()\n" + REST, "it has more than 64 processes"),
    "crashes": ("SEEN = time.sleep(1)\nEND = os.abort()\n", "its process ended early"),
    "stops its parent": (STOPS + REST, "it has stopped the process"),
    "ends, but stops its parent": (STOPS, "it has stopped the process"),
    "kills its parent": ("END = os.kill(os.getppid(), signal.SIGKILL)\n" + REST, "it has ended the process"),
}
OFTEN = "ends", "maps what is shared", "forks", "stops its parent", "kills its parent"


@needs.LINUX
@pytest.mark.long
@pytest.mark.parametrize("kind", [*OFTEN, *swept(*((kind,) for kind in FLEEING if kind not in OFTEN))])
def test_nothing_of_a_submission_is_left_and_all_its_memory_counts(check, tmp_path, kind):
    source, words = FLEEING[kind]
    code, lines, _ = check(
        {"a.py": FLEES.format(place=str(tmp_path / "mark")) + source}, "--memory", "500", "--seconds", "15"
    )
    assert code == 2
    assert words in lines[0]
    name, *pids = (tmp_path / "mark").read_text().split()
    until(lambda: not any(is_alive(int(pid)) for pid in pids))
    assert kind.endswith("its parent") or not Path("/dev/shm", name).exists()
    Path("/dev/shm", name).unlink(missing_ok=True)


@pytest.mark.slow
def test_a_file_next_to_a_submission_is_no_part_of_it(check):
    alice = "import matplotlib\ndef sigmoid(a):\n    return 1 / (1 + np.exp(-a))\nimport numpy as np\n"
    files = {"alice.py": alice, "matplotlib.py": "raise SystemExit", "numpy.py": "raise SystemExit"}
    found = records(check(files, "--json")[1])["alice.py"]
    assert [task["outcome"] for task in found["tasks"] if task["task"] == "sigmoid"] == ["right"]
    assert not any("SystemExit" in note for note in found["notes"])


def forging(line, then):
    """A submission that writes a line in the check's place, and then does something."""
    return f"""
import os
def sigmoid(a):
    for stream in range(3, 20):
        try:
            os.write(stream, {(line + chr(10)).encode()!r})
        except OSError:
            pass
    {then}
"""


@needs.POSIX
@pytest.mark.slow
def test_submissions_that_write_in_the_checks_place_harm_nobody(check):
    written = ["3", "[", '{"verdict": 3}', '{"verdict": {"task": "none", "outcome": "right"}}']
    written.append('{"verdict": {"task": ["\\u001b[2J"]}}')
    sources = [forging(line, 'raise ValueError("\\x1b[2J\\n\\r forged")') for line in written]
    _, lines, err = check({f"\x1b[2J{number}.py": source for number, source in enumerate(sources)})
    assert len(lines) < 40
    assert err == ""
    assert all(line.isprintable() for line in lines)


CLASS = {  # what replaces which piece of the solutions, and what comes of it
    "right": ("", "", {}),
    "gap": ("return np.argmax(self.forward(X), axis=0)", "return ...", {"predict": "waiting"}),
    "missing": ("def evaluate(", "def evaluation(", {"evaluate": "missing"}),
    "sleeps": ("return np.maximum(0, a)", "import time; time.sleep(1e6)", {"relu": "wrong"}),
    "holds": ("return np.heaviside(a, 0)", "sum(range(10**13))", {"d_relu": "wrong"}),
}


@pytest.mark.long
def test_a_class_is_told_the_truth(check):
    assert all(before in RIGHT for before, _, _ in CLASS.values())
    files = {f"{name}.py": RIGHT.replace(before, after, 1) for name, (before, after, _) in CLASS.items()}
    code, lines, _ = check(files, "--json", "--seconds", "25")
    assert code == 1
    for name, record in records(lines).items():
        found = {task["task"]: task["outcome"] for task in record["tasks"]}
        changed = CLASS[name.removesuffix(".py")][2]
        expected = changed if {"relu", "d_relu"} & changed.keys() else dict.fromkeys(TASKS, "right") | changed
        assert {task: found.get(task) for task in expected} == expected, name
        assert record["error"] == ("it takes more than 25 s" if name == "holds.py" else "")
    stuck = records(lines)["holds.py"]["tasks"][-1]
    assert (stuck["task"], stuck["message"]) == ("d_relu", "the check broke off: it takes more than 25 s")


COURSE = {  # in order of their names
    "=forged.py": forging('{"end": true}', "os._exit(0)"),
    "a.py": RIGHT,
    "b/b.ipynb": notebook(WRONG),
    "c.py": "f(",
    "e.PY": RIGHT.replace("h * (1 - h)", "np.cos(h)").replace("np.argmax(self.forward(X), axis=0)", "..."),
    "f.ipynb": notebook(RIGHT)[:99],
}


@pytest.mark.slow
def test_a_class_is_a_summary(check, tmp_path):
    (tmp_path / ".d.py").write_text(RIGHT, encoding="utf-8")
    code, lines, err = check(dict(reversed(COURSE.items())))
    assert (code, err) == (1, "")
    rows = [line.split() for line in lines]
    assert [row[0] for row in rows[1:7]] == [str(tmp_path / name)[-36:] for name in COURSE]
    assert [row[1:] for row in (rows[2], rows[4])] == [["✓"] * 17 + ["12", "of", "12"], ["not", "checked"]]
    assert rows[9] == ["2", "d_sigmoid", "1", "2", "0", "0", "3", "←", "hardest"]
    assert rows[10:12] == [["1", "sigmoid", *"31002"], ["7", "predict", *"20103"]]
    assert f"  1 × d_sigmoid: {MISTAKES['slope-halved'].what}" in lines
    *_, heading, sigmoid, forged, d_sigmoid, odd, _, counts, ended, _, damaged = lines
    assert (heading, sigmoid, d_sigmoid) == ("Mistakes without a name:", "  1 × sigmoid", "  1 × d_sigmoid")
    assert forged.endswith("/=forged.py: the check broke off: its process ended early")
    assert "e.PY: d_sigmoid(" in odd
    assert counts == "6 submissions, 1 of them completely right, 2 not checked"
    assert ended.endswith("=forged.py: its process ended early")
    assert "f.ipynb: found a damaged notebook: line 1 is not valid JSON, expected a" in damaged


@pytest.mark.long
def test_json_and_a_gradebook_come_in_the_order_of_names(check, tmp_path, monkeypatch, capfd):
    _, lines, _ = check(dict(reversed(COURSE.items())), "--json")
    assert list(records(lines)) == [Path(name).name for name in COURSE]
    monkeypatch.chdir(tmp_path)
    Path("none").mkdir()
    assert main(["check", "none", "z.py", ".", "--csv"]) == 1
    head, *rows = csv.reader(capfd.readouterr().out.splitlines())
    assert head == ["file", "right", "of", "bonus", *TASKS, "remarks"]
    names = "'=forged.py", *[*COURSE][1:], "none", "z.py"  # no spreadsheet computes the first
    assert tuple(row[0] for row in rows) == names
    assert all(CheckedSubmission(f"{sign}a.py").row()[0] == f"'{sign}a.py" for sign in "=+-@")
    assert rows[1][1:] == ["12", "12", "5", *["right"] * 17, ""]
    said = [row[-1] for row in rows if row[-2] == "unchecked"]
    assert said[1] == "line 1 is not valid Python: '(' was never closed"
    assert said[-2:] == ["there is neither a script nor a notebook in it", "there is no such file or folder"]
