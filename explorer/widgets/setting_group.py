"""What stands round the settings in their panel, and the folds of those that are not always in sight."""

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
"""The settings under each heading."""
_OPEN = ("Network", "Optimizer and schedule")  # at first
_KINDS = MappingProxyType({"hidden_sizes": "layers", "output": "pair"})
_APPLIES: Mapping[str, Callable[[TrainingConfig], object]] = MappingProxyType(
    {
        "reduction": lambda config: not OPTIMIZERS[config.optimizer].is_scale_free,
        "patience": lambda config: config.n_validation or config.patience,
    }
)  # those that mean nothing by themselves


class PanelPart(PagePart):
    """What stands round the settings: presets, a question, what the next run begins with, folds, a reset."""

    _esm = script("settings_panel")

    part = traitlets.Unicode().tag(sync=True)
    """Which of these: ``"presets"``, ``"question"``, ``"start"``, ``"changes"``, ``"more"`` or ``"reset"``."""
    presets: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    preset_changes: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What each preset changes in Modern; empty for those in sight."""
    preset = traitlets.Unicode().tag(sync=True)
    """Name of the preset that is in use, or ""."""
    situations: traitlets.List[list[Any]] = traitlets.List().tag(sync=True)
    """Name of each, and whether it works: the presets' menu."""
    situation = traitlets.Dict().tag(sync=True)
    """Name, question, what to look at, and reason of the situation that was chosen; empty without one."""
    start = traitlets.Unicode().tag(sync=True)
    """The weights that the next run begins with, where they are not freshly initialised. Of ``"changes"``: its
    changes in mid-run."""
    problems = traitlets.Int(0).tag(sync=True)
    """How many settings have an error: of those that are folded, or for the reset of all."""
    title = traitlets.Unicode("More settings").tag(sync=True)
    """What a fold holds: those of a group have their own, all together are "More settings"."""
    note = traitlets.Unicode().tag(sync=True)
    """The settings in it that are not the defaults."""
    unfolded = traitlets.Bool(False).tag(sync=True)
    """Whether it is open at first."""

    def __init__(self, part: str, **traits: Any) -> None:
        situations = [[name, one.works] for name, one in SITUATIONS.items() if part == "presets"]
        changes = [preset_changes(name) for name in PRESETS]
        super().__init__(
            part=part, presets=list(PRESETS), preset_changes=changes, situations=situations, **traits
        )


class SettingGroup(ipywidgets.Box):
    """Settings that belong together, under a heading that folds them and says which are not the defaults.

    Parameters
    ----------
    title : str
        One of `GROUPS`.
    **data
        As `Setting` takes it.

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
        """Show what applies to a config, and say which settings are not the defaults."""
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
        """Return how many of the settings have an error, and say so."""
        self._heading.problems = sum(bool(control.error) for control in self.controls)
        return self._heading.problems
