"""Turns: what is added is called in order, with room between, whatever happens in between."""

from __future__ import annotations

import asyncio
import time

from explorer.app.redraw_queue import RedrawQueue
from explorer.training.event_loop import EventLoop


async def turns_of_the_loop(on_fault=lambda error: None):
    return RedrawQueue(EventLoop(on_fault))


async def rest(turns):
    while turns:
        await asyncio.sleep(0)


def test_what_a_function_adds_comes_right_behind_it():
    called = []

    async def page():
        turns = await turns_of_the_loop()

        def whole():
            called.append("whole")
            for part in ("first part", "second part"):
                turns.add(called.append, part)

        turns.add(whole)
        turns.add(called.append, "next")
        assert called == []
        await rest(turns)

    asyncio.run(page())
    assert called == ["whole", "first part", "second part", "next"]


def test_the_loop_comes_round_between_two():
    called = []

    async def page():
        turns, loop = await turns_of_the_loop(), asyncio.get_running_loop()
        for name in "ab":
            turns.add(lambda name=name: (called.append(name), loop.call_soon(called.append, "else")))
        await rest(turns)
        await asyncio.sleep(0)

    asyncio.run(page())
    assert called == ["a", "else", "b", "else"]


def test_what_became_due_meanwhile_comes_first():
    called = []

    async def page():
        turns, loop = await turns_of_the_loop(), asyncio.get_running_loop()
        loop.call_later(0.01, called.append, "due")

        async def sleeper():
            await asyncio.sleep(0.01)
            called.append("awake")

        sleeping = asyncio.ensure_future(sleeper())
        await asyncio.sleep(0)
        for name in "ab":
            turns.add(lambda name=name: (time.sleep(0.02), called.append(name)))
        await rest(turns)
        await sleeping

    asyncio.run(page())
    assert called == ["a", "due", "awake", "b"]


def test_an_error_is_shown_and_the_next_has_its_turn():
    called, shown = [], []

    async def page():
        turns = await turns_of_the_loop(shown.append)
        turns.add(lambda: 1 / 0)
        turns.add(called.append, "next")
        await rest(turns)

    asyncio.run(page())
    assert called == ["next"]
    assert len(shown) == 1


def test_what_is_cleared_is_not_called_and_what_is_added_then_is_called_once():
    called = []

    async def page():
        turns = await turns_of_the_loop()
        turns.add(called.append, "old")
        turns.clear()
        turns.add(called.append, "new")
        await rest(turns)
        await asyncio.sleep(0)

    asyncio.run(page())
    assert called == ["new"]


def test_without_a_loop_each_is_called_as_it_is_added():
    called = []
    RedrawQueue(EventLoop()).add(called.append, "now")
    assert called == ["now"]
