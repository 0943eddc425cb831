"""R1, R2, R3 before a release: kill -9 at random moments while jobs run and clients repeat themselves.

    python -m tests.soak.kills --kills 1000 --requests 1000 --seed 1 --log tests/soak/kills.txt

Prints one line of figures, and adds the proof of the three properties; exit code 1 where anything is lost.
`--steady` leaves out cancels, killed workers and requests for several takes, so that there is exactly one take for
each request.
"""

import argparse
import atexit
import datetime
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from harmonicflow import __version__
from tests.reliability import proofs

from .storm import Storm

ROOT = Path(__file__).parents[2]


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--requests", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--longest", type=float, default=0.5, help="seconds that a daemon lives after its first sound")
    options.add_argument("--patience", type=float, default=60.0, help="seconds for a start; more on a busy machine")
    options.add_argument("--steady", action="store_true", help="no cancels, no killed workers, one take a request")
    options.add_argument("--log", type=Path, help="keep what is printed there too")
    chosen = options.parse_args()
    fixtures = load(ROOT / "tests" / "daemon" / "conftest.py")
    fixtures.PATIENCE_S = chosen.patience
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = load(ROOT / "tests" / "tiny_bundle.py").make_tiny_bundle(folder / "tiny")
    os.environ["HARMONICFLOW_HOME"] = str(folder / "home")
    house = fixtures.House(folder / "home", bundle)
    atexit.register(house.close)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        if chosen.log:
            with chosen.log.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    told = f"--kills {chosen.kills} --requests {chosen.requests} --seed {chosen.seed}{' --steady' * chosen.steady}"
    say(f"{datetime.date.today()} HarmonicFlow {__version__}: python -m tests.soak.kills {told}")
    mixed = not chosen.steady
    storm = Storm(house, fixtures.make_request, chosen.seed, cancels=mixed, workers=mixed, count=mixed)
    result = storm.blow(chosen.kills, chosen.requests, chosen.longest, say)
    if chosen.steady and result.takes != chosen.requests:
        result.wrong.append(f"{result.takes} takes of {chosen.requests} requests")
    say(result.line())
    passed, test = not result.wrong, f"python -m tests.soak.kills {told}"
    cases = {"R3": result.requests} if chosen.steady else {"R1": result.kills, "R2": result.requests}
    measured = {
        "R1": f"{result.takes} takes acknowledged, {result.files} files compared, {len(result.wrong)} wrong",
        "R2": f"{result.done} done, {result.failed} failed after two killed workers, {result.cancelled} cancelled",
        "R3": f"sent {result.sends} times, {result.kills} kills: {result.takes} takes",
    }
    for name, number in cases.items():
        proofs.add(proofs.proof(name, test, number, passed, result.seconds, "once", measured[name]))
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
