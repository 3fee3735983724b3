"""A talk's file: what it says, and each fault in one sentence with its line; nothing else is read."""

import os
import random
import re

import pytest

from explorer.extensions.talk.file import NUMBERS, TalkError, read_talk
from explorer.extensions.talk.talk import spoken_numbers

GOOD = '''\
[runs.wide]
label = "128 units"
settings = "hidden=128&lr=0.003"

[[slides]]
title = "Wider"
sentence = "{units} units: {accuracy}."
notes = """
[[slides]]
title = 3
"""
pictures = [
    "loss",
    "map: 1",
]
run = "wide"

[[slides]]
name = "last"
title = "Last"
pictures = ["image: pony.png"]
'''


@pytest.fixture
def folder(tmp_path, written):
    (tmp_path / "pony.png").write_bytes(b"\x89PNG")
    written(GOOD)
    return tmp_path


def test_it_says_what_was_written(folder):
    talk = read_talk(folder / "mine.toml")
    first, last = talk.slides
    assert talk.faults == ()
    assert talk.runs["wide"].config.hidden_sizes == (128,)
    assert talk.runs["wide"].with_weights
    assert (first.name, first.line, first.pictures) == ("slide-1", 5, (("loss", ""), ("map", "1")))
    assert (last.name, last.line) == ("last", 18)


@pytest.mark.parametrize(("old", "new", "line", "words"), [
    ('"loss"', '"losss"', 12, "there is no picture “losss”; did you mean 'loss'"),
    ('"map: 1"', '"map: 9"', 12, "map has no “9”; "),
    ("hidden=128", "hidden=many", 3, "the run “wide”: "),
    ("image: pony.png", "demonstration: magic", 21, "demonstration has no “magic”; "),
    ("image: pony.png", "image: ../pony.png", 21, "is outside the folder of the talk"),
    ("image: pony.png", "image: /etc/passwd", 21, "is outside the folder of the talk"),
    ("image: pony.png", "image: mine.toml", 21, "is none of .gif"),
    ("image: pony.png", "image: none.png", 21, "there is no file none.png next to the talk"),
    ("image: pony.png", "explorer: hiden_sizes", 21, "did you mean 'hidden_sizes'"),
    ("image: pony.png", "explorer: hidden_sizes,", 21, "explorer has no “”"),
    ("hidden=128", "hiden=128", 3, "“hiden” is not a setting; did you mean 'hidden'"),
    ("hidden=128", "hiden=128&learning=3", 3, "“hiden” and “learning” are not settings"),
    ("image: pony.png", "loss", 21, 'loss needs a run: run = "wide"'),
    ('run = "wide"', 'run = "wider"', 16, "there is no run “wider”; did you mean 'wide'"),
    ("{accuracy}", "{accurate}", 7, "nothing fills in “{accurate}”; did you mean 'accuracy'"),
    ("{accuracy}", "{accuracy.__class__}", 7, "nothing fills in"),
    ("{accuracy}", "{accuracy:>99999999}", 7, "nothing fills in"),
    ("{accuracy}", "{accuracy:}", 7, "nothing fills in"),
    ("{accuracy}", "{accuracy", 7, "a brace is not closed"),
    ("{accuracy}", "{other[accuracy]}", 7, "needs a run in against"),
    ('title = "Last"', "title = 3", 20, "title is a text of at most 120 characters"),
    ('title = "Last"', f'title = "{"A" * 500_000}"', 20, "title is a text of at most 120 characters"),
    ('title = "Last"\n', "", 18, "a slide has a title"),
    ('name = "last"', 'name = "<script>"', 19, "a name has letters"),
    ('name = "last"', 'name = "slide-1"', 19, "another slide has this name"),
    ('name = "last"', 'nmae = "last"', 19, "there is no “nmae”; did you mean 'name'"),
    ('name = "last"', 'answer = "x"', 19, "there is no question that this answers"),
    ('name = "last"', 'question = "?"\nchoices = ["One"]', 20, "a question has two choices or more, or none"),
    ("[runs.wide]", "[run.wide]", 1, "there is no “run” in a talk"),
])  # fmt: skip
def test_a_fault_is_one_sentence_with_its_line_and_the_other_slides_run(folder, old, new, line, words):
    assert GOOD.count(old) == 1
    path = folder / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    talk = read_talk(path)
    assert talk.faults[0].startswith(f"mine.toml, line {line}: ")
    assert words in talk.faults[0]
    assert talk.faults[0].endswith((".", "?"))
    assert "ignored" not in talk.faults[0]
    assert talk.slides


@pytest.mark.parametrize(("content", "words"), [
    (b"", "line 1: there are no slides"),
    (b"[[slides]\n", "line 1: "),
    (b'a = 1\nb = "', "line 2: "),
    (b"\xff", "line 1: 'utf-8' codec can't decode"),
    (b"slides = 3", "line 1: runs are tables"),
    (b"x = " + b"[" * 100_000, "line 1: "),
    (b"#" * (2 << 20), "more than 1 MB"),
    (b"\n" + b".".join([b"a"] * 40_000) + b" = 1", "line 2: there are too many dots up to here"),
    (b"\n".join(b"k%d%s=1" % (n, 199 * b".a") for n in range(60)), "line 51: there are too many dots up"),
])  # fmt: skip
def test_a_file_that_is_no_talk_is_one_sentence(tmp_path, content, words):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    with pytest.raises(TalkError, match=re.escape(words)) as caught:
        read_talk(path)
    assert str(caught.value).startswith("mine.toml, line ")
    with pytest.raises(TalkError, match="found “no such file"):
        read_talk(tmp_path / "none.toml")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TalkError, match="found a pipe, expected a talk"):
            read_talk(tmp_path / "pipe")


def test_a_slide_of_a_faulty_run_says_so(folder):
    path = folder / "mine.toml"
    path.write_text(GOOD.replace("hidden=128", "hidden=many"))
    assert read_talk(path).faults[1] == "mine.toml, line 16: slide 1: the run “wide” has a fault."
    path.write_text(GOOD.partition('name = "last"')[0].replace("hidden=128", "hidden=many"))
    with pytest.raises(TalkError) as caught:
        read_talk(path)
    lines = [line.partition(": ")[0] for line in str(caught.value).split("\n")]
    assert lines == [f"mine.toml, line {number}" for number in (3, 16, 18)]


def test_a_link_out_of_the_folder_is_not_followed(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    secret.write_bytes(b"secret")
    (folder / "pony.png").unlink()
    (folder / "pony.png").symlink_to(secret)
    assert "is outside the folder of the talk" in read_talk(folder / "mine.toml").faults[0]


def test_two_hundred_mutations_give_a_talk_or_a_sentence_with_its_line(folder):
    rng, path = random.Random(0), folder / "mine.toml"
    pieces = [*'"[]={}é\n\0', "'''", "../", "<script>", "[[slides]]", "run", "9" * 50]
    for _ in range(200):
        text = GOOD
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(text))
            piece = rng.choice(pieces)
            text = text[:at] + piece + text[at + rng.choice((0, 0, 1, 5)) :]
        path.write_text(text)
        try:
            faults = read_talk(path).faults
        except TalkError as error:
            faults = (str(error),)
        lines = len(text.split("\n"))
        for fault in faults:
            found = re.match(r"mine\.toml, line (\d+): .+[.?]$", fault, re.DOTALL)
            assert found, fault
            assert 1 <= int(found[1]) <= lines


def test_every_number_can_be_filled_in(runs, mnist):
    run = runs["uniform"]
    assert {*spoken_numbers(run, run.newest, mnist)} == {*NUMBERS}
