"""The guide as static pages: each link leads somewhere, nothing comes from another host, the live page lives."""

import json

import guide_site
import pytest
from browser.static_files import served
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages, and what is wrong with them."""
    place = tmp_path_factory.mktemp("guide") / "site"
    return place, guide_site.build(place, executed=("pitfalls",))


def test_the_navigation_has_each_page_once_what_is_learned_first_before_what_is_looked_up():
    place = guide_site.ROOT / "notebooks"
    pages = {f"guide/{path.stem}" for path in place.glob("guide/*.md")}
    pages |= {path.stem for path in place.glob("*.ipynb")}
    listed = [name for names in guide_site.NAVIGATION.values() for name in names]
    assert sorted(listed) == sorted(pages)
    assert listed.index("tutorial") < listed.index("guide/teach_a_class") < listed.index("guide/reference")


@pytest.mark.long
def test_every_link_and_anchor_leads_somewhere_on_this_site(folder):
    assert folder[1] == []


@pytest.mark.long
def test_a_page_of_each_kind_opens_without_another_host(open_page, folder):
    with served(folder[0]) as address:
        for page, text in (
            ("index.html", "Neural network explorer"),
            ("notebooks/guide/reference.html", "nn-explorer publish"),
            ("notebooks/tutorial.html", "import"),
            ("notebooks/guide/api.html", "from explorer import"),
            ("notebooks/guide/trends.html", "fit / train"),
            ("images/CONTRIBUTING.html", "An optimizer"),
        ):
            found = open_page(address + page)
            expect(found.page.get_by_text(text).first).to_be_attached()
            found.assert_clean()
        found = open_page(f"{address}notebooks/pitfalls.html")
        expect(found.page.locator(".lesson-plot .main-svg")).not_to_have_count(0)
        expect(found.page.locator("math")).not_to_have_count(0)
        found.assert_clean()
        found = open_page(f"{address}notebooks/guide/teach_a_class.html")
        frame = found.page.frame_locator("iframe")
        expect(frame.get_by_role("listbox", name="8 units, sigmoid")).to_be_attached()
        expect(frame.locator(".js-plotly-plot .main-svg")).not_to_have_count(0)
        found.assert_clean()


def test_each_ratio_is_drawn_over_the_commits_that_have_it():
    machine = {"processor": "A", "BLAS": "B", "load": "quiet"}
    rows = [{"commit": c, "of": "1", "measured": "2", "machine": machine, "ratios": r} for c, r in (
        ("old", {"net: ours / limit": 2}), ("new", {"net: ours / limit": 1, "net: fit / train": 3}),
    )]  # fmt: skip
    found = [*guide_site.trends(map(json.dumps, rows))]
    assert found[1].startswith("| net | ours / limit | 2 | 1 | <svg")
    assert 'aria-label="old 2, new 1"' in found[1]
    assert 'points="10,4.0 40,18.0"' in found[1]
    assert found[2].startswith("| net | fit / train | 3 | 3 | <svg")
    assert found[-1] == "| new | 1 | 2 | A | B | quiet |"


def test_broken_links_and_other_hosts_are_found(tmp_path):
    for name, text in (
        (
            "index.html",
            '<a href="other.html#there"></a><a href="other.html#gone"></a><a href="lost.html"></a>',
        ),
        ("other.html", '<h2 id="there"></h2><script src="https://example.org/x.js"></script>'),
    ):
        (tmp_path / name).write_text(text)
    assert sorted(guide_site.complaints(tmp_path)) == [
        "index.html links to lost.html, which isn't there",
        "index.html links to other.html#gone, an anchor that isn't there",
        "other.html loads https://example.org/x.js",
    ]
