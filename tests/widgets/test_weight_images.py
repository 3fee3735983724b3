from __future__ import annotations

from explorer.widgets.pictures import WeightImages, WeightPage


def shown(**more):
    images = WeightImages()
    images.show(WeightPage("32 units", b"png", n_images=32, columns=8, limit="0.470", **more))
    return images


def test_all_that_is_shown_goes_in_one_message(sent):
    images = WeightImages()
    sent.clear()
    images.show(WeightPage("32 units", b"png", 64, 32, columns=8, limit="0.470", page=1, n_pages=2))
    (message,) = sent
    assert message["content"]["first"] == 64


def test_a_page_that_is_there_can_be_asked_for(from_page):
    images, asked = shown(n_pages=3), []
    images.on_page(asked.append)
    for content in ({"page": 2}, {"page": 3}, {"page": -1}, {"page": "1"}, {}, None):
        from_page.send(images, content)
    assert asked == [2]


def test_the_page_chooses_a_unit(from_page):
    images, seen = shown(), []
    images.observe(lambda change: seen.append(change["new"]), "selected")
    from_page.set(images, selected=5)
    assert seen == [5]
