"""Races: fair, and of each entry what a run by itself would have given."""

from itertools import pairwise

import pytest
from app_steps import done
from reference_runs import diverging

from explorer import TrainingConfig, race, train
from explorer.training import PRESETS, DivergedError, RaceError, TrainingRun, complete
from explorer.training.races import MOST_ENTRIES, RACES, Race
from explorer.training.records import EpochRecord, Evaluation, RivalRecord, Snapshot
from explorer.training.runner import Runner

CONFIG = TrainingConfig(hidden_sizes=6, epochs=3, batch_size=16, learning_rate=0.05)
OPTIMIZERS = RACES["Optimizers"](CONFIG, 600)
DIVERGING = diverging(CONFIG)
CHANGED = {
    "Optimizers": {"optimizer"},
    "Learning rates": {},
    "Batch sizes": {"batch_size"},
    "Activations": {"hidden_activation"},
    "Schedules": {"schedule"},
    "Regularization": {"l2", "l1", "dropout", "input_dropout", "max_norm"},
}


def raced(configs, dataset):
    """The last history of each entry, in the order of the entries."""
    last = {}
    for history in race(configs, dataset):
        last[history.config] = history
    return [last[config] for config in configs]


EARLY = CONFIG.replace(epochs=12, learning_rate=0.3, n_validation=60, patience=2)
STOPPED = [EARLY, EARLY.replace(optimizer="adam", learning_rate=0.1), EARLY.replace(patience=10)]


@pytest.mark.parametrize("configs", [OPTIMIZERS, STOPPED], ids=["whole", "stopped"])
def test_each_entry_has_the_records_of_a_run_by_itself(small_dataset, configs):
    """Also where one stops early, after the last epoch too: its weights are then those of its best epoch."""
    early = set()
    for history in raced(configs, small_dataset):
        alone = complete(TrainingRun(history.config, small_dataset))
        assert (history.epochs, history.batches) == (alone.epochs, alone.batches)
        assert (history.end.status, history.end.reason) == ("finished", alone.end.reason)
        for figure in ("epoch", "train_loss", "test_loss"):
            assert getattr(history.end.final, figure) == getattr(alone.end.final, figure)
        early.add(alone.end.final.epoch < len(alone))
    assert (True in early) == (configs is STOPPED)


@pytest.mark.parametrize("name", ["Optimizers", "Batch sizes"])
def test_none_is_more_than_a_twentieth_of_an_epoch_ahead(mnist, name):
    run = Race(RACES[name](TrainingConfig(hidden_sizes=2, epochs=1), 60_000), mnist)
    entries = run.entries
    least = max(1 / 20, *(1 / entry.steps_per_epoch for entry in entries))
    ahead = [max(entry.epoch for entry in entries) - min(entry.epoch for entry in entries) for _ in run]
    assert 0 < max(ahead) <= least + 1 / 117  # what a record spans are whole mini-batches


@pytest.mark.parametrize("name", ["Optimizers", "Batch sizes"])
def test_when_the_first_has_ended_an_epoch_so_have_all_and_none_has_begun_the_next(small_dataset, name):
    run = Race(RACES[name](CONFIG, small_dataset.n_train), small_dataset)
    ended = dict.fromkeys(range(1, len(run.entries)), 0)
    for event in run:
        if isinstance(event, RivalRecord) and isinstance(event.record, Snapshot):
            ended[event.entry] += 1
        if isinstance(event, EpochRecord):
            assert {*ended.values()} == {event.epoch}
        if isinstance(event, Snapshot):
            assert {rival.epoch for rival in run.entries} == {event.epoch}


def test_the_seconds_of_each_are_its_own(small_dataset, monkeypatch):
    """By a clock that ticks once for each event of a run, and not while another has its turn."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("explorer.training.run.perf_counter", lambda: float(next(ticks)))
    alone = sum(record.seconds for record in train(CONFIG, small_dataset))
    others = [CONFIG.replace(learning_rate=rate) for rate in (0.01, 0.02)]
    for history in raced([CONFIG, *others], small_dataset):
        assert sum(record.seconds for record in history) == alone


def test_an_entry_that_diverges_drops_out_and_the_others_go_on(small_dataset):
    good = DIVERGING.replace(learning_rate=0.001)
    for configs in ([good, DIVERGING], [DIVERGING, good]):
        by_config = dict(zip(configs, raced(configs, small_dataset), strict=True))
        end = by_config[DIVERGING].end
        assert (end.status, end.reason) == ("failed", "the loss has not been a number since epoch 1.")
        assert list(by_config[good]) == list(train(good, small_dataset))
        assert by_config[good].end.status == "finished"
    run = Race([DIVERGING, good], small_dataset)
    with pytest.raises(DivergedError, match="epoch 1"):
        list(run)
    assert run.entries[1].is_complete


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([{}], "2 to 6 entries; got 1"),
        ([{"learning_rate": 0.01 * n} for n in range(1, 8)], "2 to 6 entries; got 7"),
        ([{}, {"optimizer": "adam"}, {}], "equal settings"),
        ([{}, {"seed": 1}], "differ in seed"),
        ([{}, {"epochs": 4}], "differ in epochs"),
        ([{}, {"n_validation": 50}], "differ in validation images"),
    ],
)
def test_what_is_no_race_is_refused_with_the_reason(small_dataset, changes, words):
    with pytest.raises(RaceError, match=words):
        next(race([CONFIG.replace(**change) for change in changes], small_dataset))


@pytest.mark.parametrize("name", RACES)
@pytest.mark.parametrize(
    "config",
    [
        *PRESETS.values(),
        TrainingConfig(learning_rate=1e-5, batch_size=32),
        TrainingConfig(learning_rate=100.0, optimizer="adam", hidden_activation="tanh"),
    ],
)
def test_every_race_has_the_settings_first_and_differs_in_what_it_is_called_by(name, config):
    entries = RACES[name](config, 60_000)
    assert entries[0] == config
    assert 2 < len({*entries}) == len(entries) <= MOST_ENTRIES
    changed = {field for entry in entries[1:] for field in config.differences(entry)}
    assert changed <= {"learning_rate", *CHANGED[name]}


class Heard:
    """What a runner says of a race, by its entries."""

    def __init__(self, configs, dataset):
        self.race, self.said = Race(configs, dataset), {}
        self.runner = Runner(self._take, interval_seconds=0.0)
        self.runner.start(self.race)

    def _take(self, delivery):
        for record in delivery.records:
            entry, one = (record.entry, record.record) if isinstance(record, RivalRecord) else (0, record)
            self.said.setdefault(entry, []).append(one)

    def epochs(self, entry):
        return [record for record in self.said[entry] if isinstance(record, EpochRecord)]


@pytest.fixture
def new_heard(small_dataset):
    made = []
    yield lambda configs: made.append(Heard(configs, small_dataset)) or made[-1]
    for heard in made:
        heard.runner.close()


def test_a_runner_pauses_steps_and_extends_all(new_heard, small_dataset):
    heard = new_heard(OPTIMIZERS)
    done(heard.runner.pause)
    done(heard.runner.step, "epoch")
    n_epochs = len(heard.epochs(0))
    assert n_epochs >= 1
    assert {len(heard.epochs(entry)) for entry in heard.said} == {n_epochs}
    if heard.runner.status == "paused":
        heard.runner.resume()
    done(heard.runner.extend, heard.race, 5)
    for entry, config in enumerate(OPTIMIZERS):
        assert heard.epochs(entry) == list(train(config.replace(epochs=5), small_dataset))


def test_others_are_stepped_an_epoch_at_a_time_when_the_first_has_stopped_early(new_heard, small_dataset):
    first = CONFIG.replace(epochs=30, learning_rate=0.3, n_validation=60, patience=1)
    heard = new_heard([first, first.replace(patience=0), first.replace(patience=0, learning_rate=0.2)])
    done(heard.runner.pause)
    ends = []
    while not ends or ends[-1] < len(heard.epochs(0)) + 3:
        done(heard.runner.step, "epoch")
        assert heard.runner.status == "paused"
        ends.append(len(heard.epochs(1)))
        assert len(heard.epochs(2)) == ends[-1]
        assert isinstance(heard.said[1][-1], Evaluation)
    assert [after - before for before, after in pairwise(ends)] == [1] * (len(ends) - 1)
    assert len(heard.epochs(0)) < 28
    done(heard.runner.resume)
    assert heard.epochs(1) == list(train(first.replace(patience=0), small_dataset))
