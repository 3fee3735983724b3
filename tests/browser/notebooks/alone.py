# %%
from explorer.widgets.caption import Caption

Caption("alone in its cell")
# %%
Caption("in another cell")
