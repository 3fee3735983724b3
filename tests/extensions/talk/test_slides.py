"""The ready talk: no typed number, nothing unknown, and the story that the runs tell."""

import re
from string import Formatter

import pytest

from explorer.extensions.talk.file import READY, read_talk
from explorer.extensions.talk.talk import spoken_numbers

SLIDES = read_talk(READY).slides


@pytest.mark.parametrize("slide", SLIDES, ids=lambda slide: slide.name)
def test_no_number_is_typed_and_its_sentence_asks_for_some_that_there_are(slide, runs, mnist):
    assert not re.search(r"\d", slide.title + slide.sentence + slide.notes)
    fields = [field for _, field, _, _ in Formatter().parse(slide.sentence) if field]
    assert all(re.fullmatch(r"\w+|other\[\w+\]", field) for field in fields)
    assert slide.against or not any(field.startswith("other") for field in fields)
    if slide.run:
        shown = (runs[name] for name in (slide.run, *slide.against[:1]))
        own, *others = (spoken_numbers(run, run.newest, mnist) for run in shown)
        said = slide.sentence.format_map({**own, "other": next(iter(others), {})})
        assert "{" not in said
        assert said or slide.name == "questions"


def test_the_names_are_distinct_and_every_run_is_shown(runs):
    assert len({slide.name for slide in SLIDES}) == len(SLIDES) == 17
    assert {name for slide in SLIDES for name in (slide.run, *slide.against) if name} == set(runs)


def test_the_runs_tell_the_story(runs):
    accuracy = {name: run.evaluation.test_accuracy for name, run in runs.items()}
    assert accuracy["exercise"] > 0.93
    assert accuracy["uniform"] < 0.12
    assert accuracy["summed"] < 0.12
    assert 0.75 < accuracy["averaged"] < 0.87
    assert accuracy["overshooting"] < 0.4 < 0.9 < accuracy["careful"]
    assert accuracy["exercise"] < accuracy["modern"] < accuracy["deep"]
    assert abs(accuracy["deep"] - accuracy["shallow"]) < 0.005  # as its notes say
