"""A run as a file, and a file as a run: what Export and Open do, on the page and from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from explorer.app.data_choice import described
from explorer.app.exporting import exported
from explorer.exports.files import KINDS, ExportedFile, ExportError, export, kind_of
from explorer.network.weights_file import WeightsError
from explorer.safe_write import whole_file
from explorer.session import Session
from explorer.session.opening import MOST_BYTES
from explorer.widgets.header import Header
from explorer.widgets.messages import Message, Messages
from explorer.wording import class_noun

__all__ = ["FileMenu", "FileVerbs", "new_header"]


class FileVerbs:
    """What an app does with files from Python."""

    session: Session

    def export(self, kind: str) -> ExportedFile:
        """Return the run as a file that is not written yet.

        Weights and report are those of the selected epoch; script and table are of the whole run.

        Parameters
        ----------
        kind : {"report", "script", "csv", "weights"}
            One HTML file that opens without a network; a Python script that trains the run again and prints the
            same figures; the records, one row an epoch; or the weights, as `open_weights` and
            `NeuralNetwork.load` read them.

        Raises
        ------
        ExportError
            If there is no such kind, or nothing to export yet.
        WeightsError
            If a weight is infinite or not a number.
        """
        state = self.session.state
        return export(kind, exported(state.run, state.moment, state.dataset))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the run to a file; what is written follows from the ending: .html, .py, .csv or .npz.

        Raises
        ------
        ExportError
            If the ending is none of these, or there is nothing to export yet.
        WeightsError
            If weights are to be written, and one is infinite or not a number.
        OSError
            If the file is there already and `overwrite` is False, or it can't be written.
        """
        content = self.export(kind_of(path)).content
        with whole_file(path, overwrite=overwrite) as stream:
            stream.write(content)

    def open_weights(self, path: str | os.PathLike[str]) -> None:
        """Begin a run with the weights of a file, called after it: to look into, or to train on from.

        Parameters
        ----------
        path : str or path-like
            A file that `save`, `NeuralNetwork.save` or the page's export has written.

        Raises
        ------
        WeightsError
            If it is anything else, or the network is not one for these images.
        OSError
            If it can't be read.
        """
        file = Path(path).expanduser()
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}")
        if file.stat().st_size > MOST_BYTES:
            raise _too_large(file.name)
        self.session.loop.call(self.session.open_weights, file.name, file.read_bytes())


class FileMenu:
    """Exports runs of an app, and opens weights in it, as the page asks.

    Parameters
    ----------
    app : FileVerbs
        Whose runs they are.
    header : Header
        Has the menu, and saves and opens files in the browser.
    messages : Messages
        Where it is said why a file can't be made or used.
    """

    def __init__(self, app: FileVerbs, header: Header, messages: Messages) -> None:
        self._app, self._header, self._messages = app, header, messages
        header.on_export(app.session.loop.bind(self._on_export))
        header.on_open(app.session.loop.bind(self._on_open))

    def _on_export(self, kind: str) -> None:
        """Let the browser save the run; why it can't be is said."""
        try:
            file = self._app.export(kind)
        except (ExportError, WeightsError) as error:
            self._messages.show(Message("export", "warning", str(error), ""))
            return
        self._messages.dismiss("export")
        self._header.download(file.name, file.content, file.media_type)

    def _on_open(self, name: str, content: bytes | None) -> None:
        """Open a file of the user; what is wrong with it is said, and the run goes on."""
        try:
            if content is None:
                raise _too_large(name)
            self._app.session.open_weights(name, content)
        except WeightsError as error:
            text = f"The weights can't be used. {error}"
            self._messages.show(
                Message("opened", "error", text, "Nothing was changed: the run is as it was.")
            )


def _too_large(name: str) -> WeightsError:
    return WeightsError(name, f"more than {MOST_BYTES >> 20} MB", "a file of weights")


def new_header(session: Session) -> Header:
    """Return the page's top line, with its menu of files."""
    return Header(
        about=_about(session.dataset.class_names),
        dataset=described(session.dataset),
        query=session.config.to_query(),
        exports={name: kind.words for name, kind in KINDS.items()},
        opens="Open weights …",
        suffix=KINDS["weights"].suffix,
        most_bytes=MOST_BYTES,
    )


def _about(class_names: Sequence[str]) -> str:
    """Return in a sentence what the page is."""
    learns = "read handwritten digits" if class_noun(class_names) == "digit" else "tell images apart"
    return f"A neural network in NumPy learns to {learns}. Change a setting, and watch it learn again."
