"""The Draw tab: a pad, the network's prediction for what is drawn, and the drawings that the user has labeled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.app.layout import box, set_hidden
from explorer.app.panels.confusion import read_images
from explorer.app.views import Drawing, Pace, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.dataset import pixel_columns
from explorer.datasets.preprocessing import Preprocessed, preprocess
from explorer.figures.digits import sprite
from explorer.network import NeuralNetwork
from explorer.network.metrics import probabilities, select_samples
from explorer.session import SessionRun
from explorer.training import Moment
from explorer.training.process_settings import one_blas_thread
from explorer.widgets.bars import Bar, Bars
from explorer.widgets.drawing_pad import SIDE, ClassChoice, DrawingPad
from explorer.widgets.gallery import Gallery, GalleryImage
from explorer.widgets.pictures import PictureSteps
from explorer.widgets.rendered import Caption, Display
from explorer.wording import class_noun, grouped, percent

_MOST = 40  # drawings kept: a pass over this many takes about a millisecond
_SECONDS_BETWEEN = 1.0
_SECONDS_OVERTAKEN = 1.0
_BARS = "Share of each class"
_OFFER = "Load a {} image"
_INSIDE = "inside", "See its way through the network"
_STEPS = (
    ("drawn", "the drawing on the pad"),
    ("cropped", "cropped to the ink"),
    ("scaled", "its longest side scaled to 20 pixels"),
    ("centered: what the network sees", "the center of mass of its ink put at the center of 28 × 28 pixels"),
)


class Reader:
    """Caches a network for a run and a moment, so that classifying drawings costs one pass."""

    def __init__(self) -> None:
        self._run: tuple[int, int] | None = None  # the network's
        self._moment: Moment | None = None
        self._network: NeuralNetwork | None = None

    def outputs(
        self, run: SessionRun, moment: Moment, images: NDArray[np.uint8]
    ) -> NDArray[np.floating[Any]]:
        """Return the outputs for images (n, 28, 28), shape (n_classes, n)."""
        if self._network is None or run.key != self._run:
            self._network, self._run, self._moment = run.new_network(), run.key, None
        if self._moment is None or moment.snapshot is not self._moment.snapshot:
            self._network.set_weights(moment.weights)
            self._moment = moment
        with one_blas_thread(), np.errstate(all="ignore"):  # faster for a product this short
            return self._network.forward(np.array(pixel_columns(images)))  # a user's class may write into it


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """A drawing: its number, counted from 1, the pad's ink, and its true class."""

    number: int
    ink: bytes
    image: NDArray[np.uint8]
    true: int


class KeptDrawings:
    """A gallery of labeled drawings, newest first; `on_open` is called with the ink of one that is opened."""

    def __init__(self, views: Views, reader: Reader, on_open: Callable[[bytes], object]) -> None:
        self.gallery = Gallery(views.dataset.class_names)
        self.gallery.on_open("Press to put it on the pad again", views.on_loop(self._open))
        self.view = box("explorer-draw-kept explorer-hidden", self.gallery, area="kept")
        self._names = views.dataset.class_names
        self._reader, self._on_open = reader, on_open
        self._kept: tuple[_Kept, ...] = ()
        self._number, self._kept_at = 0, float("-inf")
        self._pace = Pace(_SECONDS_BETWEEN)
        self._shown: tuple[_Kept, ...] = ()

    def __len__(self) -> int:
        return len(self._kept)

    def true_of(self, ink: bytes) -> int | None:
        """Return the user's label for the drawing with this ink; None if there is none."""
        return next((kept.true for kept in self._kept if kept.ink == ink), None)

    def toggle(self, ink: bytes, image: NDArray[np.uint8], true: int) -> None:
        """Keep a drawing with its label; the same label a second time removes it."""
        others = tuple(kept for kept in self._kept if kept.ink != ink)
        if self.true_of(ink) != true:
            self._number, self._kept_at = self._number + 1, monotonic()
            others = (_Kept(self._number, ink, image, true), *others)[:_MOST]
        self._kept = others

    def complete(self, ink: bytes, image: NDArray[np.uint8]) -> None:
        """Update the newest drawing with ink that arrived after its label: a button press may overtake ink."""
        if not self._kept or monotonic() - self._kept_at > _SECONDS_OVERTAKEN:
            return
        newest, *others = self._kept
        if np.all(np.frombuffer(ink, np.uint8) >= np.frombuffer(newest.ink, np.uint8)):
            self._kept = (replace(newest, ink=ink, image=image), *others)

    def show(self, state: ViewState) -> None:
        """Classify the drawings with the selected epoch's network; during training, once a second."""
        kept, shown = self._kept, (state.moment and state.moment.snapshot, state.theme)
        if not self._pace.is_due(state, kept, *shown, at_once=kept is not self._shown):
            return
        self._shown = kept
        set_hidden(self.view, not kept)
        if kept:
            images = self._read(state)
            picture = sprite(np.stack([one.image for one in kept]), len(kept), theme=state.theme)
            self.gallery.show(_tally(images), images, picture, columns=len(kept))

    def _read(self, state: ViewState) -> list[GalleryImage]:
        run, moment, kept = state.run, state.moment, self._kept
        sources = {one.number: f"your drawing {one.number}" for one in kept}
        if run is None or moment is None:
            named = [(number, self._names[one.true]) for number, one in zip(sources, kept, strict=True)]
            return [GalleryImage(name, "", f"{sources[n]}, {name}", right=True, key=n) for n, name in named]
        outputs = self._reader.outputs(run, moment, np.stack([one.image for one in kept]))
        return read_images(outputs, [one.true for one in kept], run.config, self._names, sources)

    def _open(self, number: int) -> None:
        for kept in self._kept:
            if kept.number == number:
                self._kept_at = float("-inf")  # ink that arrives next does not belong to the newest drawing
                self._on_open(kept.ink)


def _tally(images: list[GalleryImage]) -> str:
    n, right = len(images), sum(image.right for image in images)
    yours = "your drawing" if n == 1 else f"your {n} drawings"
    if not images[0].title:
        return f"{yours[:1].upper()}{yours[1:]}"
    if n == 1:
        return f"The network reads {yours} {'correctly' if right else 'as something else'}"
    return f"The network reads {right} of {yours} correctly ({100 * right / n:.0f} %)"


class DrawPanel:
    """A pad, the steps from its ink to an image in MNIST's format, and the network's outputs for that image."""

    def __init__(self, views: Views) -> None:
        dataset, theme, on_loop = views.dataset, views.theme, views.on_loop
        self._views = views
        self.pad = DrawingPad(offer=_OFFER.format(views.state.scored_on.held_out))
        self.steps = Display(PictureSteps(_STEPS))
        self.bars = Display(Bars(label=_BARS))
        self.sentence, self.note = Caption(), Caption()
        self._dataset, self._theme, self._reader = dataset, theme, Reader()
        self.truth = Display(ClassChoice())
        self.kept = KeptDrawings(views, self._reader, lambda ink: self.pad.update(ink=ink))
        self._seen: Preprocessed | None = None
        self._loaded: tuple[bytes, int, Dataset] | None = None
        self._n_loaded = 0
        self._rng = np.random.default_rng()
        self.pad.observe(on_loop(self._on_ink), ["ink", "drawn"])  # both may change, in either order
        self.pad.on_offer(on_loop(self._load))
        self.truth.on_press(on_loop(self._on_press))
        self.view = box(
            "explorer-panel explorer-column explorer-draw",
            box("explorer-draw-sentence", self.sentence, area="sentence"),
            box("explorer-draw-pad", self.pad, area="pad"),
            box("explorer-draw-bars", self.bars, self.note, self.truth, area="bars"),
            box("explorer-draw-steps", self.steps, area="steps"),
            self.kept.view,
        )

    def show(self, state: ViewState) -> None:
        """Show the prediction of the selected epoch's network for the drawing."""
        self.pad.offer = _OFFER.format(state.scored_on.held_out)
        if state.theme != self._theme:
            self._theme = state.theme
            self._show_steps()
        self._show_reading(state)

    def _on_ink(self, _change: object) -> None:
        self._seen = preprocess(self.pad.image)
        if self._seen is not None:
            self.kept.complete(self.pad.ink, self._seen.image)
        self._show_reading(self._views.state)
        self._show_steps()

    def _show_steps(self) -> None:
        seen, picture = self._seen, b""
        if seen is not None:
            stages = [_squared(ink) for ink in (seen.drawn, seen.cropped, seen.scaled, seen.image)]
            picture = sprite(np.stack(stages), len(stages), theme=self._theme)
        self.steps.show(PictureSteps(_STEPS, picture))

    def _show_reading(self, state: ViewState) -> None:
        moment, outputs = state.moment, None
        if self._seen is None:
            is_digits = class_noun(self._dataset.class_names) == "digit"
            text = "Draw a digit" if is_digits else "Draw something"
        elif state.run is None or moment is None:
            text = state.nothing
        else:
            outputs = self._reader.outputs(state.run, moment, self._seen.image[None])[:, 0]
            text = reading(outputs, self._dataset.class_names) + self._source()
        self.sentence.text = text
        self._show_bars(outputs)
        self.note.text = _explained(None if outputs is None else state.run, moment)
        self._show_choice(can_look=outputs is not None)
        self.kept.show(state)

    def _show_choice(self, *, can_look: bool) -> None:
        """Ask what was drawn, except for a held-out image, whose class is known."""
        names, others = self._dataset.class_names, (_INSIDE,) * can_look
        if self._seen is None or self._test_image is not None:
            self.truth.show(ClassChoice(others=others))
            return
        answers = tuple(f"This is {with_article(name)}" for name in names)
        true = self.kept.true_of(self.pad.ink)
        self.truth.show(ClassChoice("What did you draw?", tuple(names), answers, true, others))

    def _on_press(self, press: str) -> None:
        if self._seen is None:
            return
        ink, image, index = self.pad.ink, self._seen.image, self._test_image
        if press == _INSIDE[0]:
            self._views.look_into(Drawing(image, self.kept.true_of(ink)) if index is None else index)
        elif index is None and press in map(str, range(self._dataset.n_classes)):
            self.kept.toggle(ink, image, int(press))
            self._show_reading(self._views.state)

    def _show_bars(self, outputs: NDArray[np.floating] | None) -> None:
        names = self._dataset.class_names
        bars = [Bar(name, 0.0, "") for name in names]
        if outputs is not None and np.isfinite(outputs).all():
            shares = probabilities(outputs[:, None])[:, 0].tolist()
            texts = (percent(share, int(share < 0.1)) for share in shares)
            bars = list(map(Bar, names, shares, texts))
            chosen = int(outputs.argmax())
            bars[chosen] = replace(bars[chosen], kind="chosen")
        self.bars.show(Bars(bars=tuple(bars), label=_BARS))

    @property
    def _test_image(self) -> int | None:
        """Index of the unchanged held-out image on the pad, None for anything else."""
        if self._loaded is None or self._loaded[0] != self.pad.ink:
            return None
        return self._loaded[1] if self._loaded[2].compares_with(self._views.state.scored_on) else None

    def _source(self) -> str:
        index = self._test_image
        if index is None:
            return ""
        data = self._views.state.scored_on
        name = data.class_names[data.test_labels[index]]
        return f" It is {data.held_out} image {grouped(index)}, {with_article(name)}."

    def _load(self) -> None:
        """Put the next misclassified image on the pad, highest loss first; any image if there is none."""
        state, wrong = self._views.state, np.empty(0, np.int64)
        data = state.scored_on
        if state.run is not None and state.moment is not None:
            outputs, loss = state.moment.test_outputs, state.run.config.loss
            wrong = select_samples(outputs, data.test_labels, mistakes_only=True, loss=loss)
        any_image = self._rng.integers(len(data.test_labels))
        index = int(wrong[self._n_loaded % len(wrong)] if len(wrong) else any_image)
        self._n_loaded += 1
        self.pad.show(data.test_images[index])
        self._loaded = self.pad.ink, index, data
        self._show_reading(state)


def reading(outputs: NDArray[np.floating], class_names: Sequence[str]) -> str:
    """Return a network's outputs for an image in words: ``"It reads a 7 (93 %), then 1 (4 %)."``."""
    if not np.isfinite(outputs).all():
        return "The network's outputs are not numbers."
    shares = probabilities(outputs[:, None])[:, 0]
    first, *others = np.argsort(-outputs, kind="stable")[:2]
    then = "".join(f", then {class_names[k]} ({100 * shares[k]:.0f} %)" for k in others)
    return f"It reads {with_article(class_names[first])} ({100 * shares[first]:.0f} %){then}."


def with_article(name: str) -> str:
    """Return a class's name as in a sentence: "an 8", "a 7", "Sneaker"."""
    if not name.isdigit():
        return name
    return f"an {name}" if name.startswith("8") else f"a {name}"


def _explained(run: SessionRun | None, moment: Moment | None) -> str:
    if run is None or moment is None:
        return ""
    when = f"Read by the network of epoch {moment.epoch:.4g}."
    if run.config.output != "sigmoid":
        return when
    return f"{when} Sigmoid outputs need not sum to 1: shown are their shares of the sum."


def _squared(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ink centered in a square of the pad's size, scaled up as far as it fits."""
    side = max(ink.shape)
    margins = [((side - length) // 2, (side - length + 1) // 2) for length in ink.shape]
    nearest = np.arange(SIDE) * side // SIDE
    return np.pad(ink, margins)[np.ix_(nearest, nearest)]
