"""A part whose lower edge is below the window."""

# %%
from ipywidgets import HTML

from explorer import Explorer, LossCurve

app = Explorer(epochs=8, batch_size=50)
HTML("<div style='height: 500px'></div>")

# %%
LossCurve(app, layout={"height": "500px"}).add_class("alone")
