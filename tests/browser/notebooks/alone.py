# %%
from explorer.widgets.rendered import Caption

Caption("alone in its cell")
# %%
Caption("in another cell")
