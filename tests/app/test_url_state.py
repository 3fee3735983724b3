"""Links hold an experiment, and survive whatever is written into them."""

import pytest
from app_steps import PATIENCE, change, done, messages, run_of, set_controls, train_on, visit
from hypothesis import given
from hypothesis import strategies as st

from explorer import Explorer, TrainingConfig, train
from explorer.app.url_state import Link
from explorer.training import FIELDS
from explorer.training.presets import START, opening_config

TABS = {"overview": "Explore", "mistakes": "Mistakes", "inside": "Layers"}
SECTIONS = ("time", "histograms")
CONTROLS = ("presets", *(name for name in FIELDS if name != "changes"))  # a run's own steps have none
DATASETS = ("MNIST", "Fashion-MNIST", "mine & yours.tgz (2)")


@given(
    tab=st.sampled_from(("", *TABS)),
    theme=st.sampled_from(("auto", "light", "dark")),
    shown=st.none() | st.lists(st.sampled_from(CONTROLS), min_size=1, unique=True).map(tuple),
    section=st.sampled_from(("", *SECTIONS)),
    batch_size=st.integers(1, 60_000),
    data=st.sampled_from(("", *DATASETS[1:])),
    tabs=st.lists(st.sampled_from([*TABS]), unique=True).map(tuple),
)
def test_a_link_comes_back_as_it_was(tab, theme, shown, section, batch_size, data, tabs):
    link = Link(TrainingConfig(batch_size=batch_size), tab, theme, shown, section, data, tabs=tabs)
    assert Link.read(link.write(), TABS, SECTIONS, DATASETS) == (link, ())


def test_what_is_not_understood_is_named():
    bad = "?tab=<script>&section=spleen&theme=pink&controls=hidden,knob&lr=-1&spam=1&data=mars&bug=0"
    link, notices = Link.read(bad, TABS, SECTIONS, DATASETS, levels={"bug": ("lab", 9)})
    assert link == Link(START.replace(learning_rate=1e-5), shown=("hidden_sizes",))
    said = " ".join(notices)
    words = (
        "<script>",
        "spleen",
        "pink",
        "knob",
        "-1",
        "spam",
        "“mars”; the page has “MNIST”",
        "levels 1 to 9",
        "the page has Explore (overview), Mistakes, Layers (inside).",
    )
    assert [word for word in words if word not in said] == []


def test_a_data_set_is_named_in_any_case_and_the_first_not_at_all():
    assert Link.read("data=fashion-mnist", TABS, (), DATASETS) == (Link(data="Fashion-MNIST"), ())
    assert Link.read("data=MNIST", TABS, (), DATASETS) == (Link(), ())
    assert Link(data="Fashion-MNIST").write() == "data=fashion-mnist"
    assert Link.read("tab=draw", TABS, (), DATASETS) == (Link(), ())  # an older link, to the pad


CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16)


def test_a_link_that_asks_for_too_many_images_leaves_sliders_that_train(app):
    done(app.open_link, "?preset=exercise&n=70000&controls=hidden,batch,epochs&hidden=8&epochs=2&batch=16")
    assert app.settings.shown == ["hidden_sizes", "batch_size", "epochs"]
    said = "Training images can't be “70000”: expected a whole number from 10 to 600, or all. All are used."
    assert said in messages(app)["link"]["text"]
    assert "&n=" not in app.header.query
    assert app.header.settled  # the address is written again even where the settings are the same as before
    run = run_of(app)
    change(app, batch_size=32)
    assert run_of(app) is not run
    assert (app.status, run_of(app).config.batch_size, len(app.history)) == ("finished", 32, 2)
    assert not any(control.error for control in app.settings.controls)

    visit(app, "?preset=exercise&hidden=8&epochs=2&batch=16&n=601")
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


@pytest.mark.parametrize(
    "view", ["tab=runs", "controls=batch", "theme=dark", "size=hall", "motion=off", "section=histograms"]
)
def test_what_only_changes_the_view_never_changes_the_run(app, view):
    run = run_of(app)
    app.open_link(f"?{view}")
    assert (run_of(app), app.config) == (run, CONFIG)


def test_a_link_opens_one_run(untrained, small_dataset):
    with_run = Explorer(small_dataset, CONFIG)
    assert with_run.wait(PATIENCE)
    untrained.begin(run_of(with_run))
    with_run.close()
    done(untrained.open_link, "?hidden=5&epochs=2")
    assert [(run.number, run.config.hidden_sizes) for run in untrained.session.state.runs] == [(1, (5,))]


def test_a_link_to_a_fork_says_what_it_lacks(app):
    assert app.header.link_limits == ""
    train_on(app)
    lacks = "It opens a new run with the settings in the controls, not the branch of run 1 at epoch 2."
    assert app.header.link_limits == lacks
    app.session.reset()
    assert app.header.link_limits == ""


def test_a_link_says_so_where_it_opens_another_run_than_the_one_on_show(app):
    app.run_bar.auto = False
    set_controls(app, batch_size=32)
    lacks = "It opens a new run with the settings in the controls, not this one."
    assert app.header.link_limits == lacks
    app.train(CONFIG.replace(epochs=500))
    assert app.header.link_limits == ""
    done(app.stop)
    assert app.header.link_limits == lacks


def test_a_step_back_from_a_fork_is_a_clean_run(app, small_dataset):
    train_on(app)
    visit(app, "?preset=exercise&hidden=8&epochs=3&batch=16")
    assert run_of(app).origin.parent is None
    assert list(app.history) == list(train(CONFIG.replace(epochs=3), small_dataset))
    visit(app, "")
    assert app.config == opening_config(600, 784)


def test_settings_with_a_run_are_a_step_and_going_back_to_them_is_none(app):
    before = app.header.step
    change(app, batch_size=32)
    assert app.header.step == before + 1
    visit(app, "?hidden=8&epochs=2&batch=16")
    assert app.header.step == before + 1
    app.run_bar.auto = False
    for size in (64, 128, 256):  # settings without a run take each other's place
        set_controls(app, batch_size=size)
    assert app.header.step == before + 2
