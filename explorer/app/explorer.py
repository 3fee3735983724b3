"""The app as one widget: settings make a config, the session trains it, the views show its records."""

from collections.abc import Mapping, Sequence
from typing import Any

from ipywidgets import Layout

from explorer.app.data_choice import DataChoice, described
from explorer.app.files import FileMenu, FileVerbs, new_header
from explorer.app.layout import AppBox, screen
from explorer.app.panels.tabs import PanelHost
from explorer.app.readouts import tiles
from explorer.app.run_controls import AdvicePart, RunBarPart, SettingsPart
from explorer.app.tour_guide import TourGuide
from explorer.app.traits import Readings, SettingTraits
from explorer.app.url_state import Address
from explorer.app.views import Views, ViewState
from explorer.datasets import Dataset
from explorer.datasets.loading import DatasetOffer
from explorer.figures.palette import Theme
from explorer.session import Session, SessionState
from explorer.training import ConfigError, TrainingConfig
from explorer.widgets.header import Header
from explorer.widgets.heartbeat import KernelNotice
from explorer.widgets.messages import Messages
from explorer.widgets.rendered import Display
from explorer.widgets.run_bar import RunBar
from explorer.widgets.settings_panel import SettingsPanel
from explorer.widgets.tiles import Tiles


class Explorer(SettingTraits, Readings, FileVerbs, AppBox):
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
        A class of your own, called as ``Mine(n_input, n_hidden, n_output)`` and trained by its own `fit`.
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
        If a keyword is unknown, or `network` is not such a class.
    ConfigError
        If a setting is invalid.

    Examples
    --------
    >>> app = Explorer(epochs=3)
    >>> app.wait(60)
    True
    >>> app.batch_size = 128
    """

    session: Session
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
        config = (config or TrainingConfig()).replace(**settings)
        super().__init__(layout=layout)
        self.session = session = Session(dataset, config, network=network, on_fault=self._on_fault)
        session.subscribe(self.take_readings)  # first: later subscribers may read them
        self.views = views = Views(session)
        self.messages = Messages()
        self.header = new_header(session)
        self.tiles = Display(Tiles(tiles(None, None, session.dataset)))
        self.data = DataChoice(session, others, self.messages)
        self.panels = PanelHost(views, self.data, lambda: self._address.write())
        self._settings, self._run_bar = SettingsPart(session, shown or session.offered), RunBarPart(session)
        self.settings, self.run_bar = self._settings.view, self._run_bar.view
        self._advice = AdvicePart(session, self.messages)
        self._files = FileMenu(self, self.header, self.messages)
        self._guide = TourGuide(views, self.panels, self.settings, self.header.about)
        self._address = Address(session, self.data, self.header, self.panels, self.settings, self.messages)
        self.panels.tab_bar.on_fork(session.loop.bind(session.fork))
        self.header.observe(session.loop.bind(self._on_theme), "theme")
        session.subscribe(self._on_state)
        for show in (self._show_tiles, self._advice.show, self.take_cell):
            views.add(show)
        parts = screen(
            header=self.header,
            controls=self.settings,
            run_bar=self.run_bar,
            messages=self.messages,
            tiles=self.tiles,
            tab_bar=self.panels.tab_bar,
            panels=self.panels.view,
            guide=self._guide.parts,
        )
        self.children = (*parts, KernelNotice())
        self.add_class("explorer-app")
        self.follow(config)
        if train:
            self.train()

    def train(self, config: TrainingConfig | None = None) -> None:
        """Start a new run with the current settings, or with `config`, which replaces them.

        Raises
        ------
        ConfigError
            If the settings need more images than the data set has.
        """
        self.check(config or self.config)
        self.session.loop.call(self.session.train, config)

    def stop(self) -> None:
        """Stop the run within a mini-batch; its weights so far are kept."""
        self.session.stop()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run ends or is paused; return False after `timeout` seconds."""
        return self.session.wait(timeout)

    def open_link(self, query: str = "", *, theme: Theme | None = None) -> None:
        """Apply a link: its settings, tab, theme and controls; errors in it are reported in a message.

        Parameters
        ----------
        query : str
            The part of the link after the ``?``. If empty, nothing changes.
        theme : {"light", "dark"}, optional
            The page's theme, if it is known already, so that the figures need not be drawn twice.
        """
        if theme is not None:
            self.header.theme = theme
        if query:
            self._address.open(query)

    def close(self) -> None:
        """End the run and its thread, and a study if there is one, and close the widgets."""
        if "session" in vars(self):  # __init__ has completed
            self.session.close()
            self.views.close()
        super().close()

    def check(self, config: TrainingConfig) -> None:
        """Raise `ConfigError` if the settings need more images than the data set has."""
        if "session" in vars(self):
            self.session.check(config)

    def apply(self, config: TrainingConfig) -> None:
        """Apply new settings: train, continue the run, or wait."""
        self.session.loop.call(self.session.apply, config)

    def _on_state(self, state: SessionState) -> None:
        self.header.status, self.header.dataset = state.status, described(state.dataset)
        self._settings.show(state)
        self._run_bar.show(state)
        self.follow(state.config)

    def _show_tiles(self, state: ViewState) -> None:
        self.tiles.show(Tiles(tiles(state.run, state.moment, state.scored_on)))

    def _on_theme(self, _change: object) -> None:
        self.views.set_theme("dark" if self.header.theme == "dark" else "light")

    def _on_fault(self, error: Exception) -> None:
        if isinstance(error, ConfigError):  # only visible with the data
            self.settings.refuse(error)
        else:
            self._advice.say(error)
