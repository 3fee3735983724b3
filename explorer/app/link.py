"""A link is an experiment: the settings, the data set, the tab, the theme and the controls on show.

It is a query string. On the app's own page the address is such a link, and settings that a run was started with
are a step of the browser's history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import urlencode

from explorer.session import SessionState
from explorer.training import FIELDS, TrainingConfig
from explorer.training.config import DATA_KEY, VIEW_KEYS
from explorer.training.fields import Field
from explorer.training.query import listed, parts
from explorer.wording import counted

_THEMES = ("auto", "light", "dark")
_KEYS: Mapping[str, str] = MappingProxyType(
    {"presets": "presets", **{n: f.key for n, f in FIELDS.items() if n != "changes"}}
)
"""What each control is called in a link."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link holds."""

    config: TrainingConfig = field(default_factory=TrainingConfig)
    tab: str = ""
    """Name of the tab, or "" for the first."""
    theme: str = "auto"
    """The theme that is asked for: ``"auto"``, ``"light"`` or ``"dark"``."""
    shown: tuple[str, ...] | None = None
    """Names of the only settings whose controls are shown, with the first tab and `tab` alone; None for all."""
    section: str = ""
    """Name of a section of the tab, or "" for the first."""
    data: str = ""
    """Name of the data set, or "" for the first."""
    bug: int = 0
    """Level of the bug lab, which is then the tab; 0 for none."""

    @classmethod
    def read(
        cls,
        query: str,
        tabs: Sequence[str],
        sections: Sequence[str] = (),
        datasets: Sequence[str] = (),
        *,
        fields: Mapping[str, Field] = FIELDS,
        n_bugs: int = 0,
    ) -> tuple[Self, tuple[str, ...]]:
        """Read a query string, whatever it holds.

        Parameters
        ----------
        query : str
            The part after the ``?``: ``"hidden=128,64&lr=0.1&tab=mistakes&controls=hidden,batch,epochs"``.
        tabs, sections, datasets : sequence of str
            Names of the tabs that there are, of the sections of them, and of the data sets.
        fields : mapping of str to Field
            The settings, as `fields_of` returns them for a data set: more images than it has can't be asked for.
        n_bugs : int
            Levels of the bug lab.

        Returns
        -------
        link : Link
            What could be read; the defaults for the rest.
        notices : tuple of str
            A few sentences, which name what was ignored or replaced.
        """
        own = parts(query).values
        config, notices = TrainingConfig.from_query(query, fields)
        tab, theme = own.get("tab", ""), own.get("theme", "auto")
        wrong = []
        asked = own.get(DATA_KEY, "")
        data = next((name for name in datasets if name.casefold() == asked.casefold()), "")
        if asked and not data:
            wrong.append(f"There is no data set “{asked[:40]}”; the page has {listed(datasets)}.")
        section = own.get("section", "")
        for noun, named, known in (("tab", tab, tabs), ("section", section, sections)):
            if named and named not in known:
                wrong.append(f"There is no {noun} “{named[:40]}”; the {noun}s are {', '.join(known)}.")
        if theme not in _THEMES:
            wrong.append(f"The theme can't be “{theme[:40]}”: expected one of {', '.join(_THEMES)}.")
        level = own.get("bug", "")
        is_level = level in map(str, range(1, n_bugs + 1))
        if level and not is_level:
            wrong.append(f"There is no bug “{level[:40]}”; the lab has 1 to {n_bugs}.")
        shown, unknown = _controls(own.get("controls"))
        if unknown:
            kind = "is no control" if len(unknown) == 1 else "are no controls"
            wrong.append(f"There {kind} {listed(unknown)}.")
        link = cls(
            config,
            tab=tab if tab in tabs else "",
            theme=theme if theme in _THEMES else "auto",
            shown=shown,
            section=section if section in sections else "",
            data="" if data in datasets[:1] else data,
            bug=int(level) if is_level else 0,
        )
        return link, (*notices, *wrong)

    def write(self) -> str:
        """Return the query string that `read` gives this link back from; empty for all defaults."""
        theme = "" if self.theme == "auto" else self.theme
        controls = ",".join(_KEYS[name] for name in self.shown or ())
        view = (self.tab, self.section, theme, controls, str(self.bug or ""))
        others = {DATA_KEY: self.data.lower(), **dict(zip(VIEW_KEYS, view, strict=True))}
        written = (self.config.to_query(), urlencode({k: v for k, v in others.items() if v}, safe=","))
        return "&".join(part for part in written if part)


class Trail:
    """Decides which settings are a step of the browser's history: each that a run was started with.

    Settings that nothing was trained with leave no step: the next ones take their place. It begins with those of
    the page, and with the name of its data set.
    """

    def __init__(self, config: TrainingConfig, data: str = "") -> None:
        self.step = 0
        """Number of the step that the page is at; a higher one than before is a new step."""
        self._at = config, data
        self._trained = False

    def go(self, config: TrainingConfig, data: str = "") -> None:
        """Follow the controls: a new step where they leave what a run was started with."""
        if (config, data) != self._at:
            self.step += self._trained
            self._at, self._trained = (config, data), False

    def mark_trained(self) -> None:
        """Say that a run was started with these settings."""
        self._trained = True

    def be_at(self, config: TrainingConfig, data: str = "") -> None:
        """Follow the browser to a step that is there already."""
        self._at, self._trained = (config, data), True


def _controls(text: str | None) -> tuple[tuple[str, ...] | None, list[str]]:
    """Return the settings that ``hidden,batch`` names, None for all, and the keys that are unknown."""
    if not text:
        return None, []
    by_key = {key: name for name, key in _KEYS.items()}
    keys = dict.fromkeys(text.split(","))
    shown = tuple(by_key[key] for key in keys if key in by_key)
    return shown or None, [key for key in keys if key not in by_key]


def what_a_link_lacks(state: SessionState) -> str:
    """Return in a sentence what a link can't hold of the run on show; empty where its settings are all of it."""
    run = state.run
    if run is None:
        return ""
    if run.began_with:
        these = "these" if run.opened is not None else "this"
        return f"It opens a run with freshly initialised weights, not {these} {run.began_with}."
    if run.own is not None:
        return f"It opens a run of the textbook's network, not of {run.own.name}."
    if state.waits:
        return "It holds the settings in the controls, which this run is not trained with."
    if run.status == "stopped":
        return f"It opens a run of {counted(run.config.epochs, 'epoch')}; this one was stopped before."
    return ""
