"""``nn-explorer demo`` lists the demonstrations, runs one, and refuses what makes no sense."""

import pytest

from explorer.extensions.demonstrations.all import DEMONSTRATIONS
from explorer.serve.command import main


def test_all_are_listed_with_their_questions(capsys):
    assert main(["demo"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for one in DEMONSTRATIONS:
        assert one.key in words
        assert one.texts.question in words


def test_one_is_run_and_drawn(capsys, tmp_path):
    path = tmp_path / "rates.html"
    assert main(["demo", "rate_finder", "--seed", "1", "--html", str(path)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "At which rate does the loss stop falling?" in out
    assert "Smith (2017)" in out
    page = path.read_text(encoding="utf-8")
    assert "Smith (2017)" in page
    assert "Plotly.newPlot" in page
    assert main(["demo", "rate_finder", "--html", str(path)]) == 2
    assert "rates.html" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["demo", "gone"], "there is no demonstration 'gone'; nn-explorer demo lists them."),
        (["demo", "rate_finder", "--value", "3"], "--value: rate_finder has no number to change."),
        (["demo", "fgsm", "--value", "nan"], "--value: expected 0 to 0.3."),
        (["demo", "sharpness", "--value", "0"], "--value: expected 0.3 to 0.5."),
        (["demo", "swapped", "--value", "70000"], "--value: expected 1000 to 12000."),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, words, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"nn-explorer demo: {words}\n"


def test_a_negative_seed_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "fgsm", "--seed", "-1"])
    assert "expected a whole number of at least 0" in capsys.readouterr().err
