"""The header, the tiles and the captions without a browser."""

import pytest

from explorer.widgets.header import Header
from explorer.widgets.numbers import Tile, Tiles
from explorer.widgets.rendered import Display


def test_an_export_that_is_offered_is_handed_on(from_page):
    header, heard = Header(exports={"csv": "History as CSV"}), []
    header.on_export(heard.append)
    header.on_visit(heard.append)
    wrong = {"export": "passwords"}, {"export": ["csv"]}, {"visit": 7}, {"visit": None}, {}, None
    for content in ({"export": "csv"}, *wrong, {"visit": "?lr=0.1"}):
        from_page.send(header, content)
    assert heard == ["csv", "?lr=0.1"]


def test_a_data_set_that_is_offered_is_chosen_and_asked_about(from_page):
    header, heard = Header(datasets={"Images": ["MNIST"], "Points": ["Moons"]}), []
    header.on_choose(heard.append)
    header.on_about(lambda: heard.append("about"))
    for content in ({"choose": "Moons"}, {"choose": "Mars"}, {"choose": ["MNIST"]}, {"choose": None}, {}):
        from_page.send(header, content)
    from_page.send(header, {"about": True})
    assert heard == ["Moons", "about"]


def piece(header, name, size, at, *content):
    header._on_message(header, {"open": name, "size": size, "at": at}, [*map(memoryview, content)])


@pytest.fixture
def opened():
    """A header, and the files that it hands on."""
    header, files = Header(most_bytes=10), []
    header.on_open(lambda name, content: files.append((name, content)))
    return header, files


def test_a_file_is_handed_on_when_it_is_whole_and_without_its_content_if_it_is_too_large(opened):
    header, files = opened
    piece(header, "a.npz", 9, 0, b"1234")
    piece(header, "a.npz", 9, 4, b"5678")
    assert files == []
    piece(header, "a.npz", 9, 8, b"9")
    piece(header, "empty.npz", 0, 0)
    piece(header, "a.npz", 11, 0)
    piece(header, "a.npz", 11, 0, b"12345678901")
    assert files == [("a.npz", b"123456789"), ("empty.npz", b""), ("a.npz", None), ("a.npz", None)]


def test_pieces_that_do_not_fit_are_dropped(opened):
    header, files = opened
    for name, size, at, *content in (
        ("a.npz", 9, 4, b"5678"),  # nothing was announced
        ("a.npz", 9, 0, b"1234"),
        ("b.npz", 9, 4, b"56789"),  # of another file
        ("a.npz", 9, 4, b"56789"),  # which took the first one's place
        ("a.npz", 9, 0, b"12"),
        ("a.npz", 9, 3, b"4567890"),  # a byte is missing
        ("a.npz", "9", 0, b"1"),
        (["a"], 9, 0, b"1"),
        ("a.npz", -5, 0),
    ):
        piece(header, name, size, at, *content)
    assert files == []
    piece(header, "c.npz", 3, 0, b"12")
    piece(header, "c.npz", 3, 2, b"3456")
    assert files[-1] == ("c.npz", b"123")


def test_the_page_hears_how_much_of_a_file_is_there(opened, monkeypatch):
    header, files = opened
    answers = []
    monkeypatch.setattr(header, "send", lambda content, buffers=None: answers.append(content))
    piece(header, "a.npz", 6, 0, b"1234")
    piece(header, "a.npz", 6, 4, b"56")
    piece(header, "b.npz", 9, 4, b"5678")  # its beginning was lost
    assert answers == [{"taken": 4}, {"taken": 6}, {"taken": -1}]
    assert files == [("a.npz", b"123456")]


def test_tiles_are_shown_in_one_message(sent):
    tiles = Display(Tiles((Tile("test accuracy", "–"),)))
    sent.clear()
    accuracy = Tile("test accuracy", "93.6 %", "of 10 000 test images", "test")
    tiles.show(Tiles((accuracy, Tile("parameters", "25 450"))))
    (message,) = sent
    ((_section, _named, (_dl, _, *shown)),) = message["content"]
    assert [[part[2:] for part in tile[2:]] for tile in shown] == [
        [["test accuracy"], ["93.6 %"], ["of 10 000 test images"]],
        [["parameters"], ["25 450"], []],
    ]
    assert [tile[1]["data-series"] for tile in shown] == ["test", ""]
