"""The app as one widget, and as traits: the settings, as in `app.batch_size = 128`, and the run's results."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import Any

import numpy as np
import traitlets
from ipywidgets import Layout
from numpy.typing import NDArray

from explorer.app.controls import AdvicePart, DataChoice, RunBarPart, SettingsPart, described
from explorer.app.files import FileMenu, FileVerbs
from explorer.app.layout import AppBox, screen
from explorer.app.panels.tabs import PanelHost
from explorer.app.readouts import help_dialog, results
from explorer.app.url_state import Address
from explorer.app.views import Pace, Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.loading import DatasetOffer
from explorer.figures.palette import Theme
from explorer.network import NeuralNetwork
from explorer.session import Session, SessionRun, SessionState
from explorer.training import FIELDS, ConfigError, History, TrainingConfig, check_images
from explorer.training.fields import LayerSizes, Whole
from explorer.training.query import MOTION_KEY, parts
from explorer.widgets.header import Header, Messages
from explorer.widgets.numbers import Tiles
from explorer.widgets.page_part import KernelNotice
from explorer.widgets.rendered import Display
from explorer.widgets.run_bar import RunBar
from explorer.widgets.setting import as_whole
from explorer.widgets.settings_panel import SettingsPanel


class _Setting(traitlets.TraitType[Any, Any]):
    """A setting: assigned values are validated by its row in the table of fields, and by the data."""

    def validate(self, obj: Any, value: Any) -> Any:
        assert self.name is not None
        field = FIELDS[self.name]
        checked = field.check(as_whole(value) if isinstance(field, LayerSizes | Whole) else value)
        if checked != getattr(obj.session.config, self.name):
            check_images(obj.session.config.replace(**{self.name: checked}), obj.session.dataset)
        return checked


class _Config(traitlets.Instance[TrainingConfig]):
    def validate(self, obj: Any, value: Any) -> Any:
        config: Any = super().validate(obj, value)
        if config != obj.session.config:
            check_images(config, obj.session.dataset)
        return config


def _score() -> Any:
    return traitlets.Float(None, allow_none=True, read_only=True).tag(sync=True)


class AppTraits(traitlets.HasTraits):
    """The session's settings as traits, which can be assigned, and the figures of the selected epoch.

    Assigning a setting, or `config`, does what releasing its slider does. An invalid value raises `ConfigError`,
    and changes nothing.

    Attributes
    ----------
    config : TrainingConfig
        All settings; one by one, `hidden_sizes`, `batch_size`, … are traits with the names in `FIELDS`.
    status : {"idle", "running", "paused", "finished", "stopped", "failed"}
        What the current run is doing, or how it ended.
    epoch : float
        Epochs so far, including the fraction of the current one.
    train_accuracy, test_accuracy, train_loss, test_loss : float or None
        Share of the images classified correctly, 0 to 1, and mean loss per image.
    held_out : {"test", "validation"}
        The images of test_accuracy and test_loss: validation images if the settings hold some out.
    selected_epoch : float or None
        The epoch that the user has gone back to; None while the newest is shown.
    selected_cell : tuple of int, or None
        The true and the predicted class of the selected cell of the confusion matrix.
    """

    session: Session

    config = _Config(TrainingConfig, ())
    # Mid-run changes, which pages write in another form, are not synced.
    vars().update({n: _Setting(getattr(TrainingConfig(), n)).tag(sync=n != "changes") for n in FIELDS})

    status = traitlets.Unicode("idle", read_only=True).tag(sync=True)
    epoch = traitlets.Float(0.0, read_only=True).tag(sync=True)
    train_accuracy = _score()
    test_accuracy = _score()
    train_loss = _score()
    test_loss = _score()
    held_out = traitlets.Unicode("test", read_only=True).tag(sync=True)
    selected_epoch = _score()
    selected_cell = traitlets.Tuple(default_value=None, allow_none=True, read_only=True).tag(sync=True)

    @property
    def dataset(self) -> Dataset:
        """The data set in use."""
        return self.session.dataset

    @property
    def history(self) -> History:
        """The records of the current run; empty before the first."""
        run = self.session.state.run
        return History(self.session.config) if run is None else run.history

    @property
    def confusion(self) -> NDArray[np.int64] | None:
        """Counts over the held-out images at the selected epoch, rows by true class; None before any."""
        moment = self.session.state.moment
        return None if moment is None else moment.confusion

    @property
    def network(self) -> NeuralNetwork:
        """A copy of the trained network: the current one if the run is paused or over, else the last epoch's.

        Raises `RuntimeError` if nothing has been trained yet.
        """
        run = self.session.state.run
        if run is None:
            raise RuntimeError("no run yet: call train() first")
        if run.newest is None:
            raise RuntimeError("the first epoch has not ended yet: call wait() first")
        network = run.new_network()
        network.set_weights(run.newest.weights)
        return network

    @traitlets.observe("config", *FIELDS)
    def _on_assigned(self, change: Any) -> None:
        """Apply assigned settings; those that follow the session's are in use already."""
        name, new, session = change["name"], change["new"], self.session
        if name == "config" and new != session.config:
            session.loop.call(session.apply, new)
        elif name != "config" and new != getattr(session.config, name):
            session.loop.call(session.apply_changes, {name: new})

    def follow(self, state: SessionState) -> None:
        """Set the traits to a state's settings and figures."""
        record = None if state.moment is None else state.moment.record
        with self.hold_trait_notifications():
            self.config = state.config
            for name in FIELDS:
                if getattr(self, name) != getattr(state.config, name):
                    setattr(self, name, getattr(state.config, name))
            for name in ("train_accuracy", "test_accuracy", "train_loss", "test_loss"):
                figure = getattr(record, name, nan)
                # JSON has neither infinity nor NaN.
                self.set_trait(name, figure if isfinite(figure) else None)
            self.set_trait("status", state.status)
            self.set_trait("held_out", state.scored_on.held_out)
            self.set_trait("epoch", 0.0 if state.run is None else state.run.epoch)
            self.set_trait("selected_epoch", state.selected_epoch)


class Explorer(AppTraits, FileVerbs, AppBox):
    """The app: a box of widgets that fits into any other box, driven by its controls, by links or by a script.

    Each setting is a trait (`batch_size`, `hidden_sizes`, …): assigning one does what releasing its slider does.
    The run's results are read-only traits (`status`, `test_accuracy`, …). Single parts are available as
    `explorer.LossCurve(app)` and so on. The app may be shown several times, and used from any thread; it processes
    requests on the kernel's event loop. After `close` or a restart of its kernel it can't be shown again: create
    another one.

    Parameters
    ----------
    dataset : Dataset, optional
        The images; MNIST by default.
    config : TrainingConfig, optional
        The first settings; by default, those of the exercise.
    others : sequence of Dataset or DatasetOffer
        More data sets that the page offers; `data` has their names, and ``data.choose(name)`` switches to one.
    network : type, optional
        A class of your own, called as ``Mine(n_input, n_hidden, n_output)`` and trained by its own methods. Its
        attribute `functions` names the functions that aren't the exercise's, as `NeuralNetwork.functions` does.
    train : bool
        Whether a first run starts at once, so that the page opens with curves and not with empty axes.
    shown : sequence of str, optional
        Names of the only settings to show, for a class that should see three sliders; by default, all.
    layout : Layout or dict, optional
        As of any ipywidgets box.
    **settings
        Single settings, which override those in `config`.

    Raises
    ------
    TypeError
        If a keyword is unknown, or `network` is not such a class or names functions that there are not.
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> app = Explorer(epochs=3)
    >>> app.wait(60)
    True
    >>> app.batch_size = 128
    """

    views: Views
    data: DataChoice
    header: Header
    settings: SettingsPanel
    run_bar: RunBar
    messages: Messages
    tiles: Display[Tiles]
    panels: PanelHost

    def __init__(
        self,
        dataset: Dataset | None = None,
        config: TrainingConfig | None = None,
        *,
        others: Sequence[Dataset | DatasetOffer] = (),
        network: type[Any] | None = None,
        train: bool = True,
        shown: Sequence[str] | None = None,
        layout: Layout | Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        start = config.replace(**settings) if config else settings
        self.session = session = Session(dataset, start, network=network, on_fault=self._on_fault)
        super().__init__(layout=layout)
        self.views = views = Views(session)
        self.messages, self._notice = Messages(), KernelNotice()
        self._files = FileMenu(self, self.messages)
        self.header = self._files.header
        self.tiles, self._pace = Display(results(session.state)), Pace()
        self.data = DataChoice(session, others, self.messages, self.header)
        views.on_view = lambda: self._address.write()
        self.panels = PanelHost(views)
        self._settings, self._run_bar = SettingsPart(session, shown), RunBarPart(session)
        self.settings, self.run_bar = self._settings.view, self._run_bar.view
        self._advice = AdvicePart(session, self.messages, self.settings)
        self._address = Address(views, self.data, self.header, self.panels, self.settings, self.messages)
        self.panels.time_bar.on_fork(session.loop.bind(session.fork))
        self.header.observe(session.loop.bind(lambda change: views.set_theme(change["new"])), "theme")
        self.header.observe(session.loop.bind(self._on_size), "size")
        session.subscribe(self._on_state)
        views.add(self._show)
        bars = {"bar": self.panels.tab_bar, "run": self.run_bar, "time": self.panels.time_bar}
        parts = {"settings": self.settings, **bars, "tiles": self.tiles}
        header = self.header, help_dialog(session.dataset)
        self.children = (*screen(header, self.messages, self.panels.view, **parts), self._notice)
        self.add_class("explorer-app")
        self.follow(session.state)
        if train:
            self.train()

    def train(self, config: TrainingConfig | None = None) -> None:
        """Start a new run with the current settings, or with `config`, which replaces them.

        Raises `ConfigError` if they need more images than the data set has.
        """
        check_images(config or self.session.config, self.dataset)
        self.session.loop.call(self.session.train, config)

    def begin(self, run: SessionRun | None) -> None:
        """Open with a finished run, or train one; a link with other settings takes its place."""
        if run is None:
            self.train()
        else:
            self.session.open(run)
            self.panels[self.panels.home].network.replay.prepare()
        self._address.opening = self.session.state.run

    def stop(self) -> None:
        """Stop the run within a mini-batch; its weights so far are kept."""
        self.session.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run ends or is paused; return False after `timeout` seconds."""
        return self.session.wait(timeout)

    def open_link(self, query: str = "", *, theme: Theme | None = None) -> None:
        """Apply a link's query: its settings, tab, theme and controls; errors in it are reported in a message.

        The page's `theme`, if it is known already, saves drawing the figures twice.
        """
        if theme is not None:
            self.header.theme = theme
        given = parts(query)
        self.views.opens_still = given.get(MOTION_KEY) == "off"
        if query:
            self._address.open(query)

    def close(self) -> None:
        """End the run and its thread, and a study if there is one, and close the widgets."""
        if "views" in vars(self):  # __init__ has completed
            self.session.close()
            self.views.close()
        super().close()

    def _on_state(self, state: SessionState) -> None:
        self.header.status, self.header.dataset = state.status, described(state.dataset)
        self._settings.show(state)
        self._run_bar.show(state)
        self.follow(state)

    def _on_size(self, change: Mapping[str, Any]) -> None:
        (self.add_class if change["new"] == "hall" else self.remove_class)("explorer-hall")

    def _show(self, state: ViewState) -> None:
        if self._pace.is_due(state, state.figured):
            self.tiles.show(results(state))
        self.set_trait("selected_cell", state.cell)
        self._notice.busy = state.is_ghost

    def _on_fault(self, error: Exception) -> None:
        if isinstance(error, ConfigError):  # only visible with the data
            self.settings.refuse(error)
        else:
            self._advice.show_error(error)
