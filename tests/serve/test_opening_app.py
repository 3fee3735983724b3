"""What every visitor begins with is made once, and nothing of one visitor's page is another's."""

import subprocess
import sys

import pytest

CODE = """
from ipywidgets import Widget
from explorer.serve.request import opening_app, opening_run, warm_up

def live():
    return [model["state"] for model in Widget.get_manager_state()["state"].values()]

warm_up()
print(len(live()))
app = opening_app()
print(app.status, app.session.state.run.history is opening_run().history)
print(sorted(state["_anywidget_id"] for state in live() if "scripts" in state))
print(sum("source" in state for state in live()))
"""


@pytest.mark.long
def test_warming_up_leaves_no_widget_and_all_that_an_app_needs_comes_with_it():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["0", "finished True", "['explorer.app', 'explorer.widgets']", "1"]
