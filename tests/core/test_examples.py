"""The layouts and the patch for controllers: as their table makes them, with nothing that the door does not know."""

import json
import re
import zlib
from xml.etree import ElementTree as xml

from examples import make_layouts
from examples.make_layouts import CONTROLS, OSC_SESSION, TOLD, TOSC
from harmonicflow.core import osc, settings

SENT = {osc.PREFIX + control.name for control in CONTROLS if control.name not in TOLD}


def test_the_files_are_what_the_script_writes() -> None:
    # After a change of the table: python -m examples.make_layouts
    assert zlib.decompress(TOSC.read_bytes()) == make_layouts.tosc()
    assert json.loads(OSC_SESSION.read_text()) == make_layouts.session()


def test_the_table_speaks_of_addresses_and_ranges_that_there_are() -> None:
    assert set(osc.ADDRESSES) >= SENT and {osc.PREFIX + name for name in TOLD} <= set(osc.REPLIES)
    for control in CONTROLS:
        if control.name in TOLD:
            continue
        arguments = osc.ADDRESSES[osc.PREFIX + control.name].arguments
        assert len(arguments) == (2 if control.kind == make_layouts.PAD else 1)
        for argument in arguments:
            assert argument.low <= control.low < control.high <= argument.high, control
        values = [control.high] * len(arguments)
        assert osc.parse(osc.build(osc.PREFIX + control.name, *values))[0] == osc.PREFIX + control.name
    assert f":{settings.OSC_PORT}" in make_layouts.DAEMON and make_layouts.LISTENS != settings.OSC_PORT


def test_no_two_widgets_lie_on_each_other() -> None:
    cells = [
        (column, row)
        for left, top, columns, rows in (control.place for control in CONTROLS)
        for column in range(left, left + columns)
        for row in range(top, top + rows)
    ]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < make_layouts.GRID[0]
    assert max(row for _, row in cells) < make_layouts.GRID[1]


def test_touchosc_opens_its_file() -> None:
    """Read with another parser's eyes: every message has a path, a trigger where it sends, and its arguments."""
    root = xml.fromstring(zlib.decompress(TOSC.read_bytes()))
    assert root.tag == "lexml" and root.get("version") == "3" and [node.get("type") for node in root] == ["GROUP"]
    paths = set()
    ids = [node.get("ID") for node in root.iter("node")]
    assert len(ids) == len(set(ids))
    for message in root.iter("osc"):
        path = "".join(part.text or "" for part in message.findall("path/partial/value"))
        sends = message.findtext("send") == "1"
        assert message.findtext("enabled") == message.findtext("receive") == "1" and message.findtext("feedback") == "0"
        assert len(message.findall("triggers/trigger")) == len(message.findall("arguments/partial")) * sends
        paths |= {path} if sends else set()
    assert paths == SENT
    script = next(row for row in root[0].find("properties") or () if row.findtext("key") == "script").findtext("value")
    assert f"sendOSC('{osc.PREFIX}subscribe', {make_layouts.LISTENS})" in str(script)


def test_open_stage_control_opens_its_session() -> None:
    found = json.loads(OSC_SESSION.read_text())
    assert found["type"] == "session" and found["version"].startswith("1.") and found["content"]["type"] == "root"
    widgets = found["content"]["widgets"]
    assert {widget["address"] for widget in widgets if not widget["bypass"]} == SENT
    assert {widget["target"] for widget in widgets} == {make_layouts.DAEMON}
    assert len({widget["id"] for widget in widgets}) == len(widgets)
    module = (make_layouts.FOLDER / "open-stage-control.js").read_text()
    assert set(re.findall(r"'(/harmonicflow/[a-z/]+)'", module)) == {"/harmonicflow/subscribe"}
    assert f"'127.0.0.1', {settings.OSC_PORT}]" in module


def test_the_patch_sends_what_there_is_and_needs_no_externals() -> None:
    text = (make_layouts.FOLDER / "harmonicflow.pd").read_text()
    sent = {"/" + "/".join(words.split()) for words in re.findall(r"oscformat ([a-z ]+);", text)}
    assert len(sent) > 20 and sent <= set(osc.ADDRESSES)
    heard = {word for words in re.findall(r"route ([a-z ]+);", text) for word in words.split()} - {"harmonicflow"}
    words = {word for address in osc.REPLIES for word in address.removeprefix(osc.PREFIX).split("/")}
    assert len(heard) > 15 and heard <= words
    objects = set(re.findall(r"#X obj -?\d+ -?\d+ ([^ ;]+)", text))
    vanilla = {"bng", "tgl", "hsl", "nbx", "netsend", "oscformat", "oscparse", "list", "route", "select", "change"}
    assert objects <= vanilla | {"r", "s", "cnv", "loadbang", "metro", "print", "symbol"}
    assert f"connect 127.0.0.1 {settings.OSC_PORT};" in text
