"""Help for the whole page: what is on it, and its keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.assets import script
from explorer.widgets.page_part import PagePart


class HelpDialog(PagePart):
    """Help for the whole page, opened by a button or by ``?``."""

    _esm = script("help_dialog")

    about: traitlets.List[str] = traitlets.List().tag(sync=True)
    """What is on the page, a paragraph each."""
    shortcuts: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
    """The keys and their effects: ``{"Space": "Train, pause or resume"}``."""

    def __init__(self, about: Sequence[str], shortcuts: Mapping[str, str], **traits: Any) -> None:
        super().__init__(about=[*about], shortcuts=[list(row) for row in shortcuts.items()], **traits)
