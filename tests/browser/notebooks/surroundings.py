# %%
import json
import os
import sys

import ipywidgets as widgets
import plotly.graph_objects as go

from explorer.serve.request import wait_for_visitor
from explorer.widgets.live_figure import LiveFigure

# %%
wait_for_visitor()
found = {"variables": dict(os.environ), "executable": sys.executable, "pid": os.getpid()}
figure = LiveFigure(go.Figure(go.Scatter(y=[1, 2, 3]), go.Layout(height=250)), summary="a curve")
widgets.VBox([widgets.HTML(f"<pre id='found' hidden>{json.dumps(found)}</pre>"), figure])
