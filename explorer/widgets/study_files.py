"""Buttons that save a study to a file of the reader, and open one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets

from explorer.widgets.look import script
from explorer.widgets.page_part import PagePart
from explorer.widgets.upload import Upload

__all__ = ["StudyFiles"]


class StudyFiles(PagePart):
    """Two buttons: what they do is up to those who listen.

    Attributes
    ----------
    can_save : bool
        Whether there is a study to save.
    can_open : bool
        Whether a file may take its place.
    """

    _esm = script("study_files")

    can_save = traitlets.Bool(False).tag(sync=True)
    can_open = traitlets.Bool(True).tag(sync=True)
    most_bytes = traitlets.Int(1 << 28).tag(sync=True)
    """Largest file that is opened."""

    def __init__(self, **traits: Any) -> None:
        self._upload = Upload()
        super().__init__(**traits)

    def on_save(self, callback: Callable[[], object]) -> None:
        """Call ``callback()`` when the study is to be saved."""
        self._on("save", callback)

    def on_open(self, callback: Callable[[str, bytes | None], object]) -> None:
        """Call ``callback(name, content)`` when a file is opened; the content of one too large is None."""
        self._on("open", callback)

    def download(self, filename: str, content: bytes) -> None:
        """Make the browser save `content` under `filename`."""
        self.send({"download": filename, "type": "application/jsonl"}, buffers=[content])

    def _hear(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        if content.get("save") is True and self.can_save:
            self._tell("save")
        file = self._upload.take(content, buffers, self.most_bytes)
        if file is not None and self.can_open:  # it is whole
            self._tell("open", *file)
