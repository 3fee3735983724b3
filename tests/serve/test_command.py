"""What every command has in common: each mistake is one sentence and the same exit code. And ``archive``."""

import os

import dataset_files
import numpy as np
import pytest

from explorer.datasets import load_dataset
from explorer.serve import command as commands
from explorer.serve.command import main

TRAIN = [
    (["--hidden", "0"], "--hidden is '0'; expected 1 to 6 hidden layers"),
    (["--activation", "gelu"], "--activation is 'gelu'; expected one of sigmoid, relu, tanh."),
    (["--batch-size", "1.5"], "--batch is '1.5'; expected a whole number from 1 to"),
    (["--lr", "nan"], "--lr is 'nan'; expected a number from 0.00001 to 100."),
    (["--changes", "5:x:8"], "--changes is '5:x:8'; expected up to 50 changes"),
    (["--n", "601"], "--n is '601'; expected a whole number from 10 to 600, or all."),
    (["--hidden", "784-3-4"], "or all layers, from 784 inputs to 10 outputs, 784-3-4-10."),
    (["--preset", "best"], "--preset is 'best'; expected one of start, exercise, modern, momentum, adam, cosine, "
     "dropout, augmented, honest-split, uniform-weights, "),
    (["--dataset", "no/such/place"], "--dataset: place: found “no such file or directory”, expected"),
    (["--save", "no/such/place/run.npz"], "--save: there is no folder"),
    (["--csv", "run.x", "--script", "run.x"], "--csv and --script name the same file; expected two files."),
    (["--save", os.devnull, "--force"], "is there already and is not a file"),
]  # fmt: skip
STUDY = [
    (["--lr", ""], "--lr is ''; expected at least one value."),
    (["--lr", "0.1..1x1"], "--lr is '0.1..1x1'; expected 2 to 1000 values in a range."),
    (["--lr", "0.1,500"], "--lr is '500'; expected a number from 0.00001 to 100."),
    (["--seed", "1,2", "--seeds", "3"], "--seeds can't be combined with several values of --seed; expected one"),
    (["--seed", str(2**32 - 1), "--seeds", "2"], "--seed is 4294967296; expected a whole number"),
    (["--seeds", "100000", "--lr", "0.1,0.2"], "These are 200\u202f000 runs; expected at most 100\u202f000."),
    (["--workers", "257"], "--workers is 257; expected at most 256."),
]  # fmt: skip
OTHERS = [
    (["archive", "no/such/a.tgz"], "there is no folder"),
    (["archive", "/dev/null"], "not a file"),
    (["archive", "a\0b"], "embedded null"),
    (["check", "no_such.py"], "no_such.py: there is no such file or folder"),
    (["check", "no_such"], "no_such: there is no such file or folder"),
    (["check", "/dev/null"], "/dev/null: found neither a script nor a notebook"),
    (["check"], "nothing to check"),
    (["check", "a.py", "--json", "--csv"], "give one of them"),
    (["--no-browser", "--dataset", "nothing.tgz"], "--dataset: nothing.tgz: found "),
    (["serve", "--no-browser", "--dataset", "nothing.tgz"], "--dataset: nothing.tgz: found "),
]  # fmt: skip
ON_THE_SMALL = [(["train", *options], words) for options, words in TRAIN]
ON_THE_SMALL += [(["study", *options], words) for options, words in STUDY]


@pytest.mark.parametrize(("arguments", "words"), [*ON_THE_SMALL, *OTHERS])
def test_a_mistake_is_one_sentence_and_nothing_runs(arguments, words, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    if (arguments, words) in ON_THE_SMALL and "--dataset" not in arguments:
        arguments = [*arguments, "--dataset", str(folder)]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    named = next((name for name in ("archive", "check", "train", "study") if name in arguments), "serve")
    assert (out, err.count("\n"), err[-2:]) == ("", 1, ".\n")
    assert err.startswith(f"nn-explorer {named}: ")
    assert words in err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("arguments", "command", "unknown"),
    [
        (["--port", "1", "present"], "serve", "present"),  # options follow the command
        (["--seats", "9", "train"], "serve", "train"),
        (["train", "--no-such"], "train", "--no-such"),
        (["train", "--epo", "1"], "train", "--epo"),
    ],
)
def test_an_unknown_option_is_named(arguments, command, unknown, capsys):
    assert main(arguments) == 2
    said = f"nn-explorer {command}: {unknown} is unknown; nn-explorer {command} --help lists the options.\n"
    assert capsys.readouterr().err == said


@pytest.fixture
def few(mnist, tmp_path, monkeypatch):
    """The first images instead of all, for speed; the command writes to the working directory."""
    few = load_dataset(dataset_files.write(mnist, tmp_path, 20))
    monkeypatch.setattr(commands, "load_mnist", lambda: few)
    monkeypatch.chdir(tmp_path)
    return few


@pytest.mark.parametrize(
    ("path", "file"), [((), "mnist.tgz"), (("digits.tgz",), "digits.tgz"), ((".",), "mnist.tgz")]
)
def test_it_writes_what_the_loader_reads(few, path, file, tmp_path, capsys):
    assert main(["archive", *path]) == 0
    assert f"Wrote {file}: images and labels" in capsys.readouterr().out
    np.testing.assert_array_equal(load_dataset(tmp_path / file).train_images, few.train_images)


def test_a_file_that_is_there_is_replaced_only_when_told_so(few, tmp_path, capsys):
    file = tmp_path / "mine.tgz"
    file.write_text("mine", encoding="utf-8")
    assert main(["archive", str(file)]) == 2
    assert "mine.tgz is there already; --overwrite replaces it.\n" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "mine"
    assert main(["archive", str(file), "--overwrite"]) == 0
    assert load_dataset(file).name == "mine.tgz"
