"""The example patch in a real Pd without a window: its buttons make takes in a real daemon, and it hears of them."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harmonicflow.core import connection as connections
from harmonicflow.core.messages import ListTakes, TakeList
from harmonicflow.core.settings import OSC_PORT
from tests.daw.daemon import ROOT, Daemon
from tests.tiny_bundle import make_tiny_bundle

pytestmark = pytest.mark.daw
PATCH = ROOT / "examples" / "harmonicflow.pd"

# A hand on the patch: a few knobs, "new"; when that is done "other bass"; then Pd ends. It prints what the patch tells
# of stars and errors, and ends after 60 s in any case.
HAND = """#N canvas 0 0 450 300 12;
#X obj 20 20 loadbang;
#X obj 20 50 del 300;
#X msg 20 80 \\; hf-bars 1;
#X obj 20 110 del 500;
#X msg 20 140 \\; hf-tempo 240 \\; hf-valence 0.5 \\; hf-density 0.75 \\; hf-new bang;
#X obj 200 20 r hf-told-done;
#X obj 200 50 t b a;
#X obj 260 80 print done;
#X obj 200 80 f;
#X obj 240 110 + 1;
#X obj 200 140 select 1 2;
#X msg 200 170 \\; hf-bass bang;
#X obj 300 170 del 1500;
#X msg 300 200 \\; pd quit;
#X obj 20 200 del 60000;
#X obj 400 20 r hf-told-error;
#X obj 400 50 print error;
#X msg 300 230 \\; hf-star bang;
#X obj 400 80 r hf-told-star;
#X obj 400 110 print star;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 1 0 3 0;
#X connect 3 0 4 0;
#X connect 5 0 6 0;
#X connect 6 1 7 0;
#X connect 6 0 8 0;
#X connect 8 0 9 0;
#X connect 9 0 8 1;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 10 1 17 0;
#X connect 10 1 12 0;
#X connect 12 0 13 0;
#X connect 0 0 14 0;
#X connect 14 0 13 0;
#X connect 15 0 16 0;
#X connect 18 0 19 0;
"""


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A running daemon with the stand-in bundle."""
    daemon = Daemon(tmp_path / "home", make_tiny_bundle(tmp_path / "tiny"))
    monkeypatch.setenv("HARMONICFLOW_HOME", str(daemon.home))
    daemon.start()
    yield daemon
    daemon.close()


def test_the_patch_makes_takes(quick: Daemon, tmp_path: Path) -> None:
    from bridge.client import Client

    assert shutil.which("pd"), "run `make test-daw`: there is no pd"
    found = connections.find()
    assert found
    hand = tmp_path / "hand.pd"
    hand.write_text(HAND)
    patch = tmp_path / PATCH.name  # the patch as it is, but for the port: at the usual one may be somebody's own daemon
    usual = f"connect 127.0.0.1 {OSC_PORT};"
    patch.write_text(PATCH.read_text().replace(usual, f"connect 127.0.0.1 {found.osc_port};"))
    assert usual in PATCH.read_text()
    command = ["pd", "-noprefs", "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", str(patch), "-open", str(hand)]
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90).stderr
    assert "couldn't create" not in said and "no method" not in said and "no such" not in said, said
    with Client.connect() as client:
        takes = client.ask(ListTakes(id="pd"), TakeList).takes
    assert len(takes) == 2, said
    newer, older = takes
    assert newer.parent == older.take and older.bars == 1 and older.seconds == pytest.approx(1.0)
    assert newer.starred and not older.starred
    lines = said.splitlines()
    done = [line.split()[-1] for line in lines if line.startswith("done:")]
    assert done == [older.take, newer.take], said
    assert "star: 1" in lines or "star: list 1" in lines, said
    assert not [line for line in lines if line.startswith("error:")], said
