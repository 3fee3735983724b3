"""What demonstrations have found, for the report on a run."""

from collections.abc import Sequence
from contextlib import suppress

from explorer.experiments import offered_demonstrations
from explorer.session import SessionState


def described(state: SessionState) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the title and the sentences of each finding of a session; unknown ones are left out."""
    if not state.findings:
        return ()
    known, found = offered_demonstrations(), []
    for key, finding in state.findings.items():
        with suppress(KeyError, ValueError):
            found.append((known[key].texts.title, known[key].sentences(finding.numbers, finding.guess)))
    return found
