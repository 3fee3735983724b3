"""The tabs, commands and exports of the core, as an extension's are given."""

from explorer.extension import Command, Export, Extension, Tab

_PANELS, _FILES = "explorer.app.panels", "explorer.exports.files"
_SERVE, _TABLE = "explorer.serve", "explorer.serve:commands.toml"

CORE = Extension(
    "core",
    tabs=(
        Tab("overview", "Explore", f"{_PANELS}.overview:Overview", "Explore"),
        Tab("mistakes", "Mistakes", f"{_PANELS}.mistakes:mistakes_panel", "Look inside"),
        Tab("inside", "Layers", f"{_PANELS}.inside:layers_panel", "Look inside"),
        Tab("map", "Map", f"{_PANELS}.image_tabs:LayerMap", "Look inside"),
        Tab("why", "Why", f"{_PANELS}.image_tabs:why_panel", "Look inside"),
        Tab("runs", "Runs", f"{_PANELS}.runs:RunsPanel", "Compare"),
        Tab("study", "Many runs", f"{_PANELS}.study:StudyPanel", "Compare"),
        Tab("data", "Data", f"{_PANELS}.data:DataPanel", "Learn"),
    ),
    commands=(
        Command(
            "serve",
            "open the explorer in the browser; what happens without a command",
            f"{_SERVE}.serve_command:run",
            table=_TABLE,
        ),
        Command("train", "train one network in the terminal", f"{_SERVE}.train_command:run", table=_TABLE),
        Command(
            "study",
            "train many networks in the terminal, and compare them",
            f"{_SERVE}.study_command:run",
            table=_TABLE,
        ),
        Command("archive", "write the exercise's mnist.tgz", f"{_SERVE}.archive_command:run", table=_TABLE),
        Command(
            "extensions", "list what adds to the explorer", f"{_SERVE}.extensions_command:run", table=_TABLE
        ),
    ),
    exports=(
        Export("report", "Report (HTML)", ".html", "explorer.exports.report:report", "text/html"),
        Export("script", "Python script", ".py", "explorer.exports.script:training_script", "text/x-python"),
        Export("csv", "Records (CSV)", ".csv", f"{_FILES}:records_table", "text/csv"),
        Export("weights", "Weights (NumPy)", ".npz", f"{_FILES}:weights_archive"),
    ),
)
