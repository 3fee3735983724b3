"""A recorded call, step by step: the lines of the function, and the values that the current statement computes."""

from collections.abc import Callable, Mapping
from traceback import extract_tb
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import traitlets
from numpy.typing import NDArray

from explorer.checks.results import unfitting
from explorer.figures.digits import array_picture
from explorer.figures.formulas import written
from explorer.inspection.record import Recording, Step, Value, record
from explorer.widgets.assets import script
from explorer.widgets.highlighting import tokens
from explorer.widgets.page_part import PagePart

_MOST_LINES, _MOST_NUMBERS = 60, 10


class CodeView(PagePart):
    """Shows a recorded call: by buttons, keys, a slider or a press on a line one goes from step to step."""

    _esm = script("code_view")

    recording = Recording((), MappingProxyType({}), None, None, -1, "")
    at = traitlets.Int().tag(sync=True, page=True)
    """Index of the shown step; set by the user or the app."""
    theme: Any = traitlets.Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The page's theme; set by the page."""
    shown: Any = traitlets.Dict({"n_steps": 0, "alert": "", "ended": ""}).tag(sync=True)
    """The step, its function and the turns of its loop, as ``code_view.js`` draws them; why the call raised or was
    ended; and names of ``axes`` by their sizes: ``"samples"``, ``"classes"``, ``"pixels or units"``."""

    def watch(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Self:
        """Show a call that runs once, on copies, from its start or where it raises; raises what `record` raises.

        Axes are named by the layers of given networks, and by the first two matrices: pixels or classes × samples;
        so are those of mini-batches, which are as high.
        """
        self.recording = made = record(call, *arguments, **named)
        error, axes = made.error, _axes(made, getattr(call, "__self__", None), *arguments, *named.values())
        why = (unfitting(error) or f"{type(error).__name__}: {error}").replace("`", "") if error else ""
        if made.failed >= 0:
            why = f"Line {made.steps[made.failed].place.line}: {why}"
        with self.hold_sync():
            self.shown = {"n_steps": len(made.steps), "alert": why, "ended": made.ended, "axes": axes}
            self.at = max(made.failed, 0)
            self._describe()
        return self

    def __repr__(self) -> str:
        """Return the lines that ran, with what each made; of a long recording the first and the last ones."""
        lines = [f"{s.place.line:5} {'  ' * s.depth}{_told(s, '  # ')}" for s in self.recording.steps]
        if (more := len(lines) - _MOST_LINES) > 0:
            lines[_MOST_LINES // 2 : -_MOST_LINES // 2] = [f"      … {more} more steps …"]
        return "\n".join(filter(None, [*lines, self.shown["ended"], self.shown["alert"]]))

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle: Any = super()._repr_mimebundle_(**options)
        return bundle[0] | {"text/plain": repr(self)}, *bundle[1:]  # all of it

    @traitlets.validate("at")
    def _in_range(self, proposal: Mapping[str, int]) -> int:
        return max(0, min(proposal["value"], len(self.recording.steps) - 1))

    @traitlets.observe("at", "theme")
    def _describe(self, _change: object = None) -> None:
        if self.recording.steps:
            step = self.recording.steps[self.at]
            now = self._function(step) | self._values(step) | self._moves(step) | self._loop(step)
            self.shown = self.shown | now | {"spoken": f"line {step.place.line}, {_told(step, ': made ')}"}

    def _function(self, step: Step) -> dict[str, Any]:
        """Describe the function around a step: its code, and the shapes of what its lines made last."""
        place, steps = step.place, self.recording.steps[: self.at + 1]
        first, last = place.lines
        code = "".join(self.recording.sources[step.path][first - 1 : last]).rstrip()
        latest = {str(one.place.line): _made(one).items() for one in steps if one.call == step.call}
        shapes = {n: [(name, one.shape) for name, one in made if one.shape] for n, made in latest.items()}
        shown = {"function": place.function, "first": first, "lines": (place.line, place.end_line)}
        return shown | {"tokens": [*tokens(code)], "shapes": shapes}

    def _values(self, step: Step) -> dict[str, Any]:
        """Describe the values of a step, each once, and where they are in the code, inner expressions first."""
        results = {id(one.kept): name for name, one in _made(step).items() if one.kept is not None}
        values, marks = dict[tuple[str, bool], Value](), list[tuple[int, ...]]()
        for value in step.values:
            place, name = value.place, (value.place.text, value.place.kind == "made")
            if place.kind == "result" and id(value.kept) in results:  # it is what the statement assigns
                name = results[id(value.kept)], True
            values[name] = value
            k = [*values].index(name)
            marks.append((place.line, place.column, place.end_line, place.end_column, k))
        wrong = _wrong(self.recording) if self.at == self.recording.failed else None
        return {"figures": [*map(self._figure, values.values())], "marks": marks, "wrong": wrong}

    def _figure(self, value: Value) -> dict[str, Any]:
        kept, figure = value.kept, dict[str, Any](name=value.place.text, kind=value.place.kind)
        if kept is None or kept.size == 1:
            return figure | {"words": _words(value)}
        figure |= {"shape": value.shape, "kept": kept.shape, "type": str(kept.dtype)}
        if kept.size and kept.ndim <= 2 and kept.dtype.kind != "c":
            figure["png"], figure["drawn"], figure["part"] = array_picture(kept, self.theme)
            if kept.size <= _MOST_NUMBERS:
                figure["numbers"] = ", ".join(map(written, kept.ravel().astype(float).tolist()))
        return figure | {"measures": _measures(kept)}

    def _moves(self, step: Step) -> dict[str, Any]:
        """Return the steps over a call, out of a loop or else of a call, and on each line the next one."""
        steps, end = self.recording.steps, len(self.recording.steps) - 1
        later = range(self.at + 1, end + 1)
        over = [k for k in later if steps[k].depth <= step.depth]
        out = [k for k in over if not _is_together(steps[k], step)]
        order = (k for k in (*later, *range(self.at + 1))[::-1] if steps[k].path == step.path)
        lines = {str(steps[k].place.line): k for k in order}
        return {"over": [*over, end][0], "out": [*out, end][0], "on_line": lines}

    def _loop(self, step: Step) -> dict[str, Any]:
        """Describe the turns of the innermost loop: the first step of each, and what it made, also as a number."""
        turns = dict[str, tuple[int, dict[str, Any]]]()
        for k, one in enumerate(self.recording.steps if step.turns else ()):
            if _is_together(one, step):
                _, made = turns.setdefault(str(one.turns[len(step.turns) - 1]), (k, {}))
                made |= {name: (_words(value), _number(value)) for name, value in _made(one).items()}
        is_whole = (step.call, *step.place.loops[-1:], step.turns[:-1]) in self.recording.whole
        return {"turn": max(step.turns[-1:], default=0), "turns": turns, "whole": is_whole}


def _axes(recording: Recording, *given: Any) -> dict[str, str]:
    """Return the names of the sizes of layers, matrices and mini-batches; several if a size has them."""
    layers = [sizes for one in given if isinstance(sizes := getattr(one, "layer_sizes", None), list | tuple)]
    named = {("units", size) for sizes in layers for size in sizes[1:-1]}
    matrices = [one.shape for one in given if getattr(one, "ndim", 0) == 2][:2]
    for name, (height, width) in zip(("pixels", "classes"), matrices, strict=False):
        named |= {(name, height), ("samples", width)}
    heights = [height for height, _ in matrices]
    for step in recording.steps if len(heights) == 2 else ():  # a single one as high may be weights
        made = [one.shape for one in _made(step).values() if len(one.shape) == 2]
        if [height for height, _ in made] == heights:
            named |= {("samples", width) for _, width in made}
    sizes = {size for _, size in named if size > 1}
    return {str(size): " or ".join(sorted(name for name, n in named if n == size)) for size in sizes}


def _is_together(one: Step, step: Step) -> bool:
    """Return whether a step is in the innermost loop around another; without one, whether in the same call."""
    loops, outer = step.place.loops, step.turns[:-1]
    return (one.call, one.place.loops[: len(loops)], one.turns[: len(outer)]) == (step.call, loops, outer)


def _wrong(recording: Recording) -> list[int]:
    """Return line and column where the code that raised begins and ends; nothing if that isn't known."""
    path, error = recording.steps[recording.failed].path, recording.error
    trace: Any = extract_tb(error.__traceback__ if error else None)
    last = [at for at in trace if at.filename == path and at.end_lineno][-1:]
    ends = [end for at in last for end in ((at.lineno, at.colno), (at.end_lineno, at.end_colno))]
    lines = [recording.sources[path][line - 1].encode() for line, _ in ends]  # columns count bytes
    return [n for (line, at), text in zip(ends, lines, strict=True) for n in (line, len(text[:at].decode()))]


def _made(step: Step) -> dict[str, Value]:
    return {value.place.text: value for value in step.values if value.place.kind == "made"}


def _measures(values: NDArray[Any]) -> tuple[str, str, str, str]:
    """Return minimum, maximum unless all are equal, mean, and how many numbers are not finite, in words."""
    finite = values[np.isfinite(values)].real
    low, high, mean = (written(float(f(finite))) if finite.size else "–" for f in (np.min, np.max, np.mean))
    high = "" if finite.size and (finite == finite.flat[0]).all() else high
    return low, high, mean, f", {values.size - finite.size} not finite" if finite.size < values.size else ""


def _words(value: Value) -> str:
    """Return ``"0.500"``, ``"32 by 1, from −0.210 to 0.340"`` or ``"list of 2"``."""
    if value.kept is None:
        return value.words
    if value.kept.size == 1:
        number = value.kept.item()
        return str(number).replace("-", "−") if isinstance(number, int | complex) else written(number)
    low, high, _, others = _measures(value.kept)
    numbers = f"from {low} to {high}" if high else f"all {low}"
    return f"{' by '.join(map(str, value.shape))}, {numbers}{others}"


def _number(value: Value) -> float | None:
    kept = value.kept
    return None if kept is None or kept.size != 1 else np.nan_to_num(kept, posinf=0.0, neginf=0.0).item().real


def _told(step: Step, before: str) -> str:
    """Return a step's code, and what it made."""
    made = "; ".join(f"{name}, {_words(value)}" for name, value in _made(step).items())
    return step.place.text + (before + made if made else "")


def watch(call: Callable[..., Any], /, *arguments: Any, **named: Any) -> CodeView:
    """Call a function, method or class once, on copies, and show each line that runs with the arrays it makes.

    Raises `ValueError` if it has no Python source, can't be copied or is asynchronous, and in another `watch`.
    """
    return CodeView().watch(call, *arguments, **named)
