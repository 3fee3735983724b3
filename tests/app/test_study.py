"""The Study tab, without a page."""

from __future__ import annotations

import threading
import time
from threading import Event

import pytest
from app_steps import send

from explorer import Explorer, TrainingConfig
from explorer.app.panels import study as module
from explorer.app.panels.study import MOST_JOURNAL_BYTES, RECORDED
from explorer.app.panels.study_plan import MOST_TRIALS, StudyPlan
from explorer.training.studies import StudyError, Trial, grid, read_journal
from explorer.training.studies.configs import batch_size_grid
from explorer.training.studies.journal import journal_content, parse_journal
from explorer.training.studies.study import StudyDelivery, StudyRunner, study

CONFIG = TrainingConfig(hidden_sizes=4, epochs=2, batch_size=16, seed=7)
HIDDEN = "explorer-hidden"


@pytest.fixture
def app(untrained):
    untrained.panels.tab_bar.selected = "study"
    return untrained


@pytest.fixture
def panel(app):
    return app.panels["study"]


def press(panel):
    send(panel.progress, {"press": panel.progress.shown.press})


def wait_for(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run(panel):
    """Run the study that the controls ask for."""
    press(panel)
    wait_for(lambda: panel.progress.shown.running)
    wait_for(lambda: not panel.progress.shown.running)


def ask(panel, setting="batch_size", values="8, 600", *others, seeds="1"):
    """Ask for a study of one setting or two, of one epoch."""
    panel.form.question.value = "own"
    for axis, entry, text in zip(panel.form.axes, panel.form.values, (values, *others[1:]), strict=False):
        axis.value = setting if axis is panel.form.axes[0] else others[0]
        entry.text = text
    panel.form.epochs.text, panel.form.seeds.text = "1", seeds


def costs(panel):
    wait_for(lambda: "about" in panel.progress.shown.text)
    return panel.progress.shown.text


@pytest.fixture
def started(monkeypatch):
    """What each study that was started has been given: its runs, what takes a delivery, and how many at a time."""
    given = []
    monkeypatch.setattr(
        StudyRunner, "start", lambda _self, configs, _data, *others: given.append((configs, *others)) or 0
    )
    return given


def failures(configs):
    return [
        Trial(config, "diverged", error="the loss has not been a number since epoch 1") for config in configs
    ]


def open_file(panel, content, name="mine.jsonl", size=None):
    told = {"open": name, "size": size or len(content), "at": 0}
    send(panel.files, told, [content] if size is None else [])


def opened(panel, content):
    before = set(threading.enumerate())
    open_file(panel, content)
    for thread in {*threading.enumerate()} - before:
        if thread.is_alive():  # another's may be about to start
            thread.join(60)


# ---------------------------------------------------------------- which runs


# ---------------------------------------------------------------- the plan and its cost


def test_no_batch_is_larger_than_the_images_and_the_whole_curve_comes_first():
    plan = StudyPlan.of_batch_sizes(TrainingConfig(n_train=1000), 60_000, range(5, 7))
    assert [config.batch_size for config in plan.configs[:12:2]] == [1000, 512, 128, 32, 8, 1]
    assert [config.seed for config in plan.configs] == [5] * 12 + [6] * 12


def test_it_opens_with_the_exercise_s_question_and_what_it_costs(panel):
    assert panel.form.question.value == "batch"
    assert "by sum at 0.01 and by mean at 3. At these" in panel.form.words.text
    assert costs(panel).startswith("36 runs, about ")
    assert HIDDEN in panel.drawing.view._dom_classes


def test_the_plan_follows_the_controls(app, panel):
    ask(panel, "learning_rate", "0.01..1 ×3", "hidden_sizes", "4, 8", seeds="2")
    assert costs(panel).startswith("12 runs, ")
    app.hidden_activation = "relu"
    assert {config.hidden_activation for config in panel.plan.configs} == {"relu"}
    panel.form.axes[1].value = ""
    panel.form.gradient.value = "both"
    assert {(c.reduction, c.learning_rate) for c in panel.plan.configs} == {
        (reduction, rate) for reduction in ("sum", "mean") for rate in (0.01, 0.1, 1.0)
    }


def test_the_offered_values_follow_the_controls_until_others_are_typed(app, panel):
    panel.form.question.value = "own"
    assert panel.form.values[0].text == "0.001..0.1 ×5"
    app.optimizer, app.learning_rate = "adam", 0.001
    assert panel.form.values[0].text == "0.0001..0.01 ×5"
    panel.form.values[0].text = "0.5"
    app.learning_rate = 0.1
    assert panel.form.values[0].text == "0.5"


def test_what_is_wrong_is_said_next_to_it_and_nothing_is_lost(panel):
    ask(panel, "batch_size", "8, 70000", "hidden_sizes", "4")
    assert panel.form.values[0].error.startswith("“70000” can't be used: expected a whole number from 1 to")
    assert panel.form.values[0].text == "8, 70000"
    assert panel.form.values[1].error == ""
    press(panel)
    assert "see what is expected" in panel.progress.shown.text
    assert not panel.progress.shown.running
    panel.form.values[0].text, panel.form.seeds.text = "8", "0"
    assert panel.form.values[0].error == ""
    assert panel.form.seeds.error
    panel.form.seeds.text, panel.form.axes[1].value = "1", "batch_size"
    assert panel.form.values[1].error == "This setting already varies: choose another."


def test_a_thousand_runs_are_asked_about_once_more(panel, started):
    ask(panel, seeds="600")
    cost = costs(panel)
    assert cost.startswith("1\u202f200 runs, about ")
    press(panel)
    assert panel.progress.shown.press == "confirm"
    assert panel.progress.shown.text.startswith(cost)
    assert not started
    press(panel)
    assert len(started[0][0]) == 1200


# ---------------------------------------------------------------- running


@pytest.mark.slow
def test_two_settings_fill_a_map_and_a_click_opens_the_run(app, panel):
    ask(panel, "batch_size", "8, 16", "hidden_sizes", "4, 8", seeds="2")
    run(panel)
    cells, _lost = panel.drawing.figures["accuracy"].plot.data
    assert [len(row) for row in cells.z] == [2, 2]
    point = {"trace": 0, "index": [1, 0], "x": "8", "y": "8"}
    figure = panel.drawing.figures["accuracy"]
    send(figure, {"kind": "hover", **point})
    chosen = panel.drawing.chosen
    assert (chosen.config.batch_size, chosen.config.hidden_sizes) == (8, (8,))
    assert app.panels.tab_bar.selected == "study"
    send(figure, {"kind": "click", **point})
    assert app.panels.tab_bar.selected == "overview"
    assert app.wait(120)
    assert app.session.state.run.config == chosen.config
    assert list(app.history) == list(chosen.epochs)
    app.panels.tab_bar.selected = "study"
    assert panel.progress.shown.text == "8 of 8 runs · done"


def test_what_a_stopped_study_has_is_kept_and_only_the_rest_is_run(panel, started):
    ask(panel, values="8, 16, 32", seeds="2")
    costs(panel)
    press(panel)
    ((configs, deliver, _n_workers),) = started
    assert len(configs) == 6
    (kept,) = failures(configs[:1])
    deliver(StudyDelivery(0, kept))
    deliver(StudyDelivery(0, Trial(configs[1], "failed", error="out of memory")))
    assert "1 failed: out of memory" in panel.progress.shown.text
    press(panel)
    assert panel.progress.shown.press == "go on"
    assert "stopped" in panel.progress.shown.text
    assert kept in panel.trials
    costs(panel)
    press(panel)
    assert set(started[1][0]) == set(configs) - {configs[0]}
    deliver(StudyDelivery(1, *failures(configs[2:3])))  # of the study that was stopped: too late
    assert len(panel.trials) == 2


def test_a_study_says_that_it_waits(panel, started):
    costs(panel)
    press(panel)
    ((_configs, deliver, _n_workers),) = started
    deliver(StudyDelivery(0, queue_position=3))
    assert panel.progress.shown.text.endswith("runs · waiting for a turn: 3rd")
    deliver(StudyDelivery(0, queue_position=0))
    assert "waiting" not in panel.progress.shown.text
    deliver(StudyDelivery(0, error="The disk is full."))
    assert "The disk is full." in panel.progress.shown.text


def test_where_no_study_can_run_the_reason_is_said(panel, monkeypatch):
    def refuse(*_):
        raise StudyError("A study can't run here: why.")

    monkeypatch.setattr(StudyRunner, "start", refuse)
    costs(panel)
    press(panel)
    assert panel.progress.shown.text == "A study can't run here: why."
    assert not panel.progress.shown.running


# ---------------------------------------------------------------- files


def test_a_study_is_saved_opened_and_gone_on_with(panel, small_dataset, monkeypatch):
    configs = grid(CONFIG.replace(epochs=1), batch_size=[8, 600], hidden_sizes=[4, (8, 4)], seed=[7, 8])
    done = tuple(study(configs[:-1], small_dataset))
    opened(panel, journal_content(done, small_dataset))
    wait_for(lambda: "remaining: 1 run, about" in panel.progress.shown.text)
    assert panel.progress.shown.text.startswith("7 of 8 runs")
    wait_for(lambda: panel.drawing.words.text.startswith("Opened mine.jsonl"))
    assert [axis.value for axis in panel.form.axes] == ["hidden_sizes", "batch_size"]
    assert [entry.text for entry in panel.form.values] == ["4, 8-4", "8, 600"]
    assert panel.missing == configs[-1:]
    saved = []
    monkeypatch.setattr(panel.files, "download", lambda *file: saved.append(file))
    send(panel.files, {"save": True})
    wait_for(lambda: saved)
    ((name, content, _media_type),) = saved
    assert parse_journal(content, name).trials == done


def test_a_journal_of_the_exercise_s_question_asks_it_again(panel, small_dataset):
    asked = StudyPlan.of_batch_sizes(CONFIG.replace(epochs=1), 600, [7]).configs
    opened(panel, journal(small_dataset, *asked[:9]))
    assert panel.form.question.value == "batch"
    assert set(panel.missing) == set(asked[9:])  # with the journal's seed


def journal(dataset, *configs):
    return journal_content(failures(configs), dataset)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\x89PNG", "mine.jsonl is not the journal of a study."),
        (b'{"nn-explorer study": {]\n', "mine.jsonl is damaged in line 1"),
        (b"", "mine.jsonl contains no runs yet."),
        (None, "mine.jsonl has more than 32 MB"),
        (
            [CONFIG.replace(seed=seed) for seed in range(MOST_TRIALS + 1)],
            "mine.jsonl holds more than 2\u202f000 runs",
        ),
        ("Ways", "mine.jsonl holds runs on another data set, Ways."),
        ([CONFIG, CONFIG.replace(n_train=601)], "mine.jsonl can't be opened: n_train is 601; expected "),
        (
            [CONFIG.replace(batch_size=n, epochs=n) for n in range(1, 46)],
            "mine.jsonl can't be opened: runs is 2025; expected at most 2\u202f000",
        ),
        (
            grid(CONFIG, hidden_sizes=[4, 8], batch_size=[8, 16], learning_rate=[0.1, 1.0]),
            "mine.jsonl varies hidden units, batch size and learning rate; this tab shows one or two settings: "
            "nn-explorer study --report shows it.",
        ),
    ],
    ids=[
        "no journal",
        "damaged",
        "empty",
        "too large",
        "runs",
        "data",
        "images",
        "combinations",
        "three settings",
    ],
)
def test_a_file_that_can_t_be_shown_is_refused_and_changes_nothing(
    app, panel, small_dataset, other_dataset, content, says
):
    costs(panel)
    if content == "Ways":
        content = journal(other_dataset, CONFIG)
    before = app.session.config, panel.plan
    if content is None:
        open_file(panel, b"", size=MOST_JOURNAL_BYTES + 1)
    else:
        opened(panel, content if isinstance(content, bytes) else journal(small_dataset, *content))
    wait_for(lambda: panel.progress.shown.text.startswith(says))
    assert panel.progress.shown.text.endswith("Nothing was changed.")
    assert (app.session.config, panel.plan, panel.trials) == (*before, ())


# ---------------------------------------------------------------- what comes late, or fails


@pytest.fixture
def paused(monkeypatch):
    """Hold back a thread of the panel; what is returned lets it go on, and waits for its end."""

    def hold(name):
        inner, gate, done = getattr(module, name), Event(), Event()

        def wait(*given, **options):
            try:
                assert gate.wait(60)
                return inner(*given, **options)
            finally:
                done.set()

        def let_go():
            gate.set()
            assert done.wait(60)
            for thread in {*threading.enumerate()} - before:
                if thread.is_alive():
                    thread.join(60)

        before = set(threading.enumerate())
        monkeypatch.setattr(module, name, wait)
        return let_go

    return hold


@pytest.mark.parametrize("leave", ["close", "use"])
def test_no_study_starts_for_a_page_that_is_gone(app, panel, started, paused, other_dataset, leave):
    costs(panel)
    let_go = paused("measured_cost")
    panel.form.seeds.text = "2"
    press(panel)
    app.close() if leave == "close" else app.session.use(other_dataset)
    let_go()
    assert not started


def test_no_file_no_trial_and_no_drawing_reaches_a_page_that_is_gone(
    app, panel, started, paused, small_dataset, monkeypatch
):
    costs(panel)
    press(panel)
    ((configs, deliver, _n_workers),) = started
    later, drawn = [], []
    monkeypatch.setattr(app.views.loop, "call_later", lambda _seconds, call: later.append(call))
    monkeypatch.setattr(panel.drawing, "show", lambda *_: drawn.append(1))
    first, second = failures(configs[:2])
    deliver(StudyDelivery(0, first))
    app.close()
    later[0]()
    deliver(StudyDelivery(0, second))
    assert (panel.trials, drawn) == ((first,), [])


@pytest.mark.parametrize("is_good", [True, False])
def test_no_study_starts_while_a_file_is_read(panel, started, paused, small_dataset, is_good):
    costs(panel)
    let_go = paused("parse_journal")
    press_before = panel.progress.shown.press
    open_file(panel, journal(small_dataset, CONFIG) if is_good else b"PNG")
    assert panel.progress.shown.waits
    assert not panel.files.can_open
    press(panel)
    panel.form.seeds.text = "2"
    costs(panel)
    send(panel.progress, {"press": press_before})
    assert not started
    let_go()
    assert not panel.progress.shown.waits
    assert panel.files.can_open
    assert len(panel.trials) == is_good
    panel.form.seeds.text = "1" if is_good else "3"
    panel.form.epochs.text = "1"
    costs(panel)
    press(panel)
    assert panel.progress.shown.running
    assert len(started) == 1


def test_a_file_that_comes_while_a_study_runs_changes_nothing(panel, started, small_dataset):
    costs(panel)
    press(panel)
    open_file(panel, journal(small_dataset, CONFIG))
    assert panel.progress.shown.running
    assert panel.trials == ()


def test_what_a_study_costs_may_fail_and_be_tried_again(panel, started, monkeypatch):
    costs(panel)
    with monkeypatch.context() as patch:
        patch.setattr(module, "measured_cost", lambda *_, **__: 1 / 0)
        for change in (lambda: setattr(panel.form.seeds, "text", "2"), lambda: press(panel)):
            change()
            wait_for(lambda: panel.progress.shown.text.startswith("What this costs can't be told: ZeroDiv"))
    press(panel)
    wait_for(lambda: panel.progress.shown.running)
    assert len(started) == 1


# ---------------------------------------------------------------- the recorded study


@pytest.mark.slow
def test_on_mnist_it_opens_with_a_recorded_study_next_to_its_question(mnist):
    app = Explorer(mnist, train=False)
    app.panels.tab_bar.selected = "study"
    panel = app.panels["study"]
    assert HIDDEN not in panel.drawing.view._dom_classes
    assert {trial.config for trial in panel.trials} == set(batch_size_grid(TrainingConfig(epochs=10)))
    assert panel.drawing.words.text.startswith(
        "Recorded beforehand, with the exercise's settings, 10 epochs and 3 seeds. By sum"
    )
    panel.form.question.value = "own"
    assert HIDDEN in panel.drawing.view._dom_classes
    assert panel.trials == ()
    panel.form.question.value = "batch"
    assert HIDDEN not in panel.drawing.view._dom_classes
    assert len(panel.trials) == 48
    app.close()


@pytest.mark.slow
def test_the_recorded_study_is_what_training_gives(mnist):
    """One of its runs, the quickest: the others are as long as a benchmark."""
    trials = read_journal(RECORDED).trials
    recorded = min(trials, key=lambda trial: trial.seconds)
    (trial,) = study([recorded.config], mnist)
    for own, kept in zip(trial.epochs, recorded.epochs, strict=True):  # another processor may round otherwise
        assert own.test_accuracy == pytest.approx(kept.test_accuracy, abs=0.005)
