# %%
import json

from ipywidgets import Box, Button, IntSlider, VBox, jslink, link

from explorer.app.layout import box, framed, screen
from explorer.training import FIELDS, TrainingConfig
from explorer.widgets.controls import TabBar, TimeBar
from explorer.widgets.header import Header, Message, Messages
from explorer.widgets.numbers import Tile, Tiles
from explorer.widgets.rendered import Caption, Display
from explorer.widgets.run_bar import RunBar, RunProgress
from explorer.widgets.setting import Setting
from explorer.widgets.settings_panel import SettingsPanel

calls, log = [], Caption()


def settings_of(config):
    names = config.differences(TrainingConfig())
    return "&".join(f"{FIELDS[n].key}={FIELDS[n].format(getattr(config, n))}" for n in names)


def note(*call):
    calls.append(call)
    log.text = json.dumps(calls)


def act(action):
    note("action", action)
    states = {"train": "running", "resume": "running", "pause": "paused", "stop": "stopped", "reset": "idle"}
    bar.show(RunProgress(states.get(action, "paused"), 2.5, 10, 12.0))


def choose(name):
    note("export", name)
    if name == "hint":
        text = "<img src=x onerror=alert(1)> is <b>text</b>"
        wide = Message("wide", "warning", text, "Because.", "Fix it")
        messages.show(wide, Message("note", "info", "A note."))
    if name == "words":
        messages.show(Message("wide", "error", "Other words.", "Because of this.", "Fix it at once"))
    if name == "start":
        configure(TrainingConfig())
        for control in panel.controls:
            control.error = ""
        header.query, header.choice, bar.auto = "", "auto", True
        messages.clear()
        bar.show(RunProgress("idle", 0, 10))
        calls.clear()
        note("ready")


def configure(config):
    panel.show(config)
    header.query = settings_of(config)
    note("config", header.query)


names = {"start": "Start again", "hint": "Show messages", "words": "Change words"}
names["csv"] = "History as CSV"
header, panel, bar, messages = Header(dataset="MNIST", exports=names), SettingsPanel(), RunBar(), Messages()
tiles = Display(Tiles((Tile("test accuracy", "93.64 %", "of 10 000 test images", "test"),) * 2))
header.on_export(choose)
header.observe(lambda change: note("theme", change["new"]), "theme")
panel.on_change(lambda changes: configure(panel.config.replace(**changes)))
bar.on_action(act)
bar.observe(lambda change: note("auto", change["new"]), "auto")
messages.on_action(lambda name: note("fix", name))
figures = [
    framed(name, Box(), log if name == "loss" else None)
    for name in ("loss", "accuracy", "confusion", "gallery")
]
places = screen(
    [header],
    messages,
    Box([box("explorer-overview", *figures)]),
    settings=panel,
    bar=TabBar({"overview": ("Explore", "Explore"), "runs": ("Runs", "Compare")}),
    run=bar,
    time=TimeBar(),
    tiles=tiles,
)
box("explorer-surface explorer-app", *places)

# %%
batch_size, slider = Setting("batch_size", description="Images per step"), IntSlider(512, min=1, max=1000)
link((slider, "value"), (batch_size, "value"))
program = Button(description="From the program")
program.on_click(lambda _: setattr(batch_size, "value", 77))
units, stock_units = Setting("hidden_sizes", description="Units"), IntSlider(32, min=1, max=2000)
jslink((stock_units, "value"), (units, "value"))
VBox([program, batch_size, slider, units, stock_units], layout={"width": "250px", "overflow": "hidden"})
