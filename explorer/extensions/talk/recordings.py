"""Recordings of a talk, next to its file: saved sessions of one run each, and what demonstrations have found."""

import gzip
import json
import re
import zlib
from dataclasses import replace
from io import BytesIO
from typing import Any

import plotly.graph_objects as go
from plotly.utils import PlotlyJSONEncoder

from explorer.datasets import Dataset, load_mnist
from explorer.experiments import Demonstration, Result, offered_demonstrations
from explorer.extensions.talk.file import READY, Slide, TalkFile, TalkRun
from explorer.figures.palette import PALETTES
from explorer.safe_write import whole_file
from explorer.session import EarlierRuns, SessionRun, SessionState, read_session
from explorer.session.saved_session import SUFFIX, session_bytes
from explorer.session.session_run import MOST_BYTES
from explorer.training import TrainingRun, complete
from explorer.training.query import write_query

FORMAT, _MOST_UNPACKED = 1, 1 << 24
_KINDS = frozenset({"bar", "contour", "heatmap", "scatter"})
_FETCHING = frozenset({"images", "sliders", "updatemenus"})  # buttons could add images
_OTHER_TAG = re.compile(r"<(?!/?(?:b|br|extra|i|sub|sup)>)")  # what begins another tag, or a link's with %{…}
Recorded = SessionRun | Result


class RecordingError(ValueError):
    """A recording can't be used; the message is one sentence without its end."""


def needed(slides: tuple[Slide, ...]) -> dict[str, int]:
    """Return the names of the recordings that slides need, each with the first line that needs it."""
    names = [(one, (s.run, *s.against, demonstration_name(s.demonstration))) for one, s in enumerate(slides)]
    return {name: slides[at].line for at, those in reversed(names) for name in those if name}


def demonstration_name(key: str) -> str:
    """Return the name of a demonstration's recording; empty for none."""
    return f"demonstration.{key}" if key else ""  # no run's name has a dot


def read_recording(talk: TalkFile, name: str, dataset: Dataset) -> Recorded:
    """Return a recorded run in its final state, its outputs computed if possible, or a demonstration's result.

    Raises RecordingError if it is missing, damaged, of other settings, another version, or another data set.
    """
    _, _, key = name.partition(".")
    try:
        path = talk.inside(f"{talk.recordings.name}/{_file_name(name)}")
        content = path.read_bytes()
        return _result(key, content) if key else _run(talk.runs[name], content, path.name, dataset)
    except (OSError, EOFError, RecursionError, ValueError, zlib.error) as error:
        why = str(error).rstrip(".")
        raise RecordingError(f"the recording of {key or name} can't be used ({why})") from error


def recordings_of(file: TalkFile, dataset: Dataset) -> tuple[dict[str, Recorded], tuple[str, ...]]:
    """Return the recordings of a talk by name, and all its faults: of the file, and of recordings."""
    recorded, faults = {}, [*file.faults]
    for name, line in needed(file.slides).items():
        try:
            recorded[name] = read_recording(file, name, dataset)
        except RecordingError as error:
            advice = "install nn-explorer again" if file.path == READY else "present it with --record"
            faults.append(file.fault(line, f"{error}: {advice}"))
    return recorded, file.in_order(faults)


def record(talk: TalkFile, name: str, dataset: Dataset) -> None:
    """Train a run of a talk, or run a demonstration, and write its recording; raises OSError if that fails."""
    _, _, key = name.partition(".")
    if key:
        one = offered_demonstrations()[key]
        found = one.last(fit_for(one, dataset))
        figures = {theme: parts_of(found.figure(theme)) for theme in PALETTES}
        data = {"format": FORMAT, "demonstration": key, "numbers": found.plain_numbers, "figures": figures}
        content = gzip.compress(json.dumps(data, cls=PlotlyJSONEncoder).encode(), mtime=0)
    else:
        content = _trained(talk.runs[name], dataset)
    talk.recordings.mkdir(exist_ok=True)
    with whole_file(talk.recordings / _file_name(name), overwrite=True) as stream:
        stream.write(content)


def fit_for(one: Demonstration, dataset: Dataset) -> Dataset:
    """Return the data set that a talk's demonstration runs on: the talk's, or MNIST if it can't be that."""
    return load_mnist() if one.refused(dataset) else dataset


def _file_name(name: str) -> str:
    return f"{name}.json.gz" if "." in name else f"{name}{SUFFIX}"


def _run(shown: TalkRun, content: bytes, name: str, dataset: Dataset) -> SessionRun:
    saved = read_session(content, name, dataset)
    if saved.dataset is not dataset:
        raise ValueError("it is on points, not on images")
    (run, *others) = saved.runs or (None,)
    if run is None or others or run.newest is None or run.status != "finished":
        raise ValueError("it has no finished run")
    if run.config != shown.config:
        own, wanted = map(write_query, (run.config, shown.config))
        raise ValueError(f"it is of the settings “{own}”, not “{wanted}”")
    if shown.with_weights and not run.newest.weights:
        raise ValueError("it has no weights, which a picture needs")
    return replace(run, is_recorded=True, name=shown.label)


def _trained(shown: TalkRun, dataset: Dataset) -> bytes:
    history = complete(TrainingRun(shown.config, dataset))
    if history.end is None or history.end.final is None:
        raise OSError(f"the run “{shown.label}” has no result: its loss is no longer a number")
    used = dataset.head(shown.config.n_train)
    about: Any = {"number": 1, "dataset": used, "status": "finished", "name": shown.label}
    run = SessionRun(**about, history=history, evaluation=history.end.final)
    state = SessionState(dataset=dataset, config=run.config, earlier=EarlierRuns((run,)), n_runs=1)
    return session_bytes(state, MOST_BYTES if shown.with_weights else 0)


def parts_of(figure: go.Figure) -> dict[str, Any]:
    """Return a figure's data and layout, with arrays as they are: the figure's own method would encode them."""
    data = [trace.to_plotly_json() for trace in figure.data]
    return {"data": data, "layout": figure.layout.to_plotly_json()}


def _result(key: str, content: bytes) -> Result:
    with gzip.GzipFile(fileobj=BytesIO(content)) as stream:
        text = stream.read(_MOST_UNPACKED + 1)
    if len(text) > _MOST_UNPACKED:
        raise ValueError("it is too large")
    data: Any = json.loads(text)
    if not isinstance(data, dict) or (data.get("format"), data.get("demonstration")) != (FORMAT, key):
        raise ValueError("it is of another version or of another demonstration")
    numbers, figures = data.get("numbers"), data.get("figures")
    if not isinstance(numbers, dict) or not isinstance(figures, dict) or figures.keys() != {*PALETTES}:
        raise ValueError("it has no numbers or no figures")
    offered_demonstrations()[key].sentences(numbers)
    drawn = {theme: _drawn(figures[theme]) for theme in PALETTES}
    return Result(numbers, lambda theme: go.Figure(drawn[theme]))  # a copy: the one that shows it changes it


def _drawn(parts: Any) -> go.Figure:
    """Return the figure of a recording, which may be a stranger's: it loads nothing and has no links."""
    try:
        traces, layout = _without_links(parts["data"]), _without_links(parts["layout"])
        if {trace.get("type", "scatter") for trace in traces} <= _KINDS:
            return go.Figure(traces, layout)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        # Plotly's own message has a hundred lines of help.
        raise ValueError("it has something else than Plotly's figures") from error
    raise ValueError("it has traces that no demonstration has")


def _without_links(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without_links(one) for key, one in part.items() if key not in _FETCHING}
    if isinstance(part, list):
        return [_without_links(one) for one in part]
    return _OTHER_TAG.sub("‹", part) if isinstance(part, str) else part
