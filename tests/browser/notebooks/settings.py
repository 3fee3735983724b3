# %%
import json

from ipywidgets import Button, IntSlider, Label, VBox, jslink, link

from explorer.training.query import write_query
from explorer.widgets.setting import Setting
from explorer.widgets.settings_panel import SettingsPanel

queries, log = [], Label("[]")


def note(changes):
    panel.show(panel.config.replace(**changes))
    queries.append(write_query(panel.config))
    log.value = json.dumps(queries)


panel = SettingsPanel()
panel.on_change(note)
VBox([panel])

# %%
batch_size, slider = Setting("batch_size", description="Images per step"), IntSlider(512, min=1, max=1000)
link((slider, "value"), (batch_size, "value"))
program = Button(description="From the program")
program.on_click(lambda _: setattr(batch_size, "value", 77))
units, stock_units = Setting("hidden_sizes", description="Units"), IntSlider(32, min=1, max=2000)
jslink((stock_units, "value"), (units, "value"))
kinds = [
    *(("hidden_sizes", "layers"), ("output", "pair"), ("output", "choice"), ("loss", None), ("seed", None)),
    ("n_train", None),
]
alone = [Setting(name, kind=kind, description=f"Alone: {name}, {kind}") for name, kind in kinds]
off = Setting("learning_rate", description="Switched off", disabled=True)
VBox([log, program, batch_size, slider, units, stock_units, off, *alone])
