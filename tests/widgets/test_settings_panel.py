"""The panel of all settings without a browser: it shows its owner's, and each is right or wrong by itself."""

import pytest
from app_steps import is_hidden
from ipywidgets import Box
from traitlets import TraitError

from explorer.training import PRESETS
from explorer.training.config import TrainingConfig
from explorer.training.fields import Change, ConfigError
from explorer.training.presets import SITUATIONS
from explorer.training.query import read_query
from explorer.widgets.setting import SETTINGS, Setting
from explorer.widgets.settings_panel import GROUPS, PanelPart, SettingsPanel


@pytest.fixture
def heard():
    """The owner's settings after each change that it was told of."""
    return []


@pytest.fixture
def panel(heard):
    """A panel whose owner does what it is told."""

    def change(changes):
        heard.append(panel.config.replace(**changes))
        panel.show(heard[-1])

    panel = SettingsPanel()
    panel.on_change(change)
    return panel


def part(panel, name):
    found = [*panel.children, *getattr(panel.children[-1], "children", ())]
    return next(child for child in found if isinstance(child, PanelPart) and child.part == name)


def groups(panel):
    """The headings of what is folded, each with what stands under it."""
    body = panel.children[-1].children if isinstance(panel.children[-1], Box) else ()
    boxes = [child.children for child in body if isinstance(child, Box)]
    return {heading.title: (heading, controls) for heading, *controls in boxes}


def shown(panel):
    """What stands in the panel, top to bottom."""
    seen = [*panel.children, *(control for _, controls in groups(panel).values() for control in controls)]
    return [(one.name, one.kind) for one in seen if isinstance(one, Setting) and not is_hidden(one)]


def values(panel):
    return {name: value for control in panel.controls for name, value in control.settings.items()}


def test_each_setting_has_a_widget_by_its_name(panel):
    assert list(panel) == list(SETTINGS)
    for name in panel:
        assert name in panel[name].names
    assert panel["output"] is panel["loss"]
    with pytest.raises(KeyError, match="no setting 'batchsize'; did you mean 'batch_size'"):
        panel["batchsize"]


def test_the_main_settings_come_first_and_the_others_are_folded(panel):
    assert [name for name, _ in shown(panel)] == [
        *("hidden_sizes", "batch_size", "epochs", "learning_rate", "reduction"),
        *("hidden_sizes", "hidden_activation"),
        *("output", "initializer", "seed", "optimizer", "schedule", "warmup"),
        *("l2", "l1", "dropout", "input_dropout", "max_norm"),
        *("n_train", "n_validation", "shift", "rotation", "scale", "elastic"),
    ]
    assert list(groups(panel)) == list(GROUPS)
    main = [child.name for child in panel.children if isinstance(child, Setting)]
    assert main == ["hidden_sizes", "batch_size", "epochs", "learning_rate", "reduction"]


@pytest.mark.parametrize("who", ["user", "program"])
def test_a_changed_setting_changes_the_config_once(panel, heard, from_page, who):
    if who == "user":
        from_page.send(panel["batch_size"], {"typed": 64})
    else:
        panel["batch_size"].value = 64
    assert heard == [TrainingConfig(batch_size=64)]
    assert panel.config is heard[0]
    assert part(panel, "presets").preset == ""


def test_a_preset_is_one_change(panel, heard, from_page):
    from_page.send(part(panel, "presets"), {"preset": "Modern"})
    assert heard == [PRESETS["Modern"]]
    assert part(panel, "presets").preset == "Modern"
    from_page.send(part(panel, "reset"), {"preset": "The exercise"})
    assert heard == [PRESETS["Modern"], TrainingConfig()]
    assert part(panel, "reset").preset == "The exercise"


def test_no_setting_hears_of_a_mixture(panel):
    """Whichever setting changes first, those who hear of it find the config and all other settings there."""
    found = []
    for control in panel.controls:
        control.observe(lambda _: found.append((panel.config, values(panel))), "value")
    modern = PRESETS["Modern"]
    panel.show(modern)
    assert len(found) > 5
    assert found == [(modern, {name: getattr(modern, name) for name in panel})] * len(found)


def test_what_is_shown_is_told_to_nobody(panel, heard):
    for config in (TrainingConfig(), PRESETS["Modern"], CHANGED):
        panel.show(config)
    assert (heard, panel.config) == ([], CHANGED)


def test_a_setting_is_shown_where_it_has_an_effect(panel):
    before = dict(shown(panel)).keys()
    for settings, comes, goes in (
        ({"n_validation": 5000}, {"patience"}, set()),
        ({"patience": 5}, {"patience"}, set()),
        ({"optimizer": "adam"}, set(), {"reduction"}),
    ):
        panel.show(TrainingConfig(**settings))
        after = dict(shown(panel)).keys()
        assert (after - before, before - after) == (comes, goes)


def test_a_heading_says_which_settings_under_it_are_not_the_defaults(panel):
    panel.show(TrainingConfig(l2=1e-6, dropout=0.5, shift=2))
    notes = {title: heading.note for title, (heading, _) in groups(panel).items()}
    assert notes["Regularization"] == "L2 penalty 0.000001, Dropout 0.5"
    assert (notes["Augmentation"], notes["Network"]) == ("Shift 2", "")
    assert panel["l2"].description == "L2 penalty"
    panel["optimizer"].value = "adamw"
    assert panel["l2"].description == "Weight decay"  # what it is


CHANGED = TrainingConfig(changes=(Change(1170, 0.001, 512), Change(2340, 0.001, 64)))


def test_changes_in_mid_run_are_said_and_can_be_left(panel, heard, from_page):
    panel.show(CHANGED)
    chip = part(panel, "changes")
    said = "0.01 → 0.001 from step 1\u202f170; batch size 512 → 64 from step 2\u202f340"
    assert chip.start == f"Changed in mid-run: {said}"
    from_page.send(chip, {"leave": True})
    assert (heard, chip.start) == ([TrainingConfig()], "")


def test_one_bad_field_leaves_the_others_taking_effect(panel, heard, from_page):
    layers = panel.controls[4]
    from_page.send(layers, {"typed": "128,, 64"})
    from_page.send(panel["epochs"], {"typed": 5000})
    from_page.send(panel["batch_size"], {"typed": 64})
    assert heard == [TrainingConfig(batch_size=64)]
    wrong = [control for control in panel.controls if control.error]
    assert wrong == [panel["epochs"], layers]
    from_page.send(panel["epochs"], {"typed": 20})
    assert heard[1:] == [TrainingConfig(batch_size=64, epochs=20)]
    assert [control for control in panel.controls if control.error] == [layers]


def test_the_fold_says_how_many_settings_under_it_need_attention(panel, from_page):
    more = part(panel, "more")
    for name, count in (("epochs", 0), ("seed", 1), ("n_train", 2)):
        from_page.send(panel[name], {"typed": -1})
        assert more.problems == count
    from_page.send(panel["seed"], {"typed": 3})
    assert more.problems == 1
    assert [heading.problems for heading, _ in groups(panel).values()] == [0, 0, 0, 1, 0]


@pytest.mark.parametrize("config", [PRESETS["Modern"], TrainingConfig()])
def test_a_preset_leaves_no_error(panel, from_page, config):
    name = next(name for name, preset in PRESETS.items() if preset == config)
    for setting in ("batch_size", "epochs", "seed"):
        from_page.send(panel[setting], {"typed": -1})
    assert part(panel, "reset").problems == 3
    from_page.send(part(panel, "presets"), {"preset": name})
    assert not any(control.error for control in panel.controls)
    assert part(panel, "reset").problems == 0


def test_what_the_owner_refuses_is_said_next_to_its_control_and_the_last_value_stays():
    panel = SettingsPanel()  # its owner shows nothing
    panel["n_train"].value = 50_000
    panel.refuse(ConfigError("n_train", 50_000, "a whole number up to 600"))
    assert (panel["n_train"].value, panel["n_train"].error) == (None, "Expected a whole number up to 600.")
    panel.show(TrainingConfig(epochs=3))
    assert panel["n_train"].error == ""
    panel.refuse(ConfigError("loss", "hinge", "another"))
    assert panel["output"].error == "Expected another."


def asked(panel):
    return part(panel, "question").situation.get("question", "")


def test_a_situation_sets_all_and_asks(panel, heard, from_page):
    assert [name for name, _ in part(panel, "presets").situations] == list(SITUATIONS)
    assert asked(panel) == ""
    one = SITUATIONS["Dead relus"]
    from_page.send(part(panel, "presets"), {"preset": one.name})
    assert (heard, asked(panel)) == ([one.config], one.question)
    assert part(panel, "question").situation["reason"] == one.reason
    assert part(panel, "presets").preset == ""


def test_a_link_to_its_settings_asks_and_the_same_settings_by_hand_do_not(panel, from_page):
    one = SITUATIONS["Too wide for the step"]
    panel.show(read_query("preset=exercise&hidden=128")[0])
    assert asked(panel) == one.question
    panel.show(TrainingConfig())
    panel["hidden_sizes"].value = (128,)  # the page says there and then what is wrong, and why
    assert (panel.config, asked(panel)) == (one.config, "")
    from_page.send(part(panel, "presets"), {"preset": one.name})
    assert asked(panel) == one.question


def test_what_to_look_at_is_told_to_who_opens_it(panel, from_page):
    looked = []
    panel.on_look(looked.append)
    from_page.send(part(panel, "question"), {"look": True})
    from_page.send(part(panel, "presets"), {"preset": "Uniform weights"})
    from_page.send(part(panel, "question"), {"look": True})
    assert looked == [SITUATIONS["Uniform weights"]]


def test_only_some_settings_can_be_shown(panel):
    panel.shown = ["epochs", "seed"]
    assert shown(panel) == [("epochs", "scale"), ("seed", "whole")]
    assert is_hidden(part(panel, "presets"))
    panel.shown = ["presets", "loss", "hidden_sizes"]
    assert shown(panel) == [("hidden_sizes", "scale"), ("output", "pair")]
    assert not is_hidden(part(panel, "presets"))
    panel.shown = ["epochs"]
    assert len(panel.children) == 5  # nothing is folded: no fold
    panel.shown = None
    assert len(shown(panel)) == len(panel.controls) - 1  # patience means nothing yet


def test_a_name_that_no_setting_has_cannot_be_shown(panel):
    with pytest.raises(TraitError, match=r"'epoch'; .* did you mean 'epochs'"):
        panel.shown = ["epoch"]
    assert panel.shown is None
    with pytest.raises(TraitError, match="did you mean 'seed'"):
        SettingsPanel(shown=["seeed"])


def test_a_config_is_one_message_for_each_setting_that_it_changes(sent):
    panel = SettingsPanel()
    sent.clear()
    panel.show(TrainingConfig(epochs=3, batch_size=64))
    assert [message for message in sent if "value" in message] == [{"value": 64}, {"value": 3}]
    assert [message for message in sent if "value" not in message] == [{"preset": ""}] * 2


@pytest.fixture
def left(panel):
    """The settings that freshly initialized weights were asked for with."""
    configs = []
    panel.on_clean(configs.append)
    return configs


def test_a_preset_and_the_cross_leave_where_a_run_begins(panel, heard, left, from_page):
    panel.show(panel.config, "branch of run 1 at epoch 4")
    assert part(panel, "presets").preset == part(panel, "reset").preset == ""
    from_page.send(part(panel, "start"), {"leave": True})
    from_page.send(part(panel, "presets"), {"preset": "The exercise"})  # its settings, but not its weights
    from_page.send(part(panel, "presets"), {"preset": "Modern"})
    assert left == [PRESETS["The exercise"]] * 2 + [PRESETS["Modern"]]
    assert heard == []  # the owner applies what it was asked for


@pytest.mark.parametrize("content", [{"leave": True}, {"leave": 1}, {"leave": "<script>"}, None, [], "leave"])
def test_there_is_nothing_to_leave_in_a_run_of_fresh_weights(panel, heard, left, from_page, content):
    for name in ("start", "presets"):
        from_page.send(part(panel, name), content)
    panel.show(panel.config, "branch of run 1 at epoch 4")
    from_page.send(part(panel, "presets"), content)
    assert (left, heard) == ([], [])


@pytest.mark.parametrize("noun", ["image", "point"])
def test_augmentation_is_for_images_only_and_the_noun_is_that_of_the_data(noun):
    panel = SettingsPanel()
    panel.fit_to(60, 2, "point")
    panel.fit_to(60, 2, noun)
    found = (panel["batch_size"]._control["unit"], panel["n_train"].description)
    assert found == (f"{noun}s", f"Training {noun}s")
    assert panel["batch_size"].tooltip.startswith(f"{noun.capitalize()}s per step")
    boxes = [box for box in panel.children[-1].children if isinstance(box, Box)]
    assert [*map(is_hidden, boxes)] == [*[False] * 4, noun == "point"]
