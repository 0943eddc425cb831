"""What the .dawproject format 1.0 allows, as a table of facts, and an XML schema made from it for lxml.

The facts are those of Project.xsd and MetaData.xsd in github.com/bitwig/dawproject: each element with what it holds, in
which order and how often, and its attributes with their kinds. `test_dawproject_schema.py` compares the two schemas
document by document where HARMONICFLOW_DAWPROJECT_XSD names a folder with the published ones.

Content is written as in DTDs: items in order, `?` `*` `+` for how often, `(a|b)` for a choice. `name=kind` is an
element of that kind in this place alone (`*string`: a text), `name{...}` one that only holds others; a bare name is the
element of a kind. Attributes are `name:type`, with `!` where they must be there; `[type]` is a list.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from lxml import etree

WORDS: Final = {  # types of attributes that are one of a few words
    "unit": "linear normalized percent decibel hertz semitones seconds beats bpm",
    "timeUnit": "beats seconds",
    "deviceRole": "instrument noteFX audioFX analyzer",
    "eqBandType": "highPass lowPass bandPass highShelf lowShelf bell notch",
    "mixerRole": "regular master effect submix vca",
    "sendType": "pre post",
    "contentType": "audio automation notes video markers tracks",
    "interpolation": "hold linear",
    "expressionType": "gain pan transpose timbre formant pressure channelController channelPressure polyPressure "
    "pitchBend programChange",
}  # fmt: skip


class Kind(NamedTuple):
    """A kind of element: what it builds on, what it adds, whether it is only built on, and what it is called."""

    base: str = ""
    attributes: str = ""
    content: str = ""
    abstract: bool = False
    element: str = ""  # "" for kinds that are named where they are used


TIMELINE: Final = "(Timeline|Lanes|Notes|Clips|ClipSlot|markers|Warps|Audio|Video|Points)"
DEVICES: Final = (
    "(Device|Vst2Plugin|Vst3Plugin|ClapPlugin|BuiltinDevice|Equalizer|Compressor|NoiseGate|Limiter|AuPlugin)"
)
PARAMETERS: Final = "(parameter|RealParameter|BoolParameter|IntegerParameter|EnumParameter|TimeSignatureParameter)"
POINTS: Final = "(Point|RealPoint|EnumPoint|BoolPoint|IntegerPoint|TimeSignaturePoint)"
REAL, FLAG = "=realParameter?", "=boolParameter?"

PROJECT: Final[dict[str, Kind]] = {
    "project": Kind(
        "", "version:string!",
        "Application=application Transport=transport? Structure{(Track|Channel)*}? Arrangement? Scenes{Scene*}?",
        element="Project",
    ),
    "application": Kind("", "name:string! version:string!"),
    "transport": Kind("", "", f"Tempo{REAL} TimeSignature=timeSignatureParameter?"),
    "fileReference": Kind("", "path:string! external:boolean"),
    # What has a name, an id, a value.
    "nameable": Kind("", "name:string color:string comment:string", abstract=True),
    "referenceable": Kind("nameable", "id:ID", abstract=True),
    "parameter": Kind("referenceable", "parameterID:int", abstract=True, element="parameter"),
    "realParameter": Kind(
        "parameter", "max:string min:string unit:unit! value:string", element="RealParameter"
    ),
    "boolParameter": Kind("parameter", "value:boolean", element="BoolParameter"),
    "integerParameter": Kind("parameter", "max:int min:int value:int", element="IntegerParameter"),
    "enumParameter": Kind("parameter", "count:int! labels:[string] value:int", element="EnumParameter"),
    "timeSignatureParameter": Kind(
        "parameter", "denominator:int! numerator:int!", element="TimeSignatureParameter"
    ),
    # The mixer.
    "lane": Kind("referenceable", abstract=True),
    "track": Kind("lane", "contentType:[contentType] loaded:boolean", "Channel? Track*", element="Track"),
    "channel": Kind(
        "lane", "audioChannels:int destination:IDREF role:mixerRole solo:boolean",
        f"Devices{{{DEVICES}*}}? Mute{FLAG} Pan{REAL} Sends{{Send=send*}}? Volume{REAL}", element="Channel",
    ),
    "send": Kind("referenceable", "destination:IDREF type:sendType", f"Enable{FLAG} Pan{REAL} Volume=realParameter"),
    # Devices.
    "device": Kind(
        "referenceable",
        "deviceID:string deviceName:string! deviceRole:deviceRole! deviceVendor:string loaded:boolean",
        f"Parameters{{{PARAMETERS}*}}? Enabled{FLAG} State=fileReference?", element="Device",
    ),
    "plugin": Kind("device", "pluginVersion:string", abstract=True),
    "vst2Plugin": Kind("plugin", element="Vst2Plugin"),
    "vst3Plugin": Kind("plugin", element="Vst3Plugin"),
    "clapPlugin": Kind("plugin", element="ClapPlugin"),
    "auPlugin": Kind("plugin", element="AuPlugin"),
    "builtinDevice": Kind("device", element="BuiltinDevice"),
    "equalizer": Kind(
        "builtinDevice", "", f"Band=eqBand* InputGain{REAL} OutputGain{REAL}", element="Equalizer"
    ),
    "eqBand": Kind("", "type:eqBandType! order:int", f"Freq=realParameter Gain{REAL} Q{REAL} Enabled{FLAG}"),
    "compressor": Kind(
        "builtinDevice", "",
        f"Attack{REAL} AutoMakeup{FLAG} InputGain{REAL} OutputGain{REAL} Ratio{REAL} Release{REAL} Threshold{REAL}",
        element="Compressor",
    ),
    "noiseGate": Kind(
        "builtinDevice", "", f"Attack{REAL} Range{REAL} Ratio{REAL} Release{REAL} Threshold{REAL}",
        element="NoiseGate",
    ),
    "limiter": Kind(
        "builtinDevice", "", f"Attack{REAL} InputGain{REAL} OutputGain{REAL} Release{REAL} Threshold{REAL}",
        element="Limiter",
    ),
    # Timelines.
    "timeline": Kind("referenceable", "timeUnit:timeUnit track:IDREF", abstract=True, element="Timeline"),
    "arrangement": Kind(
        "referenceable", "",
        "Lanes? Markers=markers? TempoAutomation=points? TimeSignatureAutomation=points?", element="Arrangement",
    ),
    "scene": Kind("referenceable", "", TIMELINE, element="Scene"),
    "lanes": Kind("timeline", "", f"{TIMELINE}*", element="Lanes"),
    "clips": Kind("timeline", "", "Clip*", element="Clips"),
    "clipSlot": Kind("timeline", "hasStop:boolean", "Clip?", element="ClipSlot"),
    "clip": Kind(
        "nameable",
        "time:double! duration:double contentTimeUnit:timeUnit playStart:double playStop:double loopStart:double "
        "loopEnd:double fadeTimeUnit:timeUnit fadeInTime:double fadeOutTime:double enable:boolean reference:IDREF",
        f"{TIMELINE}?", element="Clip",
    ),
    "notes": Kind("timeline", "", "Note*", element="Notes"),
    "note": Kind(
        "", "time:string! duration:string! channel:int! key:int! vel:string rel:string", f"{TIMELINE}?",
        element="Note",
    ),
    "markers": Kind("timeline", "", "Marker+", element="markers"),
    "marker": Kind("nameable", "time:double!", element="Marker"),
    "warps": Kind("timeline", "contentTimeUnit:timeUnit!", f"{TIMELINE} Warp+", element="Warps"),
    "warp": Kind("", "time:double! contentTime:double!", element="Warp"),
    "mediaFile": Kind("timeline", "duration:double!", "File=fileReference"),
    "audio": Kind("mediaFile", "algorithm:string channels:int! sampleRate:int!", element="Audio"),
    "video": Kind("mediaFile", "algorithm:string channels:int! sampleRate:int!", element="Video"),
    # Automation.
    "points": Kind("timeline", "unit:unit", f"Target=automationTarget {POINTS}*", element="Points"),
    "automationTarget": Kind(
        "", "parameter:IDREF expression:expressionType channel:int key:int controller:int"
    ),
    "point": Kind("", "time:string!", abstract=True, element="Point"),
    "realPoint": Kind("point", "value:string! interpolation:interpolation", element="RealPoint"),
    "enumPoint": Kind("point", "value:int!", element="EnumPoint"),
    "boolPoint": Kind("point", "value:boolean!", element="BoolPoint"),
    "integerPoint": Kind("point", "value:int!", element="IntegerPoint"),
    "timeSignaturePoint": Kind("point", "numerator:int! denominator:int!", element="TimeSignaturePoint"),
}  # fmt: skip

SONG: Final = (
    "Title Artist Album OriginalArtist Composer Songwriter Producer Arranger Year Genre Copyright Website Comment"
)
METADATA: Final = {"metaData": Kind(content=" ".join(f"{name}=*string?" for name in SONG.split()), element="MetaData")}

# ------------------------------------------------------------------------------------------------------- as a schema

XS: Final = "http://www.w3.org/2001/XMLSchema"
OFTEN: Final = {
    "?": {"minOccurs": "0"}, "*": {"minOccurs": "0", "maxOccurs": "unbounded"}, "+": {"maxOccurs": "unbounded"}
}  # fmt: skip
_TOKEN: Final = re.compile(r"[A-Za-z0-9]+(?:=\*?[A-Za-z0-9]+)?|[(){}|?*+]")


def schema(kinds: dict[str, Kind]) -> etree.XMLSchema:
    """The validator of `PROJECT` or `METADATA`."""
    root = etree.Element(f"{{{XS}}}schema", nsmap={"xs": XS})
    for name, kind in kinds.items():
        if kind.element:
            _add(root, "element", name=kind.element, type=name)
    for name, kind in kinds.items():
        _kind(root, name, kind)
    for name, words in WORDS.items():
        allowed = _add(_add(root, "simpleType", name=name), "restriction", base="xs:string")
        for word in words.split():
            _add(allowed, "enumeration", value=word)
    return etree.XMLSchema(root)


def _add(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{XS}}}{tag}", attributes)


def _kind(root: etree._Element, name: str, kind: Kind) -> None:
    place = _add(root, "complexType", name=name, **({"abstract": "true"} if kind.abstract else {}))
    if kind.base:
        place = _add(_add(place, "complexContent"), "extension", base=kind.base)
    _sequence(place, iter(tokens(kind.content)))
    for text in kind.attributes.split():
        attribute, _, of = text.rstrip("!").partition(":")
        row = _add(place, "attribute", name=attribute, **({"use": "required"} if text.endswith("!") else {}))
        if of.startswith("["):
            _add(_add(row, "simpleType"), "list", itemType=_type(of.strip("[]")))
        else:
            row.set("type", _type(of))


def _type(name: str) -> str:
    return name if name in WORDS else f"xs:{name}"


def tokens(content: str) -> list[str]:
    """The words and signs of a content."""
    return _TOKEN.findall(content)


def _sequence(place: etree._Element, words: Iterator[str], inside: str = "sequence") -> None:
    """The items up to the end, or to the bracket that closes them."""
    last = group = _add(place, inside)
    for word in words:
        if word in ")}":
            return
        if word == "(":
            _sequence(group, words, "choice")
            last = group[-1]
        elif word == "{":
            last.set("name", last.attrib.pop("ref"))
            _sequence(_add(last, "complexType"), words)
        elif word in OFTEN:
            last.attrib.update(OFTEN[word])
        elif word != "|":
            name, _, of = word.partition("=")
            last = _add(group, "element", **({"name": name, "type": of.replace("*", "xs:")} if of else {"ref": name}))
