"""Extensions of others: the files that the guide shows, and one in which everything fails."""

import re
from pathlib import Path

GUIDE = Path(__file__).parents[1] / "notebooks" / "guide" / "extend.md"
FILES = dict(
    re.findall(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```$", GUIDE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
)
"""The guide's files by name."""
PACKAGES = ("my_tab", "symmetry", "stripes", "sign_descent")
SHAKY = """
import threading
from explorer.extension import *

EXTENSION = Extension(
    "shaky",
    tabs=(Tab("unmade", "Unmade", "shaky:fail"), Tab("undrawn", "Undrawn", "shaky:Undrawn"),
          Tab("unseen", "Unseen", "shaky:Unseen"), Tab("lost", "Lost", "shaky:lost")),
    commands=(Command("fall", "fall", "shaky:fail"),),
    exports=(Export("void", "Void", ".void", "shaky:fail"), Export("odd", "Odd", ".odd", "shaky:odd")),
    sections=(Section("bad", "Bad news", "shaky:fail"), Section("odd", "Odd news", "shaky:odd")),
    lesson_cards=(LessonCard("bad", "shaky:fail"),),
    datasets=(OfferedDataset("Nothing much", "shaky:fail"), OfferedDataset("Odd", "shaky:odd")),
    demonstrations=("shaky:fail", "shaky:odd"),
    routes=(Route("fails", "shaky:fail"), Route("odd", "shaky:odd"), Route("waits", "shaky:wait"),
            Route("go", "shaky:go")),
)
event = threading.Event()

def fail(*_):
    raise ValueError("out of luck.")

def odd(*_):
    return 7

def wait(_):
    event.wait()
    return "text/plain", "waited"

def go(query):
    event.set()
    return "text/plain", repr(query)

class Unseen:
    view = None
    def __init__(self, views): pass

class Undrawn:
    def __init__(self, views):
        from ipywidgets import HTML
        self.view = HTML("never drawn")

    def show(self, state):
        fail()
"""
"""A loose file."""


def write_package(name, folder):
    """Write a package of the guide, with its pyproject.toml, to a folder of its own; return that."""
    project = FILES["pyproject.toml"].replace("my_tab", name)
    if name == "sign_descent":  # a class, and no extension
        project = project.partition("[project.entry-points")[0]
    for file, text in {**FILES, "pyproject.toml": project}.items():
        if file.partition("/")[0].removesuffix(".py") in (name, "pyproject.toml"):
            (folder / name / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / file).write_text(text, encoding="utf-8")
    return folder / name


def write_loose(name, folder):
    """Write a loose file, one of the guide's or ``shaky``; return its path as text."""
    path = folder / f"{name}.py"
    path.write_text(SHAKY if name == "shaky" else FILES[path.name], encoding="utf-8")
    return str(path)
