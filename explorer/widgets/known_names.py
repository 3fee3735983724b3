"""Names that nobody knows are refused: traitlets takes any keyword and attribute, so a typo would do nothing."""

import inspect
from functools import cache
from typing import Any, Self

from explorer.wording import did_you_mean

__all__ = ["KnownNames"]


class KnownNames:
    """Stands before a widget's class among the bases, and refuses what the class doesn't know.

    Raises
    ------
    TypeError
        For a keyword that is neither a parameter nor, where ``__init__`` takes any, a trait. The message names the
        nearest one.
    AttributeError
        When a public attribute is set that the class doesn't declare.
    """

    def __new__(cls, *args: Any, **options: Any) -> Self:
        """Look at the keywords before anything is made."""
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
            raise AttributeError(
                f"{type(self).__name__} has no attribute {name!r}{did_you_mean(name, known)}"
            )
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
