"""Saves runs or a whole session to a file and opens them: Export, Save and Open on the page, and in Python."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from explorer.app.controls import DataChoice, described
from explorer.discovery import ExtensionError, offers
from explorer.exports.files import ExportedFile, ExportError, export, exported, kind_of, kinds
from explorer.network.weights_file import WeightsError
from explorer.safe_write import whole_file
from explorer.session import Session, SessionFileError, SessionRun, SessionState
from explorer.session.saved_session import SUFFIX, read_session
from explorer.session.session_run import MOST_BYTES
from explorer.training.query import write_query
from explorer.widgets.header import Header, Message, Messages
from explorer.wording import counted, duration

_SECONDS = 60  # training time that justifies a confirmation
_MOST_BYTES = 3 << 19
"""Largest copy that is kept: browser storage holds 5 million characters, and base64 takes four for three bytes."""
_WEIGHT_BYTES = 1 << 20


def _sections(state: SessionState) -> Iterator[tuple[str, Sequence[tuple[str, Sequence[str]]]]]:
    """Yield what extensions add to a report, or the reason why there is nothing."""
    for offer in offers("sections"):
        try:
            parts = offer.call(offer.what.write, state)
            with offer.explaining_errors():
                parts = [(str(title), [*map(str, sentences)]) for title, sentences in parts]
        except ExtensionError as error:
            parts = [("", [str(error)])]
        if parts:
            yield offer.what.heading, parts


class FileVerbs:
    """The methods by which Python code saves and opens files of an app."""

    session: Session
    data: DataChoice

    def export(self, kind: str) -> ExportedFile:
        """Return the run as an unwritten file: "report", "script", "csv", "weights", or an extension's kind.

        Weights and report are of the selected epoch; script and table cover the whole run. Raises `ExportError` if
        there is no such kind, or nothing to export yet; `WeightsError` if a weight is infinite or not a number.
        """
        state = self.session.state
        run = exported(state.run, state.moment, state.dataset)
        return export(kind, replace(run, sections=tuple(_sections(state)) if kind == "report" else ()))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the run or the whole session to a file, by its suffix.

        That is .html for a report of the run, .py for a script, .csv for the records, .npz for the weights, or
        .session for all runs with their names and notes, and the settings. Raises `ExportError` if it is none of
        these, or there is nothing to export yet; `WeightsError` if a weight is infinite or not a number; `OSError`
        if the file can't be written, or exists and `overwrite` is False.
        """
        kind = "" if Path(path).suffix.lower() == SUFFIX else kind_of(path)
        with whole_file(path, overwrite=overwrite) as stream:
            stream.write(self.export(kind).content if kind else self.session.save_session())

    def open_session(self, path: str | os.PathLike[str]) -> None:
        """Open a session that `save` or the page's Save wrote; it replaces this one, whose runs are closed.

        Raises `SessionFileError` if it is anything else, or uses other images: this session then stays open;
        `OSError` if it can't be read.
        """
        file = Path(path).expanduser()
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {file}")
        if file.stat().st_size > MOST_BYTES:
            raise _too_large(file.name)
        saved = read_session(file.read_bytes(), file.name, self.session.dataset)
        self.session.loop.call(self.session.open_session, saved)


class FileMenu:
    """The page's header, whose file menu exports runs, saves the session, keeps a copy of it, and opens files."""

    def __init__(self, app: FileVerbs, messages: Messages) -> None:
        self._app, self._messages = app, messages
        self.header = Header(
            dataset=described(app.session.dataset),
            query=write_query(app.session.config),
            exports={name: offer.what.label for name, offer in kinds().items()},
            suffix=SUFFIX,
            most_bytes=MOST_BYTES,
        )
        self.header.on_export(app.session.loop.bind(self._on_export))
        self.header.on_open(app.session.loop.bind(self._on_open))
        self.header.on_save(app.session.loop.bind(self._on_save))
        self.header.on_keep(app.session.loop.bind(self._on_keep))
        messages.on_action(app.session.loop.bind(self._on_action))
        self._offered: tuple[str, SessionState] | None = None  # awaits the user's confirmation
        self._kept: object = None
        app.session.subscribe(self.follow)

    def follow(self, state: SessionState) -> None:
        """Update the warning about unsaved runs."""
        found = sum(state.saved_findings.get(key) != finding for key, finding in state.findings.items())
        self.header.unsaved = unsaved_work(state.unsaved, found)

    def _on_export(self, kind: str) -> None:
        try:
            file = self._app.export(kind)
        except (ExportError, WeightsError) as error:
            self._messages.show(Message("export", "warning", str(error), ""))
            return
        self._messages.dismiss("export")
        self.header.download(file.name, file.content, file.media_type)

    def _on_save(self) -> None:
        content = self._app.session.save_session()
        self.header.download(f"explorer-{datetime.now():%Y-%m-%d-%H%M}{SUFFIX}", content)

    def _on_keep(self) -> None:
        """Give the page a small copy for when it loses its kernel, unless the address holds everything."""
        state = self._app.session.state
        revisions = [run.revision for run in state.runs]
        if (revisions, state.findings) == self._kept or (len(revisions) < 2 and not self.header.unsaved):
            return
        self._kept = revisions, state.findings
        content = self._app.session.small_copy(_WEIGHT_BYTES)
        words = f"{counted(len(revisions), 'run')} as of {datetime.now():%H:%M}"
        self.header.keep(words, content if len(content) <= _MOST_BYTES else b"")

    def _on_open(self, name: str, content: bytes | None) -> None:
        if "/" in name:
            self._app.data.open(name.removeprefix("images/"), content)
            return
        try:
            if content is None:
                raise _too_large(name)
            self._offer(name, read_session(content, name, self._app.session.dataset))
        except SessionFileError as error:
            text = f"The session can't be used. {error}"
            why = "Nothing was changed: the run is as it was."
            self._messages.show(Message("opened", "error", text, why))

    def _offer(self, name: str, saved: SessionState) -> None:
        self._offered = name, saved
        if not self.header.unsaved:
            self._on_action("session")
            return
        text = f"Opening {name} closes this session. {self.header.unsaved}"
        why = "To keep it, press Save in the top line first."
        self._messages.show(Message("session", "warning", text, why, "Open it all the same"))

    def _on_action(self, message: str) -> None:
        if message != "session" or self._offered is None:
            return
        (name, saved), self._offered = self._offered, None
        self._app.session.open_session(saved)
        text = f"{name} is open: {counted(len(saved.runs), 'run')}, saved {saved.saved_at}."
        why = "Curves, networks, names and notes are as they were. Train starts a run with the settings."
        self._messages.show(Message("session", "info", text, why))


def unsaved_work(unsaved: Sequence[SessionRun], n_findings: int = 0) -> str:
    """Return what is lost of unsaved runs and findings; empty if the page's address restores it in a minute."""
    marked = sum(run.is_marked for run in unsaved)
    seconds = sum(ended[-1].seconds * len(ended) for run in unsaved if (ended := run.history.epochs))
    lost = []
    if marked or seconds >= _SECONDS:
        mine = f", {marked} with your name, note or pin" if marked else ""
        lost.append(f"Not saved: {counted(len(unsaved), 'run')}{mine}.")
    if seconds >= _SECONDS:
        lost.append(f"That is {duration(seconds)} of training.")
    if n_findings:
        lost.append(f"What {counted(n_findings, 'demonstration')} found is not saved.")
    return " ".join(lost)


def _too_large(name: str) -> SessionFileError:
    return SessionFileError(name, f"more than {MOST_BYTES >> 20} MB", "a session")
