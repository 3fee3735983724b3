from explorer.widgets.gallery import PictureRow, PictureRows, RowPicture
from explorer.widgets.rendered import Display

PNG = b"\x89PNG"
TWO = (RowPicture("a nine", "9"), RowPicture("a four"))


def tiles(display):
    """Attributes of the pictures, row by row."""
    (section,) = display.content
    rows = section[4][2:]
    return [[picture[2][1] for picture in row[3][2:]] for row in rows]


def test_each_picture_shows_its_own_part_of_the_sprite():
    rows = [PictureRow("one", TWO), PictureRow("two", TWO[:1])]
    display = Display(PictureRows("A few", rows, PNG, 2))
    assert display.pictures == [PNG]
    first, second, third = (tile["style"]["background-position"] for row in tiles(display) for tile in row)
    assert [first, third] == ["0.000% 0.000%", "0.000% 96.667%"]
    assert second == "96.667% 0.000%"
    assert [tile["aria-label"] for row in tiles(display) for tile in row] == ["a nine", "a four", "a nine"]


def test_a_button_is_there_where_something_is_offered():
    display, heard = Display(PictureRows("", [PictureRow("", TWO)], PNG, 2, offer="Others")), []
    display.on_press(heard.append)
    header = display.content[0][2]
    assert header[3][1]["data-press"] == "offer"
    display._on_message(display, {"press": "offer"}, [])
    assert heard == ["offer"]
    display.show(PictureRows())
    assert display.content[0][1] == {"hidden": True}
    assert display.pictures == []
