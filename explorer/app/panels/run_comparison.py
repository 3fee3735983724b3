"""Two runs side by side: which one classifies more of the same images correctly, and whether by chance."""

from collections.abc import Sequence

from explorer.app.layout import box, set_hidden
from explorer.app.panels.matrix import Difference
from explorer.app.panels.run_rows import held_out_accuracy, result_cells, test_cell
from explorer.app.readouts import GLOSSARY
from explorer.figures.palette import Theme
from explorer.figures.runs import run_colour
from explorer.network.comparison import paired, verdict
from explorer.session import SessionRun
from explorer.training import FIELDS
from explorer.widgets.rendered import Caption, Display, Element, term_element
from explorer.widgets.tables import SideBySide
from explorer.wording import counted

_IMAGES = (
    "{a} and {b} hold out other images: neither accuracy nor loss says which of the two networks is better."
)

_PENALTIES = (
    "Their losses don't compare: they don't hold the same penalties on the weights. Accuracy does: it counts the"
    " same images in both."
)
_LOSSES = (
    "Their losses don't compare: squared error is ½ Σ (y − d)², cross-entropy is −Σ d log y, so one number"
    " means two things. Accuracy does: it counts the same images in both."
)

_TEST = "exact McNemar test"
_LIMITS = "It judges these two networks: whether their settings are better, other seeds must tell."


class RunComparison:
    """The comparison below the table when two runs are selected."""

    def __init__(self, class_names: Sequence[str], theme: Theme) -> None:
        self._class_names = class_names
        self.side_by_side = Display(SideBySide())
        self.difference = Difference(class_names, theme)
        self.caption = Caption()
        self._place = box("explorer-panel-figure", self.difference.figure, self.caption)
        self.view = box(
            "explorer-column explorer-two explorer-runs-compare explorer-hidden",
            self.side_by_side,
            self._place,
        )

    def show(self, runs: Sequence[SessionRun], theme: Theme) -> None:
        """Compare two runs; hidden if fewer are selected."""
        set_hidden(self.view, len(runs) != 2)
        if len(runs) != 2:
            return
        a, b = runs
        pairs = zip("AB", runs, strict=True)
        heads = [(f"{letter} · {run.title}", run_colour(run.number, theme)) for letter, run in pairs]
        words, remarks = self._judged(a, b)
        self.side_by_side.show(SideBySide(heads, words, remarks, _lines(a, b)))
        in_a, in_b = (None if run.newest is None else run.newest.confusion for run in runs)
        compare = in_a is not None and in_b is not None and a.dataset.compares_with(b.dataset)
        set_hidden(self._place, not compare)
        if compare:
            self._name_classes(a.dataset.class_names, theme)
            self.difference.show(in_a, in_b, theme)
            self.caption.text = self.difference.figure.summary

    def _name_classes(self, class_names: Sequence[str], theme: Theme) -> None:
        """Match the figure's classes to the runs, which may use another data set."""
        if class_names != self._class_names:
            before, self._class_names = self.difference.figure, class_names
            self.difference = Difference(class_names, theme)
            self._place.children = (self.difference.figure, self.caption)
            before.close()

    def _judged(self, a: SessionRun, b: SessionRun) -> tuple[str, list[str | list[Element | str]]]:
        runs = {"A": a, "B": b}
        if not a.dataset.compares_with(b.dataset):
            return _IMAGES.format(a=_images_of(a, b), b=_images_of(b, a)), []
        if a.newest is None or b.newest is None:
            unknown = [_without_figures(letter, run) for letter, run in runs.items() if run.newest is None]
            return " ".join(unknown), []
        remarks: list[str | list[Element | str]] = []
        if a.config.loss_terms != b.config.loss_terms:
            remarks = [_PENALTIES if a.config.loss == b.config.loss else _LOSSES]
        outputs = {"A": a.newest.test_outputs, "B": b.newest.test_outputs}
        gone = [letter for letter, of_run in outputs.items() if not of_run.size]
        if gone:
            words = f"What {' and '.join(gone)} read in each image is no longer kept, to save memory."
            return words, [*(_way_back(letter, runs[letter]) for letter in gone), *remarks]
        labels = a.dataset.test_labels
        test = term_element(_TEST, GLOSSARY[_TEST])
        images = counted(len(labels), f"{a.held_out} image")
        both = [f"Both classify the same {images} (", test, f"). {_LIMITS}"]
        return verdict(*paired(outputs["A"], outputs["B"], labels)), [both, *remarks]


def _without_figures(letter: str, run: SessionRun) -> str:
    if run.status in ("running", "paused"):
        return f"{letter} has not ended its first epoch yet."
    return f"{letter} did not complete its first epoch: it has no network to compare."


def _way_back(letter: str, run: SessionRun) -> str:
    """Return whether a run's settings can reproduce its discarded outputs, and how."""
    if run.parent is not None:
        why = f"it went on from the weights of {run.parent.mention}"
    elif run.opened is not None:
        why = f"it began with the weights of {run.opened.file}"
    elif run.status == "finished":
        return f"For {letter}, load its settings and train again: equal settings give the equal run."
    elif run.status == "stopped":
        why = f"it was stopped at epoch {run.epoch:.4g} of {run.config.epochs}"
    else:
        why = "it failed on its way"
    return f"For {letter}, its settings alone don't bring it back: {why}."


def _lines(a: SessionRun, b: SessionRun) -> list[tuple[str, str, str]]:
    words = (held_out_accuracy((a, b)), "Best epoch", "Epochs", "Training time")
    results = zip(words, result_cells(a), result_cells(b), strict=True)
    lines = [(name, in_a.text, in_b.text) for name, in_a, in_b in results]
    same = a.dataset.compares_with(b.dataset)
    if a.test or b.test:
        lines.insert(1, ("Test accuracy", test_cell(a).text, test_cell(b).text))
    if not same:
        lines.insert(0, ("Data set", _images_of(a, b), _images_of(b, a)))
    elif a.config.loss_terms == b.config.loss_terms:
        lines.insert(1, (f"{a.held_out.capitalize()} loss", _loss(a), _loss(b)))
    names = [name for name in a.config.differences(b.config) if name != "epochs"]
    lines += [(FIELDS[name].label, a.config.text(name), b.config.text(name)) for name in names]
    return lines if names else [*lines, ("Other settings", "the same", "the same")]


def _images_of(run: SessionRun, other: SessionRun) -> str:
    """Return how a run's images differ from another's: the data set, or the held-out images."""
    name = run.dataset.name
    return name if name != other.dataset.name else f"{name} (other {run.held_out} images)"


def _loss(run: SessionRun) -> str:
    return "–" if run.newest is None else f"{run.newest.record.test_loss:.4g}"
