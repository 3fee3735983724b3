"""What only shows: plain data of elements, and the pictures that they name."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.extensions.many_runs.study_parts import StudyProgress
from explorer.widgets import assets
from explorer.widgets.numbers import Bar, Bars, CheckedWeights, SideBySide, Table, Tile, Tiles
from explorer.widgets.rendered import Caption, Display, Rendered, element
from explorer.widgets.task_card import TaskCard

SCRIPT = (Path(assets.__file__).parent / "rendered.js").read_text(encoding="utf-8")
TAGS = set(re.search(r'"([a-z0-9 ]+)"\.split', SCRIPT).group(1).split())
ATTRIBUTE = re.compile(re.search(r"const ATTRIBUTE = /(.+)/;", SCRIPT).group(1))


def test_an_element_is_plain_data_without_what_is_false():
    made = element("p", "<b>text</b>", None, "", class_="muted", aria_live=True, hidden=False, tabindex=0)
    assert made == ["p", {"class": "muted", "aria-live": "true", "tabindex": 0}, "<b>text</b>"]


def test_a_drawing_is_one_message_and_the_same_again_is_none(sent):
    part = Rendered("explorer-tiles")
    sent.clear()
    part.draw(element("p", "one"), picture=b"png")
    part.draw(element("p", "one"), picture=b"png")
    assert sent == [{"content": [["p", {}, "one"]], "pictures": [None]}]  # the bytes travel separately


def test_a_press_is_heard(from_page):
    part, heard = Rendered("explorer-tiles"), []
    part.on_press(heard.append)
    for content in ({"press": "again"}, {"press": 7}, {"press": None}, {}, None):
        from_page.send(part, content)
    assert heard == ["again"]


def shown():
    """One of each part, with something of everything that it can show."""
    bar = Bar("9", -0.5, "1", "off", "9")
    data = (
        StudyProgress("3 of 48 runs", 0.5, "stop"),
        Table("Scores", ["digit", "recall"], {}, [["0", "1 %"]], [(0, 1)]),
        Tiles((Tile("a", "1", "b", "test"),)),
        Bars("Unit", (bar,), signed=True, note="note"),
        CheckedWeights("verdict", "how", (("W", "1", "1", "0", "agree"),), None),
        SideBySide([("A", "#332288")], "verdict", ["remark"], [("Epochs", "6", "10")]),
        TaskCard("f", "wrong", "`f` is", "look", "note", tuple("abc"), ("code",), rung=4, is_open=4, of=12),
        TaskCard("f", "right", "", hints=("`a`", "b", "c"), rung=1, is_open=1, of=12),
    )
    return [Caption("text"), *map(Display, data)]


def elements(content):
    """All elements, at every depth."""
    for one in content:
        if not isinstance(one, str):
            yield one
            yield from elements(one[2:])


@pytest.mark.parametrize("part", shown(), ids=lambda part: part.kind)
def test_the_page_knows_every_element_and_attribute(part):
    for tag, attributes, *_ in elements(part.content):
        assert tag in TAGS
        for name in attributes.keys() - {"style", "picture", "pace"}:
            assert ATTRIBUTE.fullmatch(name), name
        assert attributes.get("picture", -1) < len(part.pictures)


def test_no_element_or_attribute_could_run_a_script():
    assert TAGS.isdisjoint(
        ["a", "script", "style", "iframe", "img", "object", "embed", "form", "input", "link"]
    )
    for name in ("onclick", "href", "src", "srcdoc", "style", "formaction", "id", "data-press x"):
        assert not ATTRIBUTE.fullmatch(name)


def test_a_caption_keeps_its_line_for_both_who_see_and_who_hear():
    caption = Caption("epoch 5 of 10")
    seen, heard = caption.content
    attributes = {"class": "explorer-cut explorer-muted", "aria-hidden": "true", "title": "epoch 5 of 10"}
    assert seen == ["p", attributes, "epoch 5 of 10"]
    assert (heard[1]["aria-live"], heard[1]["pace"], heard[2]) == ("polite", 2000, "epoch 5 of 10")


def column(table, index):
    return [row[2 + index][2] for row in table.elements()[0][-1][2:]]


def test_a_table_is_sorted_by_what_is_pressed_and_stays_so():
    table = Table("Scores", ["digit", "recall"], rows=[["8", "95.1 %"], ["3", "9.5 %"], ["5", "–"]])
    assert column(table, 0) == ["8", "3", "5"]
    table = table.sorted_on("1")
    assert column(table, 1) == ["9.5 %", "95.1 %", "–"]
    table = table.sorted_on("1")
    assert column(table, 1) == ["–", "95.1 %", "9.5 %"]
    table = replace(table, rows=[["1", "70 %"], ["2", "80 %"]])
    assert column(table, 1) == ["80 %", "70 %"]
    heads = table.elements()[0][3][2][2:]
    assert [head[1]["aria-sort"] for head in heads] == ["none", "descending"]
    for nothing in ("2", "-1", "x", ""):
        assert table.sorted_on(nothing) == table


EVIL = "<b>A</b>"


def test_a_comparison_is_shown_as_text_and_can_be_emptied(sent):
    display = Display(SideBySide())
    sent.clear()
    heads = [(EVIL, "#332288"), ("B · run 2", "#117733")]
    display.show(SideBySide(heads, "B is better.", ["Both read the same."], [("Epochs", "6", "10")]))
    (message,) = sent
    verdict, remarks, (_, _, _caption, (_, _, (_, _, _corner, *heads)), (_, _, *lines)) = message["content"]
    assert verdict[2:] == ["B is better."]
    assert [remark[2] for remark in remarks[2:]] == ["Both read the same."]
    assert [head[3] for head in heads] == [EVIL, "B · run 2"]
    assert [[cell[2] for cell in line[2:]] for line in lines] == [["Epochs", "6", "10"]]
    display.show(SideBySide())
    assert display.content[-1][1] == {"hidden": True}


def test_checked_weights_are_rows_of_text():
    row = ("W1[3, 402]", "−0.00135", "−0.00135", "3.70 × 10⁻⁷", "agree")
    content = CheckedWeights("All 1 agree.", "How.", (row,), True).elements()
    ((_, _, (_, _, said, button), (_, _, (_, _, _caption, _head, (_, _, shown))), how),) = content
    assert (said[2:], how[2:], button[1]["data-press"]) == (["All 1 agree."], ["How."], "again")
    assert [cell[2] for cell in shown[2:]] == [*row]


def test_a_bar_has_its_length_and_its_words_and_stays_within_its_row():
    for share, signed, width, start in ((-0.5, True, "25.0%", "25.0%"), (3.0, False, "100.0%", "0.0%")):
        bars = Bars("Unit 3", (Bar("9", share, "−0.420", "off"),), signed=signed)
        ((_, _, _, (_, _, (_, _, name, track, words)), _),) = bars.elements()
        assert (name[2:], words[2:]) == (["9"], ["−0.420", ["em", {}, " off"]])
        assert track[2][1]["style"] == {"width": width, "inset-inline-start": start}
