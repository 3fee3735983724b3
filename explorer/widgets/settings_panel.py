"""All settings of a run in one box: each a control of its own, in groups, with presets and a reset."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

import ipywidgets
import traitlets

from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.fields import ConfigError
from explorer.training.presets import EXPERIMENTS, PRESETS, SITUATIONS, START, Situation, preset_changes
from explorer.widgets.assets import plain_layout, script
from explorer.widgets.page_part import Events, PagePart, PartEvent, set_hidden
from explorer.widgets.setting import SETTINGS, Setting
from explorer.wording import did_you_mean, grouped

_STARTS: Mapping[str, TrainingConfig] = MappingProxyType(
    {**PRESETS, **{name: situation.config for name, situation in SITUATIONS.items()}}
)
_DEFAULTS = TrainingConfig()
_MAIN = ("hidden_sizes", "batch_size", "epochs", "learning_rate", "reduction")

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Network": ("hidden_sizes", "hidden_activation", "output", "initializer", "seed"),
        "Optimizer and schedule": ("optimizer", "schedule", "warmup"),
        "Regularization": ("l2", "l1", "dropout", "input_dropout", "max_norm"),
        "Data": ("n_train", "n_validation", "patience"),
        "Augmentation": ("shift", "rotation", "scale", "elastic"),
    }
)
"""The settings in each group."""
_OPEN = ("Network", "Optimizer and schedule")  # at first
_KINDS = MappingProxyType({"hidden_sizes": "layers", "output": "pair"})
_APPLIES: Mapping[str, Callable[[TrainingConfig], object]] = MappingProxyType(
    {
        "reduction": lambda config: not OPTIMIZERS[config.optimizer].is_scale_free,
        "patience": lambda config: config.n_validation or config.patience,
    }
)  # settings that have no effect alone


class PanelPart(PagePart):
    """A part of the settings panel: presets, a question, the run's initial weights, group headings, a reset."""

    _esm = script("settings_panel")

    part = traitlets.Unicode().tag(sync=True)
    """Its kind: ``"presets"``, ``"question"``, ``"start"``, ``"changes"``, ``"more"`` or ``"reset"``."""
    presets: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    preset_changes: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What each preset changes in Modern; empty for those that are visible."""
    preset = traitlets.Unicode().tag(sync=True)
    """Name of the preset in use, or ""."""
    situations: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """Name of each, and whether it works, for the presets' menu."""
    situation = traitlets.Dict().tag(sync=True)
    """Name, question, hint and reason of the chosen situation; empty without one."""
    start = traitlets.Unicode().tag(sync=True)
    """The next run's initial weights, unless freshly initialized. For ``"changes"``: the mid-run changes."""
    problems = traitlets.Int(0).tag(sync=True)
    """Number of settings with an error: of the collapsed ones, or of all for the reset."""
    title = traitlets.Unicode("More settings").tag(sync=True)
    """Title of the fold: each group has its own, all together are "More settings"."""
    note = traitlets.Unicode().tag(sync=True)
    """Its settings that differ from the defaults; of all together, from the nearest of the visible presets."""
    unfolded = traitlets.Bool(False).tag(sync=True)
    """Whether it is expanded at first."""

    def __init__(self, part: str, **traits: Any) -> None:
        situations = [[name, one.works] for name, one in SITUATIONS.items() if part == "presets"]
        presets = {"presets": list(PRESETS), "preset_changes": [*map(preset_changes, PRESETS)]}
        super().__init__(part=part, situations=situations, **presets, **traits)


class SettingGroup(ipywidgets.Box):
    """A group of settings, `controls`, below a heading that collapses them and lists what is not a default."""

    def __init__(self, title: str) -> None:
        is_open = title in _OPEN
        self.controls = tuple(Setting(name, kind=_KINDS.get(name)) for name in GROUPS[title])
        self.heading = PanelPart("more", title=title, unfolded=is_open)
        classes = ("explorer-group", *(["explorer-unfolded"] if is_open else []))
        super().__init__([self.heading, *self.controls], _dom_classes=classes)

    def show(self, config: TrainingConfig) -> None:
        """List the settings of a config that are not at their defaults."""
        for control in self.controls:
            if control.name == "l2":
                decays = OPTIMIZERS[config.optimizer].decays_weights
                control.description = "Weight decay" if decays else FIELDS["l2"].label
        names = {name for control in self.controls for name in control.names}
        changed = [name for name in _DEFAULTS.differences(config) if name in names]
        labels = {name: FIELDS[name].label for name in changed}
        labels |= {control.name: control.description for control in self.controls}  # of images, or of points
        self.heading.note = ", ".join(f"{labels[name]} {config.text(name)}" for name in changed)


class SettingsPanel(Events, ipywidgets.VBox):
    """The settings of a run: presets and situations, the main ones, the others collapsed, and a reset.

    It shows its owner's settings, `config`, and the next run's initial weights in words, `start`, and reports what
    the user changes; until the owner shows the change, only the changed control has it. ``panel["batch_size"]`` is
    the control of one setting; iterating yields all names. Two of the `controls` belong to ``"hidden_sizes"``.

    The trait `shown` has the names of the only settings to show, without folds, ``"presets"`` for the row of
    presets; None for all.

    Examples
    --------
    >>> panel = SettingsPanel()
    >>> panel.on_change(lambda changes: panel.show(panel.config.replace(**changes)))
    >>> panel["epochs"].value = 3
    >>> panel.config.epochs
    3
    """

    shown = traitlets.List(traitlets.Unicode(), default_value=None, allow_none=True)
    on_change = PartEvent[[Mapping[str, Any]]]("change")
    """Calls ``callback(changes)`` when a control or a preset changes settings: the new ones, by their names."""
    on_clean = PartEvent[[TrainingConfig]]("clean")
    """Calls ``callback(config)`` when the user wants these settings, and freshly initialized weights: by a preset,
    the reset or the ✕ where the next run would begin with other weights."""
    on_answer = PartEvent[[]]("answer")
    """Calls ``callback()`` when the user opens the answer to the question."""
    on_look = PartEvent[[Situation]]("look")
    """Calls ``callback(situation)`` when the user wants to see what the question is about."""

    def __init__(self, config: TrainingConfig | None = None, *, shown: Sequence[str] | None = None) -> None:
        self.config, self.start = _DEFAULTS, ""
        self._asked: Situation | None = None  # the one whose question is shown
        self._is_answered = False
        main = [*map(Setting, _MAIN)]
        self._groups = [*map(SettingGroup, GROUPS)]
        self.controls = (*main, *(control for group in self._groups for control in group.controls))
        self._main, self._changes = main, PanelPart("changes")
        self._presets, self._question, self._origin = map(PanelPart, ("presets", "question", "start"))
        self._more, self._reset = PanelPart("more"), PanelPart("reset")
        self._body = ipywidgets.Box(
            [*self._groups, self._reset], _dom_classes=("explorer-more-body",), layout=plain_layout()
        )
        names = None if shown is None else list(shown)
        super().__init__(self._arranged(shown), shown=names, _dom_classes=("explorer-controls",))
        for part in (self._presets, self._question, self._origin, self._changes, self._reset):
            part.on_msg(self._on_part)
        for control in self.controls:
            control.observe(self._on_value, "value")
            control.observe(self._on_error, "error")
        self.show(config or self.config)
        self._mark()

    def __getitem__(self, name: str) -> Setting:
        """Return the control of a setting; output and loss share one."""
        for control in self.controls:
            if name in control.names:
                return control
        raise KeyError(f"there is no setting {name!r}{did_you_mean(name, SETTINGS)}")

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of all settings that have a control."""
        return iter(SETTINGS)

    @property
    def holds_back(self) -> bool:
        """Whether a question is asked whose answer the user has not opened."""
        return self._asked is not None and not self.start and not self._is_answered

    def fit_to(self, n_images: int, n_classes: int, noun: str = "image", n_inputs: int = 784) -> None:
        """Use the ranges and the noun of another data set; augmentation is for images only."""
        for control in self.controls:
            control.fit_to(n_images, n_classes, noun, n_inputs)
        set_hidden(self._groups[-1], noun != "image")  # a point has no strokes to distort

    def refuse(self, error: ConfigError) -> None:
        """Show next to its control what the owner of the settings has refused; the last one stays in use."""
        control = self[error.field]
        control.value = control.value_in(self.config)
        control.error = f"Expected {error.expected}."

    def show(self, config: TrainingConfig, start: str = "") -> None:
        """Show the owner's settings; observers of one control find the others already updated.

        With a `start`, no preset is marked, because presets start with fresh weights.
        """
        changed = {*config.differences(self.config)}
        if not changed and start == self.start:
            return
        self.config, self.start = config, start
        followers = [control for control in self.controls if {*control.names} & changed]
        others = [control for control in followers if control.value != control.value_in(config)]
        here = {name for control in followers if control not in others for name in control.names}
        if changed:
            self._settle(is_elsewhere=not changed <= here | {"changes"})
        with ExitStack() as together:
            for control in reversed(others):  # they exit in reverse: the first control notifies first
                together.enter_context(control.hold_trait_notifications())
            for control in others:
                control.value = control.value_in(self.config)
            self._mark()

    def _settle(self, *, is_elsewhere: bool) -> None:
        """Clear all errors if the settings were not changed here; a question is asked about such settings only."""
        asked = (one for one in EXPERIMENTS.values() if is_elsewhere and one.config == self.config)
        self._asked, self._is_answered = next(asked, None), False
        for control in self.controls if is_elsewhere else ():
            control.error = ""

    def _mark(self) -> None:
        """Mark the preset in use, ask the situation's question, and describe settings and initial weights."""
        in_use = next((name for name, preset in PRESETS.items() if preset == self.config), "")
        self._presets.preset = self._reset.preset = "" if self.start else in_use
        self._origin.start = self.start
        words = ("name", "question", "look", "reason") if self._asked and not self.start else ()
        situation = {name: getattr(self._asked, name) for name in words}
        self._presets.situation = self._question.situation = situation
        for name, applies in _APPLIES.items():
            set_hidden(self[name], not applies(self.config))
        for group in self._groups:
            group.show(self.config)
        self._more.note = self._changed_in_folds()
        changes = zip(self.config.changes, self.config.changes_in_words, strict=True)
        steps = [f"{words} from step {grouped(change.step)}" for change, words in changes]
        self._changes.start = "Changed in mid-run: " + "; ".join(steps) if steps else ""

    def _changed_in_folds(self) -> str:
        """Return which of them Start or the exercise doesn't have: ``"2 changed: relu, dropout 0.3"``."""
        base = min((_DEFAULTS, START), key=lambda one: len(one.differences(self.config)))
        names = {name for group in GROUPS.values() for name in group} - {*_MAIN}
        texts = []
        for name in base.differences(self.config):
            if name in names:  # of an output and its loss, the output
                is_word = isinstance(getattr(self.config, name), str)
                label = "" if is_word else f"{self[name].description.lower()} "
                texts.append(f"{label}{self.config.text(name)}")
        return f"{len(texts)} changed: {', '.join(texts)}" if texts else ""

    def _on_value(self, change: Mapping[str, Any]) -> None:
        settings = change["owner"].settings.items()
        if changes := {name: value for name, value in settings if value != getattr(self.config, name)}:
            self._emit("change", changes)

    def _on_part(self, part: object, content: object, _buffers: object) -> None:
        leaves = content == {"leave": True}
        preset = _STARTS.get(str(content.get("preset"))) if isinstance(content, dict) else None
        if part is self._changes and leaves:
            self._emit("change", {"changes": ()})
        elif content == {"look": True} and self._asked is not None:
            self._emit("look", self._asked)
        elif content == {"answer": True} and self.holds_back:
            self._is_answered = True
            self._emit("answer")
        elif self.start and (preset is not None or (part is self._origin and leaves)):
            self._emit("clean", preset or self.config)
        elif preset is not None and preset != self.config:
            self._emit("change", {name: getattr(preset, name) for name in FIELDS})
        if preset is not None and preset == self.config:  # even if it was already in use
            self._settle(is_elsewhere=True)
            self._mark()

    def _on_error(self, _change: Mapping[str, Any] | None = None) -> None:
        """Show in the fold's heading how many of its settings have errors."""
        for group in self._groups:
            group.heading.problems = sum(bool(control.error) for control in group.controls)
        self._more.problems = sum(group.heading.problems for group in self._groups)
        self._reset.problems = sum(bool(control.error) for control in self.controls)

    @traitlets.validate("shown")
    def _known(self, proposal: Mapping[str, Any]) -> list[str] | None:
        names: list[str] | None = proposal["value"]
        known = ("presets", *FIELDS)
        if unknown := next((name for name in names or () if name not in known), ""):
            near = did_you_mean(unknown, known)
            raise traitlets.TraitError(f"shown holds {unknown!r}; expected 'presets' or a setting{near}")
        return names

    @traitlets.observe("shown")
    def _arrange(self, change: Mapping[str, Any]) -> None:
        self.children = self._arranged(change["new"])

    def _arranged(self, shown: Sequence[str] | None) -> list[ipywidgets.DOMWidget]:
        """Return the panel's children, with the collapsed ones in their box."""
        # The row of presets always exists: it names the panel for screen readers. So does the start.
        for part in (self._presets, self._question):
            set_hidden(part, shown is not None and "presets" not in shown)
        around = [self._presets, self._question, self._origin]
        if shown is None:
            return [*around, *self._main, self._changes, self._more, self._body]
        main = [control for control in self._main if control.name in shown]
        folded = (control for group in self._groups for control in group.controls)
        others = [control for control in folded if ({*shown} - {*_MAIN}) & {*control.names}]
        return [*around, *main, self._changes, *others]
