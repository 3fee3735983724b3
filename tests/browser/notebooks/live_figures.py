# %%
import os
import threading
import time

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from explorer.serve.request import wait_for_visitor
from explorer.widgets.live_figure import LiveFigure

# %%
wait_for_visitor()
x = np.arange(400, dtype=np.float32)


def curves(name):
    traces = [go.Scatter(x=x, y=np.zeros(400, np.float32), name=f"run {k}") for k in range(3)]
    return LiveFigure(go.Figure(traces, go.Layout(height=250)), summary=name)


def show_first(button=None):
    for figure in lines:
        traces = [{"x": x, "y": np.full(400, 1 + k, np.float32)} for k in range(3)]
        figure.show(traces, {"title": {"text": ""}, "template": go.layout.Template()})
    said.value = "as at first"


def show_all(button):
    for figure in lines:
        figure.show([{"y": np.full(400, 10 + k, np.float32)} for k in range(3)])
    lines[0].show([{"y": np.zeros(0, np.float32)}])
    lines[1].show([{"y": x[::2], "x": x[::2]}], {"title": {"text": "shown"}})
    said.value = "shown"


def go_dark(button):
    lines[0].show([], {"template": go.layout.Template(layout={"paper_bgcolor": "rgb(23, 28, 35)"})})
    said.value = "went dark"


clicked, said, pid = widgets.Label("no click"), widgets.Label("not yet"), widgets.Label(f"pid {os.getpid()}")
lines = [curves("two curves fall"), curves("two curves rise")]
heat = LiveFigure(
    go.Figure(go.Heatmap(z=np.arange(100.0).reshape(10, 10)), go.Layout(height=300)),
    summary="a matrix",
    on_click=lambda _, cell: setattr(clicked, "value", f"row {cell[0]} column {cell[1]}"),
)
filling = LiveFigure(go.Figure(go.Scatter(y=[1, 2, 3])), summary="it fills its place")
show_first()

# Updates that go on while the page loads, each trace's only once: one that is lost stays lost.
counting = LiveFigure(
    go.Figure([go.Scatter(y=[0]) for _ in range(60)], go.Layout(height=200)), summary="it counts"
)

asked = threading.Event()
counting.on_msg(lambda *_: asked.set())


def count():
    for n in range(60):
        counting.show([{}] * n + [{"y": np.array([n + 1], np.float32)}])
        time.sleep(0.05)
        while n == 30 and not asked.wait(0.05):  # until the page has drawn it, and then on
            counting.show([], {"title": {"text": f"{time.monotonic()}"}})
    counting.show([], {"title": {"text": "counted"}})


buttons = [widgets.Button(description=name) for name in ("Show", "Dark", "First")]
for button, action in zip(buttons, (show_all, go_dark, show_first), strict=True):
    button.on_click(action)
place = widgets.Box([filling], layout=widgets.Layout(height="333px", display="block"))
tabs = widgets.Tab([widgets.VBox([*lines, counting, place]), heat], titles=["Curves", "Matrix"])
threading.Thread(target=count, daemon=True).start()
widgets.VBox([widgets.HBox([*buttons, clicked, said, pid]), tabs])
