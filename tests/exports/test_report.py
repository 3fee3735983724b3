"""The report is one file: everything is in it, nothing is asked of another host, and text stays text."""

import json
import re
import shlex
from base64 import b64decode
from dataclasses import replace
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from explorer import load_mnist
from explorer.exports.files import TrainingStage
from explorer.exports.report import MOST_MISTAKES, report
from explorer.network.metrics import select_samples
from explorer.training import FIELDS, Moment, RunEnd, Snapshot
from explorer.training.presets import START
from explorer.training.query import write_query

from .conftest import CONFIG

EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">&amp;'


class Page(HTMLParser):
    """The elements of a page with their attributes and texts."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self._open = [], [], ["html"]
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_data(self, data):
        if self._open[-1] not in ("script", "style") and data.strip():
            self.texts.append(data.strip())

    def handle_endtag(self, tag):
        while self._open.pop() != tag:
            pass

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def figures(html):
    themes = json.loads(re.search(r'<script type="application/json" id="figures">(.*?)</script>', html)[1])
    return {name: {theme: drawn[name] for theme, drawn in themes.items()} for name in themes["light"]}


@pytest.fixture(scope="module")
def plain(exported):
    """A plain run and its report."""
    run = exported(title="Batch 16 (run 3)", day=date(2026, 11, 6))
    return run, report(run)


def test_it_says_what_the_run_came_to(plain):
    run, html = plain
    text = " ".join(Page(html).texts)
    assert f"{100 * run.exact.test_accuracy:.1f}\u00a0%" in text
    assert f"{100 * run.exact.train_accuracy:.1f}\u00a0%" in text
    assert f"on all {run.scored_on.n_train} training images" in text
    for field in FIELDS.values():
        assert field.label in text
    assert write_query(run.config) in text
    assert "Exported from the neural network explorer on 6 November 2026" in text
    name = re.search("<title>(.*)</title>", html)[1]
    assert name.startswith("Batch 16 (run 3) · ")
    assert name.endswith(" · 2026-11-06 · Neural network explorer")


def test_it_holds_the_figures_in_both_themes(plain):
    run, html = plain
    drawn = figures(html)
    assert set(drawn) == {"loss", "accuracy", "confusion"}
    for themes in drawn.values():
        assert set(themes) == {"light", "dark"}
        papers = [themes[name]["layout"]["template"]["layout"]["paper_bgcolor"] for name in themes]
        assert papers[0] != papers[1]
    mistakes, right = drawn["confusion"]["light"]["data"][:2]
    shown = np.where(np.eye(10), np.array(right["z"], float), np.array(mistakes["z"], float))
    np.testing.assert_array_equal(shown, run.moment.confusion)


def test_it_is_one_file_that_asks_no_other_host(plain):
    _, html = plain
    assert 4e6 < len(html) < 6e6
    assert html.count("plotly.js v") == 1
    page = Page(html)
    addresses = [
        value
        for _, attributes in page.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]
    assert addresses
    assert all(address.startswith("data:image/png;base64,") for address in addresses)
    policy = page.all("meta")[1]["content"]
    assert policy.startswith("default-src 'none';")


def test_text_stays_text(plain):
    run, html = plain
    before = Page(html)
    names = tuple(f"{k}{EVIL}" for k in range(10))
    dataset = replace(run.dataset, name=EVIL, class_names=names)
    html = report(replace(run, title=EVIL, note=f"first\n{EVIL}", file=f"{EVIL}.npz", dataset=dataset))
    page = Page(html)
    for tag in ("script", "img", "style"):
        assert len(page.all(tag)) == len(before.all(tag)), tag
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    text = " ".join(page.texts)
    assert text.count(EVIL) > 10
    assert f"first\n{EVIL}" in text
    assert set(figures(html)) == {"loss", "accuracy", "confusion"}


def test_the_worst_mistakes_are_pictures_with_words(exported):
    run = exported(CONFIG.replace(epochs=1, learning_rate=0.001))
    page = Page(report(run))
    pictures = page.all("img")
    assert len(pictures) == MOST_MISTAKES
    worst = select_samples(run.moment.test_outputs, run.dataset.test_labels, mistakes_only=True)[0]
    true, read = run.dataset.test_labels[worst], run.moment.test_outputs[:, worst].argmax()
    assert pictures[0]["alt"].startswith(f"test image {worst}: true {true}, read as {read} (")


@pytest.mark.parametrize(("keys", "words"), [
    (
        {"before": (TrainingStage(CONFIG.replace(learning_rate=0.5), 2.0),)},
        "Up to epoch 2 it was trained with learning rate 0.5.",
    ),
    ({"before": (TrainingStage(CONFIG, 2.0),)}, "with the same settings"),
    ({"file": "it.npz", "first_epoch": 4}, "weights of the file it.npz, epoch 4"),
])  # fmt: skip
def test_what_lies_before_the_run_is_told(exported, keys, words):
    title, text, _ = again(report(exported(**keys)))
    assert words in text
    assert title == "The same settings again"
    assert "is this run" not in text
    assert "give the same run" not in text


def again(html):
    """The last section's heading, its sentences and its commands."""
    section = re.search(r'<section aria-labelledby="again">.*?</section>', html, re.DOTALL)[0]
    page = Page(section)
    command = unescape(re.findall(r'class="code">(nn-.*?)</code>', section)[0])
    return page.texts[0], " ".join(page.texts), command


def test_images_of_ones_own_are_named_in_the_command(plain):
    run, html = plain
    title, text, command = again(html)
    assert title == "The same run again"
    option, path, link, query = shlex.split(command)[2:]
    assert (option, link, query) == ("--dataset", "--from-url", f"?{write_query(CONFIG)}")
    assert path == Path(run.dataset.source).name
    assert str(Path(run.dataset.source).parent) not in html
    assert "“folder” with 'quotes'" in path
    assert "that shows these images" in text


def test_start_on_ones_own_images_needs_them_in_the_command(exported):
    run = exported(START)
    _, text, command = again(report(run))
    assert shlex.split(command)[2:] == ["--dataset", Path(run.dataset.source).name, "--preset", "start"]
    assert "with these images its plain address" in text
    bare = Moment(run.moment.record, Snapshot(3, run.moment.weights, np.empty((10, 0))))
    _, text, command = again(report(replace(run, dataset=load_mnist(), moment=bare)))
    assert command == "nn-explorer train --preset start"
    assert "its plain address, or in the terminal the command, is this run" in text


@pytest.mark.parametrize(("until", "epoch"), [(None, "2"), (38 + 19, "1.507")])
def test_a_run_that_ended_early_says_so(exported, until, epoch):
    run = exported(CONFIG.replace(epochs=2), until=until)
    title, text, _ = again(report(replace(run, history=run.history.continued(CONFIG))))
    assert title == "The same settings again"
    assert f"came to epoch {epoch} of 3; its settings train all 3." in text
    assert "is this run" not in text
    assert "give the same run" not in text


def test_a_run_that_failed_fails_again(exported):
    run = exported(CONFIG.replace(epochs=2))
    history = run.history.continued(CONFIG).followed_by(RunEnd("failed", "The loss is not a number."))
    title, text, _ = again(report(replace(run, history=history)))
    assert title == "The same run again"
    assert "came to" not in text


def test_a_report_of_an_earlier_epoch_says_of_which(plain, trained):
    run, html = plain
    assert "after epoch" not in " ".join(Page(html).texts)
    history, first = trained(CONFIG.replace(epochs=1), evaluated=False)
    html = report(replace(run, moment=Moment(history.last, first.snapshot)))
    texts = Page(html).texts
    assert (
        "Accuracies, matrix and mistakes are those after epoch 1; "
        "the curves are of the whole run, which came to epoch 3."
    ) in texts
    for heading in (
        "Confusion matrix after epoch 1, count of test images",
        "The hardest first, after epoch 1",
        "The worst mistakes after epoch 1",
    ):
        assert heading in texts
    assert len(figures(html)["accuracy"]["light"]["data"][-1]["x"]) > 0


@pytest.fixture(scope="module")
def fork(exported, trained):
    """Makes a run that is forked after epoch 2 from one forked after epoch 1, and its report."""

    def fork(**changes):
        first = CONFIG.replace(epochs=1, **changes)
        root, at_root = trained(first)
        child, at_child = trained(CONFIG.replace(epochs=2, learning_rate=0.1), start=at_root.snapshot)
        before = (TrainingStage(first, 1.0, root), TrainingStage(child.config, 2.0, child))
        run = exported(CONFIG.replace(epochs=4, seed=5), start=at_child.snapshot, before=before)
        return run, report(run)

    return fork


def line(figure):
    """The test curve as its numbers."""
    trace = figure["light"]["data"][-1]
    return [np.frombuffer(b64decode(trace[axis]["bdata"]), trace[axis]["dtype"]) for axis in "xy"]


def test_a_fork_holds_the_epochs_of_its_parents_and_parts_where_it_was_forked(fork):
    run, html = fork()
    records = [*(record for stage in run.before for record in stage.history), *run.history]
    for name, attribute, factor in (("loss", "test_loss", 1), ("accuracy", "test_accuracy", 100)):
        figure = figures(html)[name]
        epochs, values = line(figure)
        assert epochs.tolist() == [1, 2, 3, 4]
        expected = [factor * getattr(record, attribute) for record in records]
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        assert [shape["x0"] for shape in figure["dark"]["layout"]["shapes"]] == [1, 2]
    text = " ".join(Page(html).texts)
    said = "Branched at the dotted lines, after epochs 1 and 2: the epochs before are those of the run"
    assert said in text
    assert "epoch 4 of 4" in text
    assert f"{sum(record.seconds for record in records):.1f} s" in text
    assert "learning rate time" in text
    order = [text.index(f"Stage {number} of 3 ") for number in (1, 2, 3)]
    assert order == sorted(order)
    for record in run.whole():
        assert f" {record.epoch} {record.train_loss:.4f} " in text


def test_a_learning_rate_that_varies_has_its_column(exported, plain):
    run = exported(CONFIG.replace(schedule="cosine"))
    text = " ".join(Page(report(run)).texts)
    assert "learning rate time" in text
    for record in run.history:
        assert f"% {record.learning_rate:.4g} {record.seconds:.2f} s" in text
    assert "learning rate time" not in " ".join(Page(plain[1]).texts)


def test_losses_of_another_kind_are_not_in_one_curve(fork):
    _, html = fork(loss="cross_entropy", output="softmax")
    assert line(figures(html)["loss"])[0].tolist() == [2, 3, 4]
    assert line(figures(html)["accuracy"])[0].tolist() == [1, 2, 3, 4]
    text = " ".join(Page(html).texts)
    assert "Up to epoch 1 the loss was another: those epochs are left out here." in text
    assert "Stage 1 of 3, loss: cross-entropy" in text
    assert "Stage 3 of 3, loss: squared error" in text
