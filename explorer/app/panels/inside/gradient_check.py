"""Compares the gradient of a few weights by backpropagation and by central differences."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

from explorer.app.layout import box
from explorer.app.panels.inside.section import Section, Subject, probe, probe_size
from explorer.app.views import Views, ViewState
from explorer.figures.formulas import written
from explorer.network.gradient_check import STEP, CheckedWeight, check_gradient, choose_weights
from explorer.widgets.rendered import Display
from explorer.widgets.tables import CheckedRow, CheckedWeights
from explorer.wording import counted

_N_WEIGHTS = 8
_MOST_IMAGES, _LEAST_IMAGES = 32, 2
_DIGITS = 7  # enough to show a difference
_PRODUCTS = 2**21  # a check takes some 17 passes, in float64


class GradientCheck(Section):
    """A table of some weights of the current network."""

    def __init__(self, views: Views) -> None:
        super().__init__()
        self.table = Display(CheckedWeights())
        self.view = box("explorer-column explorer-gradient-check", self.table)
        self._draw_number = 0
        self.table.on_press(views.on_loop(self._again))

    def _again(self, _press: str) -> None:
        self._draw_number += 1
        self._redraw()

    def _draw(self, _state: ViewState, subject: Subject) -> None:
        wanted = (subject, self._draw_number)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        n = probe_size(subject.n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES, products=_PRODUCTS)
        X, d = probe(subject.run.dataset, n)
        rng = np.random.default_rng(self._draw_number)
        with subject.network() as network:
            places = choose_weights(network, X, rng, _N_WEIGHTS)
            checked = check_gradient(network, X, d, places)
        words, agrees = gradient_verdict(checked)
        how = (
            f"L is the summed loss of {counted(len(d.T), f'{subject.run.held_out} image')}, in float64. "
            "Analytic: backpropagation. "
            f"Numeric: (L(w + ε) − L(w − ε)) / 2ε with ε = {written(STEP)}. Epoch {subject.epoch:g}."
        )
        self.table.show(CheckedWeights(words, how, tuple(map(_row, checked)), agrees))


def gradient_verdict(checked: Sequence[CheckedWeight]) -> tuple[str, bool | None]:
    """Return a summary of the checked weights, and whether they pass; None if none can be judged."""
    n = len(checked)
    if not all(isfinite(weight.numeric) and isfinite(weight.analytic) for weight in checked):
        return "The loss or a gradient is not a number: there is nothing to compare.", False
    smooth = [weight for weight in checked if not weight.has_kink]
    if not smooth:
        return f"None can be judged: all {n} are on a kink, where the loss has no slope.", None
    kinks = f" {n - len(smooth)} on a kink, where the loss has no slope, left out." if len(smooth) < n else ""
    wrong = sum(not weight.agrees for weight in smooth)
    if wrong:
        of = f"{wrong} of {len(smooth)} differ{'s' * (wrong == 1)}"
        return f"{of}: backpropagation does not give the slope of this loss.{kinks}", False
    agree, all_are = f"All {len(smooth)} agree", "all are"
    if len(smooth) == 1:
        agree, all_are = "The one that can be judged agrees", "it is"
    if all(weight.analytic == 0 for weight in smooth):
        return f"{agree}, and {all_are} 0: these weights learn nothing from these images.{kinks}", True
    largest = max(weight.relative_difference for weight in smooth)
    return f"{agree}: the largest relative difference is {written(largest)}.{kinks}", True


def _row(weight: CheckedWeight) -> CheckedRow:
    words = "kink" if weight.has_kink else "agree" if weight.agrees else "differ"
    return CheckedRow(
        weight=str(weight.place),
        analytic=written(weight.analytic, _DIGITS),
        numeric=written(weight.numeric, _DIGITS),
        difference=written(weight.relative_difference),
        verdict=words,
        agrees=None if weight.has_kink else weight.agrees,
    )
