"""What a talk tells: the right choice of a question, numbers in its texts, and what is wrong with a file."""

from dataclasses import replace
from shutil import copytree

import pytest
from traitlets import TraitError

from explorer.extensions.talk.file import READY, TalkError, read_talk
from explorer.extensions.talk.slide_parts import LiveBar, Question, right_choice
from explorer.extensions.talk.talk import Talk
from explorer.serve.command import main
from explorer.training import History

SLIDE = '[[slides]]\ntitle = "It"\n'


@pytest.mark.parametrize(("choices", "outcome", "right"), [
    (["50 %", "80 %", "95 %"], "94.1\u00a0%", "95 %"), (["60\u202f000", "1 180"], "1\u202f180", "1 180"),
    (["4", "9"], "9", "9"), (["Yes", "No"], "no.", "No"), (["Yes", "No"], "it depends", ""),
    (["50 %", "half"], "50.2 %", ""), (["1 s", "2 %"], "1 s", "1 s"), (["1", "3"], "2", ""),
    (["94"], "94.1 %", "94"), (["95"], "94.1 %", "94.1 %"), ([""], "94.1 %", ""),
])  # fmt: skip
def test_the_right_choice_is_named_where_that_can_be_said(choices, outcome, right):
    assert right_choice(choices, outcome) == right


def test_the_guess_is_what_most_votes_are_for():
    asked = Question(question="?", choices=["1", "2"], outcome="2")
    asked.votes = [3, 12]
    assert (asked.guess, asked.right) == ("2", "2")
    asked.votes = [12, 12]
    assert asked.guess == "2"


@pytest.mark.parametrize("settings", ["32 hidden units", ""])
def test_a_slide_asks_for_what_is_possible(from_page, settings):
    bar, asked = LiveBar(settings), []
    bar.on_live(asked.append)
    for state, content in (
        *(("recorded", {"live": live}) for live in ("stop", "fly", "run")),
        *(("running", content) for content in ({"live": "run"}, {}, "stop", None, {"live": "stop"})),
    ):
        bar.show(state, "live: epoch 2 of 10", 1.7)
        from_page.send(bar, content)
    assert (asked, bar.fraction) == (["run", "stop"] if settings else [], 1)


def test_the_size_of_a_slide_is_bounded():
    for scale in (0.5, 30.0):
        with pytest.raises(TraitError):
            LiveBar().scale = scale


def test_a_question_is_filled_in_and_does_not_change_with_a_live_run(written, mnist):
    runs, texts = (
        READY.read_text().partition("[[slides]]")[0],
        'run = "overshooting"\nagainst = ["exercise"]\n',
    )
    texts += 'question = "From {other[accuracy]}?"\nchoices = ["{accuracy}", "{other[units]}"]\n'
    path = written(runs + SLIDE + texts)
    copytree(READY.with_suffix(".recordings"), path.with_suffix(".recordings"))
    talk = Talk(path, mnist)
    asked = talk.slides["slide-1"].question
    assert asked.question == "From 94.1 %?"
    assert asked.choices[1] == "32"
    slide = talk.slides["slide-1"]
    begun = replace(slide.recorded, status="running", history=History(slide.recorded.config), evaluation=None)
    slide.show_live(begun)
    assert slide.bar.state == "running"
    assert "step" not in slide.bar.text  # the figures are still the recording's
    assert asked.question == "From 94.1 %?"
    talk.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[slides]]\ntitle = "It\nrun = "a"\n', "line 2: a quote is not closed."),
        ("[[slides]]\ntitle = 'It\n", "line 2: a quote is not closed."),
        ('[[slides]]\npictures = ["loss, "matrix"]\n', "line 2: a quote is not closed."),
        (
            f'{SLIDE}notes = """\nYes\n{SLIDE}',
            'line 3: the text that begins here is not closed: """ is missing.',
        ),
        (
            f'{SLIDE}notes = """Yes\n{SLIDE}notes = """No"""\n',
            "line 3: the text that begins here is not closed",
        ),
        (f"{SLIDE}title = 3\n", "line 3: Cannot overwrite a value."),
        (f'{SLIDE}run = "exercise"\n', "line 3: slide 1: there is no run “exercise”; add [runs.exercise], "),
        (f'{SLIDE}question = "{{units}}?"\n', "line 3: slide 1: “{units}” needs a run."),
        (f'{SLIDE}question = "?"\nchoices = ["{{accurate}}", "b"]\n', "line 4: slide 1: nothing fills in"),
    ],
)
def test_a_fault_says_what_to_do(written, text, told):
    with pytest.raises(TalkError) as caught:
        read_talk(written(text))
    assert str(caught.value).startswith(f"mine.toml, {told}")


def test_faults_come_in_order_and_end_once(written, capsys):
    run = '[runs.one]\nsettings = "n=500"\n'
    path = written(f'{run}[[slides]]\ntitel = "It"\n{SLIDE}run = "one"\n[[slides]]\ntitel = "It"\n')
    assert main(["present", str(path), "--check"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": ")[0].split()[-1] for line in lines] == ["4", "5", "9"]
    written('[[slides]]\ntitel = "It"\n')
    assert main(["present", str(path), "--check"]) == 2
    assert capsys.readouterr().err.endswith("did you mean 'title'?\n")
