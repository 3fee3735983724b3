# %%
from explorer.widgets.rendered import Caption

line = Caption("first")
line.add_class("first")
# %%
line.text = "changed"
Caption("second")
