"""Turns: what is added is called in order, with room between, whatever happens in between."""

import asyncio
import time

from explorer import Explorer, TrainingConfig
from explorer.app.views import RedrawQueue
from explorer.training.event_loop import EventLoop


def calls_of(page, on_fault=lambda error: None):
    """What `page` has a queue call, on an event loop that runs until nothing is left in the queue."""
    called = []

    async def until_the_queue_is_empty():
        turns = RedrawQueue(EventLoop(on_fault))
        await page(turns, called)
        await rest(turns)
        await asyncio.sleep(0)

    asyncio.run(until_the_queue_is_empty())
    return called


async def rest(turns):
    while turns:
        await asyncio.sleep(0)


def test_what_a_function_adds_comes_right_after_it():
    async def page(turns, called):
        def whole():
            called.append("whole")
            for part in ("first part", "second part"):
                turns.add(called.append, part)

        turns.add(whole)
        turns.add(called.append, "next")
        assert called == []

    assert calls_of(page) == ["whole", "first part", "second part", "next"]


def test_expired_timers_run_before_the_queue():
    async def page(turns, called):
        asyncio.get_running_loop().call_later(0.2, called.append, "due")

        async def sleeper():
            await asyncio.sleep(0.2)
            called.append("awake")

        sleeping = asyncio.ensure_future(sleeper())
        await asyncio.sleep(0)
        for name in "ab":
            turns.add(lambda name=name: (time.sleep(0.3), called.append(name)))
        await rest(turns)
        await sleeping

    assert calls_of(page) == ["a", "due", "awake", "b"]


def test_an_error_is_shown_and_the_next_has_its_turn():
    shown = []

    async def page(turns, called):
        turns.add(lambda: 1 / 0)
        turns.add(called.append, "next")

    assert calls_of(page, shown.append) == ["next"]
    assert len(shown) == 1


def test_what_is_cleared_is_not_called_and_what_is_added_then_is_called_once():
    async def page(turns, called):
        turns.add(called.append, "old")
        turns.clear()
        turns.add(called.append, "new")

    assert calls_of(page) == ["new"]


def test_at_a_stop_the_buttons_answer_before_anything_is_drawn(small_dataset):
    told = []

    async def page():
        app = Explorer(small_dataset, TrainingConfig(hidden_sizes=4, epochs=500), train=False)
        app.views.add(lambda state: told.append(("drawn", state.status)))
        app.run_bar.observe(lambda change: told.append(("bar", change["new"])), "status")
        app.train()
        while ("drawn", "running") not in told:
            await asyncio.sleep(0.01)
        app.stop()
        while ("drawn", "stopped") not in told:
            await asyncio.sleep(0.01)
        app.close()

    asyncio.run(page())
    assert told.index(("bar", "stopped")) < told.index(("drawn", "stopped"))
