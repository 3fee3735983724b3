"""The explorer: controls make a config, the runner trains it, the views show its records.

Everything goes one way. Whatever arrives here, from the page or from the training thread, is handled on one event
loop, so nothing on this floor needs a lock.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from ipywidgets import Box

from explorer.app.earlier_runs import EarlierRuns
from explorer.app.exporting import exported
from explorer.app.layout import close_all, screen
from explorer.app.link import Link, Trail, what_a_link_lacks
from explorer.app.opening import MOST_BYTES, opening
from explorer.app.panels import PanelHost
from explorer.app.panels.draw import DrawPanel
from explorer.app.panels.inside import SECTIONS, Inside
from explorer.app.panels.inside.subject import probe
from explorer.app.panels.mistakes import MistakesPanel
from explorer.app.panels.overview import Overview
from explorer.app.panels.runs import RunsPanel
from explorer.app.panels.study import StudyPanel
from explorer.app.readouts import tiles
from explorer.app.scene import Scene, at_once
from explorer.app.session_run import SessionRun
from explorer.app.turns import Turns
from explorer.datasets import Dataset, load_mnist
from explorer.exports.files import KINDS, ExportedFile, ExportError, export, kind_of
from explorer.figures.palette import Theme
from explorer.network import NeuralNetwork
from explorer.network.diagnostics import LayerDiagnostics, diagnose
from explorer.network.weights_file import WeightsError, read_weights
from explorer.safe_write import whole_file
from explorer.training import (
    ConfigError,
    Delivery,
    History,
    Moment,
    Runner,
    RunnerStatus,
    TrainingConfig,
    TrainingRun,
)
from explorer.training.config import MOST_EPOCHS
from explorer.training.hints import Hint, hints
from explorer.training.process_settings import one_blas_thread
from explorer.training.study_runner import StudyRunner
from explorer.widgets.control_panel import ControlPanel
from explorer.widgets.header import Header
from explorer.widgets.messages import Message, Messages
from explorer.widgets.run_bar import RunBar
from explorer.widgets.tiles import Tiles
from explorer.wording import grouped

__all__ = ["Explorer"]

_OPENED = "opened"
_WAITING = "waiting"
_FORKED = "forked"
_BLANK_SECONDS = (
    0.1  # how long the figures of the run before may stand while the first points are on their way
)
_PROBE = 300  # test images that the diagnostics look at
_log = logging.getLogger(__name__)


class Explorer:
    """The app: shown by a notebook cell whose last line it is, driven by its controls or by a script.

    Parameters
    ----------
    dataset : Dataset, optional
        The images; without it, MNIST.
    config : TrainingConfig, optional
        The first settings; without them, the exercise's.
    train : bool
        Whether a first run starts at once, so that the page opens with curves instead of empty axes.
    shown : sequence of str, optional
        Names of the only settings to show, for a class that is to see three sliders; without it, all.

    Examples
    --------
    >>> app = Explorer()
    >>> app.wait(60)
    True
    >>> round(app.history.last.test_accuracy, 2)
    0.94
    """

    def __init__(
        self,
        dataset: Dataset | None = None,
        config: TrainingConfig | None = None,
        *,
        train: bool = True,
        shown: list[str] | None = None,
    ) -> None:
        self.dataset = load_mnist() if dataset is None else dataset
        self._loop = _running_loop()
        self._run: SessionRun | None = None
        self._earlier = EarlierRuns()
        self._n_runs = 0
        self._turns = Turns(self._loop, self._on_loop)
        self._is_behind = False  # whether there is more to show when they are over
        self._token = 0  # the runner's, of the present run
        self._said: set[str] = set()  # ids of the messages about the present run
        self._diagnosed_weights: object = None
        self._diagnosis: tuple[LayerDiagnostics, ...] = ()
        self._mends: dict[str, Hint] = {}
        self._runner = Runner(self._on_loop(self._on_delivery))
        self._studies = StudyRunner()
        config = config or TrainingConfig()
        self.controls = ControlPanel(config, n_images=len(self.dataset.train_labels), shown=shown)
        self.run_bar = RunBar()
        self._trail = Trail(config)
        self.header = _header(self.dataset, config)
        self.tiles = Tiles(tiles(None, None, self.dataset))
        self.messages = Messages()
        self.panels = self._new_panels()
        self.view: Box = screen(
            header=self.header,
            controls=self.controls,
            run_bar=self.run_bar,
            messages=self.messages,
            tiles=self.tiles,
            tab_bar=self.panels.tab_bar,
            panels=self.panels.view,
        )
        self._connect()
        if train:
            self.train()

    def _new_panels(self) -> PanelHost:
        """Return the tabs; each panel is made when its tab is first opened."""
        return PanelHost(
            {
                "Overview": lambda: Overview(self.dataset, self.config, self._theme, self._on_loop),
                "Mistakes": lambda: MistakesPanel(self.dataset, self._theme, self._on_loop),
                "Inside": lambda: Inside(self.dataset, self._on_loop, self._show_link),
                "Draw": lambda: DrawPanel(self.dataset, self._theme, self._on_loop),
                "Runs": lambda: RunsPanel(
                    self.dataset, self._theme, self._on_loop, self._earlier, self._refresh, self._load
                ),
                "Study": lambda: StudyPanel(self.dataset, self._theme, self._on_loop, self._studies),
            },
            self._on_loop,
        )

    def _connect(self) -> None:
        """Hear what the person does."""
        self.controls.on_config(self._on_loop(self._on_config))
        self.run_bar.on_action(self._on_loop(self._on_action))
        self.messages.on_action(self._on_loop(self._on_mend))
        self.header.observe(self._on_loop(self._on_view), ["theme", "choice"])
        self.header.on_export(self._on_loop(self._on_export))
        self.header.on_open(self._on_loop(self._on_open))
        self.header.on_visit(self._on_loop(self._on_visit))
        self.panels.tab_bar.observe(self._on_loop(self._on_view), ["position", "selected"])
        self.panels.tab_bar.on_fork(self._on_loop(self._fork))

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.view._repr_mimebundle_(**kwargs)

    @property
    def config(self) -> TrainingConfig:
        """The settings in the controls, the newest that were valid."""
        return self.controls.config

    @property
    def history(self) -> History:
        """The records of the present run; empty before the first."""
        return History(self.config) if self._run is None else self._run.history

    @property
    def status(self) -> RunnerStatus:
        """What the present run is doing, or how it ended."""
        return "idle" if self._run is None else self._run.status

    @property
    def network(self) -> NeuralNetwork:
        """A copy of the trained network: as it is now when the run is held or over, else of the last epoch's end.

        Raises
        ------
        RuntimeError
            If nothing has been trained yet.
        """
        if self._run is None:
            raise RuntimeError("no run yet: call train() first")
        if self._run.newest is None:
            raise RuntimeError("the first epoch has not ended yet: call wait() first")
        network = self._run.training.new_network()
        network.set_weights(self._run.newest.weights)
        return network

    @property
    def _inside(self) -> Inside:
        panel = self.panels["inside"]
        assert isinstance(panel, Inside)
        return panel

    @property
    def _theme(self) -> Theme:
        return "dark" if self.header.theme == "dark" else "light"

    def train(self, config: TrainingConfig | None = None) -> None:
        """Start a new run with the settings in the controls, or with `config`, which the controls then show.

        Raises
        ------
        ConfigError
            If the settings ask for more images than the data set has.
        """
        training = TrainingRun(config or self.config, self.dataset)
        if config is not None:
            self.controls.set_config(config)
            self._show_link()
        self._start(training)

    def open(self, query: str = "", *, theme: Theme | None = None) -> None:
        """Show what a link holds: its settings, tab, theme and controls; what it gets wrong is said in a message.

        Parameters
        ----------
        query : str
            The part of the link behind the ``?``. An empty one leaves all as it is.
        theme : {"light", "dark"}, optional
            What the page shows already, where that is known, so that the figures need no second drawing.
        """
        if theme is not None:
            self.header.theme = theme
        if not query:
            return
        n_images = len(self.dataset.train_labels)
        link, notices = Link.read(query, self.panels.names, SECTIONS, n_images=n_images)
        self.controls.set_trait("shown", None if link.shown is None else list(link.shown))
        self.header.choice = link.theme
        self.panels.tab_bar.selected = link.tab or self.panels.names[0]
        if link.section:
            self._inside.choice.value = link.section
        if link.config != self.config:
            self._trail.be_at(link.config)
            self.controls.set_config(link.config)
            self._train_shown()
        self._show_link()
        self.header.settled = True
        if notices:
            self.messages.show(Message("link", "warning", " ".join(notices), "The rest of the link is used."))

    def export(self, kind: str) -> ExportedFile:
        """Return the run as a file that is not written yet.

        Weights and report are those of the moment that is looked at; script and table are of the whole run.

        Parameters
        ----------
        kind : {"report", "script", "csv", "weights"}
            One HTML file that opens without a network; a Python script that trains the run again and prints the
            same figures; the records, one row an epoch; or the weights, as `open_weights` and
            `NeuralNetwork.load` read them.

        Raises
        ------
        ExportError
            If there is no such kind, or nothing to export yet.
        WeightsError
            If a weight is infinite or not a number.
        """
        return export(kind, exported(self._run, self._moment, self.dataset))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the run to a file; what is written follows from the ending: .html, .py, .csv or .npz.

        Parameters
        ----------
        path : str or path-like
            Where to.
        overwrite : bool
            Whether a file that is there already is replaced.

        Raises
        ------
        ExportError
            If the ending is none of these, or there is nothing to export yet.
        WeightsError
            If weights are to be written, and one is infinite or not a number.
        OSError
            If the file is there already and may not be replaced, or can't be written.
        """
        content = self.export(kind_of(path)).content
        with whole_file(path, overwrite=overwrite) as stream:
            stream.write(content)

    def open_weights(self, path: str | os.PathLike[str]) -> None:
        """Begin a run with the weights of a file, called after it: to look into, or to train on from.

        Parameters
        ----------
        path : str or path-like
            A file that `save`, `NeuralNetwork.save` or the page's export has written.

        Raises
        ------
        WeightsError
            If it is anything else, or the network is not one for these images.
        OSError
            If it can't be read.
        """
        file = Path(path).expanduser()
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}")
        if file.stat().st_size > MOST_BYTES:
            raise _too_large(file.name)
        self._open(file.name, file.read_bytes())

    def open_run(self, run: SessionRun) -> None:
        """Show a run that has ended, as the session's newest; Train begins it anew.

        Parameters
        ----------
        run : SessionRun
            A run on these images.
        """
        self._runner.cancel()
        self._put_aside()
        self._n_runs += 1
        run.number = self._n_runs
        self._run = run
        self.controls.set_config(run.config)
        self._show_link()
        self._trail.mark_trained()
        self.messages.clear()
        self._refresh()

    def stop(self) -> None:
        """End the run within a mini-batch; what was learned is kept."""
        self._runner.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over or held; return False if `timeout` seconds were up first."""
        return self._runner.wait(timeout)

    def close(self) -> None:
        """End the run and its thread, and a study, and close the widgets."""
        self._runner.close()
        self._studies.stop()
        close_all(self.view)

    def _on_loop(self, handler: Callable[..., None]) -> Callable[..., None]:
        """Make `handler` run on the explorer's event loop, and show whatever it raises to the person."""

        def guarded(*args: Any) -> None:
            try:
                handler(*args)
            except Exception as error:  # noqa: BLE001  # whatever it is, the person is told
                _log.exception("%s failed", handler.__name__)
                text = f"Something went wrong: {type(error).__name__}: {error}"
                why = "The run so far is kept. The log has details."
                self.messages.show(Message("fault", "error", text, why))

        @wraps(handler)
        def on_loop(*args: Any) -> None:
            if self._loop is None or self._loop is _running_loop():
                guarded(*args)
            else:
                self._loop.call_soon_threadsafe(guarded, *args)

        return on_loop

    def _start(
        self,
        training: TrainingRun,
        *,
        paused: bool = False,
        parent: SessionRun | None = None,
        origin: Moment | None = None,
    ) -> None:
        """Begin a run in place of the present one, which becomes an earlier one; a fork at its parent's moment."""
        self._put_aside()
        self._n_runs += 1
        self._run = run = SessionRun(training, self._n_runs)
        self.messages.clear()
        if parent is None or origin is None:
            self._earlier.drop_repeats(training)
        else:
            run.branch_off(parent, origin)
            self.messages.show(_forked(parent, origin))
        self.panels.tab_bar.position = -1
        run.status = "paused" if paused else "running"
        self._trail.mark_trained()
        self._token = self._runner.start(training, paused=paused)
        if self._loop is None or paused:
            self._refresh()
        else:  # empty axes, drawn just before the first points, would only flicker
            self._refresh_status()
            self._loop.call_later(_BLANK_SECONDS, self._on_loop(self._show_begun), run)

    def _show_begun(self, run: SessionRun) -> None:
        """Show a run of which nothing has come so far."""
        if run is self._run and not run.history.batches:
            self._refresh()

    def _on_config(self, config: TrainingConfig) -> None:
        """React to new settings: go on if only the epochs were raised, else train anew."""
        self._show_link()
        if not self.run_bar.auto:
            return
        if self._holds_settings(config):
            self._say_waiting()
        else:
            self._follow(config)

    def _holds_settings(self, config: TrainingConfig) -> bool:
        """Return whether new settings wait: a run from the first weights would take away what is looked at.

        That is a moment that was gone back to, or a file's weights that nothing was trained from yet.
        """
        run = self._run
        if run is None or run.can_continue_to(config):
            return False
        return self.panels.tab_bar.position >= 0 or (run.opened is not None and not run.history.batches)

    def _say_waiting(self) -> None:
        moment = self._moment
        if self._run is None or moment is None:
            return
        if self._holds_settings(self.config):
            text = f"Epoch {moment.epoch:g} is on screen, and the new settings wait."
            why, action = "Train begins with weights drawn anew.", f"Train on from epoch {moment.epoch:g}"
        else:
            text, why, action = "The new settings are not trained yet.", "", "Train with them"
        self.messages.show(Message(_WAITING, "info", text, why, action))

    def _follow(self, config: TrainingConfig) -> None:
        """Train with the settings in the controls, `config`: on, if only the epochs were raised, else again.

        A fork begins again where it began, any other run with weights drawn anew.
        """
        run = self._run
        if run is not None and run.can_continue_to(config):
            self._continue(run, config)
        elif run is not None and run.parent and run.origin and run.can_branch_again(config):
            self._branch(run.parent, run.origin)
        else:
            self._train_shown()

    def _continue(self, run: SessionRun, config: TrainingConfig) -> None:
        """Let the present run go on to the epochs of `config`."""
        was_running = run.status == "running"
        run.extend(config)
        self._trail.mark_trained()
        if not was_running:
            run.status = "running"
            self._token = self._runner.start(run.training)
        self._refresh()

    def _train_shown(self, *, paused: bool = False) -> None:
        """Start the settings in the controls; what the data set can't give is said beside its control."""
        try:
            training = TrainingRun(self.config, self.dataset)
        except ConfigError as error:
            self.controls.refuse(error)
            return
        self._start(training, paused=paused)

    def _on_action(self, action: str) -> None:
        if action == "train":
            self._train_shown()
        elif action == "reset":
            self._reset()
        elif action in ("step_epoch", "step_batch"):
            if self._run is None:
                self._train_shown(paused=True)
            self._runner.step("epoch" if action == "step_epoch" else "batch")
        else:
            {"pause": self._runner.pause, "resume": self._runner.resume, "stop": self._runner.stop}[action]()

    def _load(self, config: TrainingConfig) -> None:
        """Put the settings of an earlier run into the controls; nothing starts."""
        self.controls.set_config(config)
        self._show_link()

    def _reset(self) -> None:
        """Take the present run off the page; it stays as an earlier one."""
        self._runner.cancel()
        self._put_aside()
        self.messages.clear()
        self._refresh()

    def _put_aside(self) -> None:
        """Make the present run an earlier one, unless there is nothing in it to keep.

        Nor is one kept that other settings overtook in its first epoch: while a slider moves there are many.
        """
        run, self._run = self._run, None
        if run is not None and not run.is_empty and not run.is_overtaken:
            run.status = "stopped" if run.status in ("running", "paused") else run.status
            self._earlier.add(run)

    def _on_delivery(self, delivery: Delivery) -> None:
        run = self._run
        if run is None or delivery.token != self._token:  # of a run before: it was on its way to this loop
            return
        run.take(delivery.status, delivery.records)
        if run.status == "finished" and not run.is_complete:  # extended as it ended
            run.extend(run.config)
            run.status = "running"
            self._token = self._runner.start(run.training)
        elif run.status == "paused" and run.is_complete:  # stepped to the end
            self._runner.resume()
        if run.status != "running":
            self._refresh()
        elif not self._turns:
            self._refresh(in_turns=True)
        elif not self._is_behind:  # on a slow computer a drawing may take longer than the next delivery
            self._is_behind = True
            self._turns.add(self._catch_up)

    def _catch_up(self) -> None:
        """Show what was delivered while the drawing before went on."""
        self._refresh(in_turns=True)

    def _on_mend(self, name: str) -> None:
        """Apply a hint's mend: set the controls, and train."""
        run = self._run
        if name == _OPENED or (name == _WAITING and self._holds_settings(self.config)):
            self._fork()
            return
        hint = None if name == _WAITING else self._mends[name]
        if hint is not None and run is not None:
            self.controls.set_config(run.config.replace(**hint.mend))
            self._show_link()
        if hint is not None and hint.anew:
            self._train_shown()
        else:
            self._follow(self.config)

    def _on_export(self, kind: str) -> None:
        """Let the browser save the run; why it can't be is said."""
        try:
            file = self.export(kind)
        except (ExportError, WeightsError) as error:
            self.messages.show(Message("export", "warning", str(error), ""))
            return
        self.messages.dismiss("export")
        self.header.download(file.name, file.content, file.media_type)

    def _on_open(self, name: str, content: bytes | None) -> None:
        """Open a file of the reader; what is wrong with it is said, and the run goes on."""
        try:
            if content is None:
                raise _too_large(name)
            self._open(name, content)
        except WeightsError as error:
            text = f"The weights can't be used. {error}"
            self.messages.show(Message(_OPENED, "error", text, "Nothing was changed: the run is as it was."))

    def _open(self, name: str, content: bytes) -> None:
        """Begin a run with the weights of a file: its figures are made, and nothing is trained."""
        begun = opening(read_weights(content, name), name, self.dataset, self.config)
        training = TrainingRun(begun.config, self.dataset, start=begun.start)
        self.controls.set_config(begun.config)
        self._show_link()
        self._put_aside()
        self._n_runs += 1
        self._run = run = SessionRun(training, self._n_runs)
        run.begin_with(begun.opened, begun.start)
        self.panels.tab_bar.position = -1
        run.status = "running"
        # Without an epoch to go the run is finished at once; else it is stopped before its first mini-batch.
        self._token = self._runner.start(training, paused=not run.is_complete)
        if not run.is_complete:
            self._runner.stop()
        self.messages.clear()
        self.messages.show(
            Message(
                _OPENED,
                "info",
                f"{name} is open: {begun.said}.",
                "It is a run of its own. Train starts with weights drawn anew; to go on from these, train on.",
                "Train on from these weights",
            )
        )
        self._refresh()

    def _on_visit(self, query: str) -> None:
        """Go back or forward to settings that were trained before; tab, theme and controls stay."""
        n_images = len(self.dataset.train_labels)
        link, notices = Link.read(query, self.panels.names, SECTIONS, n_images=n_images)
        self._trail.be_at(link.config)
        if link.config != self.config:
            self.controls.set_config(link.config)
            self._show_link()
            if self.run_bar.auto:
                self._follow(link.config)
        if notices:
            self.messages.show(Message("link", "warning", " ".join(notices), "The rest of the link is used."))

    def _on_view(self, _change: Mapping[str, Any]) -> None:
        self._show_link()
        self._refresh()
        if _WAITING in self.messages:
            self._say_waiting()

    def _show_link(self) -> None:
        """Put what is shown into the page's address."""
        tab = self.panels.tab_bar.selected
        section = self._inside.choice.value if tab == "inside" else SECTIONS[0]
        shown = self.controls.shown
        link = Link(
            config=self.config,
            tab="" if tab == self.panels.names[0] else tab,
            section="" if section == SECTIONS[0] else section,
            theme=self.header.choice,
            shown=None if shown is None else tuple(shown),
        )
        self._trail.go(self.config)
        with self.header.hold_sync():
            self.header.step, self.header.query = self._trail.step, link.write()

    def _fork(self) -> None:
        """Train on from the moment that is looked at, with the settings in the controls, as a run of its own.

        At the newest that is the end of the last whole epoch.
        """
        run = self._run
        moment = self._moment if run is None or self.panels.tab_bar.position >= 0 else run.timeline.newest
        moment = moment or self._moment
        if run is not None and moment is not None:
            self._branch(run, moment)

    def _branch(self, parent: SessionRun, moment: Moment) -> None:
        """Train on from a moment of a run."""
        config = self.config
        if config.epochs <= moment.epoch:
            if moment.epoch >= MOST_EPOCHS:
                text = f"These weights have {MOST_EPOCHS} epochs behind them, and no run has more."
                self.messages.show(Message("fork", "warning", text))
                return
            config = config.replace(epochs=min(MOST_EPOCHS, int(moment.epoch) + 10))
            self.controls.set_config(config)
            self._show_link()
        try:
            training = TrainingRun(config, self.dataset, start=moment.snapshot)
        except ConfigError as error:
            self.controls.refuse(error)
        except ValueError:
            text = "These weights don't fit the hidden layers in the controls."
            why = f"They are those of {parent.config.architecture} hidden units: set the same to train on."
            self.messages.show(Message("fork", "warning", text, why))
        else:
            self._start(training, parent=parent, origin=moment)

    @property
    def _moment(self) -> Moment | None:
        """The moment that is looked at: the newest, or the one that the epoch slider stands at."""
        if self._run is None:
            return None
        position = self.panels.tab_bar.position
        at_end = position < 0 or position >= len(self._run.timeline)
        return self._run.newest if at_end else self._run.timeline[position]

    def _refresh(self, *, in_turns: bool = False) -> None:
        """Show the present run, at the moment that is looked at, in all views; in turns with what else is due."""
        self._turns.clear()
        self._is_behind = False
        in_turn = self._turns.add if in_turns else at_once
        self._refresh_status()
        run = self._run
        self._show_timeline(run)  # first: it knows which moments are left
        moment = self._moment
        in_turn(self.tiles.show, tiles(run, moment, self.dataset))
        shown, others = self._earlier.shown(), tuple(self._earlier)
        scene = Scene(self.dataset, self.config, run, moment, shown, self._theme, others, in_turn)
        in_turn(self.panels.show, scene)
        if run is not None:
            in_turn(self._show_hints, run)

    def _refresh_status(self) -> None:
        """Show what the present run is doing."""
        run = self._run
        self.header.status, self.header.link_lacks = self.status, what_a_link_lacks(run)
        epochs = self.config.epochs if run is None else run.config.epochs
        left = None if run is None else run.seconds_left
        self.run_bar.show(self.status, 0.0 if run is None else run.epoch, epochs, left)

    def _show_timeline(self, run: SessionRun | None) -> None:
        if run is None or run.newest is None:
            self.panels.tab_bar.show([])
            return
        stride, megabytes = run.timeline.stride, run.timeline.most_bytes // 2**20
        note = "" if stride == 1 else f"1 epoch in {stride} is kept, to stay within {megabytes} MB"
        self.panels.tab_bar.show(run.timeline.epochs, run.newest.epoch, note)

    def _diagnosed(self, run: SessionRun) -> tuple[LayerDiagnostics, ...] | None:
        """Return how each layer of a run that is held or over does on a few test images; None while it trains."""
        if run.status == "running" or run.newest is None:
            return None
        weights = run.newest.weights
        if weights is not self._diagnosed_weights:
            images = probe(self.dataset, 0, _PROBE)
            with one_blas_thread():
                self._diagnosis = diagnose(run.training.network, images.X, images.d, weights=weights)
            self._diagnosed_weights = weights
        return self._diagnosis

    def _show_hints(self, run: SessionRun) -> None:
        found = hints(
            run.config,
            run.history,
            diagnostics=self._diagnosed(run),
            n_train=run.training.n_samples,
            n_available=len(self.dataset.train_labels),
            start_accuracy=run.start_accuracy,
        )
        self._mends = {hint.id: hint for hint in found}
        messages = [Message(hint.id, hint.kind, hint.what, hint.why, hint.action) for hint in found]
        end = run.history.end
        if end is not None and end.status == "failed" and not messages:
            messages.append(
                Message("failed", "error", f"The run failed. {end.reason}", "Its records are kept.")
            )
        said, self._said = self._said, {message.id for message in messages}
        self.messages.dismiss(*(said - self._said))
        self.messages.remind(*messages)


def _forked(parent: SessionRun, origin: Moment) -> Message:
    text = f"This run goes on from epoch {origin.epoch:g} of {parent.title}."
    why = "With other settings it begins again from there. Train begins with weights drawn anew."
    return Message(_FORKED, "info", text, why)


def _header(dataset: Dataset, config: TrainingConfig) -> Header:
    return Header(
        dataset=_described(dataset),
        query=config.to_query(),
        exports={name: kind.words for name, kind in KINDS.items()},
        opens="Open weights …",
        suffix=KINDS["weights"].suffix,
        most_bytes=MOST_BYTES,
    )


def _described(dataset: Dataset) -> str:
    n_train, n_test = grouped(len(dataset.train_labels)), grouped(len(dataset.test_labels))
    return f"{dataset.name} · {n_train} train, {n_test} test images"


def _too_large(name: str) -> WeightsError:
    return WeightsError(name, f"more than {MOST_BYTES >> 20} MB", "a file of weights")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
