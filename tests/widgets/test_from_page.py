"""A served page changes what it may change of a widget, and nothing else, whatever it sends."""

import ipywidgets
import pytest

from explorer.widgets.assets import look_of
from explorer.widgets.controls import TabBar
from explorer.widgets.header import Header, Message, Messages
from explorer.widgets.page_part import guard_widgets
from explorer.widgets.settings_panel import SettingsPanel


@pytest.fixture(autouse=True)
def guarded(monkeypatch):
    monkeypatch.setattr(ipywidgets.Widget, "set_state", ipywidgets.Widget.set_state)  # given back afterwards
    guard_widgets()


def test_what_the_page_decides_it_may_set(from_page):
    header = Header()
    from_page.set(header, choice="dark", theme="dark")
    assert (header.choice, header.theme) == ("dark", "dark")


WRONG = [None, 0, -1.5, "", "<b>", [], [None], {}, {"a": 1}, True]


def test_nothing_else_changes(from_page, tmp_path):
    (tmp_path / "a.css").write_text("b {}", encoding="utf-8")
    messages = Messages()
    messages.show(Message("a", "info", "said"))
    panel, box, bar = SettingsPanel(), ipywidgets.VBox(), TabBar({"a": "A"})
    for widget in (Header(), messages, look_of(tmp_path), panel, panel.layout, box, bar):
        before, mine = widget.get_state(), widget.traits(page=True)
        for value in WRONG:
            from_page.set(widget, **{name: value for name in [*widget.keys, "_unknown"] if name not in mine})
            assert widget.get_state() == before, (widget, value)


@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_value_that_is_none_is_dropped_without_a_word(from_page, value):
    header = Header()
    from_page.set(header, theme=value)
    assert header.theme == "light"
