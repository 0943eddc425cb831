"""R1, R2, R3 before a release: kill -9 at random moments while jobs run and clients repeat themselves.

    python tests/soak/kills.py --kills 1000

Every request is sent several times under one id, before and after kills; now and then a worker is
killed too. At the end every request has exactly one take (or has failed because two workers were
killed over it), every file has the hash that was reported, and nothing half-written can be seen.
Prints one line; exit code 1 where anything is lost.
"""

import argparse
import atexit
import hashlib
import importlib.util
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from harmonicflow.core.messages import Accepted, Done, Failed  # noqa: E402


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--patience", type=float, default=30.0, help="seconds for a start; more on a busy machine")
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    generator = random.Random(chosen.seed)
    fixtures = load(ROOT / "tests" / "daemon" / "conftest.py")
    fixtures.PATIENCE_S = chosen.patience
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = load(ROOT / "tests" / "tiny_bundle.py").make_tiny_bundle(folder / "tiny")
    os.environ["HARMONICFLOW_HOME"] = str(folder / "home")
    house = fixtures.House(folder / "home", bundle)
    atexit.register(house.close)
    began, number = time.monotonic(), 0
    requests: dict[str, Any] = {}
    jobs: dict[str, str] = {}
    done: dict[str, Done] = {}
    failed: set[str] = set()  # killed workers twice: that is said, and is no loss
    wrong: list[str] = []

    def hear(desk: Any, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and desk.work.poll(int(left * 1000) + 1):
            answer = desk.reply()
            if isinstance(answer, Failed) and answer.error.code == "worker_died":
                failed.add(answer.id)
            elif isinstance(answer, Failed):
                wrong.append(f"{answer.id}: {answer.error.code}")
            elif isinstance(answer, Accepted | Done) and jobs.setdefault(answer.id, answer.job) != answer.job:
                wrong.append(f"{answer.id}: two jobs")
            if isinstance(answer, Done) and done.setdefault(answer.id, answer) != answer:
                wrong.append(f"{answer.id}: another reply")

    for kill in range(chosen.kills):
        house.start()
        desk = house.desk()
        for _ in range(generator.randrange(3) if len(requests) - len(done) < 20 else 0):
            request = fixtures.make_request(f"r{number}", bars=1, seed=number)
            requests[request.id] = request
            number += 1
        for name in generator.sample(sorted(requests), min(len(requests), 5)):
            desk.send(requests[name])
        if kill % 5 == 4 and (worker := desk.status().worker_pid):
            os.kill(worker, signal.SIGKILL)
        hear(desk, generator.random() * 1.5)
        house.kill()
        desk.close()
    house.start()
    desk = house.desk()
    for request in requests.values():  # at most 20 are unfinished: the queue holds them
        desk.send(request)
    deadline = time.monotonic() + 60 + 10 * len(requests)
    while len(done) + len(failed) < len(requests) and time.monotonic() < deadline:
        hear(desk, 1.0)
    takes = [take for each in done.values() for take in each.takes]
    broken = [
        row.file for take in takes for row in take.files
        if hashlib.sha256((Path(take.folder) / row.file).read_bytes()).hexdigest() != row.sha256
    ]  # fmt: skip
    strangers = house.takes() - {take.take for take in takes}
    mistakes = house.log().count("Traceback")
    house.close()
    result = {
        "kills": chosen.kills, "requests": len(requests), "done": len(done), "failed": len(failed), "wrong": len(wrong),
        "broken": len(broken), "strangers": len(strangers), "mistakes": mistakes,
        "seconds": round(time.monotonic() - began),
    }  # fmt: skip
    sys.stdout.write(f"{result} {wrong[:5]}\n")
    lost = len(requests) - len(done) - len(failed)
    return int(bool(lost or wrong or broken or strangers or mistakes or done.keys() & failed))


if __name__ == "__main__":
    sys.exit(main())
