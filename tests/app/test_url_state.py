"""Links hold an experiment, and survive whatever is written into them."""

import pytest
from app_steps import PATIENCE, change, done, messages, reopen, run_of, say, set_controls, train_on
from hypothesis import given
from hypothesis import strategies as st

from explorer import TrainingConfig, train
from explorer.app.url_state import Link, Trail
from explorer.training import FIELDS

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
    tabs=st.lists(st.sampled_from(TABS), unique=True).map(tuple),
)
def test_a_link_comes_back_as_it_was(tab, theme, shown, section, batch_size, data, tabs):
    link = Link(TrainingConfig(batch_size=batch_size), tab, theme, shown, section, data, tabs=tabs)
    assert Link.read(link.write(), TABS, SECTIONS, DATASETS) == (link, ())


def test_what_is_not_understood_is_named():
    bad = "?tab=<script>&section=spleen&theme=pink&controls=hidden,knob&lr=-1&spam=1&data=mars&bug=0"
    link, notices = Link.read(bad, TABS, SECTIONS, DATASETS)
    assert link == Link(TrainingConfig(learning_rate=1e-5), shown=("hidden_sizes",))
    said = " ".join(notices)
    for word in ("<script>", "spleen", "pink", "knob", "-1", "spam", "“mars”; the page has “MNIST”", "bug"):
        assert word in said


def test_a_data_set_is_named_in_any_case_and_the_first_not_at_all():
    assert Link.read("data=fashion-mnist", TABS, (), DATASETS) == (Link(data="Fashion-MNIST"), ())
    assert Link.read("data=MNIST", TABS, (), DATASETS) == (Link(), ())
    assert Link(data="Fashion-MNIST").write() == "data=fashion-mnist"


def test_an_older_link_to_the_pad_opens_the_first_tab():
    assert Link.read("tab=draw", TABS, (), DATASETS) == (Link(), ())


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

    say(app.header, {"visit": "?hidden=8&epochs=2&batch=16&n=601"})
    assert app.wait(PATIENCE)
    assert (app.status, app.config, run_of(app).config) == ("finished", CONFIG, CONFIG)
    assert "from 10 to 600, or all. All are used." in messages(app)["link"]["text"]
    assert "&n=" not in app.header.query


@pytest.mark.parametrize(
    ("controls", "shown", "offered"),
    [
        ("hidden,epochs", ["hidden_sizes", "epochs"], {"overview"}),
        ("hidden_sizes,epochs,mistakes", ["hidden_sizes", "epochs"], {"overview", "mistakes"}),
        ("runs", None, {"overview", "runs"}),
    ],
)
def test_a_link_with_controls_shows_only_these_settings_and_tabs(app, controls, shown, offered):
    done(app.open_link, f"?hidden=8&epochs=2&batch=16&controls={controls}")
    assert (app.settings.shown, {*app.panels.tab_bar.offered}) == (shown, offered)
    assert f"controls={controls.replace('_sizes', '')}" in app.header.query
    done(app.open_link, "?hidden=8&epochs=2&batch=16")
    assert (app.settings.shown, app.panels.tab_bar.offered) == (None, [])


def test_a_link_without_motion_opens_what_a_page_without_a_link_does(app):
    run = run_of(app)
    app.open_link("?motion=off")
    assert (app.views.opens_still, run_of(app), app.config) == (True, run, CONFIG)
    assert "link" not in messages(app)
    app.open_link("?motion=off&hidden=8&epochs=2&batch=16")
    assert app.views.opens_still
    app.open_link("?hidden=8&epochs=2&batch=16")
    assert not app.views.opens_still


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
    for seed in (1, 2, 3):  # settings without a run take each other's place
        trail.go(CONFIG.replace(seed=seed), "MNIST")
    assert trail.step == 2
