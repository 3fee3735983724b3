"""Find the bug: ten networks with one mistake each, to be named from what their figures show."""

from explorer.extension import Extension, Tab

EXTENSION = Extension(
    "lab", tabs=(Tab("lab", "Find the bug", f"{__name__}.bug_lab:LabPanel", "Learn", key="bug", levels=10),)
)
