"""The foot of a slide: what it takes from the page, and what it drops."""

from __future__ import annotations

import pytest
import traitlets

from explorer.widgets.run_bar import LiveBar


@pytest.fixture
def asked():
    return []


@pytest.fixture
def bar(asked):
    bar = LiveBar("32 hidden units", "say this")
    bar.on_live(asked.append)
    return bar


def test_a_press_asks_for_a_live_run(bar, asked, from_page):
    from_page.send(bar, {"live": "run"})
    bar.show("running", "live: epoch 1 of 10", 0.1)
    from_page.send(bar, {"live": "stop"})
    assert asked == ["run", "stop"]


@pytest.mark.parametrize("content", [{"live": "stop"}, {"live": "fly"}, {}, "run", None])
def test_what_is_not_possible_is_dropped(bar, asked, from_page, content):
    from_page.send(bar, content)
    assert asked == []


def test_a_run_that_is_on_its_way_is_not_started_again(bar, asked, from_page):
    bar.show("running", "")
    from_page.send(bar, {"live": "run"})
    assert asked == []


def test_a_slide_without_a_run_asks_for_none(asked, from_page):
    bar = LiveBar()
    bar.on_live(asked.append)
    from_page.send(bar, {"live": "run"})
    assert asked == []


def test_its_state_goes_to_the_page_in_one_message(bar, sent):
    bar = LiveBar("a run")
    sent.clear()
    bar.show("running", "live: epoch 2 of 10", 1.7)
    assert sent == [{"state": "running", "text": "live: epoch 2 of 10", "fraction": 1.0}]


def test_the_size_of_the_screen_is_bounded(bar):
    with pytest.raises(traitlets.TraitError):
        bar.scale = 0.5
    with pytest.raises(traitlets.TraitError):
        bar.scale = 30.0
