"""One run in the terminal: options from the settings' table, a line an epoch, and nothing lost at the end."""

import csv
import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from unittest.mock import Mock

import needs
import numpy as np
import pytest
from processes import COMMAND, on_a_terminal
from reference_runs import diverging
from study_steps import DIVERGING

from explorer.app.url_state import Link
from explorer.network import NeuralNetwork
from explorer.serve.command import main
from explorer.serve.run_options import query_of
from explorer.training import FIELDS, PRESETS, DivergedError, TrainingConfig, TrainingRun, train
from explorer.training.hints import hints
from explorer.training.presets import START, opening_config
from explorer.training.process_settings import one_blas_thread
from explorer.training.query import read_query, write_query
from explorer.training.records import History, RunEnd, Snapshot

NAME = "train"
OTHER, _ = read_query(
    "hidden=7,5&activation=tanh&output=softmax&loss=cross_entropy&init=he&batch=50&epochs=2&lr=0.25&"
    "optimizer=adam&schedule=cosine&warmup=2&reduction=mean&l2=0.001&l1=0.00001&dropout=0.2&"
    "input_dropout=0.1&max_norm=2.0&shift=1.0&rotation=10.0&scale=0.1&elastic=1.0&seed=4&n=300&"
    "validation=100&patience=3&changes=1:0.1:50,5:0.01:64"
)


def started(*options, **streams):
    return subprocess.Popen([sys.executable, "-W", "error", "-c", COMMAND, "train", *options], **streams)


def rows(text):
    """The epochs' lines of the table, as numbers."""
    lines = (line for line in text.splitlines() if re.fullmatch(r" +\d+( +[\d.]+%?){5}", line))
    return [[float(cell.rstrip("%")) for cell in line.split()] for line in lines]


@pytest.mark.parametrize("spelling", ["key", "name"])
def test_every_setting_is_an_option_under_both_names(command, spelling):
    options = []
    for name, field in FIELDS.items():
        options += [f"--{getattr(field, spelling).replace('_', '-')}", field.format(getattr(OTHER, name))]
    code, out, _ = command(*options, "--json")
    assert (code, json.loads(out)["config"]) == (0, json_config(OTHER))
    assert OTHER.differences(TrainingConfig()) == tuple(FIELDS)


def json_config(config):
    return json.loads(json.dumps(asdict(config)))


LINK = "http://localhost:8866/render/x?hidden=9,4&lr=0.5&epochs=3"


@pytest.mark.parametrize(
    ("begin", "config"),
    [
        (["--preset", "exercise"], PRESETS["The exercise"]),
        (["--preset", "modern"], PRESETS["Modern"]),
        (["--preset", "adam"], PRESETS["Adam"]),
        (["--from-url", LINK], START.replace(hidden_sizes=(9, 4))),
    ],
)
def test_a_preset_or_a_link_starts_and_an_option_changes_it(command, begin, config):
    code, out, err = command(*begin, "--epochs", "1", "--json")
    assert (code, "--from-url" in err) == (0, False)
    assert json.loads(out)["config"] == json_config(config.replace(epochs=1))
    assert json.loads(out)["query"] == write_query(config.replace(epochs=1))


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("http://localhost:8866/?hidden=9&tab=inside&theme=dark#top", "hidden=9&tab=inside&theme=dark"),
        ("http://localhost:8866/a=b/?hidden=9", "hidden=9"),
        ("http://[x/?hidden=9", "hidden=9"),
        ("http://localhost:8866/", ""),
        ("?hidden=9&x=a?b", "hidden=9&x=a?b"),
        ("hidden=9&x=?", "hidden=9&x=?"),
    ],
)
def test_the_settings_of_an_address_stand_after_its_question_mark(text, query):
    assert query_of(text) == query


def test_a_link_that_the_page_copies_is_taken_as_it_is_and_what_is_invalid_in_one_is_told(command, capfd):
    link = Link(TrainingConfig(epochs=1), "inside", "dark", ("epochs",), "histograms")
    code, out, err = command("--from-url", f"http://localhost:8866/?{link.write()}", "--json")
    assert (code, "--from-url" in err) == (0, False)
    assert json.loads(out)["config"] == json_config(link.config)
    code, _, err = command("--from-url", "?epochs=1&color=red&epochs=1&data=patterns")
    assert code == 0
    assert "--from-url: “color” is not a setting" in err
    assert "--from-url: “epochs” stands more than once" in err
    assert "data" not in err.replace("--dataset", "")
    assert main(["train", "--from-url", "?epochs=1&n=10&hidden=1&data=fashion-mnist"]) == 0
    said = "The link is of the data set “fashion-mnist”, which --dataset must name: this is MNIST."
    assert f"--from-url: {said}" in capfd.readouterr().err


@pytest.mark.parametrize("options", [["--preset", "modern", "--from-url", "?"], ["--lr"]])
def test_a_wrong_option_has_exit_code_2(options, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", *options])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_validation_and_the_rate_are_shown(command):
    options = "--validation 150 --epochs 2 --schedule cosine --lr 0.1 --batch 450"
    code, out, _ = command(*options.split())
    assert code == 0
    assert "450 train and 150 validation images\n" in out
    assert "\nschedule cosine\n" in out
    assert "validation accuracy  seconds  learning rate\n" in out
    # At the epoch's middle, (1 + cos(π / 4)) / 2 of it.
    assert re.search(r"^    1 .* 0\.0854$", out, re.MULTILINE)
    assert re.search(r"^Validation accuracy +[\d.]+% of 150 images$", out, re.MULTILINE)
    assert "test" not in out.lower()


def test_patience_without_validation_images_is_said_to_do_nothing(command):
    code, _, err = command("--epochs", "1", "--patience", "3")
    said = "--patience does nothing without validation images; --validation says how many.\n"
    assert (code, err) == (0, said)
    assert "does nothing" not in command("--epochs", "1", "--patience", "3", "--validation", "60")[2]


def test_with_a_split_the_test_set_is_opened_by_an_option_alone(command):
    """The figures are those of the validation images, and the word says so."""
    options = ("--epochs", "2", "--validation", "150", "--json")
    code, out, err = command(*options)
    closed = json.loads(out)
    assert (code, closed["test"], closed["dataset"]["n_validation"]) == (0, None, 150)
    assert "validation loss" in err
    assert "test" not in err.lower()
    code, out, err = command(*options, "--test")
    opened = json.loads(out)
    assert (code, opened["test"]["n_images"], opened["final"]) == (0, 200, closed["final"])
    assert f"Test accuracy         {opened['test']['accuracy']:.2%} of 200 images" in err
    code, out, err = command("--epochs", "2", "--json", "--test")
    assert json.loads(out)["test"] is None


def test_the_table_holds_the_records(command, small_dataset):
    code, out, err = command("--epochs", "3", "--lr", "0.05")
    assert (code, err, "\x1b" in out, "mini-batch" in out) == (0, "", False, False)
    shown = rows(out)
    records = list(train(TrainingConfig(epochs=3, learning_rate=0.05), small_dataset))
    assert len(shown) == 3
    for row, record in zip(shown, records, strict=True):
        figures = (record.epoch, record.train_loss, record.test_loss)
        shares = (100 * record.train_accuracy, 100 * record.test_accuracy)
        np.testing.assert_allclose(row[:5], (*figures, *shares), rtol=0, atol=0.00501)
        assert row[2] == round(record.test_loss, 4)
        assert row[5] >= 0


def test_the_end_tells_exact_accuracy_and_the_worst_digits(command, small_dataset):
    _, out, _ = command("--epochs", "1", "--batch", "64")
    training = TrainingRun(TrainingConfig(epochs=1, batch_size=64), small_dataset)
    list(training)
    network = training.network
    exact = np.mean(network.predict(small_dataset.X_train) == small_dataset.train_labels)
    decided, labels = network.predict(small_dataset.X_test), small_dataset.test_labels
    recall = [np.mean(decided[labels == digit] == digit) for digit in range(10)]
    pairs = [(np.sum((labels == i) & (decided == j)), i, j) for i in range(10) for j in range(10) if i != j]
    count, i, j = max(pairs, key=lambda pair: pair[0])
    assert f"Train accuracy  {exact:.2%} of 600 images" in out
    assert f"Test accuracy   {np.mean(decided == labels):.2%} of 200 images" in out
    assert f"Hardest digits  {np.argmin(recall)} (recall {min(recall):.1%})" in out
    assert f"Most confused   {i} read as {j} ({count}, " in out


def test_json_stands_alone_on_standard_output(command, small_dataset):
    code, out, err = command("--epochs", "2", "--json")
    said, records = json.loads(out), list(train(TrainingConfig(epochs=2), small_dataset))
    assert (code, out.count("\n")) == (0, 1)
    assert len(rows(err)) == 2
    assert said["status"] == "finished"
    assert said["dataset"]["n_train"] == 600
    assert [epoch["test_loss"] for epoch in said["epochs"]] == [record.test_loss for record in records]
    assert said["epochs"][1]["train_accuracy"] == records[1].train_accuracy
    assert said["final"]["test_accuracy"] == records[1].test_accuracy
    assert said["final"]["confusion"] == records[1].confusion.tolist()
    assert said["final"]["step"] == 4


@needs.POSIX
def test_a_terminal_shows_a_bar_with_mini_batches_and_time_left(folder):
    options = ["--dataset", folder, "--epochs", "80", "--batch", "2"]
    shown = on_a_terminal([sys.executable, "-W", "error", "-c", COMMAND, "train", *map(str, options)])
    assert re.search(r"epoch \d+ of 80 .* mini-batch \d+ of 300 \d+ s left", shown)
    assert len(rows(shown)) >= 79  # each above the bar, on a line of its own


def test_a_reader_that_goes_away_ends_it_quietly():
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = started("--epochs", "500", "--n", "1000", **streams, text=True)
    done.stdout.readline()
    done.stdout.close()
    assert done.wait(timeout=60) == 1
    assert done.stderr.read() == ""
    done.stderr.close()


@needs.FULL_DISK
def test_a_full_disk_is_said():
    with open("/dev/full", "w", encoding="ascii") as full:  # noqa: PTH123
        done = started("--epochs", "1", "--n", "100", stdout=full, stderr=subprocess.PIPE, text=True)
        _, err = done.communicate(timeout=60)
    assert done.returncode == 1
    assert "No space left" in err
    assert err.count("\n") == 1


def test_a_diverged_run_says_so_and_keeps_its_history(command, small_dataset, folder, tmp_path):
    file, script, report = (tmp_path / f"run.{ending}" for ending in ("npz", "py", "html"))
    files = ["--save", str(file), "--script", str(script), "--report", str(report)]
    code, out, err = command("--from-url", write_query(DIVERGING), "--json", *files)
    said = json.loads(out)
    snapshots = []
    with one_blas_thread(), pytest.raises(DivergedError) as diverged:
        snapshots += (event for event in TrainingRun(DIVERGING, small_dataset) if isinstance(event, Snapshot))
    sentence = f"The loss has not been a number since epoch {diverged.value.epoch}: train again with --"
    assert code == 1
    assert sentence in err
    assert (said["status"], said["final"]) == ("failed", None)
    assert said["reason"].startswith(sentence)
    assert len(said["epochs"]) == diverged.value.epoch - 1 > 0
    np.testing.assert_equal(NeuralNetwork.load(file).weights(), snapshots[-1].weights)
    assert "The same run again" in report.read_text(encoding="utf-8")  # for it fails again
    command = [sys.executable, script, folder]
    again = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert again.count("epoch ") == len(snapshots)
    assert f"Test accuracy   {said['epochs'][-1]['test_accuracy']:.3%} of 200 images" in again


LARGE = {"learning_rate": 1e-5, "batch_size": 60_000, "hidden_sizes": 1024}


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"learning_rate": 0.01}, "--lr 0.003"),
        ({"initializer": "normal", "hidden_sizes": (4, 4)}, "--hidden 32,32 --init glorot --lr 0.003"),
        (LARGE, "--batch 512 --lr 0.0003"),
        ({**LARGE, "epochs": 500}, ""),
    ],
)
def test_the_fix_of_a_diverged_run_is_the_hints_own(monkeypatch, capsys, mnist, changes, options):
    monkeypatch.setattr(TrainingRun, "__next__", Mock(side_effect=DivergedError(2)))
    config = TrainingConfig(**changes)
    query = write_query(config)
    assert main(["train", "--from-url", f"?{query}"]) == 1
    said = capsys.readouterr().err
    end = f": train again with {options}." if options else "."
    assert said == f"The loss has not been a number since epoch 2{end}\n"
    history = History(config).followed_by(RunEnd("failed", error=DivergedError(2)))
    (hint,) = hints(history, n_train=60_000) or (None,)
    changed = read_query(query)[0].replace(**{} if hint is None else dict(hint.fix))
    assert main(["train", "--from-url", f"?{query}", *options.split(), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["config"] == json_config(changed)


def test_nothing_is_saved_when_no_epoch_has_ended(command, tmp_path):
    query = write_query(diverging(TrainingConfig(initializer="he", batch_size=16)))
    code, _, err = command("--from-url", query, "--save", str(tmp_path / "run.npz"))
    assert code == 1
    assert "--save: nothing is saved, for no epoch has ended." in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_ctrl_c_stops_within_an_epoch_and_saves_what_was_learned(mnist, tmp_path):
    """One epoch of this run takes a minute."""
    file, report = tmp_path / "run.npz", tmp_path / "run.html"
    done = started(
        "--batch", "1", "--hidden", "256,256", "--lr", "0.02", "--json", "--save", file, "--report", report,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not done.stderr.readline().startswith("epoch  train loss"):
        assert done.poll() is None
    time.sleep(0.5)  # some mini-batches: nothing says when they have passed
    done.send_signal(signal.SIGINT)
    out, err = done.communicate(timeout=60)
    said = json.loads(out)
    assert done.returncode == 130
    assert "Stopped in epoch 1 of 10." in err
    assert (said["status"], said["epochs"]) == ("stopped", [])
    assert 0 < said["final"]["epoch"] < 1
    assert said["final"]["step"] == round(said["final"]["epoch"] * 60_000)
    came_to = f"This run came to epoch {said['final']['epoch']:.4g} of 10; its settings train all 10."
    assert came_to in report.read_text(encoding="utf-8")
    right = np.mean(NeuralNetwork.load(file).predict(mnist.X_test) == mnist.test_labels)
    # Images whose two largest outputs are all but equal the textbook may decide otherwise: it rounds otherwise.
    assert right == pytest.approx(said["final"]["test_accuracy"], abs=3 / 10_000)


def test_a_file_is_replaced_only_by_force(command, tmp_path):
    file = tmp_path / "run.npz"
    file.write_text("precious")
    code, out, err = command("--epochs", "1", "--save", str(file))
    assert (code, out, file.read_text()) == (2, "", "precious")
    assert "is there already; --force replaces it." in err
    assert command("--epochs", "1", "--save", str(file), "--force")[0] == 0
    assert NeuralNetwork.load(file).layer_sizes == (784, 32, 10)
    assert list(tmp_path.iterdir()) == [file]


def test_the_run_is_written_in_every_form(command, folder, tmp_path):
    options = {"--save": "run.npz", "--script": "run.py", "--csv": "run.csv", "--report": "run.html"}
    files = [word for option, name in options.items() for word in (option, str(tmp_path / name))]
    code, out, err = command("--epochs", "2", "--batch", "16", "--lr", "0.05", "--json", *files)
    assert code == 0
    assert err.count("Saved to ") == 4
    final = json.loads(out)["final"]
    assert NeuralNetwork.load(tmp_path / "run.npz").layer_sizes == (784, 32, 10)
    script = [sys.executable, "-W", "error", tmp_path / "run.py", folder]
    again = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert f"Test accuracy   {final['test_accuracy']:.3%} of 200 images" in again
    assert f"Train accuracy  {final['train_accuracy']:.3%} of 600 images" in again
    rows = csv.DictReader((tmp_path / "run.csv").read_text().splitlines())
    losses = [epoch["test_loss"] for epoch in json.loads(out)["epochs"]]
    assert [float(row["test_loss_per_image"]) for row in rows] == losses
    assert "784-32-10, " in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_own_images_begin_with_settings_for_many_classes_and_what_was_done_is_said(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (90, 12, 9, 3)).astype(np.uint8)
    mine = str(tmp_path / "mine.npz")
    np.savez(mine, x=images, y=np.arange(90) % 30)
    assert main(["train", "--dataset", mine, "--epochs", "1", "--json"]) == 0
    out, said = capsys.readouterr()
    assert json.loads(out)["config"] == json_config(opening_config(60, 144).replace(epochs=1))
    assert "mine.npz: Color was turned into gray.\n" in said
    assert "mine.npz: Images of 12 × 9 pixels were made 12 × 12.\n" in said
    assert main(["train", "--dataset", mine, "--preset", "exercise", "--epochs", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"] == json_config(TrainingConfig(epochs=1))
