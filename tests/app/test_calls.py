"""How much is called between a released slider and the first curve that changes: a count, whatever the load."""

import asyncio
import re
import sys
import threading
from collections import Counter, defaultdict
from pathlib import Path

import explorer
from explorer.training import runner
from explorer.training.presets import START
from explorer.widgets.live_figure import LiveFigure

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "notebooks" / "guide" / "how_it_is_built.md").read_text(encoding="utf-8")


def test_from_a_released_slider_to_a_changed_curve_there_are_few_calls(mnist, monkeypatch, from_page):
    """On the loop, and in the run's thread to its first delivery: a point, as the thread's clock stands still.

    All that the guide names on this way is called.
    """
    calls, drawn, sent = defaultdict(Counter), [], []

    def count(frame, event, _argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(Path(explorer.__file__).parent)):
            calls[threading.get_ident()][code.co_qualname] += code.co_name[0] != "<"  # a comprehension
            if code is runner.Runner.post.__code__:
                sys.setprofile(None)

    def send(figure, content, _buffers):
        if figure.name in ("Loss", "Accuracy") and content["update"]["traces"]:
            sys.setprofile(None)
            sent.append(content)

    async def release():
        app = explorer.Explorer(mnist, START.replace(epochs=1))
        app.views.add(lambda state: drawn.append(state.status))
        while "finished" not in drawn:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(LiveFigure, "send", send)
        threading.setprofile(count)
        sys.setprofile(count)
        from_page.send(app.settings["hidden_sizes"], {"typed": [48], "number": "1"})
        while not sent:
            await asyncio.sleep(0.001)
        app.close()

    monkeypatch.setattr(runner, "perf_counter", lambda: 0.0)
    try:
        asyncio.run(release())
    finally:
        threading.setprofile(None)
        sys.setprofile(None)
    on_loop, in_thread = calls.values()
    called = on_loop + in_thread
    assert called.total() <= 1500, called.most_common(40)
    rows = re.findall(r"^\| [a-z ]+ \| `\S+\.py` \| (`[^|]+`) \|", GUIDE, re.MULTILINE)
    named = {name for names in rows for name in re.findall(r"[\w.]+", names)}
    assert named - {*called, *(name.rpartition(".")[2] for name in called)} == set()
    assert len(named) > 30
