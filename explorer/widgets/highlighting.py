"""Python code in pieces, each of one color."""

from collections.abc import Iterator
from types import MappingProxyType

from pygments import token
from pygments.lexers import PythonLexer

_KINDS = MappingProxyType(
    {token.Keyword: "keyword", token.Operator.Word: "keyword"}
    | {token.Name.Function: "name", token.Name.Class: "name"}
    | {token.Number: "number", token.String: "string", token.Comment: "comment"}
)


def tokens(code: str) -> Iterator[tuple[str, str]]:
    """Yield Python code in pieces, each after its kind, as in `_KINDS`; empty for anything else."""
    for found, text in PythonLexer(stripnl=False, ensurenl=False).get_tokens(code):
        yield next((kind for known, kind in _KINDS.items() if found in known), ""), text
