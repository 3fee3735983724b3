"""Many runs: the effect of a setting on the current network, compared over seeds."""

from explorer.extension import Extension, Tab

EXTENSION = Extension(
    "many_runs",
    tabs=(Tab("study", "Many runs", f"{__name__}.study_panel:StudyPanel", "Compare", before="data"),),
)
