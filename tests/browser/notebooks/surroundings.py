# %%
import json
import os
import sys
from functools import partial

import ipywidgets as widgets
import plotly.graph_objects as go

from explorer.serve import visit
from explorer.widgets.heartbeat import Heartbeat
from explorer.widgets.live_figure import LiveFigure

# %%
visit.Heartbeat = partial(Heartbeat, every=1.0, patience=4.0)  # so that no test waits for long
visit.wait_for_visitor()
found = {"variables": dict(os.environ), "executable": sys.executable, "pid": os.getpid()}
figure = LiveFigure(go.Figure(go.Scatter(y=[1, 2, 3]), go.Layout(height=250)), summary="a curve")
widgets.VBox([widgets.HTML(f"<pre id='found' hidden>{json.dumps(found)}</pre>"), figure])
