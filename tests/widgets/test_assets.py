"""Style sheets and scripts: all colors from the palette, no markup from text, and each on the page once."""

import json
import re
from pathlib import Path

import pytest
from ipywidgets.embed import dependency_state

from explorer.widgets import assets
from explorer.widgets.assets import Assets, look_of, script
from explorer.widgets.header import Header
from explorer.widgets.page_part import PagePart
from explorer.widgets.rendered import Caption

FOLDER = Path(assets.__file__).parent
EXTENSIONS = (f"extensions/{name}" for name in ("demonstrations", "lab", "many_runs", "robustness", "talk"))
ROOMS = {Path(name).name: FOLDER.parent / name for name in ("widgets", "app", *EXTENSIONS)}
SHEETS = sorted(path for room in ROOMS.values() for path in room.rglob("*.css"))
SCRIPTS = sorted(path for room in ROOMS.values() for path in room.glob("*.js"))


def test_the_sheets_of_a_room_lie_in_its_own_folder():
    for name, folder in ROOMS.items():
        assert look_of(folder)._anywidget_id == f"explorer.{name}"
        for sheet in folder.rglob("*.css"):
            assert sheet.read_text(encoding="utf-8") in look_of(folder)._css
        if folder != FOLDER:
            modules = [path.read_text(encoding="utf-8") for path in folder.glob("*.py")]
            assert any("look_of(Path(__file__).parent)" in text for text in modules), name
    of_app = look_of(ROOMS["app"])._css
    assert of_app.index(".explorer-screen.widget-box {") < of_app.index(".explorer-mistakes")


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_colors_come_from_the_palette_alone_and_exist(path):
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", text)
    assert set(re.findall(r"\b(?:rgb|hsl|oklch)a?\([^)]*\)", text)) <= {"rgb(0 0 0 / 16%)"}  # the one shadow
    defined = set(re.findall(r"(--explorer-[\w-]+):", look_of(FOLDER)._css + text))
    assert set(re.findall(r"var\((--explorer-[\w-]+)", text)) <= defined


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_text_never_enters_as_markup_and_nothing_is_fetched(path):
    text = path.read_text(encoding="utf-8")
    wrong = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http://", "https://"]
    if path.name != "heartbeat.js":  # it asks its own server
        wrong.append("fetch(")
    text = text.replace("http://www.w3.org/2000/svg", "")
    assert [name for name in wrong if name in text] == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_every_part_asks_for_a_script_that_is_there_and_has_its_name(path):
    if path.stem not in ("base", "assets"):
        brought = look_of(path.parent)
        modules = [one.read_text(encoding="utf-8").lower() for one in path.parent.glob("*.py")]
        is_part = path.stem != "help"  # it is there for all
        assert any(f"class {path.stem.replace('_', '')}(" in text for text in modules) == is_part
        assert f'("{path.stem}")' in script(path.stem, path.parent)
        assert brought.key in script(path.stem, path.parent)
        assert brought.scripts[path.stem].count("export default") == 1


def test_a_script_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match="no script tilse"):
        script("tilse")


def test_what_all_parts_share_is_in_no_part():
    for part in (Caption("text"), Header()):
        state = json.dumps(part.get_state())
        assert len(state) < 2000
        assert "_css" not in part.get_state()


def test_all_parts_of_a_kernel_have_one_look_and_a_closed_one_is_opened_again():
    before = Caption()._look
    assert before is Header()._look is look_of(FOLDER)
    before.close()
    assert Caption()._look is before
    assert isinstance(before, Assets)
    assert before.comm is not None


def test_a_part_that_is_shown_alone_brings_its_look():
    class Own(PagePart):
        _esm = script("rendered")

    own = Own()
    assert own.get_state()["_look"] == f"IPY_MODEL_{look_of(FOLDER).model_id}"
    assert look_of(FOLDER).model_id in dependency_state(own)  # also in a page that is written to a file
