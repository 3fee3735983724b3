"""The Break it tab without a page: what it says of a damaged copy is what that computes."""

from functools import reduce

import numpy as np
import pytest
from app_steps import DIVERGING, done, is_hidden, open_tab, rewind, run_of, send
from own_networks import Mine

from explorer import TrainingConfig
from explorer.app.panels.drawn_network import full_tone
from explorer.extensions.robustness.break_it import KINDS
from explorer.extensions.robustness.damage import ablate, importance, prune, scale_weights, swap_units
from explorer.figures.digits import weights_sprite

FUNCTIONS = {"hidden_activation": "relu", "output": "softmax", "loss": "cross_entropy"}
CONFIG = TrainingConfig(hidden_sizes=(12, 6), epochs=3, batch_size=16, learning_rate=0.01, **FUNCTIONS)


@pytest.fixture
def panel(app):
    """The tab of the shared app, with nothing broken."""
    panel = open_tab(app, "break")
    press(panel, "all")
    return panel


def press(panel, name):
    send(panel.list, {"press": name})


def broken(panel, kind, **values):
    """Choose a damage and press the button."""
    panel.kind.value = kind
    for name, value in values.items():
        getattr(panel, name).value = str(value) if name == "layer" else value
    press(panel, "break")


def figures(panel):
    return [tile.value for tile in panel.tiles.shown.tiles]


def expected_figures(app, network):
    data = app.views.state.scored_on
    X = data.test_images.reshape(len(data.test_labels), -1).T / np.float32(255)
    right = [int((one.predict(X) == data.test_labels).sum()) for one in (app.network, network)]
    shares = " → ".join(f"{100 * count / len(data.test_labels):.1f}\u00a0%" for count in right)
    return [shares, " → ".join(str(len(data.test_labels) - count) for count in right)]


def listed(panel):
    _, rows = panel.list.content
    return [row[2] for row in rows[2:]]


def test_damages_add_up_and_are_undone(app, panel):
    intact, before = figures(panel), app.network.weights()
    assert intact == [figure.split(" → ")[0] for figure in expected_figures(app, app.network)]
    steps = [
        (("off", {"layer": 1, "unit": 3}), lambda nn: ablate(nn, 3)),
        (("swap", {"layer": 2, "unit": 0, "other": 5}), lambda nn: swap_units(nn, 0, 5, layer=2)),
        (("scale", {"layer": 3, "amount": -1}), lambda nn: scale_weights(nn, -1, layer=3)),
        (("prune", {"amount": 95}), lambda nn: prune(nn, 0.95)),
    ]
    found = [intact]
    for number, ((kind, values), _) in enumerate(steps, 1):
        broken(panel, kind, **values)
        network = reduce(lambda nn, step: step[1](nn), steps[:number], app.network)
        assert figures(panel) == expected_figures(app, network)
        assert len(listed(panel)) == number
        found.append(figures(panel))
    assert len({tuple(one) for one in found}) >= 4
    assert listed(panel)[:3] == [
        "Switch off a unit: unit 3 of layer 1",
        "Swap two units: units 0 and 5 of layer 2",
        "Scale or flip weights: layer 3, factor −1",
    ]
    assert panel.sentence.text.startswith("The broken network gets wrong most: ")
    press(panel, "undo")
    assert figures(panel) == found[3]
    press(panel, "all")
    assert figures(panel) == intact
    assert listed(panel) == []
    press(panel, "undo")  # of nothing
    np.testing.assert_equal(app.network.weights(), before)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_controls_and_an_effect(app, panel, kind):
    panel.kind.value = kind
    layer, amount, unit, other = map(is_hidden, panel._values)
    _, layers, n_units, slider, _ = KINDS[kind]
    assert [layer, amount, unit, other] == [not layers, not slider, n_units < 1, n_units < 2]
    assert [value for value, _ in panel.layer.options] == ["1", "2", *(["3"] if layers != "hidden" else [])]
    network = app.network
    press(panel, "break")
    changed = KINDS[kind][-1](network, panel.damages[0])
    assert any((a != b).any() for a, b in zip(changed.parameters, network.parameters, strict=True))
    assert figures(panel) == expected_figures(app, changed)


def test_other_weights_are_damaged_in_the_same_way(app, panel):
    broken(panel, "noise", amount=1)
    broken(panel, "off", layer=1, unit=11)
    last = figures(panel)
    rewind(app, 1)
    first = figures(panel)
    assert panel.tiles.shown.tiles[0].note.endswith("test images, epoch 1")
    assert first != last
    app.panels.time_bar.position = -1
    assert figures(panel) == last
    done(app.train, CONFIG.replace(hidden_sizes=4))
    assert listed(panel)[1] == "Switch off a unit: unit 11 of layer 1 (not in this network)"
    noisy = KINDS["noise"][-1](app.network, panel.damages[0])
    assert figures(panel) == expected_figures(app, noisy)
    assert panel.unit.value <= 3


def test_each_unit_is_worth_what_it_costs_to_do_without_it(app, panel):
    send(panel.bars, {"press": "3"})  # before there are any
    press(panel, "all")
    panel.layer.value = "2"
    send(panel.rank, {"press": "rank"})
    data = app.dataset
    X = data.test_images.reshape(len(data.test_labels), -1).T / np.float32(255)
    lost = importance(app.network, X, data.test_labels, layer=2)
    order = np.argsort(-lost, kind="stable")
    assert [bar.press for bar in panel.bars.shown.bars] == [str(unit) for unit in order]
    assert panel.bars.shown.bars[0].text == f"{100 * lost.max():.2f}\u00a0%".replace("-", "−")
    send(panel.bars, {"press": str(order[0])})
    assert figures(panel) == expected_figures(app, ablate(app.network, int(order[0]), layer=2))
    assert panel.bars.shown.bars[0].note == "off"
    done(app.train, CONFIG.replace(seed=3))
    assert panel.bars.shown.bars == ()


def test_the_images_are_those_of_the_damaged_weights(app, panel):
    broken(panel, "off", layer=1, unit=2)
    broken(panel, "scale", layer=1, amount=0.5)
    W = 0.5 * app.network.W1
    W[2] = 0
    limit = full_tone(app.network.W1)
    assert panel.images.sprite == weights_sprite(W.reshape(-1, 28, 28), 8, limit=limit)
    send(panel.images, {"open": 7})
    assert (panel.layer.value, panel.unit.value) == ("1", 7)


def test_while_a_run_trains_its_network_is_kept_until_another_is_asked_for(app, panel):
    app.run_bar.auto = False
    broken(panel, "off", unit=3)
    kept = figures(panel)
    done(app.session.extend, 4)
    assert (figures(panel), panel.tiles.shown.tiles[0].note[-7:]) == (kept, "epoch 3")
    press(panel, "renew")
    assert panel.tiles.shown.tiles[0].note.endswith("epoch 4")
    done(app.session.extend, 5)
    app.panels.tab_bar.selected = "map"
    assert open_tab(app, "break").tiles.shown.tiles[0].note.endswith("epoch 5")
    assert "renew" not in str(panel.list.content)


def test_without_a_run_it_says_so(untrained):
    panel = open_tab(untrained, "break")
    assert panel.reason.text == "not trained yet"
    assert is_hidden(panel.body)
    press(panel, "break")
    send(panel.rank, {"press": "rank"})
    done(untrained.train)
    assert not is_hidden(panel.body)
    assert len(listed(panel)) == 1


@pytest.mark.parametrize("config", [
    CONFIG.replace(hidden_sizes=1, epochs=1),
    CONFIG.replace(hidden_sizes=(3, 2, 2, 2, 2, 2), epochs=1),
    CONFIG.replace(hidden_sizes=200, epochs=1, n_validation=100),
    DIVERGING.replace(epochs=1),
])  # fmt: skip
def test_every_network_is_broken(new_app, config):
    app = new_app(config)
    panel = open_tab(app, "break")
    for kind in KINDS:
        broken(panel, kind)
    send(panel.rank, {"press": "rank"})
    panel.images._on_message(panel.images, {"page": 1}, [])
    assert " → " in figures(panel)[0]
    assert panel.tiles.shown.tiles[0].label.startswith(app.held_out.capitalize())
    assert not any("not in this" in text for text in listed(panel))
    assert 0 < len(panel.bars.shown.bars) <= 20


def test_a_class_of_ones_own_is_broken(new_app):
    app = new_app(CONFIG.replace(hidden_sizes=5, epochs=1), network=Mine)
    panel = open_tab(app, "break")
    broken(panel, "scale", layer=2, amount=-1)
    send(panel.rank, {"press": "rank"})
    assert figures(panel) == expected_figures(app, scale_weights(app.network, -1, layer=2))
    assert len(panel.bars.shown.bars) == 5
    assert run_of(app).own is not None
