"""The parts of a study, without a page: its button and progress, and the buttons for its file."""

from __future__ import annotations

from explorer.widgets.study_parts import StudyFiles


def test_saving_is_heard_only_where_there_is_something_to_save(from_page):
    files, heard = StudyFiles(), []
    files.on_save(lambda: heard.append("save"))
    from_page.send(files, {"save": True})
    assert heard == []
    files.can_save = True
    for content in ({"save": True}, {"save": 1}, {}):
        from_page.send(files, content)
    assert heard == ["save"]


def test_a_file_is_put_together_and_one_too_large_is_told_without_content():
    files, heard = StudyFiles(most_bytes=10), []
    files.on_open(lambda *file: heard.append(file))
    for at, piece in ((0, b"abc"), (3, b"de")):
        files._on_message(files, {"open": "a.jsonl", "size": 5, "at": at}, [piece])
    files._on_message(files, {"open": "b.jsonl", "size": 11, "at": 0}, [])
    files.can_open = False
    files._on_message(files, {"open": "c.jsonl", "size": 1, "at": 0}, [b"x"])
    assert heard == [("a.jsonl", b"abcde"), ("b.jsonl", None)]
