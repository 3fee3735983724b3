"""The page's parts: their base class, which rejects unknown names, shares assets and receives messages.

Those with nothing to show are here: they report whether they are visible, and whether the kernel still answers.
"""

import inspect
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property, wraps
from pathlib import Path
from typing import Any, ClassVar, Generic, ParamSpec, Self

import anywidget
import ipywidgets
from ipywidgets import widget_serialization
from traitlets import Bool, Enum, Instance, TraitError, default

from explorer.widgets.assets import Assets, look_of, plain_layout, script
from explorer.wording import did_you_mean

_Args = ParamSpec("_Args")

_log = logging.getLogger(__name__)


class KnownNames:
    """Mixin that precedes a widget's base class, and rejects names that the class doesn't know.

    A keyword that is neither a parameter nor, if ``__init__`` takes arbitrary ones, a trait raises `TypeError`;
    setting a public attribute that the class doesn't declare, `AttributeError`. Both suggest the closest name.
    """

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Check the keywords before anything is created."""
        made_as: Any = cls
        known = _keywords(made_as)
        for name in options:
            if name not in known:
                raise TypeError(f"{cls.__name__} has no option {name!r}{did_you_mean(name, known)}")
        make: Any = super().__new__
        made: Self = make(cls, *args, **options)
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        cls: Any = type(self)
        if not name.startswith("_") and not hasattr(cls, name) and name not in _declared(cls):
            known = [one for one in {*dir(self), *_declared(cls)} if not one.startswith("_")]
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}{did_you_mean(name, known)}")
        super().__setattr__(name, value)


@cache
def _declared(cls: Any) -> frozenset[str]:
    return frozenset(name for one in cls.__mro__ for name in inspect.get_annotations(one))


@cache
def _keywords(cls: Any) -> frozenset[str]:
    _, *parameters = inspect.signature(cls.__init__).parameters.values()
    named = {parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD}
    traits = cls.class_trait_names() if len(named) < len(parameters) else ()
    return frozenset(named | {name for name in traits if not name.startswith("_")})


class PartEvent(Generic[_Args]):
    """Descriptor for an event of `Events`: ``part.on_page(callback)`` subscribes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, part: Any, _owner: object) -> Callable[[Callable[_Args, object]], None]:
        """Return a function that subscribes a callback to the event."""
        return lambda callback: part._callbacks.setdefault(self._name, []).append(callback)


class Events:
    """Mixin of widgets with events."""

    @cached_property
    def _callbacks(self) -> dict[str, list[Callable[..., object]]]:
        return {}

    def _emit(self, event: str, *arguments: Any) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(*arguments)


def set_hidden(widget: ipywidgets.DOMWidget, is_hidden: bool) -> None:
    """Hide a widget, or show it again."""
    (widget.add_class if is_hidden else widget.remove_class)("explorer-hidden")


class PagePart(Events, KnownNames, anywidget.AnyWidget):
    """A part of the page, in a box or alone in a cell: ``_esm = script("…")`` names its script."""

    _folder: ClassVar[Path] = Path(__file__).parent
    """The folder of its script and its style sheets."""
    _look = Instance(Assets).tag(sync=True, **widget_serialization)
    """Makes every page with the part load the style sheets and scripts too."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._on_message)

    @default("layout")
    def _plain(self) -> ipywidgets.Layout:
        return plain_layout()

    @default("_look")
    def _shared_look(self) -> Assets:
        return look_of(self._folder)

    def update(self, **values: Any) -> None:
        """Set several traits, in one message to the page."""
        with self.hold_sync():
            for name, value in values.items():
                self.set_trait(name, value)

    def _on_message(self, _widget: object, content: object, buffers: Sequence[Any]) -> None:
        if not isinstance(content, dict):
            return
        state = content.get("state")  # what was set before a press, whose message may overtake it
        for name in self.traits(page=True).keys() & (state if isinstance(state, dict) else {}):
            with suppress(TraitError, TypeError, ValueError):
                setattr(self, name, content["state"][name])
        self._on_page_message(content, buffers)

    def _on_page_message(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Handle a message of the page, which may contain anything."""


class Visibility(PagePart):
    """A widget without a size that tracks the visibility of its position on the page."""

    _esm = script("visibility")

    in_sight = Bool(True)
    """Whether one of its views is on screen; True until a page reports."""
    theme = Enum(("light", "dark"), default_value="light").tag(sync=True, page=True)
    """The page's theme; set by the page."""

    def __init__(self, **traits: Any) -> None:
        self._seen: dict[str, bool] = {}  # by view
        super().__init__(**traits)

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if isinstance(view := content.get("view"), str):
            self._seen[view] = content.get("seen") is True
        self.in_sight = any(self._seen.values())


class Heartbeat(PagePart):
    """Answers the page's pings, as a server doesn't notice every failure of a kernel. It has no view.

    Without an answer, the page shows a banner, reconnects as soon as it can, and offers to reopen the experiment.
    """

    _esm = script("heartbeat")

    def _on_page_message(self, content: Mapping[str, Any], _buffers: object) -> None:
        if "ping" in content:
            self.send({"pong": content["ping"]})


class KernelNotice(PagePart):
    """Shows at the top of its box what to do once its kernel has died, or was restarted or replaced.

    It sends no pings to the kernel, which may be busy for long: the notebook knows its status.
    """

    _esm = script("kernel_notice")
    busy = Bool(False).tag(sync=True)
    """Whether the figures in its box are those of a previous run, and the next ones are on their way."""


def guard_widgets() -> None:
    """In this process, which serves a page, let messages set only traits tagged ``page=True``, to valid values."""
    widget_class: Any = ipywidgets.Widget
    set_state = widget_class.set_state

    @wraps(set_state)
    def set_page_state(widget: ipywidgets.Widget, state: Mapping[str, Any]) -> None:
        own = widget.traits(page=True)
        try:
            set_state(widget, {name: value for name, value in state.items() if name in own})
        except (TraitError, TypeError, ValueError) as error:
            _log.debug("What a page sent was dropped: %r", error)

    widget_class.set_state = set_page_state
