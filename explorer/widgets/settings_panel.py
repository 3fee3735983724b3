"""All settings of a run in one box: each a widget of its own, together a `TrainingConfig`."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

import ipywidgets
import traitlets

from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.presets import PRESETS, SITUATIONS, Situation
from explorer.widgets.setting import SETTINGS, Setting
from explorer.widgets.setting_group import GROUPS, PanelPart, SettingGroup
from explorer.wording import did_you_mean, grouped

_STARTS: Mapping[str, TrainingConfig] = MappingProxyType(
    {**PRESETS, **{name: situation.config for name, situation in SITUATIONS.items()}}
)
_MAIN = ("hidden_sizes", "batch_size", "epochs", "learning_rate")


class SettingsPanel(ipywidgets.VBox):
    """The settings of a run: presets and situations, the four main ones, the others collapsed, and a reset.

    ``panel["batch_size"]`` is the widget of one setting; iterating yields the names of all.

    Parameters
    ----------
    config : TrainingConfig, optional
        The initial settings; by default, the exercise's.
    n_images, n_classes : int
        Number of training images and of classes.
    shown : sequence of str, optional
        Names of the only settings to show, ``"presets"`` for the row of presets; by default, all. A teacher can
        hide the rest this way: nothing is collapsed then.

    Attributes
    ----------
    config : TrainingConfig
        The settings, always valid. It changes once per change by the user, including presets, and per value
        assigned to a setting; if it is assigned itself, all settings follow and all errors are cleared.
    start : str
        The initial weights of the next run, in words, unless freshly initialized; set by the program. No preset is
        marked then, because presets start with fresh weights.
    shown : list of str or None
        As above.
    controls : tuple of Setting
        The widgets of the settings, in the order on screen. Two of them belong to ``"hidden_sizes"``.

    Raises
    ------
    ConfigError
        If an assigned config needs more images than there are.
    TraitError
        If the assigned value is not a config, or `shown` has unknown names.

    Notes
    -----
    Changes by the user and by the program may come from different threads. Whichever comes last, `config` and the
    settings agree.
    """

    config = traitlets.Instance(TrainingConfig)
    start = traitlets.Unicode()
    shown = traitlets.List(traitlets.Unicode(), default_value=None, allow_none=True)

    def __init__(
        self,
        config: TrainingConfig | None = None,
        *,
        n_images: int = 60_000,
        n_classes: int = 10,
        shown: Sequence[str] | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._is_one_setting = False  # whether a single setting changes, not the config as a whole
        data: dict[str, Any] = {"n_images": n_images, "n_classes": n_classes}
        main = [Setting(name, **data) for name in _MAIN]
        self._groups = [SettingGroup(title, **data) for title in GROUPS]
        self.controls = (*main, *(control for group in self._groups for control in group.controls))
        self._main, self._changes = main, PanelPart("changes")
        self._presets, self._question, self._start = map(PanelPart, ("presets", "question", "start"))
        self._more, self._reset = PanelPart("more"), PanelPart("reset")
        self._on_clean: list[Callable[[TrainingConfig], object]] = []
        self._on_look: list[Callable[[Situation], object]] = []
        self._body = ipywidgets.Box([*self._groups, self._reset], _dom_classes=("explorer-more-body",))
        super().__init__(
            self._arranged(shown),
            config=config or TrainingConfig(),
            shown=None if shown is None else list(shown),
            _dom_classes=("explorer-controls",),
        )
        for part in (self._presets, self._question, self._start, self._changes, self._reset):
            part.on_msg(self._on_part)
        for control in self.controls:
            control.observe(self._on_value, "value")
            control.observe(self._on_error, "error")

    def __getitem__(self, name: str) -> Setting:
        """Return the widget of a setting; output and loss share one."""
        for control in self.controls:
            if name in control.names:
                return control
        raise KeyError(f"there is no setting {name!r}{did_you_mean(name, SETTINGS)}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all settings that have a widget."""
        return iter(SETTINGS)

    def on_clean(self, callback: Callable[[TrainingConfig], object]) -> None:
        """Call ``callback(config)`` when the user leaves `start` for freshly initialized weights.

        A preset, the reset and the ✕ do that; `config` changes afterwards.
        """
        self._on_clean.append(callback)

    def on_look(self, callback: Callable[[Situation], object]) -> None:
        """Call ``callback(situation)`` when the user wants to see what the question is about."""
        self._on_look.append(callback)

    def fit_to(self, n_images: int, n_classes: int) -> None:
        """Use the ranges of another data set, with this number of training images and classes."""
        for control in self.controls:
            control.fit_to(n_images, n_classes)

    def refuse(self, error: ConfigError) -> None:
        """Show an error that only the data can reveal next to its setting's control."""
        self[error.field].error = f"Expected {error.expected}."

    @traitlets.validate("config")
    def _valid(self, proposal: Mapping[str, Any]) -> TrainingConfig:
        config: TrainingConfig = proposal["value"]
        for control in self.controls:
            control.check(control.value_in(config))
        return config

    @traitlets.observe("config")
    def _follow(self, change: Mapping[str, Any]) -> None:
        """Update the changed settings; observers of one find the others already updated."""
        before, config = change["old"], change["new"]
        changed = config.differences(before) if isinstance(before, TrainingConfig) else tuple(FIELDS)
        # The others are left alone: one of them may be changing on another thread right now.
        followers = [control for control in self.controls if {*control.names} & {*changed}]
        with self._lock, ExitStack() as together:
            for control in () if self._is_one_setting else self.controls:
                control.error = ""
            for control in reversed(followers):  # the first is released first
                together.enter_context(control.hold_trait_notifications())
            for control in followers:
                control.value = control.value_in(self.config)
            self._mark_preset()
            for group in self._groups:
                group.show(self.config)
            changes = zip(config.changes, config.changes_in_words, strict=True)
            words = [f"{said} from step {grouped(change.step)}" for change, said in changes]
            self._changes.start = "Changed in mid-run: " + "; ".join(words) if words else ""

    def _on_value(self, change: Mapping[str, Any]) -> None:
        with self._lock:
            self._is_one_setting = True
            try:
                self.config = self.config.replace(**change["owner"].settings)
            finally:
                self._is_one_setting = False

    @traitlets.observe("start")
    def _mark_preset(self, _change: object = None) -> None:
        """Mark the preset in use: its settings, and freshly initialized weights."""
        in_use = next((name for name, preset in PRESETS.items() if preset == self.config), "")
        self._presets.preset = self._reset.preset = "" if self.start else in_use
        self._start.start = self.start
        asked = None if self.start or self._is_one_setting else self._situation
        words = ("name", "question", "look", "reason")
        situation = {} if asked is None else {name: getattr(asked, name) for name in words}
        self._presets.situation = self._question.situation = situation

    @property
    def _situation(self) -> Situation | None:
        """The situation with these settings."""
        return next((one for one in SITUATIONS.values() if one.config == self.config), None)

    def _on_part(self, part: object, content: object, _buffers: object) -> None:
        if part is self._changes and content == {"leave": True}:
            self.config = self.config.replace(changes=())
            return
        leaves = part is self._start and content == {"leave": True}
        preset = _STARTS.get(str(content.get("preset"))) if isinstance(content, dict) else None
        if self.start and (leaves or preset is not None):
            for callback in self._on_clean:
                callback(preset or self.config)
        if content == {"look": True} and self._situation is not None:
            for look in self._on_look:
                look(self._situation)
        if preset is not None:
            try:
                self.config = preset
            except ConfigError as error:  # the data set has fewer images
                self.refuse(error)
                return
            for control in self.controls:  # even if it was already in use
                control.error = ""
            self._mark_preset()

    def _on_error(self, _change: Mapping[str, Any] | None = None) -> None:
        """Show in the fold's heading how many of its settings have errors."""
        self._more.problems = sum(group.count_problems() for group in self._groups)
        self._reset.problems = sum(bool(control.error) for control in self.controls)

    @traitlets.validate("shown")
    def _known(self, proposal: Mapping[str, Any]) -> list[str] | None:
        names: list[str] | None = proposal["value"]
        for name in names or ():
            if name not in ("presets", *FIELDS):
                known = did_you_mean(name, ("presets", *FIELDS))
                raise traitlets.TraitError(f"shown holds {name!r}; expected 'presets' or a setting{known}")
        return names

    @traitlets.observe("shown")
    def _arrange(self, change: Mapping[str, Any]) -> None:
        self.children = self._arranged(change["new"])

    def _arranged(self, shown: Sequence[str] | None) -> list[ipywidgets.DOMWidget]:
        """Return the panel's children, with the collapsed ones in their box."""
        # The row of presets always exists: it names the panel for screen readers. So does the start.
        for part in (self._presets, self._question):
            part.layout.display = None if shown is None or "presets" in shown else "none"
        around = [self._presets, self._question, self._start]
        if shown is None:
            return [*around, *self._main, self._changes, self._more, self._body]
        main = [control for control in self._main if control.name in shown]
        folded = (control for group in self._groups for control in group.controls)
        others = [control for control in folded if ({*shown} - {*_MAIN}) & {*control.names}]
        return [*around, *main, self._changes, *others]
