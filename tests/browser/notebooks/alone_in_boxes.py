"""Every part alone in a cell, and in every box of ipywidgets."""

# %%
from ipywidgets import Accordion, GridBox, HBox, IntSlider, Layout, Tab, VBox

from explorer import (
    AccuracyCurve,
    ConfusionMatrix,
    Explorer,
    LossCurve,
    Mistakes,
    NetworkView,
    RunButtons,
    Settings,
    Weights,
)
from explorer.extensions.lab.bug_lab import BugLab

app = Explorer(epochs=2, n_train=6000)

# %%
LossCurve(app)
# %%
AccuracyCurve(app)
# %%
ConfusionMatrix(app)
# %%
Mistakes(app)
# %%
Weights(app)
# %%
NetworkView(app)
# %%
Settings(app)
# %%
RunButtons(app)
# %%
BugLab()

# %%
VBox([RunButtons(app), LossCurve(app), Mistakes(app)])

# %%
HBox([LossCurve(app), ConfusionMatrix(app), AccuracyCurve(app)]).add_class("row")

# %%
slider = IntSlider(512, min=16, max=2048, description="Batch size")
HBox([slider, LossCurve(app), ConfusionMatrix(app)]).add_class("row")

# %%
HBox([VBox([LossCurve(app), AccuracyCurve(app)]), ConfusionMatrix(app)]).add_class("columns")

# %%
columns = Layout(grid_template_columns="1fr 1fr")
GridBox([LossCurve(app), ConfusionMatrix(app), Mistakes(app)], layout=columns).add_class("grid")

# %%
Tab([ConfusionMatrix(app), Settings(app), Weights(app)], titles=["1", "2", "3"]).add_class("tabs")

# %%
folds = [LossCurve(app), Mistakes(app)]
Accordion(folds, titles=["1", "2"], selected_index=0).add_class("folds")
