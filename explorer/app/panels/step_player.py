"""One step of training, played on the drawn network, and its code: forward, loss, backward, step, after."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.drawn_network import (
    DrawnNetwork,
    figure,
    floats,
    full_tone,
    signed,
    sums_of,
    unit_images,
)
from explorer.app.views import InspectedNetwork, Pace, Views, ViewState
from explorer.datasets.dataset import one_hot_columns, pixel_columns
from explorer.figures.formulas import backward_formulas, forward_formulas, loss_formula, walk_through, written
from explorer.inspection.contributions import Contributions, activations
from explorer.inspection.played_step import PlayedStep, play_step
from explorer.inspection.record import Recording
from explorer.network import OPTIMIZERS, NeuralNetwork
from explorer.network.schedules import rate_factor
from explorer.session import SessionRun
from explorer.training import FIELDS, OwnNetworkError
from explorer.widgets.code_view import CodeView
from explorer.widgets.network_drawing import FOLLOWED, NO_SCENE, NOT_PLAYED, SCENES, StepPlayer
from explorer.widgets.page_part import set_hidden
from explorer.wording import counted, grouped

Array = NDArray[Any]

_MOST_WORK = 20_000_000  # parameters times images of a mini-batch: each image takes a pass of its own
_HEADINGS = ("", "Output − desired", "δ of the output", "Change of bias", "Before → after")
_UNITS = ("h =", "h =", "δ =", "largest change of a weight", "h =")


class StepPlayback:
    """Plays a step on a copy of the drawn network, which then follows no epoch, until a new run."""

    def __init__(self, views: Views) -> None:
        self._views, self.drawn, self.player = views, DrawnNetwork(views), StepPlayer(noun=views.dataset.noun)
        self.code = CodeView()
        self.view = box("explorer-network-played", self.drawn.view, self.player, self.code)
        self._played: InspectedNetwork | None = None
        self._scenes: list[tuple[dict[str, Any], Array]] = []  # each with what the tiles are images of
        self._step: tuple[Any, ...] = ()  # what is called, and its arguments
        self._begins: list[int] = []  # the step of the code that a scene begins with
        self._pace = Pace()
        self.player.observe(views.on_loop(self._on_player), ["scene", "of", "code"])
        self.code.observe(views.on_loop(self._on_code), "at")

    def show(self, state: ViewState, *, at_once: bool = False) -> None:
        """Play the step again if it is another image's; without one, draw the moment's network."""
        if self._played is not None and (state.run is None or state.run.key != self._played.run.key):
            self._leave()  # a new run is to be seen
        elif self._played is None:
            self.drawn.show(state, at_once=at_once)
            self.player.note = self.player.note and _why_not(self._views.networks.of(state))
        elif self._pace.is_due(state, state.theme, state.scored_on, *self.drawn.chosen):
            self._play(state)

    def _on_player(self, change: Mapping[str, Any]) -> None:
        if self.player.scene == NOT_PLAYED:
            self._leave()
        elif self._played is None or change["name"] == "of":
            self._played = self._played or self._views.networks.of(self._views.state)
            self._play(self._views.state)
        elif change["name"] == "code":
            self._show_code()
        else:
            self._show_scene()

    def _on_code(self, _change: object) -> None:
        if self._begins and self._begins[self.player.scene] != self.code.at:
            self.player.scene = max(bisect_right(self._begins, self.code.at) - 1, 0)

    def _show_code(self) -> None:
        """Record the step for its code, unless that is hidden."""
        self._begins = []
        set_hidden(self.code, not self.player.code)
        if self.player.code:
            self._begins = scenes_of(self.code.watch(*self._step).recording)
            self._show_scene()

    def _leave(self, why: str = "") -> None:
        before, self._played, self._begins = self._played, None, []
        set_hidden(self.code, True)
        self.player.update(scene=NOT_PLAYED, note=why, spoken=why)
        self.drawn.drawing.scene = [*NO_SCENE]
        self.drawn.forget()
        if before is not None:
            self.drawn.show(self._views.state)

    def _play(self, state: ViewState) -> None:
        inspected, why = self._played, _why_not(self._played)
        if inspected is None or why:
            self._leave(why)
            return
        own, at_once = inspected.run.own, self.drawn.drawing.hold_sync()
        explained = nullcontext() if own is None else own.explaining_errors("train_iteration")
        try:
            with at_once, inspected.network() as network, explained, np.errstate(all="ignore"):
                self._make_step(state, inspected, network)
        except OwnNetworkError as error:
            self._leave(f"{error}.")

    def _make_step(self, state: ViewState, inspected: InspectedNetwork, network: NeuralNetwork) -> None:
        run, names, shown = inspected.run, state.dataset.class_names, self._views.looked_at(state.scored_on)
        image, true, note = shown.pixels, shown.true, ""
        if true is None:
            true = int(np.nan_to_num(network.forward(image[:, None])).argmax())
            note = f"The drawing has no label: {names[true]}, as which it is read, counts as its true class."
        drawing = self.drawn.drawing
        k = true if drawing.chosen == FOLLOWED else drawing.chosen
        self.drawn.draw(state, inspected, network, k)
        pixels, labels = image[:, None], np.array([true])
        if self.player.of == "batch":
            wanted, most = min(run.now[1], run.dataset.n_train), max(1, _MOST_WORK // network.n_parameters)
            drawn = np.random.default_rng(0).choice(run.dataset.n_train, min(wanted, most), replace=False)
            pixels, labels = pixel_columns(run.dataset.train_images[drawn]), run.dataset.train_labels[drawn]
            share = f" of a mini-batch’s {grouped(wanted)}" if wanted > len(drawn) else ""
            note, true = f"Means over {grouped(len(drawn))}{share} training {run.dataset.noun}s.", -1
        copy = network.copy(np.float64)  # so that what is printed adds up
        rate = learning_rate(run, inspected.epoch, len(labels))
        step, base = play_step(copy, pixels, one_hot_columns(labels, len(names)), rate), drawing.signal
        copy.dropout = copy.input_dropout = 0.0
        self._step = copy.train_iteration, step.X, step.d, rate
        n_steps = -(-run.dataset.n_train // run.now[1])
        signals = [base | {"true": true} | one for one in self._signals(copy, step, k, n_steps)]
        before, after = step.before[0], step.after[0]
        self._scenes = [*zip(signals, (before, before, before, after - before, after), strict=True)]
        self.player.note = note
        self._show_code()
        self._show_scene()

    def _signals(
        self, network: NeuralNetwork, step: PlayedStep, k: int, n_steps: int
    ) -> Iterator[dict[str, Any]]:
        """Yield each scene's parts of the signal, as means over the images, with the links to class k."""
        units, later = self.drawn.units, network.copy()
        later.set_weights(step.after)
        _, *h_then, y_then = _means(activations(later, step.X))
        (*h, y), (*deltas, delta), (d,) = _means(step.h), _means(step.deltas), _means([step.d])
        moved = [new - old for old, new in zip(step.before, step.after, strict=True)]
        most, bias = [np.abs(W).max(axis=1) for W in moved[:-2:2]], moved[-1][:, 0]
        added = [W * one for W, one in zip(step.before[2::2], h, strict=True)]
        added_then = [W * one for W, one in zip(step.after[2::2], h_then, strict=True)]
        ends = [f"{figure(a, 3)} → {figure(b, 3)}" for a, b in zip(y, y_then, strict=True)]
        scenes: tuple[tuple[list[Array], Sequence[Array], Array, Iterable[str]], ...] = (
            (h, added, y, map(figure, y)),
            (h, [], y - d, (signed(one, 3) for one in y - d)),
            (deltas, step.gradient[2::2], _shares(delta), map(written, delta)),
            (most, moved[2::2], _shares(bias), map(written, bias)),
            (h_then, added_then, y_then, ends),
        )
        dataset, formulas = self._views.dataset, [*_formulas(network, step, k)]
        told = [*map(pieces, sentences(step, k, dataset.class_names, dataset.noun, n_steps, units[-1]))]
        for at, (levels, rows, bars, figures) in enumerate(scenes):
            words = "".join(text for text, _ in told[at])
            of, shown = _UNITS[at], [*zip(levels, units, strict=True)]
            decided = [y, y, y, y, y_then][at].argmax()
            lit = [one if of == "h =" else _shares(one) for one in levels]
            yield {
                "values": [floats(one[list(places)]) for one, places in zip(lit, units, strict=True)],
                "sums": [asdict(one) for one in sums_of(_way(rows, k))],
                "outputs": np.nan_to_num(bars, posinf=0.0, neginf=0.0).tolist(),
                "figures": [*figures],
                "decided": int(decided) if step.X.shape[1] == 1 else -1,
                "words": formulas[at],
                "told": told[at],
                "spoken": f"{SCENES[at]}, scene {at + 1} of {len(SCENES)}: {words}",
                "hints": [[f"Unit {i}: {of} {written(float(h[i]))}" for i in places] for h, places in shown],
            }

    def _show_scene(self) -> None:
        at = self.player.scene
        signal, W = self._scenes[at]
        full = float(np.abs(W).max()) if SCENES[at] == "Step" else None
        units, theme = self.drawn.units[0], self._views.theme
        images = {} if self.drawn.plane else {"sprite": unit_images(W, units, theme, full)}
        self.drawn.drawing.update(signal=signal, **images, scene=[SCENES[at].lower(), _HEADINGS[at]])
        self.player.update(spoken=signal["spoken"], told=signal["told"], formula=signal["words"])
        if self._begins and bisect_right(self._begins, self.code.at) - 1 != at:
            self.code.at = self._begins[at]


def learning_rate(run: SessionRun, epoch: float, n: int) -> float:
    """Return the current factor on the summed gradient of n images in the mini-batch after `epoch`."""
    config, (rate, size) = run.config, run.now
    middle = min(size / run.dataset.n_train, 1) / 2
    t = min(epoch, max(config.epochs - 2 * middle, 0)) + middle
    rate *= rate_factor(config.schedule, t, config.epochs, config.warmup)
    return rate / n if config.reduction == "mean" and not OPTIMIZERS[config.optimizer].is_scale_free else rate


def scenes_of(recording: Recording) -> list[int]:
    """Return the step of a recorded `train_iteration` that each scene begins with, its last one for the last."""
    begins, names = [0], [step.place.function.rpartition(".")[2] for step in recording.steps]
    for name in ("compute_loss", "backward", "step"):
        begins.append(names.index(name, begins[-1]) if name in names[begins[-1] :] else begins[-1])
    return [*begins, len(names) - 1]


def _why_not(inspected: InspectedNetwork | None) -> str:
    if inspected is None:
        return "There is no network yet that could make a step."
    if not all(np.isfinite(one).all() for one in inspected.weights):
        return "The weights are not numbers, so there is no step to play."
    return inspected.differs and f"{inspected.differs}, so no step can be played."


def sentences(
    step: PlayedStep, k: int, names: Sequence[str], noun: str, n_steps: int, shown: Sequence[int]
) -> Iterator[str]:
    """Yield a sentence for each scene that explains class `k`; ``⟦8¦output 1 8⟧`` names a part of the drawing.

    `shown` are the units of the last hidden layer that are drawn, and an epoch has `n_steps`.
    """
    n, last, (y, d, then) = step.X.shape[1], len(step.h) - 1, _means([step.h[-1], step.d, step.y_after])
    off, loss_before, loss_after = d - y, step.loss / n, step.loss_after / n
    output, loss = f"⟦output for {names[k]}¦output {last} {k}⟧", "⟦loss¦outputs⟧"
    if np.isnan(loss_before) or np.isnan(y).any():
        yield from [f"the sums grew too large: the {output} is not a number."] * len(SCENES)
        return
    j, read = int(np.abs(step.gradient[-2][k]).argmax()), int(y.argmax())
    other = max((c for c in range(len(names)) if c != k), key=lambda c: abs(off[c]))
    this, that, winner = (f"⟦{names[c]}¦output {last} {c}⟧" for c in (k, other, read))
    link = f"link from unit {j} to {this}"
    if j in shown:
        place = f"{last - 1} {shown.index(j)}"
        link = f"⟦link¦link {place}⟧ from ⟦unit {j}¦unit {place}⟧ to {this}"
    is_, mean = figure(y[k], 3), "mean " if n > 1 else ""
    if n > 1:  # misses up and down would cancel out
        miss, miss_after = (figure(np.abs(out - step.d)[k].mean(), 3) for out in (step.h[-1], step.y_after))
        images = f"⟦{counted(n, noun)}¦samples⟧"
        lit, shares = f"{images} light", f"{is_} for {this} on average"
        misses = f"mean error of the {output} is {miss}, and the mean {loss} is"
        blame = f"the errors of {images} add up"
        went = f"the mean error for {this} went from {miss} to {miss_after}"
    else:
        lit = f"the ⟦{noun}¦pixels⟧ lights"
        shares = f"{is_} for {this}, but {figure(y[read], 3)} for {winner}"
        misses = f"{output} is {is_} instead of {d[k]:.0f}"
        blame = f"{this} should be {_by(off[k])}, {that} {_by(off[other])}"
        went = f"the {output} went from {is_} to {figure(then[k], 3)}"
        if read == k:
            shares = f"{this} is on top with {is_}"
        if read == k and d[k]:
            misses += f", which leaves a {loss} of"
            blame = f"{this} is right; its output could still be {_by(off[k])}"
        else:
            misses += f", for {that} it is {figure(y[other], 3)} instead of {d[other]:.0f}. The {loss} is"
    yield f"{lit} the ⟦units¦units⟧, which light the ⟦outputs¦outputs⟧: {shares}."
    yield f"the {misses} {written(loss_before)}."
    yield f"{blame}. The {link} matters most."
    change = float((step.after[-2] - step.before[-2])[k, j])
    change_written = f"{'+' if change > 0 else ''}{written(change)}"
    yield f"the ⟦weights¦weights⟧ move to lower the {loss}. The {link} changes by {change_written}."
    went += f", the {mean}{loss} from {written(loss_before)} to {written(loss_after)}"
    went = f"the step was too large: the {loss} is no longer a number" if np.isnan(loss_after) else went
    yield f"{went}. An epoch has {counted(n_steps, 'step')}."


def _by(off: float) -> str:
    size = "less than 0.001" if abs(off) < 0.0005 else figure(abs(off), 3)
    return f"{'higher' if off > 0 else 'lower'} by {size}"


def pieces(sentence: str) -> list[tuple[str, str]]:
    """Return the pieces of a sentence with its nouns, as `StepPlayer.told` has them."""
    parts = enumerate(re.split("[⟦⟧]", sentence))
    return [one.rpartition("¦")[::2] if at % 2 else (one, "") for at, one in parts if one]


def _formulas(network: NeuralNetwork, step: PlayedStep, k: int) -> Iterator[str]:
    """Yield the formula of each scene with its numbers."""
    n, (x, *_, y), (d,) = step.X.shape[1], _means([step.X, *step.h]), _means([step.d])
    walk, mean, worst = walk_through(network, x, d), "mean " if n > 1 else "", int(np.abs(y - d).argmax())
    j = int(np.abs(step.gradient[-2][k]).argmax())
    by, g = written(float((step.after[-2] - step.before[-2])[k, j])), written(float(step.gradient[-2][k, j]))
    delta, slope, _ = backward_formulas(walk, network.n_layers, k, j)
    (a, h), loss = forward_formulas(walk, network.n_layers, k), loss_formula(walk)
    now, then = written(float(y[k])), written(float(step.y_after[k].mean()))
    old, new, rise = (written(one / n) for one in (step.loss, step.loss_after, step.loss_after - step.loss))
    forward, backward = f"{a.text}; {h.text}", f"{delta.text}; {slope.name} = {slope.numbers} = {g}"
    most = f"(y[{worst}] − d[{worst}])² = {written(float((y - d)[worst] ** 2))}"
    losses = loss.text if len(loss.numbers) < 60 else f"L = {loss.symbols} = {old}; {most}"
    if n > 1:  # formulas of one image don't hold for means
        forward, losses = f"mean {h.name} = {now}", f"mean L = {written(step.loss)} / {n} = {old}"
        backward = f"{slope.name} = Σ ({slope.symbols}) over the batch of {n} = {g}"
    change = f"−η · {slope.name} = −{written(step.lr)} · ({g})"
    if network.optimizer != "sgd":
        change = f"first step of {FIELDS['optimizer'].text(network.optimizer)} with the gradient {g}"
    largest = float(np.abs(step.after[0] - step.before[0]).max())
    times = float(f"{full_tone(step.before[0]) / (largest or 1.0):.2g}")
    factor = grouped(round(times)) if times >= 10 else written(times)
    tiles = f"The tiles show the change alone, {factor} times as strong" if largest else "No tile changes"
    tiles = "The tiles stay as they are" if len(x) == 2 else tiles
    changed = f"{slope.name.replace('d_', 'Δ')} = {change} = {by}. {tiles}."
    ends = f"{mean}L = {old} → {new} ({rise}); {mean}{h.name} = {now} → {then}"
    yield from (forward, losses, backward, changed, ends)


def _way(rows: Sequence[Array], k: int) -> list[Contributions]:
    """Return the values that lead to class k, and before it to the unit of the strongest link."""
    way = list[Contributions]()
    for at in range(len(rows), 0, -1):
        way.insert(0, Contributions(at + 1, k, rows[at - 1][k], rows[at - 1][k], 0.0, 0.0, 0.0))
        k = int(way[0].largest(1)[0])
    return way


def _means(arrays: Iterable[Array]) -> list[Array]:
    return [one.mean(axis=1) for one in arrays]


def _shares(values: Array) -> Array:
    return np.asarray(values / (np.abs(values).max(initial=0.0) or 1.0))
