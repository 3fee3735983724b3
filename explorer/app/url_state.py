"""The state in a page's address: a link reproduces an experiment, and the address follows the page.

A link is a query string with the settings, the data set, the tab, the theme and the visible controls. On the app's
own page the address is such a link, and each run's settings are an entry in the browser's history.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import Self
from urllib.parse import urlencode

from explorer.app.controls import DataChoice
from explorer.app.panels.inside import SECTIONS
from explorer.app.panels.mistakes import MISTAKES
from explorer.app.panels.tabs import PanelHost
from explorer.app.views import Views
from explorer.datasets import Dataset, DatasetError
from explorer.datasets.plane import plane_of
from explorer.discovery import ExtensionError
from explorer.session import SessionRun, SessionState
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import fields_of
from explorer.training.fields import Field
from explorer.training.presets import START, opening_config
from explorer.training.query import DATA_KEY, VIEW_KEYS, listed, parts, read_query, sets_run, write_query
from explorer.widgets.header import Header, Message, Messages
from explorer.widgets.settings_panel import SettingsPanel

_THEMES = ("auto", "light", "dark")
_KEYS = MappingProxyType({"presets": "presets"} | {n: f.key for n, f in FIELDS.items() if n != "changes"})
"""The key of each control in a link."""


@dataclass(frozen=True, slots=True)
class Link:
    """The content of a link."""

    config: TrainingConfig = START
    tab: str = ""
    """Name of the tab, or "" for the first."""
    theme: str = "auto"
    shown: tuple[str, ...] | None = None
    """Names of the only settings with visible controls; None for all."""
    section: str = ""
    data: str = ""
    """Name of the data set, or "" for the first; of points in a plane, what they are made of."""
    level: tuple[str, int] = ("", 0)
    """A level of a tab, which is then the open one: the key that it has in addresses, and the number."""
    tabs: tuple[str, ...] = ()
    """Names of the only tabs to show, with the first and the open one; if empty, all where all settings are."""
    size: str = ""
    """``"hall"`` if the page is presented."""

    @classmethod
    def read(
        cls,
        query: str,
        tabs: Mapping[str, str],
        sections: Sequence[str] = (),
        datasets: Sequence[str] = (),
        *,
        fields: Mapping[str, Field] = FIELDS,
        levels: Mapping[str, tuple[str, int]] = MappingProxyType({}),
    ) -> tuple[Self, tuple[str, ...]]:
        """Read a query string, which may contain anything: return its valid part, and sentences on the rest.

        `tabs` has the known names with their labels, `sections` and `datasets` are names, `levels` has by key the
        tabs with levels, and how many; `fields` are the settings as `fields_of` returns them for a data set, which
        limit the number of images.
        """
        own = parts(query)
        config, notices = read_query(query, fields)
        if own.get("tab") == "draw" or own.get("section") in ("image", "weights"):
            own |= {"tab": "", "section": ""}  # in older links; the network on the first tab shows these
        asked = own.get(DATA_KEY, "")
        name = next((one for one in datasets if f"{asked},".casefold().startswith(f"{one},".casefold())), "")
        own[DATA_KEY] = name or asked
        labels = (label if label.lower() == name else f"{label} ({name})" for name, label in tabs.items())
        known: dict[str, tuple[str, Collection[str], str]] = {
            DATA_KEY: ("data set", datasets, listed(datasets)),
            "tab": ("tab", tabs, ", ".join(labels)),
            "section": ("section", sections, ", ".join(sections)),
            "theme": ("theme", _THEMES, ", ".join(_THEMES)),
            "size": ("size", ("hall",), "hall"),
        }
        for key, (_, n) in levels.items():
            known[key] = "level", [*map(str, range(1, n + 1))], f"levels 1 to {n}"
        for key, (noun, names, there) in known.items():
            if (value := own.get(key)) and value not in names:
                own[key] = ""
                notices += (f"There is no {noun} “{value[:40]}”; the page has {there}.",)
        shown, kept, unknown = _controls(own.get("controls", ""), tabs)
        if unknown:
            verb = "is no control" if len(unknown) == 1 else "are no controls"
            notices += (f"{listed(unknown)} {verb}.",)
        tab, section, theme = (own.get(key, "") for key in ("tab", "section", "theme"))
        level = next(((key, int(number)) for key in levels if (number := own.get(key))), ("", 0))
        data = "" if not name or asked.casefold() == datasets[0].casefold() else name + asked[len(name) :]
        link = cls(config, tab, theme or "auto", shown, section, data, level, kept, own.get("size", ""))
        return link, notices

    def write(self) -> str:
        """Return the query string from which `read` restores this link; empty for what the page opens with."""
        theme = "" if self.theme == "auto" else self.theme
        controls = ",".join([*(_KEYS[name] for name in self.shown or ()), *self.tabs])
        view = dict(zip(VIEW_KEYS, (self.tab, self.section, theme, self.size, controls), strict=True))
        others = {DATA_KEY: self.data.lower(), **view, self.level[0]: str(self.level[1] or "")}
        written = (write_query(self.config), urlencode({k: v for k, v in others.items() if v}, safe=","))
        return "&".join(part for part in written if part)


def _controls(text: str, tabs: Collection[str]) -> tuple[tuple[str, ...] | None, tuple[str, ...], list[str]]:
    """Return the settings in ``hidden,batch,mistakes``, None for all; the tabs; and the unknown keys."""
    by_key = {word: name for name, key in _KEYS.items() for word in (key, name)}
    keys = dict.fromkeys(filter(None, text.split(",")))
    shown = tuple(by_key[key] for key in keys if key in by_key)
    kept = tuple(key for key in keys if key in tabs)
    return shown or None, kept, [key for key in keys if key not in by_key and key not in kept]


def link_limits(state: SessionState) -> str:
    """Return a sentence on what a link can't reproduce of the current run; empty if its settings suffice."""
    run = state.run
    if run is None or not (run.origin.words or run.own or state.waits or run.status == "stopped"):
        return ""
    this = f"this run of {run.own.name}" if run.own else "this one"
    this = f"the {run.origin.words}" if run.origin.words else this
    return f"It opens a new run with the settings in the controls, not {this}."


_SECTIONS = MappingProxyType({"mistakes": tuple(MISTAKES), "inside": tuple(SECTIONS)})
"""Names of the sections, by tab."""


class Address:
    """Keeps the page's address and its content in sync."""

    def __init__(
        self,
        views: Views,
        data: DataChoice,
        header: Header,
        panels: PanelHost,
        settings: SettingsPanel,
        messages: Messages,
    ) -> None:
        self._views, self._session, session = views, views.session, views.session
        self._data, self._header, self._panels = data, header, panels
        self._settings, self._messages = settings, messages
        self.opening: SessionRun | None = None
        """The run that the page opened with before its address was read, and that other settings replace."""
        # The controls to show, unless a link says otherwise.
        self._shown = None if session.own is None else list(session.own.settings)
        self._step, self._at, self._is_trained = 0, (session.config, data.chosen), False
        self._tabs: tuple[str, ...] = ()  # that a link keeps
        self._trained: tuple[int, TrainingConfig] | None = None  # the last run seen
        on_loop = session.loop.bind
        header.on_visit(on_loop(self._on_visit))
        header.on_about(on_loop(lambda: self._look("data", "")))
        header.observe(on_loop(lambda _: self.write()), ["choice", "size"])
        panels.tab_bar.observe(on_loop(lambda _: self.write()), "selected")
        settings.on_look(on_loop(lambda situation: self._look(situation.tab, situation.section)))
        session.subscribe(self.follow)

    def open(self, query: str) -> None:
        """Apply an address: data set, settings, tab, theme and controls; new settings start a run."""
        (link, dataset, notices), session = self._read(query), self._session
        if not sets_run(query):
            link = replace(link, config=session.config)
        is_new = (dataset, link.config) != (session.dataset, session.config)
        run = session.state.run
        if is_new:
            self._at, self._is_trained = (link.config, dataset.name), True
            if run is not None and self.opening is not None and run.key == self.opening.key:
                session.forget_runs()  # nobody has asked for it
        self.opening = None
        if dataset is not session.dataset:
            session.use(dataset, link.config)
        self._settings.set_trait("shown", self._shown if link.shown is None else list(link.shown))
        self._header.choice, self._header.size = link.theme, link.size
        tab, self._tabs = link.tab or self._panels.home, link.tabs
        if link.level[1]:
            key, number = link.level
            tab, self._views.levels[key] = self._panels.levels[key][0], number
            self._views.refresh()  # the tab may be open at another level
        is_whole = link.shown is None and not link.tabs
        self._panels.tab_bar.offered = [] if is_whole else [self._panels.home, tab, *link.tabs]
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
                self._panels[owner].choice.value = section

    def follow(self, state: SessionState) -> None:
        """Follow the session's settings; those that a run was started with become a history entry."""
        run = state.run
        self._header.link_limits = link_limits(state)
        self.write()
        trained = None if run is None or run.status == "idle" else (run.number, run.config)
        if trained is not None and trained != self._trained and trained[1] == state.config:
            self._is_trained = True
        self._trained = trained

    def _read(self, query: str) -> tuple[Link, Dataset, tuple[str, ...]]:
        """Return an address's content, its data set (the current one if it can't be read), and the errors."""
        names, dataset = self._data.names, self._session.dataset
        notices: tuple[str, ...] = ()
        sections = tuple(chain(*_SECTIONS.values()))
        read = partial(Link.read, query, self._panels.labels, sections, names)
        name = read()[0].data or names[0]
        try:
            dataset = self._data.load(name)
        except (DatasetError, ExtensionError) as error:
            notices = (f"{name} can't be read. {error}",)
        fields = fields_of(len(dataset.train_labels), dataset.n_classes, dataset.n_inputs)
        link, wrong = read(fields=fields, levels=self._panels.levels)
        return link, dataset, (*wrong, *notices)

    def _complain(self, notices: tuple[str, ...]) -> None:
        if notices:
            why = "The rest of the link is used."
            self._messages.show(Message("link", "warning", " ".join(notices), why))

    def _on_visit(self, query: str) -> None:
        """Go back or forward to earlier settings; tab, theme and controls stay."""
        (link, dataset, notices), session = self._read(query), self._session
        if not sets_run(query):
            link = replace(link, config=opening_config(dataset.n_train, dataset.n_inputs))
        self._at, self._is_trained = (link.config, dataset.name), True
        if (dataset, link.config) != (session.dataset, session.config):
            if dataset is not session.dataset:
                session.use(dataset, link.config)
            # No waiting: going there means seeing that run, which is retrained only if it is gone.
            if not session.go_back_to_settings(link.config):
                session.apply(link.config, clean=True, at_once=True)
        self._complain(notices)

    def write(self) -> None:
        """Write the page's state to its address."""
        tab, data = self._panels.tab_bar.selected, self._session.dataset
        section = self._panels[tab].choice.value if tab in _SECTIONS else ""
        keys = (key for key, (name, _) in self._panels.levels.items() if name == tab)
        level = next(((key, self._views.levels.get(key, 0)) for key in keys), ("", 0))
        shown = None if self._settings.shown == self._shown else self._settings.shown
        other = "" if data.name == self._data.names[0] else data.name
        link = Link(
            config=self._session.config,
            data=plane_of(data).text if data.is_plane else other,
            tab="" if tab == self._panels.home or level[1] else tab,
            level=level,
            section="" if section == _SECTIONS.get(tab, ("",))[0] else section,
            theme=self._header.choice,
            size=self._header.size,
            shown=None if shown is None else tuple(shown),
            tabs=self._tabs,
        )
        here = self._session.config, self._data.chosen
        if here != self._at:  # settings that a run was started with stay an entry of the browser's history
            self._step += self._is_trained
            self._at, self._is_trained = here, False
        self._header.update(step=self._step, query=link.write())
