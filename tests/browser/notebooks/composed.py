"""The app among other widgets."""

# %%
from ipywidgets import HTML, FloatProgress, HBox, IntSlider, jslink, link

from explorer import Explorer, LossCurve

app, other = Explorer(epochs=2, n_train=6000), Explorer(epochs=1, n_train=1000, seed=7)
slider = IntSlider(description="stock", min=16, max=2048, step=16, continuous_update=False)
link((app, "batch_size"), (slider, "value"))
bar = FloatProgress(description="bar", max=1)
jslink((app, "test_accuracy"), (bar, "value"))
HBox([slider, bar, HTML("<p>notes</p>")])

# %%
loss = LossCurve(app, layout={"height": "300px"})
HBox([loss.add_class("alone")])

# %%
HBox([app, HTML("<p>next to the app</p>")])

# %%
HBox([other])

# %%
HBox([other])
