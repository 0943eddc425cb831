"""The schema that exports are checked with: it takes what the format allows, refuses what it does not, and gives the
published schema's verdict on every document, damaged or not, where that is at hand."""

import os
from pathlib import Path

import pytest
from lxml import etree

from tests.dawproject_documents import ELEMENTS, Maker
from tests.dawproject_schema import METADATA, PROJECT, schema

PUBLISHED = os.environ.get("HARMONICFLOW_DAWPROJECT_XSD")  # a folder with Project.xsd and MetaData.xsd
DOCUMENTS = 150
OURS = {"Project": schema(PROJECT), "MetaData": schema(METADATA)}
HEAD = '<Application name="a" version="1"/>'
CLIP = '<Arrangement><Lanes><Clips><Clip time="0">{}</Clip></Clips></Lanes></Arrangement>'
SOUND = '<Audio duration="1" channels="2" sampleRate="48000"><File path="a.wav"/></Audio>'


def valid(text: str, kind: str = "Project") -> bool:
    return bool(OURS[kind].validate(etree.fromstring(text)))


def project(inside: str, version: str = ' version="1.0"') -> str:
    return f"<Project{version}>{inside}</Project>"


def test_what_is_right_is_taken() -> None:
    assert valid(project(HEAD)) and valid(project(HEAD + CLIP.format(SOUND)))
    assert valid("<MetaData><Title>t</Title><Genre>g</Genre></MetaData>", "MetaData")


@pytest.mark.parametrize(
    "wrong",
    [
        project(HEAD, ""),
        project(""),
        project(HEAD + HEAD),
        project(CLIP.format(SOUND) + HEAD),  # the other way around
        project(HEAD + CLIP.format(SOUND + SOUND)),
        project(HEAD + CLIP.format(SOUND).replace('time="0"', "")),
        project(HEAD + CLIP.format(SOUND).replace('"0"', '"zero"')),
        project(HEAD + CLIP.format(SOUND.replace("48000", "48000.5"))),
        project(HEAD + CLIP.format(SOUND.replace('duration="1" ', ""))),
        project(HEAD + CLIP.format(SOUND.replace("File", "file"))),
        project(HEAD + CLIP.format('<Notes><Note time="0" duration="1" key="60"/></Notes>')),
        project(HEAD + CLIP.format("<Timeline/>")),
        project(HEAD + "<Structure><Track contentType='audio drums'/></Structure>"),
        project(HEAD + "<Arrangement><Markers/></Arrangement>"),
        project(HEAD + "<Transport><Tempo value='120'/></Transport>"),
        project(HEAD + "<Transport><Tempo value='120' unit='BPM'/></Transport>"),
        project(HEAD + "words"),
        project(HEAD.replace("/>", ' colour="red"/>')),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(wrong: str) -> None:
    assert not valid(wrong)
    assert not valid("<MetaData><Genre>g</Genre><Title>t</Title></MetaData>", "MetaData")


def test_every_element_of_the_format_is_made_and_taken() -> None:
    maker, seen = Maker(1), set()
    for _ in range(DOCUMENTS):
        document = maker.document()
        assert OURS["Project"].validate(document), OURS["Project"].error_log
        seen |= {element.tag for element in document.iter()}
    assert set(ELEMENTS) - seen == {"MetaData", "Point", "Timeline", "parameter"}  # the last three are only built on


@pytest.mark.skipif(not PUBLISHED, reason="needs HARMONICFLOW_DAWPROJECT_XSD: a folder with the published schemas")
def test_both_schemas_give_the_same_verdict() -> None:
    theirs = {kind: etree.XMLSchema(etree.parse(Path(PUBLISHED or "", f"{kind}.xsd"))) for kind in OURS}
    maker, verdicts = Maker(2), [0, 0]
    for number in range(3 * DOCUMENTS):
        kind = "MetaData" if number % 20 == 0 else "Project"
        right = maker.document(kind)
        for document in (right, *(maker.damaged(right, times) for times in (1, 1, 2, 3))):
            again = etree.fromstring(etree.tostring(document))
            verdict = bool(OURS[kind].validate(again))
            assert verdict == theirs[kind].validate(again), etree.tostring(document)[:2000]
            verdicts[verdict] += 1
    assert min(verdicts) > DOCUMENTS
