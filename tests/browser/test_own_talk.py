"""A talk of one's own, with each kind of picture: recorded, shown without any other host, and printed."""

import re
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from browser.test_presentation import alone, assert_at, forward, present
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.long
PICTURES = (
    ("loss", "accuracy"),
    ("matrix", "cells"),
    ("mistakes", "readings"),
    ("weights", "activations"),
    ("network",),
    ("step",),
    ("code: backward", "map: 1"),
    ("demonstration: fgsm",),
    ("study: mine.jsonl", "image: pony.png"),
    ("explorer: hidden_sizes, batch_size",),
)
NAMES = [f"slide-{number}" for number in range(1, len(PICTURES) + 1)]
ASKED = NAMES[0], NAMES[7]  # a demonstration asks its own question
SETTINGS = "n=3000&epochs=3"
QUESTION = 'question = "What share of the images does it read, in %?"\nanswer = "{accuracy}"\n'
LIVE = re.compile(r"live run, trained in \d+\.\d s")


def command(*arguments):
    """Run the package's command."""
    ran = [sys.executable, "-m", "explorer", *map(str, arguments)]
    return subprocess.run(ran, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The file of a recorded talk of ten slides; the first asks a question."""
    folder = tmp_path_factory.mktemp("talk")
    slides = [
        f'[[slides]]\ntitle = "Slide {number}"\nnotes = "Note {number}"\npictures = {[*pictures]}\n'
        + 'run = "small"\n' * (not pictures[0].startswith(("demonstration", "study")))
        for number, pictures in enumerate(PICTURES, 1)
    ]
    head = f'[runs.small]\nsettings = "{SETTINGS}"\n'
    path = folder / "mine.toml"
    path.write_text("\n".join([head, slides[0], QUESTION, *slides[1:]]), encoding="utf-8")
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).resize((400, 400)).save(folder / "pony.png")
    study = ("study", "--n", 1000, "--epochs", 1, "--batch", "50,100", "--out", folder / "mine.jsonl")
    for made in (study, ("present", path, "--record"), ("present", path, "--check")):
        done = command(*made)
        assert done.returncode == 0, done.stderr + done.stdout
    path.with_name("short.toml").write_text("\n".join([head, slides[0], QUESTION, *slides[7:9]]), "utf-8")
    path.with_name("short.recordings").symlink_to(path.with_suffix(".recordings"))
    return path


@pytest.fixture(scope="module")
def talk(mine, start_server):
    return start_server(["-m", "explorer", "present", mine, "--no-browser", "--port", "0"])


@pytest.fixture
def opened(talk, open_page):
    """Open the talk at a slide."""

    def opened(path=""):
        found = alone(talk, open_page, path)
        expect(present(found.page).locator(".explorer-slide h2").first).to_be_visible()
        return found

    return opened


def gray(screenshot):
    return np.asarray(Image.open(BytesIO(screenshot)).convert("L"), float)


def assert_drawn(page, name, wait_for):
    """Each picture of the slide has a size, and is of more than one color, as soon as it is drawn."""
    assert_at(page, name)
    if name in ASKED:
        reveal = present(page).locator(".explorer-reveal")
        expect(reveal).to_contain_text(re.compile("Reveal|Cover"))
        if "Reveal" in reveal.text_content():
            page.keyboard.press("r")
            expect(reveal).to_contain_text("Cover")
    expect(present(page).get_by_role("heading", name=f"Slide {name.removeprefix('slide-')}")).to_be_visible()
    whole_or_cells = ".explorer-slide-pictures > :not(.explorer-slide-cells), .explorer-slide-cells > *"
    pictures = present(page).locator(whole_or_cells)
    expect(pictures.nth(len(PICTURES[NAMES.index(name)]) - 1)).to_be_attached()
    for picture in pictures.all():
        wait_for(lambda shot=picture.screenshot: gray(shot()).std() > 5, words=name)
        assert min(gray(picture.screenshot()).shape) > 150, name


@pytest.mark.sweep
def test_every_slide_forwards_and_back_and_again_in_another_tab(opened, wait_for):
    found = opened()
    page = found.page
    for name in NAMES:
        assert_drawn(page, name, wait_for)
        page.keyboard.press("ArrowRight")
    for name in reversed(NAMES):
        assert_drawn(page, name, wait_for)
        page.keyboard.press("ArrowLeft")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert_at(page, NAMES[3])
    page.wait_for_url(f"**/#/{NAMES[3]}")
    address = page.url.rpartition("/#/")[2]
    found.assert_clean()
    page.close(run_before_unload=True)
    again = opened(f"#/{address}")
    assert_drawn(again.page, NAMES[3], wait_for)
    again.assert_clean()


@pytest.mark.sweep
def test_a_number_is_guessed_and_runs_are_live_at_each_pace(opened):
    found = opened()
    page = found.page
    bar, question = (present(page).locator(f".explorer-{part}") for part in ("live-bar", "question"))
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    notes = popup.value
    page.bring_to_front()
    page.keyboard.type("95")
    expect(question).to_contain_text("Guessed: 95")
    expect(present(page).locator(".explorer-slide-pictures")).to_be_hidden()
    page.keyboard.press("r")
    expect(question).to_contain_text(re.compile(r"Guessed: 95, (right|wrong) · Outcome: \d\d\.\d %"))
    page.keyboard.press("t")  # an epoch a second
    expect(bar).to_contain_text(LIVE)
    forward(page)
    expect(notes.locator("#notes")).to_have_text("Note 2")
    page.keyboard.press("v")
    page.keyboard.press("t")  # as fast as it goes
    expect(bar).to_contain_text(LIVE)
    forward(page)
    page.keyboard.press("v")
    page.keyboard.press("t")
    page.keyboard.press("p")  # by steps
    expect(bar.get_by_role("button", name="Continue")).to_be_visible()
    words = bar.locator(".explorer-live-words")
    for _ in range(3):
        before = words.text_content()
        page.keyboard.press("n")
        expect(words).not_to_have_text(before)
    page.keyboard.press("x")
    expect(bar).to_contain_text("recorded run")
    expect(notes.locator("#notes")).to_have_text("Note 3")
    found.assert_clean()


@pytest.mark.sweep
def test_a_handout_has_every_slide_with_its_notes(mine, tmp_path):
    path, short = tmp_path / "handout.pdf", mine.with_name("short.toml")
    done = command("present", short, "--pdf", path)
    assert done.returncode == 0, done.stderr
    *each, last = done.stdout.splitlines()
    assert last == f"Wrote {path}: 3 slides."
    assert each == [f"Slide {k} of 3: Slide {number}" for k, number in ((1, 1), (2, 8), (3, 9))]
    content = path.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Subtype /Image", content)) >= 3
    noted = tmp_path / "noted.pdf"
    assert command("present", short, "--pdf", noted, "--notes").returncode == 0
    paragraphs = [len(re.findall(rb"/S /P\b", one.read_bytes())) for one in (path, noted)]
    assert paragraphs == [0, 3]  # only notes are paragraphs
    again = command("present", short, "--pdf", path)
    assert (again.returncode, path.read_bytes()) == (2, content)
    assert "is there already" in again.stderr
