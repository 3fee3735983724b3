"""A session as a file: saved and opened on the page and from Python, and nothing lost without a word."""

import re

import pytest
from app_steps import messages, open_all_tabs, retrain, run_of
from hostile_inputs import with_entries

from explorer import TrainingConfig
from explorer.app.files import unsaved_work
from explorer.datasets.dataset import ARRAYS
from explorer.exports.files import ExportError
from explorer.session import SessionFileError, read_session
from explorer.session.session_run import MOST_BYTES

CONFIG = TrainingConfig(hidden_sizes=8, epochs=2, batch_size=16, learning_rate=0.05)
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture
def saved(app, tmp_path):
    """The file of a session with a second run that has a name and a note, both markup."""
    retrain(app, batch_size=64)
    app.session.edit(1, name=EVIL, note=EVIL, pinned=True)
    app.save(tmp_path / "it.session")
    return tmp_path / "it.session"


@pytest.fixture
def other(new_app):
    """Another app after its first run."""
    return new_app(CONFIG.replace(seed=9))


def from_page(app, name, content, size=None):
    said = {"open": name, "size": len(content) if size is None else size, "at": 0}
    app.header._on_message(app.header, said, [content] if size is None else [])


def titles(app):
    return [run.title for run in app.session.state.runs]


def test_a_session_is_opened_as_it_was_and_every_panel_shows_it(saved, app, other):
    other.open_session(saved)
    assert titles(other) == [EVIL, "batch 64 (run 2)"] == titles(app)
    assert other.config == app.config
    assert (other.status, other.test_accuracy) == ("finished", app.test_accuracy)
    open_all_tabs(other)
    for section in ("weights", "histograms", "time", "check", "image"):
        other.panels["inside"].choice.value = section
    assert "fault" not in messages(other)
    assert [row["name"] for row in other.panels["runs"].table.rows] == [EVIL, ""]
    assert other.panels["runs"].table.rows[1]["label"] == "batch 64"
    assert other.header.query == f"{app.header.query}&bug=1"  # the lab, the last tab
    retrain(other, hidden_sizes=4)
    assert titles(other)[-1] == "4 units, batch 64 (run 3)"


def test_what_every_panel_showed_before_is_gone(saved, other):
    """Run 1 of the file is not the run 1 that was there, whatever was kept of that."""
    open_all_tabs(other)
    before = other.views.networks._newest.weights[0]
    other.panels.tab_bar.selected = "inside"
    other.open_session(saved)
    shown = other.views.networks._newest
    assert shown.run is run_of(other)
    assert not (shown.weights[0] == before).all()
    assert shown.run.key == (1, 2)


def test_the_page_saves_and_opens_the_same(saved, app, other, sent):
    app.header._on_message(app.header, {"save": True}, [])
    ((name, content),) = sent
    assert re.fullmatch(r"explorer-\d{4}-\d\d-\d\d-\d{4}\.session", name)
    from_page(other, name, content)
    said = messages(other)["session"]
    assert re.fullmatch(rf"{name} is open: 2 runs, saved \d{{4}}-\d\d-\d\d \d\d:\d\d\.", said["text"])
    assert titles(other) == titles(app)
    from_page(other, "renamed.npz", content)  # what it is decides, not what it is called
    assert "renamed.npz is open" in messages(other)["session"]["text"]


def test_a_file_that_is_no_session_is_one_sentence_and_nothing_is_lost(saved, other, tmp_path):
    before = other.session.state.runs
    content = saved.read_bytes()
    for name, junk, words in (
        ("junk.session", b"junk", "found “file is not a zip file”, expected a session"),
        ("cut.session", content[: len(content) // 2], "expected a session"),
        ("<b>.session", b"", "found"),
    ):
        from_page(other, name, junk)
        said = messages(other)["opened"]
        assert (said["kind"], said["action"]) == ("error", "")
        assert said["text"].startswith(f"The session can't be used. {name}: ")
        assert words in said["text"]
    from_page(other, "large.session", b"", size=other.header.most_bytes + 1)
    assert f"found more than {MOST_BYTES >> 20} MB" in messages(other)["opened"]["text"]
    assert other.session.state.runs == before
    (tmp_path / "junk.session").write_bytes(b"junk")
    with pytest.raises(SessionFileError, match=r"junk.session: found"):
        other.open_session(tmp_path / "junk.session")
    with pytest.raises(FileNotFoundError, match="there is no file"):
        other.open_session(tmp_path / "none.session")
    with pytest.raises(ExportError, match=r"\.session \(all runs\)"):
        other.save(tmp_path / "it.pdf")


def test_a_session_of_other_images_is_refused(saved, new_app, mnist):
    with_mnist = new_app(dataset=mnist, train=False)
    from_page(with_mnist, saved.name, with_entries(saved.read_bytes(), **dict.fromkeys(ARRAYS)))
    text = messages(with_mnist)["opened"]["text"]
    assert "found runs on patterns, expected runs on MNIST, which is open" in text


def test_before_words_of_the_user_are_closed_the_page_asks(saved, other):
    other.session.edit(1, note="mine")
    from_page(other, "it.session", saved.read_bytes())
    said = messages(other)["session"]
    words = "Opening it.session closes this session. Not saved: 1 run, 1 with your name, note or pin."
    assert said["text"] == words
    assert titles(other) == ["8 units, batch 16, lr 0.05, seed 9 (run 1)"]
    other.messages._on_message(other.messages, {"id": "session"}, [])
    assert titles(other)[0] == EVIL
    assert messages(other)["session"]["text"].startswith("it.session is open: 2 runs")
    other.messages._on_message(other.messages, {"id": "session"}, [])  # it has no button any more
    assert titles(other)[0] == EVIL


def test_the_users_words_are_asked_about_until_they_are_saved(app, tmp_path):
    retrain(app, batch_size=64)
    app.session.edit(1, note="good")
    assert app.header.unsaved == "Not saved: 2 runs, 1 with your name, note or pin."
    app.save(tmp_path / "a.session")
    assert app.header.unsaved == ""
    app.session.edit(2, pinned=True)
    assert app.header.unsaved == "Not saved: 1 run, 1 with your name, note or pin."


def test_a_minute_of_training_is_asked_about(app):
    run = run_of(app)
    object.__setattr__(run.history.last, "seconds", 40.0)
    assert unsaved_work([run]) == "Not saved: 1 run. That is 1 min of training."
    both = "Not saved: 1 run. That is 1 min of training. What 2 demonstrations found is not saved."
    assert unsaved_work([run], 2) == both
    object.__setattr__(run.history.last, "seconds", 29.0)
    assert unsaved_work([run]) == ""


def ask(app):
    app.header._handle_custom_msg({"keep": True}, [])


def test_what_the_address_does_not_hold_is_kept_once(app, sent, small_dataset):
    ask(app)
    assert sent == []  # one run, of which the address says all
    app.session.edit(1, note="mine")
    ask(app)
    assert [words.partition(" as")[0] for words, _ in sent] == ["1 run"]
    sent.clear()
    retrain(app, seed=1)
    ask(app)
    ask(app)
    ((words, copy),) = sent
    assert re.fullmatch(r"2 runs as of \d\d:\d\d", words)
    assert [run.config.seed for run in read_session(copy, "it", small_dataset).runs] == [0, 1]
    app.session.edit(1, note="and mine")
    ask(app)
    assert len(sent) == 2


def test_a_copy_is_no_larger_than_a_browser_keeps(app, sent, monkeypatch):
    retrain(app, hidden_sizes=400)  # 1.3 MB for each of its networks
    ask(app)
    assert 0 < len(sent[0][1]) < 1 << 20
    app.session.edit(1, note="mine")
    monkeypatch.setattr(app.session, "small_copy", lambda _: bytes(2 << 20))
    ask(app)
    assert sent[1][1] == b""  # the words alone
