"""The Mistakes tab: hard classes, confusions, trust in the network, and accuracy on corrupted images."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.confusion import OPENS, ORDERS, ChosenImages, Matrix, read_images
from explorer.app.panels.sections import SectionedPanel, Sections, Sentence, probe_size
from explorer.app.readouts import glossary
from explorer.app.views import Drawing, IdleWork, InspectedNetwork, InspectedNetworks, Pace, Views, ViewState
from explorer.datasets.augmentation import CORRUPTIONS, corrupt
from explorer.datasets.dataset import pixel_columns
from explorer.figures import reliability
from explorer.figures.confusion import difficulty
from explorer.figures.digits import sprite
from explorer.network import hardest_classes, per_class
from explorer.network.metrics import answered
from explorer.training import Moment
from explorer.widgets.controls import Dropdown, Segmented, Slider
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.numbers import Table
from explorer.widgets.rendered import Caption, Display
from explorer.wording import class_noun, counted, grouped, percent, with_noun

_SECONDS_BETWEEN = 1.0
_HARDEST = 3
_PER_PAGE = 54
_PROBABILITY = "Confidence is the largest probability"
_SHARE = "Confidence is the largest output's share of the sum – sigmoid outputs need not sum to 1 –"
_WHERE = "and stands under each image."
_HOW_TO_READ = (
    "A dot stands for the images of one tenth of the confidences, and is the larger the more they are. "
    "On the diagonal the network is right as often as it is sure; the error is the mean distance from there."
)
_ALONE = MappingProxyType({"": "no other run"})
_N_SHOWN = 8
_MOST_IMAGES, _LEAST_IMAGES, _MOST_PRODUCTS = 2000, 500, 2**31
_PRODUCTS_AT_ONCE = 2**28  # weights times images: about 15 ms


class Robustness:
    """Accuracy of one run or two against the amount of a corruption, measured when the event loop is idle."""

    def __init__(self, views: Views) -> None:
        self._views, self._data, on_loop = views, views.dataset, views.on_loop
        self.kind = Segmented("Corruption", {name: one.label for name, one in CORRUPTIONS.items()})
        self.other = Dropdown("compared with", _ALONE)
        theme, style = views.theme, reliability.robustness_style
        empty = reliability.robustness_figure([], CORRUPTIONS[self.kind.value], theme=theme)
        self.figure = LiveFigure(empty, fills=True, theme=theme, style=style, name="Robustness")
        self.caption = Caption()
        self.amount = Slider()
        self.gallery = Gallery(views.dataset.class_names, "not trained yet")
        self.gallery.on_open(OPENS, on_loop(self._open))
        figure = box("explorer-panel-figure", self.figure, self.caption)
        images = box("explorer-column", self.amount, self.gallery)
        tools = box("explorer-tools", self.kind, self.other)
        both = box("explorer-column explorer-two explorer-fills", figure, images)
        self.view = box("explorer-robustness", tools, both)
        self._pace, self._images_pace, self._idle_work = Pace(), Pace(), IdleWork(self._go_on, views.loop)
        self._inspected = views.networks, InspectedNetworks()
        self._state = views.state
        self._networks: dict[str, InspectedNetwork] = {}  # by the name of the curve
        self._known: dict[tuple[InspectedNetwork, str], dict[float, float]] = {}
        self._work: Iterator[None] = iter(())
        self._set_range()
        self.kind.observe(on_loop(self._on_kind), "value")
        self.other.observe(on_loop(lambda _: self.show(views.state)), "value")
        self.amount.observe(on_loop(lambda _: self._draw()), "value")

    def show(self, state: ViewState) -> None:
        self._state = state
        others = (run for run in reversed(state.comparable) if run.newest is not None)
        self.other.offer({**_ALONE, **{str(run.number): run.title for run in others}})
        self.figure.set_theme(state.theme)
        self._update_networks(state)
        if self._pace.is_due(state, state.figured, self.kind.value, self.other.value):
            with self._pace.costly():
                self._draw()
        if not state.is_training:
            self._idle_work.go_on()

    def _update_networks(self, state: ViewState) -> None:
        """Update the compared networks, and discard the results of others."""
        self._data = state.dataset if state.run is None else state.run.dataset
        comparable = (run for run in state.comparable if run.dataset.compares_with(self._data))
        chosen = (run for run in comparable if str(run.number) == self.other.value)
        states = {"this run": state}
        states |= {run.short_title: replace(state, run=run, pictured=run.newest) for run in chosen}
        pairs = zip(states.items(), self._inspected, strict=False)
        found = {name: of.of(one) for (name, one), of in pairs if one.moment and one.moment.weights}
        networks = {name: inspected for name, inspected in found.items() if inspected is not None}
        if networks != self._networks:
            n_before = len(self._chosen)
            self._networks, self._work = networks, self._measuring()
            kept = networks.values() if len(self._chosen) == n_before else ()  # all on the same images
            self._known = {key: value for key, value in self._known.items() if key[0] in kept}

    def _go_on(self) -> bool:
        """Classify a few images; return whether more remain."""
        return not self._views.session.state.is_training and next(self._work, self) is not self

    def _measuring(self) -> Iterator[None]:
        """Measure what is missing, the smallest amounts first."""
        kind = self.kind.value
        pairs = product(sorted(CORRUPTIONS[kind].amounts, key=abs), self._networks.values())
        for amount, inspected in pairs:
            if amount in self._known.setdefault((inspected, kind), {}):
                continue
            right, data, chosen = 0, self._data, self._chosen
            images, labels = corrupt(data.test_images[chosen], kind, amount), data.test_labels[chosen]
            limits = {"most": len(images), "least": 1, "products": _PRODUCTS_AT_ONCE}
            at_once = probe_size(inspected.n_parameters, **limits)
            yield
            for start in range(0, len(images), at_once):
                part = slice(start, start + at_once)
                with inspected.network() as network, np.errstate(all="ignore"):
                    right += int((network.predict(pixel_columns(images[part])) == labels[part]).sum())
                yield
            self._known[inspected, kind][amount] = right / len(images)
            self._draw()

    @property
    def _chosen(self) -> NDArray[np.int64]:
        """Test images spread over the whole set, whose parts may differ: MNIST's first half is easier."""
        n_parameters = max((inspected.n_parameters for inspected in self._networks.values()), default=1)
        n_test = len(self._data.test_labels)
        most = probe_size(n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES, products=_MOST_PRODUCTS)
        n = min(most, n_test)
        return np.arange(n) * n_test // n

    def _draw(self) -> None:
        kind, networks = self.kind.value, self._networks.items()
        curves = [(name, self._known.get((inspected, kind), {})) for name, inspected in networks]
        summary = reliability.robustness_summary(curves, CORRUPTIONS[kind])
        shown = curves, CORRUPTIONS[kind], self.amount.value
        self.figure.show(*reliability.robustness_data(*shown, theme=self.figure.theme), summary)
        self.caption.text = self._described(summary)
        self._draw_images()

    def _described(self, summary: str) -> str:
        state = self._state
        if not self._networks:
            return state.nothing or "There are no weights to read images with."
        if not summary:
            return "Measured as soon as the run is paused or over." if state.is_training else "Measuring …"
        of = counted(len(self._data.test_labels), self._data.held_out_noun)
        about = CORRUPTIONS[self.kind.value].about
        return f"Accuracy on {grouped(len(self._chosen))} of {of}: {summary}. {about}"

    def _draw_images(self) -> None:
        state, amount, kind = self._state, self.amount.value, self.kind.value
        inspected = self._networks.get("this run")
        if not self._images_pace.is_due(state, inspected, kind, amount, state.theme):
            return
        if inspected is None:
            self.amount.text = ""
            self.gallery.show("Changed images", [], b"", columns=1, n_pages=0, empty=state.nothing)
            return
        images, labels = self._images, self._data.test_labels[self._chosen[: len(self._images)]]
        with inspected.network() as network, np.errstate(all="ignore"):
            outputs = network.forward(pixel_columns(images))
        n, of = len(images), self._data.held_out_noun
        sources = dict.fromkeys(range(n), f"a changed {of}")
        shown = read_images(outputs, labels, inspected.run.config, self._data.class_names, sources)
        n_right = sum(image.right for image in shown)
        verb = "is" if n_right == 1 else "are"
        self.amount.text = f"{n_right} of these {counted(n, of)} {verb} classified correctly."
        picture = sprite(images, n, theme=state.shade)
        self.gallery.show("As the network sees them", shown, picture, columns=n)

    @property
    def _images(self) -> NDArray[np.uint8]:
        few = self._data.test_images[self._chosen[:_N_SHOWN]]
        return corrupt(few, self.kind.value, self.amount.value)

    def _open(self, key: int) -> None:
        if 0 <= key < len(images := self._images):
            true = int(self._data.test_labels[self._chosen[key]])
            self._views.look_into(Drawing(images[key], true))

    def _on_kind(self, _change: object) -> None:
        self._work = self._measuring()
        self._set_range()
        self.show(self._views.state)

    def _set_range(self) -> None:
        """Set the slider's range to the corruption's amounts, starting at a visible one."""
        one = CORRUPTIONS[self.kind.value]
        low, high, value = one.amounts[0], one.amounts[-1], one.amounts[-3]
        self.amount.update(label=one.label, unit=one.unit, low=low, high=high, step=one.step, value=value)


class MistakesPanel:
    """Confusions with their images, scores of each class, and calibration."""

    def __init__(self, views: Views) -> None:
        dataset, theme, on_loop = views.dataset, views.theme, views.on_loop
        self._dataset = dataset
        self._pace = Pace(_SECONDS_BETWEEN)
        self._moment: Moment | None = None
        self._confidence = _SHARE
        self.sentence = Caption()
        kind = class_noun(dataset.class_names)
        columns = [kind, "recall", "precision", "F1", f"test {dataset.noun}s"]
        self.table = Display(Table("Scores of each class", columns, glossary(dataset.noun)))
        self.table.on_press(on_loop(lambda press: self.table.show(self.table.shown.sorted_on(press))))
        self.images = ChosenImages(views, on_open=views.look_into, per_page=_PER_PAGE)
        self.matrix = Matrix(views)
        tool, figure = box("", self.matrix.counted), box("explorer-panel-figure", self.matrix.figure)
        self.order = Segmented(f"Order of the {dataset.noun}s", ORDERS)
        self.order.observe(on_loop(lambda _: self.images.sort_by(self.order.value)), "value")
        self.threshold = Slider(label="Answer only when the confidence is at least")
        self.threshold.observe(on_loop(lambda _: self._show_threshold()), "value")
        empty, style = reliability.reliability_figure(None, theme=theme), reliability.reliability_style
        self.calibration = LiveFigure(empty, fills=True, theme=theme, style=style, name="Calibration")
        self.calibration_caption = Caption()
        # The box gives the figure its height: the figure's element has only its own.
        trust = (self.threshold, box("explorer-panel-figure", self.calibration), self.calibration_caption)
        self.view = box(
            "explorer-column explorer-mistakes",
            box("explorer-prominent", self.sentence, area="sentence"),
            box("explorer-mistakes-matrix", tool, figure, self.matrix.caption, area="matrix"),
            box("explorer-mistakes-all", self.order, self.images.gallery, area="all"),
            box("explorer-mistakes-scores", self.table, area="scores"),
            box("explorer-mistakes-trust", *trust, area="trust"),
        )

    def show(self, state: ViewState) -> None:
        self.images.show(state)
        self.matrix.show(state)
        self.calibration.set_theme(state.theme)
        snapshot = None if state.moment is None else state.moment.snapshot
        if snapshot is None:
            self.sentence.text = state.nothing
        if not self._pace.is_due(state, snapshot):
            return
        self._moment, self._dataset = state.moment, state.scored_on
        if state.run is not None:
            self._confidence = _PROBABILITY if state.run.config.output == "softmax" else _SHARE
        self._show_scores()
        self._show_threshold()
        self._show_calibration()

    def _show_scores(self) -> None:
        if self._moment is None:
            self.table.show(replace(self.table.shown, rows=(), marked=()))
            return
        confusion, names = self._moment.confusion, self._dataset.class_names
        scores = per_class(confusion)
        self.sentence.text = difficulty(confusion, names, self._dataset.held_out_noun)
        mean = scores.recall.mean()  # of two classes, one at most is hard
        marked = [(k, 1) for k in hardest_classes(confusion)[:_HARDEST] if scores.recall[k] < mean]
        columns = (*self.table.shown.columns[:-1], f"{self._dataset.held_out_noun}s")
        figures = scores.recall, scores.precision, scores.f1
        rows = [
            [name, *(f"{100 * one[k]:.1f} %" for one in figures), grouped(int(scores.support[k]))]
            for k, name in enumerate(names)
        ]
        self.table.show(replace(self.table.shown, columns=columns, rows=rows, marked=marked))

    def _show_threshold(self) -> None:
        if self._moment is None:
            self.threshold.text = ""
            return
        outputs, labels = self._moment.test_outputs, self._dataset.test_labels
        n, n_right = answered(outputs, labels, self.threshold.value / 100)
        of = counted(len(labels), self._dataset.held_out_noun)
        share = f", {percent(n_right / n)} of them correctly" if n else ""
        verb = "is" if n == 1 else "are"
        self.threshold.text = f"{grouped(n)} of {of} {verb} answered ({percent(n / len(labels))}){share}."

    def _show_calibration(self) -> None:
        moment, labels = self._moment, self._dataset.test_labels
        bins = None if moment is None else reliability.reliability(moment.test_outputs, labels)
        self.calibration.show(*reliability.reliability_data(bins))
        self.calibration.summary = self.calibration_caption.text = ""
        if bins is not None:
            self.calibration.summary = f"expected calibration error {100 * bins.error:.1f} %"
            chance = f"By chance, a perfect network would show {100 * bins.chance:.1f} % on these images."
            how = f"{self._confidence} {_WHERE} {_HOW_TO_READ} {chance}"
            self.calibration_caption.text = with_noun(how, self._dataset.noun)


MISTAKES: Sections = MappingProxyType(
    {
        "mistakes": ("Mistakes", MistakesPanel),
        "robustness": ("Robustness", lambda of: Sentence() if of.dataset.is_plane else Robustness(of)),
    }
)
"""The sections of the tab; the first is the default."""


mistakes_panel = partial(SectionedPanel, sections=MISTAKES)
"""Makes the tab."""
