"""Every part by itself, and in every box of ipywidgets."""

# %%
from ipywidgets import Accordion, GridBox, HBox, IntSlider, Layout, Tab, VBox

import explorer
from explorer import AccuracyCurve, BugLab, ConfusionMatrix, Explorer, LossCurve, Mistakes, Settings, Weights
from explorer.app import parts

app = Explorer(epochs=2, n_train=6000)

# %%
for name in parts.__all__:
    display(VBox([getattr(explorer, name)(app)]).add_class(f"all-{name}"))  # noqa: F821, the notebook's own

# %%
LossCurve(app).add_class("cell")

# %%
HBox([LossCurve(app), ConfusionMatrix(app), AccuracyCurve(app)]).add_class("row")

# %%
slider = IntSlider(512, min=16, max=2048, description="Batch size")
HBox([slider, LossCurve(app), ConfusionMatrix(app)]).add_class("row-with-slider")

# %%
HBox([VBox([LossCurve(app), AccuracyCurve(app)]), ConfusionMatrix(app)]).add_class("row-of-columns")

# %%
columns = Layout(grid_template_columns="1fr 1fr")
GridBox([LossCurve(app), ConfusionMatrix(app), Mistakes(app)], layout=columns).add_class("grid")

# %%
Tab([ConfusionMatrix(app), Settings(app), Weights(app)], titles=["1", "2", "3"]).add_class("tabs")

# %%
folds = [LossCurve(app), Mistakes(app)]
Accordion(folds, titles=["1", "2"], selected_index=0).add_class("folds")

# %%
BugLab().add_class("lab")
