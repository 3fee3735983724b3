"""The gallery, without a page."""

import pytest

from explorer.widgets.gallery import Gallery, GalleryImage


@pytest.fixture
def gallery():
    gallery = Gallery("0123456789")
    image = GalleryImage("9 → 4", "95 % sure", "9 read as 4", right=False, key=17)
    gallery.show("two", [image], b"", columns=1)
    return gallery


def test_images_can_be_opened_and_filtered_once_somebody_hears_it(gallery, from_page):
    assert gallery.opens == ""
    opened = []
    gallery.on_open("Press to see more", opened.append)
    assert gallery.opens == "Press to see more"
    for key in (17, "17", None, [17]):
        from_page.send(gallery, {"open": key})
    assert opened == [17]
    assert not gallery.filters
    heard = []
    gallery.on_filter(lambda *classes: heard.append(classes))
    assert gallery.filters
    from_page.send(gallery, {"filter": [9, -1]})
    from_page.send(gallery, {"filter": [9, 10]})
    assert heard == [(9, -1)]
