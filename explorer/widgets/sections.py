"""A choice of the section of a panel that is shown, and the rules by which sections stand in their panel."""

from explorer.widgets.look import stylesheet
from explorer.widgets.segmented import Segmented

__all__ = ["Sections"]


class Sections(Segmented):
    """A row of options like `Segmented`, of which the style sheet also lays out what is chosen between.

    A panel with the class ``explorer-sectioned`` holds this and its sections. A section has the class
    ``explorer-section``; with ``explorer-pair`` too, its two children stand side by side where there is room. A
    box with the class ``explorer-section-figure`` holds a figure and a line under it.
    """

    _css = stylesheet("segmented", "sections")
