"""Links hold an experiment, and survive whatever is written into them."""

from urllib.parse import urlencode

import pytest
from app_steps import PATIENCE, change, done, messages, reopen, run_of, say, set_controls, train_on
from hypothesis import given
from hypothesis import strategies as st

from explorer import TrainingConfig, train
from explorer.app.url_state import Link, Trail
from explorer.training import FIELDS, ConfigError
from explorer.training.config import fields_of

TABS = ("overview", "mistakes", "inside")
SECTIONS = ("weights", "histograms")
CONTROLS = ("presets", *(name for name in FIELDS if name != "changes"))  # a run's own steps have none
DATASETS = ("MNIST", "Fashion-MNIST", "mine & yours.tgz (2)")


@given(
    tab=st.sampled_from(("", *TABS)),
    theme=st.sampled_from(("auto", "light", "dark")),
    shown=st.none() | st.lists(st.sampled_from(CONTROLS), min_size=1, unique=True).map(tuple),
    section=st.sampled_from(("", *SECTIONS)),
    batch_size=st.integers(1, 60_000),
    data=st.sampled_from(("", *DATASETS[1:])),
)
def test_a_link_comes_back_as_it_was(tab, theme, shown, section, batch_size, data):
    link = Link(TrainingConfig(batch_size=batch_size), tab, theme, shown, section, data)
    assert Link.read(link.write(), TABS, SECTIONS, DATASETS) == (link, ())


@pytest.mark.slow
@given(st.text(max_size=300))
def test_any_text_is_a_link(text):
    link, notices = Link.read(text, TABS, SECTIONS)
    assert Link.read(link.write(), TABS, SECTIONS) == (link, ())
    assert all(len(notice) < 300 for notice in notices)


def test_what_is_not_understood_is_named():
    bad = "?tab=<script>&section=spleen&theme=pink&controls=hidden,knob&lr=-1&spam=1"
    link, notices = Link.read(bad, TABS, SECTIONS)
    assert link == Link(TrainingConfig(learning_rate=1e-5), shown=("hidden_sizes",))
    said = " ".join(notices)
    for word in ("<script>", "spleen", "pink", "knob", "-1", "spam"):
        assert word in said


def test_more_training_images_than_there_are_become_all():
    fields = fields_of(60_000, 10)
    said = "expected a whole number from 10 to 60\u202f000, or all."
    for asked in (70_000, 70_000_000):
        query = f"?n={asked}&controls=hidden,batch,epochs"
        link, notices = Link.read(query, TABS, SECTIONS, fields=fields)
        assert link == Link(shown=("hidden_sizes", "batch_size", "epochs"))
        assert notices == (f"Training images can't be “{asked}”: {said} All are used.",)
    link, notices = Link.read("?n=60000", TABS, SECTIONS, fields=fields)
    assert (link.config.n_train, notices) == (60_000, ())
    link, notices = Link.read("?n=5", TABS, SECTIONS, fields=fields)
    assert (link.config.n_train, notices) == (10, (f"Training images can't be “5”: {said} 10 is used.",))


def test_a_data_set_is_named_in_any_case_and_the_first_not_at_all():
    assert Link.read("data=fashion-mnist", TABS, (), DATASETS) == (Link(data="Fashion-MNIST"), ())
    assert Link.read("data=MNIST", TABS, (), DATASETS) == (Link(), ())
    assert Link(data="Fashion-MNIST").write() == "data=fashion-mnist"


def test_an_unknown_data_set_is_told_with_those_that_there_are():
    link, (notice,) = Link.read("data=" + "k" * 5_000, TABS, (), DATASETS[:2])
    assert link == Link()
    assert notice == f"There is no data set “{'k' * 40}”; the page has “MNIST” and “Fashion-MNIST”."


def test_of_a_hundred_unknown_parts_little_is_said():
    query = "&".join([*(f"k{n}=1" for n in range(99)), "controls=" + ",".join(f"c{n}" for n in range(200))])
    link, notices = Link.read(query, TABS, SECTIONS)
    assert link == Link()
    said = " ".join(notices)
    assert "“k0”, “k1”, “k2” and 96 more" in said
    assert "“c0”, “c1”, “c2” and 197 more" in said
    assert len(said) < 300


def test_a_tab_that_is_named_twice_is_said_once():
    link, notices = Link.read("tab=inside&lr=0.5&tab=mistakes", TABS, SECTIONS)
    assert link == Link(TrainingConfig(learning_rate=0.5), "mistakes")
    assert notices == ("“tab” stands more than once: the last is used.",)


def test_a_plain_page_has_an_empty_link():
    assert Link().write() == ""


EXTREMES = [
    *("-1", "-9" * 40, "9" * 400, "1e999", "nan", "-inf", "0x10", "٣", "1_000", "", " "),
    "<script>alert(1)</script>",
]


@pytest.mark.parametrize("value", EXTREMES)
@pytest.mark.parametrize("key", [field.key for field in FIELDS.values()])
def test_a_value_that_cant_be_is_named_and_one_that_can_takes_its_place(key, value):
    link, notices = Link.read(urlencode({key: value}), TABS)
    for name, field in FIELDS.items():
        assert field.check(getattr(link.config, name)) == getattr(link.config, name)
    try:
        asked = FIELDS[named(key)].parse(value)
    except ConfigError:
        assert len(notices) == 1
        assert value[:40] in notices[0]
        assert len(notices[0]) < 300
    else:
        assert link.config.to_query() == TrainingConfig().replace(**{named(key): asked}).to_query()


def named(key):
    return next(name for name, field in FIELDS.items() if field.key == key)


@pytest.mark.parametrize(
    "query",
    [
        "hidden=" + "1," * 5_000,
        "lr=" + "1" * 10_000,
        "x" * 10_000,
        "&".join(f"k{n}={n}" for n in range(2_500)),
        "tab=" + "%3Cscript%3E" * 800,
        "controls=" + "hidden," * 1_500,
        "%" * 10_000,
    ],
)
def test_ten_thousand_characters_are_read_and_said_shortly(query):
    link, notices = Link.read(query, TABS, SECTIONS)
    assert link.config == TrainingConfig()
    assert notices
    assert all(len(notice) < 300 for notice in notices)
    assert len(link.write()) < 200


# ---------------------------------------------------------------- in the app


CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16)


def test_a_link_that_asks_for_too_many_images_leaves_sliders_that_train(app):
    done(app.open_link, "?n=70000&controls=hidden,batch,epochs&hidden=8&epochs=2&batch=16")
    assert app.settings.shown == ["hidden_sizes", "batch_size", "epochs"]
    assert (
        "Training images can't be “70000”: expected a whole number from 10 to 600, or all. All are used."
        in messages(app)["link"]["text"]
    )
    assert "&n=" not in app.header.query
    assert app.header.settled  # the address is written again even where the settings are the same as before
    run = run_of(app)
    change(app, batch_size=32)
    assert run_of(app) is not run
    assert (app.status, run_of(app).config.batch_size, len(app.history)) == ("finished", 32, 2)
    assert not any(control.error for control in app.settings.controls)


def test_a_step_back_to_too_many_images_is_all_of_them_and_said(app):
    change(app, batch_size=32)
    say(app.header, {"visit": "?hidden=8&epochs=2&batch=16&n=601"})
    assert app.wait(PATIENCE)
    assert (app.status, app.config, run_of(app).config) == ("finished", CONFIG, CONFIG)
    assert "from 10 to 600, or all. All are used." in messages(app)["link"]["text"]
    assert "&n=" not in app.header.query


def test_a_step_back_says_nothing_of_what_is_well(app):
    say(app.header, {"visit": "?hidden=8&epochs=2&batch=64&tab=mistakes&voila-theme=dark"})
    assert app.wait(PATIENCE)
    assert "link" not in messages(app)


def test_a_link_to_a_fork_or_to_opened_weights_says_what_it_lacks(app, tmp_path):
    lacks = "It opens a run with freshly initialized weights, not"
    assert app.header.link_lacks == ""
    reopen(app, tmp_path / "it.npz")
    assert app.header.link_lacks == f"{lacks} these weights of it.npz."
    done(app.train, CONFIG.replace(seed=1))
    assert app.header.link_lacks == ""
    train_on(app)
    assert app.header.link_lacks == f"{lacks} this fork of run 3 at epoch 2."
    app.session.reset()
    assert app.header.link_lacks == ""


def test_a_link_says_so_where_it_opens_another_run_than_the_one_on_show(app):
    app.run_bar.auto = False
    set_controls(app, batch_size=32)
    assert (
        app.header.link_lacks == "It holds the settings in the controls, which this run is not trained with."
    )
    app.train(CONFIG.replace(epochs=500))
    done(app.stop)
    assert app.header.link_lacks == "It opens a run of 500 epochs; this one was stopped before."


def test_a_step_back_from_a_fork_is_a_clean_run(app, small_dataset):
    train_on(app)
    say(app.header, {"visit": "?hidden=8&epochs=3&batch=16"})
    assert app.wait(PATIENCE)
    assert run_of(app).parent is None
    assert list(app.history) == list(train(CONFIG.replace(epochs=3), small_dataset))


# ---------------------------------------------------------------- the browser's history


def test_another_data_set_is_a_step_and_going_back_to_one_is_none():
    trail = Trail(CONFIG, "MNIST")
    trail.mark_trained()
    trail.go(CONFIG, "Ways")
    trail.mark_trained()
    trail.be_at(CONFIG, "MNIST")
    trail.go(CONFIG, "MNIST")
    assert trail.step == 1
