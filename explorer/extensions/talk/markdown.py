"""Markdown as elements: paragraphs, lists, emphasis and code. HTML, links and pictures in it are plain text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mistune import create_markdown

from explorer.widgets.rendered import Element, element

_TAGS = MappingProxyType(
    {"list_item": "li", "emphasis": "em", "strong": "em", "codespan": "code", "block_code": "pre"}
)


def markdown(text: str) -> list[Element]:
    """Return the paragraphs and lists of a text."""
    tokens: Any = create_markdown(renderer=None)(text)
    return [
        element("p", *parts) if isinstance(parts[0], str) else parts[0]
        for one in tokens
        if (parts := _parts(one))
    ]


def plain(text: str) -> str:
    """Return a text without the signs of Markdown."""
    return "\n".join(map(_words, markdown(text))).replace("\n\n", "\n").strip()


def _words(part: Element | str) -> str:
    if isinstance(part, str):
        return part
    words = "".join(map(_words, part[2:]))
    return f"\n– {words}" if part[0] == "li" else words


def _parts(token: Mapping[str, Any]) -> list[Element | str]:
    kind, children = token["type"], token.get("children")
    inside = [part for one in children for part in _parts(one)] if children else [token.get("raw", "")]
    if kind in ("softbreak", "linebreak"):
        return [" "]
    if kind == "list":
        return [element("ol" if token["attrs"]["ordered"] else "ul", *inside)]
    if kind in _TAGS or kind in ("paragraph", "heading", "block_quote"):
        return [element(_TAGS.get(kind, "p"), *inside)]
    return [part for part in inside if part]
