"""Who has a seat, who is in line, and when a seat is given up."""

import asyncio
from types import SimpleNamespace

import needs
import pytest

from explorer.extensions.classroom import kernels as kernels_module
from explorer.extensions.classroom.kernels import (
    CONTESTED_SECONDS,
    FETCHED_SECONDS,
    LEFT_SECONDS,
    PLACE_SECONDS,
    RELOAD_SECONDS,
    Seats,
    free_memory,
    raise_file_limit,
    seats_of,
)
from explorer.serve.access import RefusedError
from explorer.wording import ordinal

from .conftest import Kernels, manager_class

VARIABLES = {"VOILA_PREHEAT": "True"}


@pytest.fixture
def clock():
    return SimpleNamespace(now=1000.0)


@pytest.fixture
def seats(clock):
    return Seats(2, clock=lambda: clock.now)


@pytest.fixture
def kernels(seats, monkeypatch):
    monkeypatch.setattr(kernels_module, "QUIET_SECONDS", 0)
    monkeypatch.setattr(kernels_module, "READY_SECONDS", 0.05)
    return manager_class(Kernels, {}, seats)()


async def seated(seats, kernels, browser, connections=1):
    """Open a page to its end, and connect it."""
    seat = await seats.assign(browser, kernels)
    async with seats.opening(seat, kernels):
        seat.kernel = await kernels.start_kernel(env=VARIABLES)
    kernels.running[seat.kernel] = connections
    await seats.look(kernels)
    return seat


async def test_who_comes_first_sits_first_and_a_place_is_kept_by_asking(seats, kernels, clock):
    first = await seated(seats, kernels, "a")
    await seated(seats, kernels, "b")
    assert [seats.position(browser) for browser in "cdec"] == [1, 2, 3, 1]
    clock.now += PLACE_SECONDS / 2
    assert seats.position("d") == 2
    clock.now += PLACE_SECONDS / 2  # c and e have not asked since
    assert await seats.assign("f", kernels) is None
    assert [seats.position(browser) for browser in "df"] == [1, 2]
    await kernels.shutdown_kernel(first.kernel)
    clock.now += RELOAD_SECONDS  # until then it may only be a reload
    assert await seats.assign("f", kernels) is None  # it is d's
    assert await seats.assign("d", kernels)
    assert seats.position("f") == 1


async def test_a_page_that_is_reloaded_takes_its_own_seat_before_those_in_line(seats, kernels, clock):
    first, second = await seated(seats, kernels, "a"), await seated(seats, kernels, "b")
    assert seats.position("c") == 1
    await kernels.shutdown_kernel(first.kernel)  # as its page is left
    assert seats.position("c") == 1
    assert await seats.assign("a", kernels)
    again = asyncio.ensure_future(seats.assign("b", kernels))  # heard before the end of the page before it
    await asyncio.sleep(0)
    assert not again.done()
    await kernels.shutdown_kernel(second.kernel)
    assert await again
    assert seats.position("c") == 1


async def test_a_page_that_lost_its_connection_is_reloaded_in_its_own_seat(seats, kernels):
    first, _ = await seated(seats, kernels, "a"), await seated(seats, kernels, "b")
    kernels.running[first.kernel] = 0
    assert await seats.assign("a", kernels)
    assert first.kernel not in kernels


async def test_a_second_tab_is_a_second_visitor(seats, kernels, clock):
    pages = await seated(seats, kernels, "a"), await seated(seats, kernels, "a")
    assert len({page.kernel for page in pages} & kernels.running.keys()) == 2
    third = asyncio.ensure_future(seats.assign("a", kernels))
    await asyncio.sleep(0)
    clock.now += 1
    assert await third is None


@pytest.mark.parametrize(("connections", "patience"), [(0, FETCHED_SECONDS), (1, LEFT_SECONDS)])
async def test_a_kernel_without_a_page_is_ended(seats, kernels, clock, connections, patience):
    seat = await seated(seats, kernels, "a", connections)
    kernel = seat.kernel
    kernels.running[kernel] = 0
    clock.now += patience - 1
    await seats.look(kernels)
    assert kernel in kernels
    clock.now += 2
    await seats.look(kernels)
    assert kernel not in kernels


async def test_while_others_are_in_line_a_page_that_never_comes_gives_up_its_seat_soon(seats, kernels, clock):
    loading, fetched = await seated(seats, kernels, "a", 0), await seated(seats, kernels, "b", 0)
    clock.now += CONTESTED_SECONDS - 1
    assert seats.position("c") == 1
    seats.note_loading("a")
    clock.now += 2
    await seats.look(kernels)
    assert (loading.kernel in kernels, fetched.kernel) == (True, "")
    clock.now += RELOAD_SECONDS
    assert await seats.assign("c", kernels)
    clock.now += CONTESTED_SECONDS  # nobody is in line any more
    await seats.look(kernels)
    assert loading.kernel in kernels


async def test_who_is_in_line_no_more_hurries_nobody(seats, kernels, clock):
    pages = [await seated(seats, kernels, browser, 0) for browser in "ab"]
    seats.position("c")
    clock.now += PLACE_SECONDS + CONTESTED_SECONDS
    await seats.look(kernels)
    assert all(page.kernel in kernels for page in pages)


async def test_a_page_that_is_there_keeps_its_kernel_for_ever(seats, kernels, clock):
    seat = await seated(seats, kernels, "a")
    for _ in range(10):
        clock.now += LEFT_SECONDS
        await seats.look(kernels)
    assert seat.kernel in kernels


async def test_a_page_that_nobody_waited_for_leaves_no_kernel(seats, kernels):
    seat = await seats.assign("a", kernels)
    async with seats.opening(seat, kernels):
        seat.is_left = True
        seat.kernel = await kernels.start_kernel(env=VARIABLES)
    assert kernels.running == {}


async def test_a_kernel_for_nobody_yet_waits_for_a_seat_and_does_not_hold_up_the_end(seats, kernels):
    pages = [await seated(seats, kernels, browser) for browser in "ab"]
    warm = asyncio.ensure_future(kernels.start_kernel(env=VARIABLES))
    await asyncio.sleep(0)
    assert not warm.done()
    await kernels.shutdown_kernel(pages[0].kernel)
    assert await warm in kernels
    waiting = asyncio.ensure_future(kernels.start_kernel(env=VARIABLES))
    await asyncio.sleep(0)
    await kernels.shutdown_all(now=True)
    with pytest.raises(RuntimeError, match="ends"):
        await waiting


async def test_kernels_for_nobody_yet_get_seats_in_the_order_in_which_they_were_asked_for(seats, kernels):
    """A visitor who comes meanwhile takes the first, and would else wait until another leaves."""
    pages = [await seated(seats, kernels, browser) for browser in "ab"]
    first = asyncio.ensure_future(kernels.start_kernel(env=VARIABLES))
    await asyncio.sleep(0)
    await kernels.shutdown_kernel(pages[0].kernel)
    second = asyncio.ensure_future(kernels.start_kernel(env=VARIABLES))
    assert await asyncio.wait_for(first, 30) in kernels
    assert not second.done()
    await kernels.shutdown_kernel(pages[1].kernel)
    assert await asyncio.wait_for(second, 30) in kernels


async def test_a_kernel_that_never_started_keeps_no_other_from_ending(seats, kernels):
    page = await seated(seats, kernels, "a")
    failed = asyncio.get_running_loop().create_future()
    failed.set_exception(OSError("No space left on device"))
    kernels._pools["page"] = [failed]
    await kernels.shutdown_kernel(page.kernel)
    assert page.kernel not in kernels


def test_how_many_seats_a_machine_has():
    plenty = 10**12
    assert seats_of(None, 2, plenty, plenty) == 40
    assert seats_of(None, 8, 4 << 30, plenty) == 15  # memory is short
    assert seats_of(None, 8, plenty, 256) == 12  # files are: 13 a visitor, and the server's own
    assert seats_of(100, 2, 0, plenty) == 100  # as is asked for
    assert seats_of(100, 2, plenty, 256) == 12
    assert seats_of(None, 1, 0, 0) == 1


def test_places_in_words():
    assert [ordinal(place) for place in (1, 2, 3, 4, 11, 12, 13, 21, 102, 113)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "113th"]
    )


def test_memory_that_only_keeps_files_is_free(tmp_path):
    megabyte = 1 << 20
    for name, text in (
        ("max", 900 * megabyte),
        ("current", 890 * megabyte),
        ("stat", f"anon 1\ninactive_file {700 * megabyte}"),
    ):
        (tmp_path / f"memory.{name}").write_text(f"{text}\n")
    assert free_memory(tmp_path) == 710 * megabyte
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > 710 * megabyte


@needs.POSIX
def test_the_limit_of_files_is_raised_as_far_as_macos_lets_it(monkeypatch):
    import resource

    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert raise_file_limit() == 10_240
    assert asked == [(10_240, resource.RLIM_INFINITY)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    assert raise_file_limit() == 1024
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 40))
    with pytest.raises(RefusedError, match="may open 40 files here; expected at least 80"):
        raise_file_limit()
