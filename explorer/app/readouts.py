"""The run's results in words and numbers, a glossary of the page's terms, and its help."""

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

from explorer.datasets import Dataset
from explorer.network import hardest_classes, most_confused
from explorer.session import SessionRun, SessionState
from explorer.training import FIELDS, Evaluation, Moment, SampleRecord
from explorer.widgets.controls import HelpDialog
from explorer.widgets.numbers import Fact, Tile, Tiles
from explorer.wording import class_noun, counted, grouped, percent, times, with_noun

WORDS = tomllib.loads((files("explorer.app") / "words.toml").read_text(encoding="utf-8"))
"""The help's paragraphs, the effect of each key, and a sentence for each term."""

_NONE = "–"


@cache
def glossary(noun: str) -> dict[str, str]:
    """Return the terms and the settings with their sentences, about images or points: `Dataset.noun`."""
    terms = {**WORDS["glossary"], **{field.label: field.help for field in FIELDS.values()}}
    return {with_noun(term, noun): with_noun(text, noun) for term, text in terms.items()}


def accuracy_tile(moment: Moment | SampleRecord | None, dataset: Dataset) -> Tile:
    """Return the accuracy on the held-out images that a moment was scored on; `dataset` has them."""
    label = f"{dataset.held_out.capitalize()} accuracy"
    n = len(dataset.test_labels) if moment is None else int(moment.confusion.sum())
    record = moment if moment is None or isinstance(moment, SampleRecord) else moment.record
    value = _NONE if record is None else percent(record.test_accuracy)
    is_sample = n < len(dataset.test_labels)
    note = f"sample of {grouped(n)}" if is_sample else f"of {counted(n, dataset.held_out_noun)}"
    return Tile(label, value, note, "test", glossary(dataset.noun)[label])


def results(state: SessionState) -> Tiles:
    """Return the results of the moment shown: accuracy and mistakes large, the others in a line."""
    run, moment, meanings = state.run, state.pictured, glossary(state.scored_on.noun)
    accuracy, wrong = accuracy_tile(moment, state.scored_on), Tile("Wrong", _NONE, meaning=meanings["Wrong"])
    if moment is not None:
        n = int(moment.confusion.sum())
        wrong = replace(wrong, value=grouped(n - int(moment.confusion.trace())), note=f"of {grouped(n)}")
    if state.moment is not None and (trend := _trend(state, state.moment)):
        accuracy = replace(accuracy, note=trend)
    opened = []
    if run is not None and run.test is not None:  # the final weights' accuracy on the test set
        label, times_opened = "Test accuracy", f"opened {run.test.times}"
        opened = [Tile(label, percent(run.test.accuracy), times_opened, meaning=meanings[label])]
    return Tiles((accuracy, wrong, *opened), () if run is None else tuple(_facts(run, moment)))


def _trend(state: SessionState, moment: Moment) -> str:
    """Return by how many points an ended run differs from an earlier one; else, an epoch from the last."""
    previous = next((run for run in reversed(state.comparable.shown) if run.newest is not None), None)
    before, since = None, ""
    if previous is not None and previous.newest and not state.is_training and state.looks_back_to is None:
        before, since = previous.newest.record.test_accuracy, f"vs. run {previous.number}"
    for record in state.history.epochs if before is None else ():
        if record.epoch < moment.epoch:
            before, since = record.test_accuracy, f"since epoch {record.epoch}"
    if before is None:
        return ""
    points = round(100 * moment.record.test_accuracy, 1) - round(100 * before, 1)
    return f"{'▲' if points > 0.05 else '▼' if points < -0.05 else '±'} {abs(points):.1f} {since}"


def _facts(run: SessionRun, moment: Moment | SampleRecord | None) -> Iterator[Fact]:
    noun = run.dataset.noun
    if isinstance(moment, SampleRecord):
        of = f"of {grouped(run.steps_at_ends[1])}"
        meaning = "The step of the first epoch; in each, the weights change once."
        yield Fact(f"step {grouped(moment.step)} {of}", meaning)
    elif moment is not None:
        over, turn = f"during epoch {moment.epoch:g}", "on its turn in the epoch"
        how = f"Here each image counts as it was classified {turn}, so the figure lags behind."
        if isinstance(moment.record, Evaluation):
            over, all_ = f"on all training {noun}s", counted(run.dataset.n_train, f"training {noun}")
            how = f"Here all {all_} are classified by the network as it stands."
            if run.config.augmentation.is_on:
                how = f"{how} The curve is of distorted {noun}s, which are harder."
        meaning = f"{glossary(noun)['Train accuracy']} {how}"
        yield Fact(f"train {percent(moment.record.train_accuracy)} {over}", meaning, "train")
    if moment is not None:
        names, counts = run.dataset.class_names, moment.confusion
        hardest = hardest_classes(counts)[0]
        missed, n = int(counts[hardest].sum() - counts[hardest, hardest]), int(counts[hardest].sum())
        kind, of = class_noun(names), f"{grouped(missed)} of its {counted(n, noun)}"
        meaning = f"The {kind} with the lowest recall: {of} are missed."
        called = names[hardest].removeprefix(f"{kind} ")  # of "class 0"
        words = f"hardest {kind} {called}, {grouped(missed)} missed"
        yield Fact(words if missed else f"no {kind} is ever missed", meaning)
        for pair in most_confused(counts, 1):
            read = f"{names[pair.true]} read as {names[pair.predicted]}"
            share = f"{percent(pair.share)} of the true {kind}’s {noun}s"
            yield Fact(f"{read}, {times(pair.count)}", f"The most frequent mistake, in {share}.")
    if run.history.last is not None and (seconds := run.history.last.seconds):
        value = f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
        meaning = f"Time of one pass over all training {noun}s, in {counted(run.position[2], 'step')}: "
        yield Fact(f"{value}/epoch", f"{meaning}in each, the weights change once.")
    sizes = (run.dataset.n_inputs, *run.config.hidden_sizes, run.dataset.n_classes)
    n_parameters = sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))
    meaning = (
        "Inputs, units of each hidden layer, outputs; and all weights and biases, which training changes."
    )
    yield Fact(f"{'-'.join(map(str, sizes))}, {grouped(n_parameters)} parameters", meaning)


def help_dialog(dataset: Dataset) -> HelpDialog:
    """Return the page's help, in the terms of a data set."""
    noun = class_noun(dataset.class_names)
    learns = "read handwritten digits" if noun == "digit" else "tell images apart"
    about = [words.format(learns=learns, noun=noun) for words in WORDS["help"]]
    return HelpDialog([with_noun(words, dataset.noun) for words in about], WORDS["keys"])


def first_words(dataset: Dataset) -> str:
    """Return a line for those who see the page for the first time: what to do first."""
    draws = "Draw a digit over the image" if class_noun(dataset.class_names) == "digit" else "Click a tile"
    what = "Click into the plane" if dataset.is_plane else draws
    return f"New here? {what}, or move a slider: the network learns again while you watch."
