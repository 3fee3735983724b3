"""The other parts of the settings panel, and the collapsible groups of settings."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import ipywidgets
import traitlets

from explorer.network import OPTIMIZERS
from explorer.training.config import FIELDS, TrainingConfig
from explorer.training.presets import PRESETS, SITUATIONS, preset_changes
from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart
from explorer.widgets.setting import Setting

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Network": ("hidden_sizes", "hidden_activation", "output", "initializer", "seed"),
        "Optimizer and schedule": ("optimizer", "schedule", "warmup", "reduction"),
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
    """The initial weights of the next run, unless freshly initialized. For ``"changes"``: the run's mid-run
    changes."""
    problems = traitlets.Int(0).tag(sync=True)
    """Number of settings with an error: of the collapsed ones, or of all for the reset."""
    title = traitlets.Unicode("More settings").tag(sync=True)
    """Title of the fold: each group has its own, all together are "More settings"."""
    note = traitlets.Unicode().tag(sync=True)
    """Its settings that differ from the defaults."""
    unfolded = traitlets.Bool(False).tag(sync=True)
    """Whether it is expanded at first."""

    def __init__(self, part: str, **traits: Any) -> None:
        situations = [[name, one.works] for name, one in SITUATIONS.items() if part == "presets"]
        changes = [preset_changes(name) for name in PRESETS]
        super().__init__(
            part=part, presets=list(PRESETS), preset_changes=changes, situations=situations, **traits
        )


class SettingGroup(ipywidgets.Box):
    """A group of settings, below a heading that collapses them and lists those that are not at their defaults.

    Parameters
    ----------
    title : str
        One of `GROUPS`.
    **data
        Options of `Setting`.

    Attributes
    ----------
    controls : tuple of Setting
        The widgets of its settings.
    """

    def __init__(self, title: str, **data: Any) -> None:
        is_open = title in _OPEN
        self.controls = tuple(Setting(name, kind=_KINDS.get(name), **data) for name in GROUPS[title])
        self._heading = PanelPart("more", title=title, unfolded=is_open)
        classes = ("explorer-group", *(["explorer-unfolded"] if is_open else []))
        super().__init__([self._heading, *self.controls], _dom_classes=classes)

    def show(self, config: TrainingConfig) -> None:
        """Show the settings that apply to a config, and list those that are not at their defaults."""
        for control in self.controls:
            applies = _APPLIES.get(control.name, bool)(config)
            control.layout.display = None if applies else "none"
            if control.name == "l2":
                decays = config.optimizer == "adamw"
                control.description = "Weight decay" if decays else FIELDS["l2"].label
        names = {name for control in self.controls for name in control.names}
        changed = [name for name in TrainingConfig().differences(config) if name in names]
        self._heading.note = ", ".join(f"{FIELDS[name].label} {config.text(name)}" for name in changed)

    def count_problems(self) -> int:
        """Return the number of settings with an error, and show it."""
        self._heading.problems = sum(bool(control.error) for control in self.controls)
        return self._heading.problems
