"""R16: the same request with the same seed gives the same bytes: twice, after a restart, and beside other work."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.reliability.plugin import Proven
from tests.reliability.proofs import ROOT


def hashes(take: Any) -> dict[str, str]:
    """Of every sound and MIDI file of a take."""
    files = [path for path in Path(take.folder).iterdir() if path.suffix in (".wav", ".mid", ".safetensors")]
    assert len(files) > 6
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("own", [False, True], ids=["stand-in", "the bundle that ships"])
def test_the_same_bytes(house: Any, request_of: Any, own: bool, proven: Proven) -> None:
    options = ("--bundle", str(next((ROOT / "harmonicflow" / "bundles").glob("*/model.json")).parent)) if own else ()
    fields = {"bars": 2, "delivery": "mixed", "prompt": "late-night bossa", "steps": 2}
    house.start(*options)
    desk = house.desk()
    first = hashes(desk.done(request_of("first", **fields)).takes[0])
    other = hashes(desk.done(request_of("other", **{**fields, "seed": 8})).takes[0])
    again = hashes(desk.done(request_of("again", **fields)).takes[0])
    house.stop()
    house.start(*options)
    restarted = hashes(house.desk().done(request_of("restarted", **fields)).takes[0])
    assert first == again == restarted
    assert all(other[name] != first[name] for name in ("bass.wav", "mix.wav", "score.mid"))
    proven("R16", cases=2, measured="the bundle that ships" if own else "")
