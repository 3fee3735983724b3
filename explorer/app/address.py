"""The page's address: it follows what is shown, and is followed where it is opened or gone back to."""

from itertools import chain
from types import MappingProxyType

from explorer.app.data_choice import DataChoice, unreadable
from explorer.app.link import Link, Trail, what_a_link_lacks
from explorer.app.panels.inside.inside import SECTIONS, Inside
from explorer.app.panels.lab.lab import LEVELS, LabPanel
from explorer.app.panels.mistakes import MISTAKES_SECTIONS, MistakesPanel
from explorer.app.panels.tabs import PanelHost
from explorer.datasets import Dataset, DatasetError
from explorer.session import Session, SessionState
from explorer.training import TrainingConfig
from explorer.training.config import fields_of
from explorer.widgets.controls import Segmented
from explorer.widgets.header import Header
from explorer.widgets.messages import Message, Messages
from explorer.widgets.settings_panel import SettingsPanel

_SECTIONS = MappingProxyType({"mistakes": MISTAKES_SECTIONS, "inside": SECTIONS})
"""Names of the sections, by tab."""


class Address:
    """Keeps the page's address and what is shown in step."""

    def __init__(
        self,
        session: Session,
        data: DataChoice,
        header: Header,
        panels: PanelHost,
        settings: SettingsPanel,
        messages: Messages,
    ) -> None:
        self._session, self._data, self._header, self._panels = session, data, header, panels
        self._settings, self._messages = settings, messages
        self._shown = session.offered and list(session.offered)  # where nothing else is asked for
        self._trail = Trail(session.config, data.chosen)
        self._trained: tuple[int, TrainingConfig] | None = None  # the run that was last seen
        on_loop = session.loop.bind
        header.on_visit(on_loop(self._on_visit))
        header.observe(on_loop(lambda _: self.write()), "choice")
        panels.tab_bar.observe(on_loop(lambda _: self.write()), "selected")
        settings.on_look(on_loop(lambda situation: self._look(situation.tab, situation.section)))
        session.subscribe(self.follow)

    def open(self, query: str) -> None:
        """Show what an address holds: data set, settings, tab, theme and controls; what is new is trained with."""
        link, dataset, notices = self._read(query)
        session = self._session
        is_new = (dataset, link.config) != (session.dataset, session.config)
        if is_new:
            self._trail.be_at(link.config, dataset.name)
        if dataset is not session.dataset:
            session.use(dataset, link.config)
        self._settings.set_trait("shown", self._shown if link.shown is None else list(link.shown))
        self._header.choice = link.theme
        if link.bug:
            self._lab.open(link.bug)
        tab = "lab" if link.bug else link.tab or self._panels.home
        self._panels.tab_bar.offered = [] if link.shown is None else [self._panels.home, tab]
        self._look(tab, link.section)
        if is_new:
            session.train(link.config)
        self.write()
        self._header.settled = True
        self._complain(notices)

    def _look(self, tab: str, section: str) -> None:
        self._panels.tab_bar.selected = tab
        for owner, sections in _SECTIONS.items():
            if section in sections:
                self._choice(owner).value = section

    def follow(self, state: SessionState) -> None:
        """Follow the settings of a session; those that a run was started with become a step to go back to."""
        run = state.run
        self._header.link_lacks = what_a_link_lacks(state)
        self.write()
        trained = None if run is None or run.status == "idle" else (run.number, run.config)
        if trained is not None and trained != self._trained and trained[1] == state.config:
            self._trail.mark_trained()
        self._trained = trained

    def _read(self, query: str) -> tuple[Link, Dataset, tuple[str, ...]]:
        """Return what an address holds, its data set (the present one if it can't be read), and what is wrong."""
        names, dataset = self._data.names, self._session.dataset
        notices: tuple[str, ...] = ()
        sections = tuple(chain(*_SECTIONS.values()))
        name = Link.read(query, self._panels.names, sections, names)[0].data or names[0]
        try:
            dataset = self._data.load(name)
        except DatasetError as error:
            notices = (unreadable(name, error),)
        fields = fields_of(len(dataset.train_labels), dataset.n_classes)
        link, wrong = Link.read(query, self._panels.names, sections, names, fields=fields, n_bugs=len(LEVELS))
        return link, dataset, (*wrong, *notices)

    def _complain(self, notices: tuple[str, ...]) -> None:
        if notices:
            why = "The rest of the link is used."
            self._messages.show(Message("link", "warning", " ".join(notices), why))

    def _on_visit(self, query: str) -> None:
        """Go back or forward to what was trained before; tab, theme and controls stay."""
        link, dataset, notices = self._read(query)
        session = self._session
        self._trail.be_at(link.config, dataset.name)
        if (dataset, link.config) != (session.dataset, session.config):
            if dataset is not session.dataset:
                session.use(dataset, link.config)
            # They don't wait: to go there is to see their run, trained again only where it is gone.
            if not session.go_back_to_settings(link.config):
                session.apply(link.config, clean=True, at_once=True)
        self._complain(notices)

    def _choice(self, tab: str) -> Segmented:
        panel = self._panels[tab]
        assert isinstance(panel, Inside | MistakesPanel)
        return panel.choice

    @property
    def _lab(self) -> LabPanel:
        lab = self._panels["lab"]
        assert isinstance(lab, LabPanel)
        return lab

    def write(self) -> None:
        """Put what is shown into the page's address."""
        tab = self._panels.tab_bar.selected
        section = self._choice(tab).value if tab in _SECTIONS else ""
        shown = None if self._settings.shown == self._shown else self._settings.shown
        link = Link(
            config=self._session.config,
            data="" if self._data.chosen == self._data.names[0] else self._data.chosen,
            tab="" if tab in (self._panels.home, "lab") else tab,
            bug=self._lab.level if tab == "lab" else 0,
            section="" if section == _SECTIONS.get(tab, ("",))[0] else section,
            theme=self._header.choice,
            shown=None if shown is None else tuple(shown),
        )
        self._trail.go(self._session.config, self._data.chosen)
        self._header.update(step=self._trail.step, query=link.write())
