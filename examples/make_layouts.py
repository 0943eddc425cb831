"""Writes the two layouts beside it from one table: `python -m examples.make_layouts`, after a change of the table.

`harmonicflow.tosc` is for TouchOSC (Hexler, since 2021): zlib-compressed XML, a tree of nodes with properties, values
and OSC messages, as https://github.com/AlbertoV5/tosclib describes it; the root's script is in TouchOSC's Lua
(https://hexler.net/touchosc/manual/script). `open-stage-control.json` is a session of Open Stage Control 1.x
(https://openstagecontrol.ammd.net/docs/widgets/properties-reference/). tests/core/test_examples.py reads both again.
"""

import json
import uuid
import zlib
from pathlib import Path
from typing import Any, Final, NamedTuple
from xml.etree import ElementTree as xml

FOLDER: Final = Path(__file__).parent
TOSC: Final = FOLDER / "harmonicflow.tosc"
OSC_SESSION: Final = FOLDER / "open-stage-control.json"
PREFIX: Final = "/harmonicflow/"
DAEMON: Final = "127.0.0.1:9720"
LISTENS: Final = 9721  # where the tablet is to be told; TouchOSC's receive port
CELL: Final = (96, 64)  # pixels of the grid that the table counts in
GRID: Final = (10, 11)  # its columns and rows

BUTTON, FADER, PAD, LABEL, LIGHT = "button", "fader", "pad", "label", "light"
KINDS: Final = {BUTTON: "BUTTON", FADER: "FADER", PAD: "XY", LABEL: "LABEL", LIGHT: "BUTTON"}


class Control(NamedTuple):
    """A widget: its kind, its address without the prefix, its label, its place in the grid, and its range."""

    kind: str
    name: str
    label: str
    place: tuple[int, int, int, int]  # column, row, columns, rows
    low: float = 0.0
    high: float = 1.0


CONTROLS: Final = (
    Control(BUTTON, "press/new", "new", (0, 0, 2, 2)),
    Control(BUTTON, "press/generate", "again", (2, 0, 2, 2)),
    Control(BUTTON, "press/extend", "longer", (4, 0, 2, 2)),
    Control(BUTTON, "cancel", "cancel", (6, 0, 2, 2)),
    Control(LIGHT, "busy", "working", (8, 0, 2, 2)),
    Control(BUTTON, "press/regenerate/bass", "other bass", (0, 2, 2, 1)),
    Control(BUTTON, "press/regenerate/drums", "other drums", (2, 2, 2, 1)),
    Control(BUTTON, "press/regenerate/guitar", "other guitar", (4, 2, 2, 1)),
    Control(BUTTON, "press/regenerate/piano", "other piano", (6, 2, 2, 1)),
    Control(BUTTON, "reset", "reset knobs", (8, 2, 2, 1)),
    Control(PAD, "emotion", "sad to happy, calm to excited", (0, 3, 4, 4), -1.0, 1.0),
    Control(FADER, "density", "density", (4, 3, 1, 4)),
    Control(FADER, "temperature", "temperature", (5, 3, 1, 4)),
    Control(FADER, "tempo", "tempo 60-180", (6, 3, 1, 4), 60.0, 180.0),
    Control(FADER, "head/yaw", "turn head", (7, 3, 1, 4), -180.0, 180.0),
    Control(FADER, "head/pitch", "nod", (8, 3, 1, 4), -90.0, 90.0),
    Control(FADER, "head/roll", "tilt", (9, 3, 1, 4), -90.0, 90.0),
    Control(BUTTON, "play", "play", (0, 7, 2, 2)),
    Control(BUTTON, "stop", "stop", (2, 7, 2, 2)),
    Control(BUTTON, "continue", "continue", (4, 7, 2, 2)),
    Control(BUTTON, "previous", "older take", (6, 7, 1, 2)),
    Control(BUTTON, "next", "newer take", (7, 7, 1, 2)),
    Control(BUTTON, "star", "star", (8, 7, 2, 2)),
    Control(LABEL, "text", "", (0, 9, 10, 1)),
    Control(FADER, "share", "how far it is", (0, 10, 10, 1)),
)
TOLD: Final = frozenset(("busy", "share", "text"))  # shown alone: nothing is sent from these


def main() -> None:
    """Write both files."""
    TOSC.write_bytes(zlib.compress(tosc(), 9))
    OSC_SESSION.write_text(json.dumps(session(), indent=1) + "\n", encoding="utf-8")


def frame(place: tuple[int, int, int, int], gap: int = 4) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels."""
    column, row, columns, rows = place
    return column * CELL[0] + gap, row * CELL[1] + gap, columns * CELL[0] - 2 * gap, rows * CELL[1] - 2 * gap


# --- Open Stage Control ------------------------------------------------------------------------


def session() -> dict[str, Any]:
    """A session file: one root with all widgets on it."""
    widgets = [_widget(control) for control in CONTROLS]
    root = {"type": "root", "id": "root", "visible": True, "interaction": True, "tabs": [], "widgets": widgets}
    return {"createdWith": "Open Stage Control", "version": "1.25.0", "type": "session", "content": root}


def _widget(control: Control) -> dict[str, Any]:
    left, top, width, height = frame(control.place)
    base: dict[str, Any] = {
        "id": control.name.replace("/", "_"), "address": PREFIX + control.name, "left": left, "top": top,
        "width": width, "height": height, "bypass": control.name in TOLD, "target": DAEMON,
    }  # fmt: skip
    if control.kind in (BUTTON, LIGHT):
        # "push" sends 1 and 0; lit by what comes back at the same address.
        kind = {"type": "button", "label": control.label, "mode": "push", "on": 1, "off": 0}
    elif control.kind == FADER:
        span = {"min": control.low, "max": control.high}
        kind = {"type": "fader", "range": span, "horizontal": control.place[2] > control.place[3], "decimals": 3,
                "html": control.label, "interaction": control.name not in TOLD}  # fmt: skip
    elif control.kind == PAD:
        span = {"min": control.low, "max": control.high}
        kind = {"type": "xy", "rangeX": span, "rangeY": span, "decimals": 3, "html": control.label}
    else:
        kind = {"type": "text", "default": "HarmonicFlow"}
    return base | kind


# --- TouchOSC ----------------------------------------------------------------------------------

SCRIPT: Final = f"""-- Tells the daemon every 20 seconds that this tablet listens, at the receive port {LISTENS}.
local last = -20000
function update()
  if getMillis() - last >= 20000 then
    last = getMillis()
    sendOSC('{PREFIX}subscribe', {LISTENS})
  end
end
"""


def tosc() -> bytes:
    """The XML of the layout."""
    root = xml.Element("lexml", version="3")
    size = (0, 0, GRID[0] * CELL[0], GRID[1] * CELL[1])
    group = _node(root, "GROUP", "harmonicflow", size, (0.1, 0.1, 0.1), s={"script": SCRIPT})
    _values(group, touch="false")
    children = xml.SubElement(group, "children")
    for control in CONTROLS:
        _control(children, control)
        if control.label:
            column, row, columns, rows = control.place
            left, top, width, height = frame(control.place)
            name = f"label of {control.name}"
            label = _node(children, "LABEL", name, (left, top + height - 20, width, 20), None, i={"textSize": 12})
            _values(label, text=control.label, touch="false")
    xml.indent(root, "")
    found: bytes = xml.tostring(root, encoding="UTF-8", xml_declaration=True)
    return found


def _control(children: xml.Element, control: Control) -> None:
    b = {"interactive": control.name not in TOLD}
    i: dict[str, int] = {}
    if control.kind in (BUTTON, LIGHT):
        b |= {"press": True, "release": True, "valuePosition": False}
        i |= {"buttonType": 0}  # momentary: 1 for the press, 0 for the release
    elif control.kind == FADER:
        b |= {"bar": True, "cursor": True, "grid": False}
        i |= {"orientation": 1 if control.place[2] > control.place[3] else 0, "response": 0}
    color = {BUTTON: (0.2, 0.5, 0.7), LIGHT: (0.8, 0.6, 0.1)}.get(control.kind, (0.3, 0.6, 0.4))
    node = _node(children, KINDS[control.kind], control.name, frame(control.place), color, b=b, i=i)
    variables = {PAD: ("x", "y"), LABEL: ("text",)}.get(control.kind, ("x",))
    first = "HarmonicFlow" if control.kind == LABEL else "0.5" if control.kind in (FADER, PAD) else "0"
    _values(node, touch="false", **dict.fromkeys(variables, first))
    osc = xml.SubElement(xml.SubElement(node, "messages"), "osc")
    sends = control.name not in TOLD
    told = {"enabled": 1, "send": int(sends), "receive": 1, "feedback": 0, "connections": "11111"}
    for name, value in told.items():
        xml.SubElement(osc, name).text = str(value)
    triggers = xml.SubElement(osc, "triggers")
    for variable in variables if sends else ():
        trigger = xml.SubElement(triggers, "trigger")
        xml.SubElement(trigger, "var").text = variable
        xml.SubElement(trigger, "condition").text = "ANY"
    _partial(xml.SubElement(osc, "path"), "CONSTANT", "STRING", PREFIX + control.name)
    arguments = xml.SubElement(osc, "arguments")
    for variable in variables:
        conversion = "STRING" if variable == "text" else "FLOAT"
        _partial(arguments, "VALUE", conversion, variable, control.low, control.high)


def _node(
    parent: xml.Element, kind: str, name: str, place: tuple[int, int, int, int],
    color: tuple[float, float, float] | None, *, b: dict[str, bool] | None = None, i: dict[str, int] | None = None,
    s: dict[str, str] | None = None,
) -> xml.Element:  # fmt: skip
    node = xml.SubElement(parent, "node", ID=str(uuid.uuid5(uuid.NAMESPACE_URL, PREFIX + name)), type=kind)
    rows = xml.SubElement(node, "properties")
    flags = {"background": color is not None, "interactive": False, "outline": color is not None, "visible": True}
    for key, flag in (flags | (b or {})).items():
        xml.SubElement(_property(rows, "b", key), "value").text = str(int(flag))
    for key, number in ({"shape": 1} | (i or {})).items():
        xml.SubElement(_property(rows, "i", key), "value").text = str(number)
    for key, text in ({"name": name} | (s or {})).items():
        xml.SubElement(_property(rows, "s", key), "value").text = text
    parts: dict[str, Any] = dict(zip("rgba", (*(color or (0, 0, 0)), 1), strict=True))
    for kind_, key, values in (("c", "color", parts), ("r", "frame", dict(zip("xywh", place, strict=True)))):
        value = xml.SubElement(_property(rows, kind_, key), "value")
        for part, number in values.items():
            xml.SubElement(value, part).text = f"{number:g}"
    return node


def _property(rows: xml.Element, kind: str, key: str) -> xml.Element:
    row = xml.SubElement(rows, "property", type=kind)
    xml.SubElement(row, "key").text = key
    return row


def _values(node: xml.Element, **values: str) -> None:
    rows = xml.SubElement(node, "values")
    for key, default in values.items():
        row = xml.SubElement(rows, "value")
        told = {"key": key, "locked": "0", "lockedDefaultCurrent": "0", "default": default, "defaultPull": "0"}
        for name, text in told.items():
            xml.SubElement(row, name).text = text


def _partial(
    parent: xml.Element, kind: str, conversion: str, value: str, low: float = 0.0, high: float = 1.0
) -> None:  # fmt: skip
    partial = xml.SubElement(parent, "partial")
    told = {"type": kind, "conversion": conversion, "value": value, "scaleMin": f"{low:g}", "scaleMax": f"{high:g}"}
    for name, text in told.items():
        xml.SubElement(partial, name).text = text


if __name__ == "__main__":
    main()
