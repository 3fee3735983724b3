# %%
from explorer.widgets.rendered import Caption

line = Caption("first")
line
# %%
line.text = "changed"
Caption("second")
