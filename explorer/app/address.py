"""The page's address: it follows what is shown, and is followed where it is opened or gone back to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explorer.app.link import Link, Trail, what_a_link_lacks
from explorer.app.panels import PanelHost
from explorer.app.panels.inside import SECTIONS, Inside
from explorer.session import Session, SessionState
from explorer.training import TrainingConfig
from explorer.training.config import fields_of
from explorer.widgets.dropdown import Segmented
from explorer.widgets.header import Header
from explorer.widgets.messages import Message, Messages
from explorer.widgets.settings_panel import SettingsPanel

__all__ = ["Address"]


class Address:
    """Keeps the page's address and what is shown in step.

    Parameters
    ----------
    session : Session
        Whose settings it holds.
    header : Header
        Carries it to the page, and says when the user goes back or forward.
    panels : PanelHost
        Whose tab it holds.
    settings : SettingsPanel
        Whose choice of controls it holds.
    messages : Messages
        Where it is said what an address gets wrong.
    """

    def __init__(
        self,
        session: Session,
        header: Header,
        panels: PanelHost,
        settings: SettingsPanel,
        messages: Messages,
    ) -> None:
        self._session, self._header, self._panels = session, header, panels
        self._settings, self._messages = settings, messages
        self._trail = Trail(session.config)
        self._trained: tuple[int, TrainingConfig] | None = None  # the run that was last seen
        on_loop = session.loop.bind
        header.on_visit(on_loop(self._on_visit))
        header.observe(on_loop(self._on_view), "choice")
        panels.tab_bar.observe(on_loop(self._on_view), "selected")
        session.subscribe(self.follow)

    def open(self, query: str) -> None:
        """Show what an address holds: settings, tab, theme and controls; new settings are trained with."""
        link, notices = self._read(query)
        self._settings.set_trait("shown", None if link.shown is None else list(link.shown))
        self._header.choice = link.theme
        self._panels.tab_bar.selected = link.tab or self._panels.names[0]
        if link.section:
            self._section.value = link.section
        if link.config != self._session.config:
            self._trail.be_at(link.config)
            self._session.train(link.config)
        self.write()
        self._header.settled = True
        self._complain(notices)

    def follow(self, state: SessionState) -> None:
        """Follow the settings of a session; those that a run was started with become a step to go back to."""
        run = state.run
        self._header.link_lacks = what_a_link_lacks(state)
        self.write()
        trained = None if run is None or run.status == "idle" else (run.number, run.config)
        if trained is not None and trained != self._trained and trained[1] == state.config:
            self._trail.mark_trained()
        self._trained = trained

    def _read(self, query: str) -> tuple[Link, tuple[str, ...]]:
        data = self._session.dataset
        fields = fields_of(len(data.train_labels), data.n_classes)
        return Link.read(query, self._panels.names, SECTIONS, fields=fields)

    def _complain(self, notices: tuple[str, ...]) -> None:
        """Say what is wrong with an address."""
        if notices:
            self._messages.show(
                Message("link", "warning", " ".join(notices), "The rest of the link is used.")
            )

    def _on_visit(self, query: str) -> None:
        """Go back or forward to settings that were trained before; tab, theme and controls stay."""
        link, notices = self._read(query)
        self._trail.be_at(link.config)
        if link.config != self._session.config:
            # They don't wait: to go there is to see their run, which has freshly initialised weights.
            self._session.apply(link.config, clean=True, at_once=True)
        self._complain(notices)

    @property
    def _section(self) -> Segmented:
        """The choice of a section in the tab "inside"."""
        inside = self._panels["inside"]
        assert isinstance(inside, Inside)
        return inside.choice

    def _on_view(self, _change: Mapping[str, Any]) -> None:
        self.write()

    def write(self) -> None:
        """Put what is shown into the page's address."""
        tab = self._panels.tab_bar.selected
        section = self._section.value if tab == "inside" else SECTIONS[0]
        shown = self._settings.shown
        link = Link(
            config=self._session.config,
            tab="" if tab == self._panels.names[0] else tab,
            section="" if section == SECTIONS[0] else section,
            theme=self._header.choice,
            shown=None if shown is None else tuple(shown),
        )
        self._trail.go(self._session.config)
        with self._header.hold_sync():
            self._header.step, self._header.query = self._trail.step, link.write()
