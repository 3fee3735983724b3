"""The network's accuracy on images that are rotated, shifted, noisy, blurred, thinner or thicker."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box
from explorer.app.panels.images import read_images
from explorer.app.panels.inside.pacing import Leisure, Pace
from explorer.app.panels.inside.section import Subject, Subjects, probe_size
from explorer.app.panels.matrix import other_runs
from explorer.app.views import Drawing, Views, ViewState
from explorer.datasets.corruption import CORRUPTIONS, corrupt
from explorer.datasets.dataset import pixel_columns
from explorer.figures import robustness as figures
from explorer.figures.digits import sprite
from explorer.widgets.controls import Dropdown, Segmented, Slider
from explorer.widgets.gallery import Gallery
from explorer.widgets.live_figure import LiveFigure
from explorer.widgets.rendered import Caption
from explorer.wording import counted, grouped

_N_SHOWN = 8
_MOST_IMAGES, _LEAST_IMAGES, _MOST_PRODUCTS = 2000, 500, 2**31
_PRODUCTS_AT_ONCE = 2**28  # weights times images: about 15 ms
_OPENS = "Press to see its way through the network"


class Robustness:
    """Accuracy against the amount of a corruption, for one run or two, and images with a slider.

    The amounts are measured one by one when the event loop is idle, and only while the section is visible and no
    run trains. The results are kept while their networks are shown.
    """

    def __init__(self, views: Views) -> None:
        self._views, self._data, on_loop = views, views.dataset, views.on_loop
        self.kind = Segmented("Corruption", {name: one.label for name, one in CORRUPTIONS.items()})
        self.other = Dropdown("compared with", other_runs())
        theme, style = views.theme, figures.robustness_style
        empty = figures.robustness_figure([], CORRUPTIONS[self.kind.value], theme=theme)
        self.figure = LiveFigure(empty, fills=True, theme=theme, style=style, name="Robustness")
        self.caption = Caption()
        self.amount = Slider()
        self.gallery = Gallery(views.dataset.class_names, "not trained yet")
        self.gallery.on_open(_OPENS, on_loop(self._open))
        figure = box("explorer-panel-figure", self.figure, self.caption)
        images = box("explorer-column", self.amount, self.gallery)
        tools = box("explorer-tools", self.kind, self.other)
        both = box("explorer-column explorer-two explorer-fills", figure, images)
        self.view = box("explorer-robustness", tools, both)
        self._pace, self._leisure = Pace(), Leisure(self._go_on, on_loop)
        self._subjects = Subjects(), Subjects()
        self._state: ViewState | None = None
        self._networks: dict[str, Subject] = {}  # by the name of the curve
        self._known: dict[tuple[Subject, str], dict[float, float]] = {}
        self._work: Iterator[None] = iter(())
        self._drawn: tuple[Any, ...] = ()
        self._set_range()
        self.kind.observe(on_loop(self._on_kind), "value")
        self.other.observe(on_loop(lambda _: self.show(views.state)), "value")
        self.amount.observe(on_loop(lambda _: self._draw_images()), "value")

    def show(self, state: ViewState) -> None:
        """Show this moment's networks, and measure them once the run doesn't train."""
        self._state = state
        self.other.offer(other_runs(state))
        self.figure.set_theme(state.theme)
        self._take_networks(state)
        if self._pace.is_due(state):
            with self._pace.drawing():
                self._draw()
        if not state.is_training:
            self._leisure.go_on()

    def _take_networks(self, state: ViewState) -> None:
        """Update the compared networks, and discard the results of others."""
        self._data = state.dataset if state.run is None else state.run.dataset
        comparable = (run for run in state.comparable if run.dataset.compares_with(self._data))
        chosen = (run for run in comparable if str(run.number) == self.other.value)
        states = {"this run": state}
        states |= {run.short_title: replace(state, run=run, moment=run.newest) for run in chosen}
        pairs = zip(states.items(), self._subjects, strict=False)
        found = {name: of.of(one) for (name, one), of in pairs if one.moment and one.moment.weights}
        networks = {name: subject for name, subject in found.items() if subject is not None}
        if networks != self._networks:
            n_before = len(self._chosen)
            self._networks, self._work = networks, iter(())
            kept = networks.values() if len(self._chosen) == n_before else ()  # all on the same images
            self._known = {key: value for key, value in self._known.items() if key[0] in kept}

    def _go_on(self) -> bool:
        """Classify a few images; return whether more remain."""
        if self._views.session.state.is_training:
            return False
        if next(self._work, self) is not self:
            return True
        self._draw()
        if (left := self._left()) is not None:
            self._work = self._measured(*left)
        return left is not None

    def _left(self) -> tuple[Subject, str, float] | None:
        """Return the next network and amount to measure, smallest first; None if all are done."""
        kind = self.kind.value
        for amount in sorted(CORRUPTIONS[kind].amounts, key=abs):
            for subject in self._networks.values():
                if amount not in self._known.setdefault((subject, kind), {}):
                    return subject, kind, amount
        return None

    def _measured(self, subject: Subject, kind: str, amount: float) -> Iterator[None]:
        """Measure a network's accuracy, yielding after every few images."""
        dataset, chosen = self._data, self._chosen
        images, labels = corrupt(dataset.test_images[chosen], kind, amount), dataset.test_labels[chosen]
        at_once = probe_size(subject.n_parameters, most=len(images), least=1, products=_PRODUCTS_AT_ONCE)
        right = 0
        yield
        for start in range(0, len(images), at_once):
            part = slice(start, start + at_once)
            with subject.network() as network, np.errstate(all="ignore"):
                right += int((network.predict(pixel_columns(images[part])) == labels[part]).sum())
            yield
        self._known[subject, kind][amount] = right / len(images)

    @property
    def _chosen(self) -> NDArray[np.int64]:
        """Test images spread over the whole set, whose parts may differ: MNIST's first half is easier."""
        n_parameters = max((subject.n_parameters for subject in self._networks.values()), default=1)
        n_test = len(self._data.test_labels)
        most = probe_size(n_parameters, most=_MOST_IMAGES, least=_LEAST_IMAGES, products=_MOST_PRODUCTS)
        n = min(most, n_test)
        return np.arange(n) * n_test // n

    def _draw(self) -> None:
        kind, networks = self.kind.value, self._networks.items()
        curves = [(name, self._known.get((subject, kind), {})) for name, subject in networks]
        summary = figures.robustness_summary(curves, CORRUPTIONS[kind])
        self.figure.show(figures.robustness_traces(curves, CORRUPTIONS[kind]), summary=summary)
        self.caption.text = self._said(summary)
        self._draw_images()

    def _said(self, summary: str) -> str:
        state = self._state
        if state is None or not self._networks:
            return "" if state is None else state.nothing or "There are no weights to read images with."
        if not summary:
            return "Measured as soon as the run is paused or over." if state.is_training else "Measuring …"
        of = counted(len(self._data.test_labels), f"{self._data.held_out} image")
        about = CORRUPTIONS[self.kind.value].about
        return f"Accuracy on {grouped(len(self._chosen))} of {of}: {summary}. {about}"

    def _draw_images(self) -> None:
        """Show a few images with this amount of corruption, and the network's predictions."""
        state, amount, kind = self._state, self.amount.value, self.kind.value
        if state is None:
            return
        subject = self._networks.get("this run")
        wanted = (subject, kind, amount, state.theme)
        if wanted == self._drawn:
            return
        self._drawn = wanted
        self.figure.show([], figures.robustness_layout(CORRUPTIONS[kind], amount, theme=state.theme))
        if subject is None:
            self.amount.text = ""
            self.gallery.show("Changed images", [], b"", columns=1, n_pages=0, empty=state.nothing)
            return
        images, labels = self._images, self._data.test_labels[self._chosen[: len(self._images)]]
        with subject.network() as network, np.errstate(all="ignore"):
            outputs = network.forward(pixel_columns(images))
        n, of = len(images), f"{self._data.held_out} image"
        sources = dict.fromkeys(range(n), f"a changed {of}")
        shown = read_images(outputs, labels, subject.run.config, self._data.class_names, sources)
        n_right = sum(image.right for image in shown)
        verb = "is" if n_right == 1 else "are"
        self.amount.text = f"{n_right} of these {counted(n, of)} {verb} classified correctly."
        picture = sprite(images, n, theme=state.theme)
        self.gallery.show("As the network sees them", shown, picture, columns=n)

    @property
    def _images(self) -> NDArray[np.uint8]:
        """A few test images, corrupted by the current amount."""
        few = self._data.test_images[self._chosen[:_N_SHOWN]]
        return corrupt(few, self.kind.value, self.amount.value)

    def _open(self, key: int) -> None:
        if 0 <= key < len(images := self._images):
            true = int(self._data.test_labels[self._chosen[key]])
            self._views.look_into(Drawing(images[key], true))

    def _on_kind(self, _change: object) -> None:
        self._work = iter(())
        self._set_range()
        self.show(self._views.state)

    def _set_range(self) -> None:
        """Set the slider's range to the corruption's amounts, starting at a visible one."""
        one = CORRUPTIONS[self.kind.value]
        low, high, value = one.amounts[0], one.amounts[-1], one.amounts[-3]
        self.amount.update(label=one.label, unit=one.unit, low=low, high=high, step=one.step, value=value)
