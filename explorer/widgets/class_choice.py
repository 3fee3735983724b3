"""The classes as buttons of which one may be down, and what else can be done with the thing that is classified."""

from dataclasses import dataclass
from typing import ClassVar

from explorer.widgets.rendered import Element, button_element, element

__all__ = ["ClassChoice"]


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """A question with a button for each class, for a `Display`; they press the class, or a name in `others`."""

    kind: ClassVar[str] = "explorer-class-choice"
    pictures: ClassVar[tuple[bytes, ...]] = ()

    question: str = ""
    """What is asked: ``"What did you draw?"``."""
    names: tuple[str, ...] = ()
    """The classes; none leave the question out."""
    answers: tuple[str, ...] = ()
    """What each button says in full, for screen readers: ``"This is a 7"``."""
    chosen: int | None = None
    """The class whose button is down."""
    others: tuple[tuple[str, str], ...] = ()
    """Further buttons: name and words of each."""

    def elements(self) -> list[Element]:
        """Return the buttons as they are drawn."""
        pairs = zip(self.names, self.answers, strict=True)
        buttons = [self._button(k, name, answer) for k, (name, answer) in enumerate(pairs)]
        more = [button_element(press, words, class_="explorer-button") for press, words in self.others]
        asked = element("span", self.question, class_="explorer-muted", aria_hidden="true")
        group = element("div", *buttons, role="group", aria_label=self.question)
        return [element("div", asked, group, hidden=not self.names), *more]

    def _button(self, k: int, name: str, answer: str) -> Element:
        pressed = "true" if k == self.chosen else "false"
        return button_element(
            str(k), name, class_="explorer-button", aria_label=answer, aria_pressed=pressed, title=answer
        )
