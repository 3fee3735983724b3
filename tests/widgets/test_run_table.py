"""The table of runs, with a hand-written page at the other end."""

import json

import pytest

from explorer.widgets.run_table import MOST_CHOSEN, RunCell, RunRow, RunTable

EVIL = '<img src=x onerror="alert(1)">'


def row(number, **more):
    return RunRow(number, "#332288", (RunCell("32", 32.0, differs=True), RunCell("sigmoid")), **more)


@pytest.fixture
def table():
    table = RunTable()
    table.show(["Hidden units", "Hidden activation"], [row(1), row(2, name=EVIL), row(3, present=True)])
    return table


@pytest.fixture
def heard(table):
    actions = []
    table.on_action(lambda *action: actions.append(action))
    return actions


def test_rows_go_in_one_message_as_text(sent):
    table = RunTable()
    sent.clear()
    marks = {"name": EVIL, "note": "a note", "pinned": True, "hidden": True}
    table.show(["Hidden units"], [row(7, **marks)])
    (message,) = sent
    assert message["headings"] == ["Hidden units"]
    (shown,) = message["earlier"]
    assert shown["cells"][0] == {"text": "32", "order": 32.0, "differs": True}
    assert shown["cells"][1] == {"text": "sigmoid", "order": None, "differs": False}
    assert shown.items() >= {"number": 7, **marks, "present": False}.items()
    sent.clear()
    table.show(["Hidden units"], [row(7, **marks)])
    assert sent == []


def test_what_the_user_asks_for_is_heard(table, heard, from_page):
    for content in (
        {"verb": "name", "number": 1, "text": f"  {EVIL} "},
        *({"verb": verb, "number": 1, "text": "x" * 10_000} for verb in ("name", "note")),
        {"verb": "pin", "number": 3},
        {"verb": "delete", "number": 2},
        {"verb": "undo"},
        {"verb": "forget"},
    ):
        from_page.send(table, content)
    assert heard == [
        ("name", 1, EVIL), ("name", 1, 60 * "x"), ("note", 1, 2000 * "x"),
        ("pin", 3, ""), ("delete", 2, ""), ("undo", 0, ""), ("forget", 0, ""),
    ]  # fmt: skip


def test_what_can_not_be_asked_is_not_heard(table, heard, from_page):
    for content in (
        None,
        "delete",
        {},
        {"verb": "delete", "number": 9},
        {"verb": "delete", "number": 3},  # the present run
        {"verb": "hide", "number": 3},
        {"verb": "note", "number": 1, "text": 5},
        {"verb": "_plain", "number": 1},
        {"verb": ["pin"], "number": 1},
    ):
        from_page.send(table, content)
        assert heard == [], content


def test_two_runs_that_are_there_are_chosen_at_most(table, from_page):
    from_page.set(table, chosen=[1, 2, 1])
    assert table.chosen == [1, 2]
    from_page.set(table, chosen=[1, 9, 2, 3])
    assert table.chosen == [2, 3]
    assert len(table.chosen) == MOST_CHOSEN
    table.show([], [row(1), row(3)])
    assert table.chosen == [3]


def test_two_hundred_runs_are_a_message_of_some_kilobytes_and_a_tick_is_one_row(sent):
    earlier = [row(number, note="n" * 20) for number in range(1, 201)]
    table = RunTable()
    sent.clear()
    table.show(["a", "b"], [*earlier, row(201, present=True)])
    assert len(json.dumps(sent[0])) < 100_000
    sent.clear()
    further = RunRow(201, "#332288", (RunCell("33", 33.0), RunCell("sigmoid")), present=True)
    table.show(["a", "b"], [*earlier, further])
    (message,) = sent
    assert list(message) == ["present"]
    assert [shown["number"] for shown in message["present"]] == [201]
    sent.clear()
    table.show(["a", "b"], [*earlier[1:], further])  # another has gone: the present one has not changed
    assert [list(message) for message in sent] == [["earlier"]]
