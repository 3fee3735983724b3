"""The words: plain English in names and texts, and the one list of what not to write."""

import io
import json
import re
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]

# What reads as if it had been translated, and what to write in its place.
INSTEAD = {
    r"anew": "again, freshly initialized",
    r"behind": "after, in, under",
    r"beside": "next to, besides, in addition",
    r"mend(s|ed|ing)?": "fix",
    r"spoil(t|ed)": "ruined",
    r"rightly": "correctly",
    r"wrongly": "misclassified",
    r"persons?": "the user, people",
    r"grave(r|st)?": "severe, more severe, most severe first",
    r"held(?!\Wout\b)": "paused, compared with, kept",
    r"by hand": "hand-written, worked out, by the user",
    r"(allowed|wanted|expected) (is|are)": "expected",
    r"(is|are) no options? of": "has no option",
    r"that (is|are) looked( back)? at": "the selected epoch, shown",
    r"comes? to the same": "reproduces",
    r"not as said": "invalid",
    r"taken by the controls": "that you control",
}
# Where such a word says just what is meant: a piece of the sentence that it stands in.
RIGHT = {
    "explorer/app/readouts.py": ("so the figure lags behind",),
    "explorer/extensions/publish/site.py": ("the figure lags behind",),
}

FILES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "pyproject.toml")),
    *sorted((ROOT / "notebooks").glob("*.ipynb")),
    *sorted((ROOT / "notebooks" / "guide").glob("*.md")),
    *sorted((ROOT / ".github").glob("*.md")),
    *(
        path
        for folder in ("explorer", "tests")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".js", ".ts", ".css", ".html", ".j2", ".toml", ".ipynb"}
        and path != Path(__file__)  # the list itself
        and "node_modules" not in path.parts
    ),
]
BREAK = r"""[\s"'#*/\\]+"""  # a phrase may go on in the next line, comment or string
PATTERN = re.compile(
    rf"(?<![\w-])(?:{'|'.join(INSTEAD).replace(' ', BREAK)})\b",  # a hyphen before: the name of a CSS class
    re.IGNORECASE,
)
CANDIDATE = re.compile("|".join(INSTEAD).replace(" ", BREAK), re.IGNORECASE)
"""Finds at least what `PATTERN` finds in a file's text: a file without it need not be cut into tokens."""
PROSE = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def python_text(source):
    """Comments, strings, and each part of a name by itself; other code is struck out."""
    if not CANDIDATE.search(source.replace("_", "\0")):
        return ""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    found = ((token.type, token.string) for token in tokens if token.type in PROSE | {tokenize.NAME})
    return "\n".join(
        f"\0{text.replace('_', chr(0))}\0" if kind == tokenize.NAME else text for kind, text in found
    )


def notebook_text(source):
    """What stands in the cells: their code is read like prose, which finds words in its comments too."""
    return "\n".join("".join(cell["source"]) for cell in json.loads(source)["cells"])


CSS_COMMENTS = re.compile(r"/\*.*?\*/", re.DOTALL)  # names of classes are no words
TEXT = {
    ".py": python_text,
    ".css": lambda source: "\0".join(CSS_COMMENTS.findall(source)),
    ".ipynb": notebook_text,
}


def found_in(source, suffix, right=()):
    """Each word of the list in the file's text, with the words around it, unless one of `right` covers it."""
    text = TEXT.get(suffix, str)(source)
    covered = [range(*match.span()) for piece in right for match in re.finditer(re.escape(piece), text)]
    for match in PATTERN.finditer(text):
        if not any(match.start() in span for span in covered):
            around = text[max(match.start() - 40, 0) : match.end() + 40]
            yield f"{match[0]!r} in {' '.join(around.replace(chr(0), ' ').split())!r}"


def test_the_words_are_plain_english():
    found = []
    for path in FILES:
        name, source = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        right = RIGHT.get(name, ())
        assert [piece for piece in right if piece not in source] == []
        found += [f"{name}, {text}" for text in found_in(source, path.suffix, right)]
    assert not found, "\n".join(found)
