"""S10 and E2: a machine without a network, and one on which every port is taken."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harmonicflow.core.connection import Connection
from tests.ran import Ran
from tests.reliability.alone import COMMAND, can_be_alone
from tests.reliability.plugin import Proven
from tests.reliability.proofs import ROOT

pytestmark = pytest.mark.skipif(not can_be_alone(), reason="needs `unshare --net` for this user")

CLIP = ROOT / "harmonicflow" / "data" / "guit_em9.flac"
WITHOUT = """
import json, subprocess, sys
for line in sys.stdin:
    words = json.loads(line)
    ran = subprocess.run([sys.executable, "-m", "bridge", *words], capture_output=True, text=True)
    print(json.dumps([ran.returncode, ran.stdout, ran.stderr]), flush=True)
"""


@pytest.fixture
def environment(tmp_path: Path, bundle: Path) -> dict[str, str]:
    return {**os.environ, "HARMONICFLOW_HOME": str(tmp_path / "home"), "HARMONICFLOW_BUNDLE": str(bundle)}


class Shell:
    """A command line in a network of its own: every command in the same one."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, sys.executable, "-c", WITHOUT], cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def __call__(self, *words: str) -> Ran:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return Ran(*json.loads(self.process.stdout.readline()))


@pytest.fixture
def offline(environment: dict[str, str]) -> Iterator[Shell]:
    shell = Shell(environment)
    with shell.process:
        yield shell
        shell("daemon", "stop")
        assert shell.process.stdin
        shell.process.stdin.close()


def test_everything_works_without_a_network(offline: Shell, tmp_path: Path, proven: Proven) -> None:
    """A daemon is started, stems are made for a clip, made again and gone on from, and looked at."""
    commands = (
        f"generate {CLIP} --start 2 --end 4 --tempo 96 --genre jazz --prompt late-night --out {tmp_path / 'stems'}",
        "generate --bars 1 --chords Am|F --like bass=" + str(CLIP),
        "regenerate last --stem bass --from-bar 1 --to-bar 1",
        "extend last --bars 1",
        f"compose --bars 2 --out {tmp_path / 'notes.mid'}",
        f"analyse {CLIP}",
        f"encode {CLIP} --out {tmp_path / 'latents'}",
        "takes",
        "takes --tree",
        "models",
        "graph last",
        "doctor",
        "daemon status",
    )
    for words in commands:
        ran = offline(*words.split())
        ended_well = ran.code == 0 or ("bundle tiny has no" in ran.err)  # the stand-in has no analyst
        assert ended_well and "Traceback" not in ran.err, (words, ran)
    assert {path.name for path in (tmp_path / "stems").iterdir()} >= {"bass.wav", "mix.wav", "score.mid"}
    proven("S10", cases=len(commands))


def start(environment: dict[str, str], ports: int) -> Ran:
    """A daemon that may have so many ports; it is ended once it is ready."""
    code = "import sys, subprocess; p = subprocess.Popen([sys.executable, '-m', 'daemon'], stderr=subprocess.PIPE)\n"
    code += "import time; from harmonicflow.core.connection import find\n"
    code += "while p.poll() is None and not find(): time.sleep(0.02)\n"
    code += "print(open(sys.argv[1]).read() if find() else '{}'); time.sleep(0.3); p.terminate(); p.wait()\n"
    code += "sys.stderr.write(p.stderr.read().decode()); sys.exit(p.returncode)"
    file = Path(environment["HARMONICFLOW_HOME"]) / "run" / "daemon.json"
    words = [*COMMAND, "--ports", str(ports), sys.executable, "-c", code, str(file)]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    return Ran(done.returncode, done.stdout, done.stderr)


def test_ports_that_are_taken(environment: dict[str, str], proven: Proven) -> None:
    """It takes what is left; where nothing is left it says so in one line, and nothing of it stays."""
    enough = start(environment, 12)
    assert enough.code == 0 and not enough.err, enough
    connection = Connection(**json.loads(enough.out))
    assert 50_000 <= int(connection.work.rpartition(":")[2]) < 50_012
    for ports in (1, 2, 3):
        none = start(environment, ports)
        assert none.code == 3 and none.err.startswith("the daemon did not start: no door could be opened"), none
        assert len(none.err.splitlines()) == 1 and none.out == "{}\n"
    proven("E2", cases=4, measured="ports")
