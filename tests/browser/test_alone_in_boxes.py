"""Each part alone in a cell and in every box, in JupyterLab and Voilà: its boxes are measured."""

import pytest
from browser.page_object import PALETTES, SURFACE, rgb

OF_VOILA = "name => { document.body.dataset.jpThemeLight = String(name === 'Light'); }"
"""Voilà writes its theme there when it makes the page, and has nothing to change it."""
DRAWN = """() => {
  const seen = [...document.querySelectorAll('.explorer-alone')].filter((part) => part.checkVisibility());
  const figures = seen.filter((part) => part.querySelector('.explorer-live-figure'));
  return figures.length === 16 && figures.every((part) => part.querySelector('.main-svg'));
}"""
SHOWS = """surface => {
  const plots = [...document.querySelectorAll('.explorer-surface .main-svg:first-child')];
  return plots.every((plot) => !plot.checkVisibility() || getComputedStyle(plot).backgroundColor === surface);
}"""
IN_THE_LAB = """() => [...document.querySelectorAll('.explorer-lab .explorer-live-plot')]
  .filter((plot) => plot.checkVisibility()).map((plot) => [plot.clientWidth, plot.clientHeight])"""
MEASURED = """() => {
  const box = (element) => {
    if (!element) return null;
    const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
    return { left, top, right, bottom, width, height };
  };
  const room = (element) => {
    const { paddingLeft, paddingRight } = getComputedStyle(element);
    return element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  };
  const seen = [...document.querySelectorAll('.explorer-alone')].filter((part) => part.checkVisibility());
  return seen.map((part) => {
    const caption = part.querySelector('.explorer-figure > .explorer-caption');
    const place = part.parentElement.closest('.jupyter-widgets, .jp-OutputArea-output');
    return {
      name: [...part.classList, ...place.classList].join(' '),
      isNarrow: part.matches('.explorer-narrow'),
      part: box(part),
      room: room(part.parentElement),
      clips: place.scrollWidth - place.clientWidth,
      figure: box(part.querySelector('.explorer-live-plot')),
      caption: box(caption),
      surface: getComputedStyle(part).backgroundColor,
      words: caption && getComputedStyle(caption.querySelector('p')).color,
    };
  });
}"""


@pytest.fixture(params=["Voilà", pytest.param("JupyterLab", marks=pytest.mark.sweep)])
def visit(request, open_page, notebook):
    """A page on which all parts are drawn."""
    path = notebook("alone_in_boxes")
    size = {"width": 1440, "height": 14_000}  # all parts are in sight, and so drawn
    if request.param == "Voilà":
        visit = open_page(request.getfixturevalue("serve_plainly")(path).url, viewport=size)
        visit.until_shown(DRAWN)
    else:
        visit = open_page(request.getfixturevalue("jupyterlab").address(path), viewport=size)
        visit.run_all()
    visit.page.wait_for_function(DRAWN)
    return visit


@pytest.mark.long
def test_parts_have_room_and_follow_the_theme(visit):
    page = visit.page
    is_voila = page.evaluate("() => 'voila' in document.body.dataset")
    for width in (1440, 900):
        page.set_viewport_size({"width": width, "height": 14_000})
        for theme in ("dark", "light"):
            if is_voila:
                page.evaluate(OF_VOILA, theme.capitalize())
            else:
                visit.command("apputils:change-theme", theme=f"JupyterLab {theme.capitalize()}")
            page.wait_for_function(SHOWS, arg=SURFACE[theme])
            measured = settled(page)
            assert len(measured) == 24
            for one in measured:
                assert_it_has_room(one)
                assert one["surface"] == SURFACE[theme]
                assert one["words"] in (None, rgb(PALETTES[theme].muted))
            assert all(w >= 240 and h >= 200 for w, h in page.evaluate(IN_THE_LAB))
    for place, others in ((".tabs .lm-TabBar-tab", (1, 2)), (".folds .jupyter-widget-Collapse-header", (1,))):
        for number in others:
            page.locator(place).nth(number).click()
            for one in settled(page):
                assert_it_has_room(one)


def settled(page):
    """The boxes, once they stay where they are: figures follow their place a moment later."""
    before = None
    while (now := page.evaluate(MEASURED)) != before:
        before = now
        page.evaluate("() => new Promise((done) => setTimeout(done, 300))")
    return now


def assert_it_has_room(one):
    part, figure, caption = one["part"], one["figure"], one["caption"]
    if one["isNarrow"]:
        assert 300 <= part["width"] <= min(340, one["room"]), one
        assert part["height"] >= 120, one
        return
    assert part["width"] >= 274, one
    assert part["height"] >= 200, one
    if not {"row", "columns", "grid"} & set(one["name"].split()):
        assert part["width"] == pytest.approx(one["room"], abs=1), one
    if "grid" not in one["name"].split():  # its columns are whatever they were given
        assert one["clips"] <= 1, one
    if figure is None:
        return
    assert figure["width"] >= 240, one
    assert figure["height"] >= 200, one
    assert caption["height"] >= 12, one
    assert caption["top"] >= figure["bottom"] - 1, one  # below it
    assert caption["left"] == pytest.approx(figure["left"], abs=1), one
    assert caption["bottom"] <= part["bottom"], one
