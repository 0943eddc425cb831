"""R12: the graphics card is not there, or has no memory left: the processor takes over, or it is said in words."""

from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest

from daemon import worker
from daemon.link import Broken, Run, Written
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.core.messages import Done, Message, TakeSummary

pytestmark = pytest.mark.filterwarnings("ignore:Specified provider")
no_card = pytest.mark.skipif("CUDAExecutionProvider" in ort.get_available_providers(), reason="may have a card")

# What onnxruntime and CUDA say.
OUT_OF_MEMORY = (
    "Failed to allocate memory for requested buffer of size 268435456",
    "CUDA failure 2: out of memory ; GPU=0",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "cudaErrorMemoryAllocation",
)


@no_card
def test_a_card_that_is_wanted_and_not_there(bundle: Path, proven: Any) -> None:
    with pytest.raises(HarmonicFlowError) as caught:
        worker.load(str(bundle), "cuda")
    assert caught.value.code == "device" and "no graphics card" in caught.value.message and caught.value.todo
    with pytest.raises(HarmonicFlowError, match="choose from cpu, cuda, auto"):
        worker.load(str(bundle), "gpu")
    engine = worker.load(str(bundle), "auto")
    assert engine.runtime.device == "cpu"
    assert engine.generate(bars=1, tempo=240, chords="Am", steps=1)[0].dry.any()
    proven("R12", cases=3)


@pytest.mark.parametrize("device", ["cuda", "auto"])
def test_a_card_that_is_full_when_the_bundle_is_loaded(
    bundle: Path, device: str, monkeypatch: pytest.MonkeyPatch, proven: Any
) -> None:
    from harmonicflow.engine.runtime import Runtime

    load = Runtime.load

    def full(runtime: Runtime, name: str) -> None:
        if runtime.device == "cuda":
            raise HarmonicFlowError("bad_bundle", path=runtime.bundle.path, reason=f"{name}: {OUT_OF_MEMORY[1]}")
        load(runtime, name)

    monkeypatch.setattr(Runtime, "load", full)
    if device == "auto":
        assert worker.load(str(bundle), device).runtime.device == "cpu"
    else:
        with pytest.raises(HarmonicFlowError, match="out of memory") as caught:
            worker.load(str(bundle), device)
        assert caught.value.code == "device"
    proven("R12")


class Ended(Exception):
    """The test has seen enough."""


class Engine:
    """Fails as a full card does."""

    class runtime:
        device = "cuda"

    def __init__(self, words: str) -> None:
        self.words = words

    def cancel(self) -> None: ...


@pytest.mark.parametrize("words", OUT_OF_MEMORY)
def test_a_card_that_is_full_at_work(words: str, monkeypatch: pytest.MonkeyPatch, proven: Any) -> None:
    """The same job is done by the processor, and so is the next one."""
    tried: list[str] = []

    def do(work: worker.Work) -> tuple[TakeSummary, ...]:
        engine: Any = work._engine
        tried.append(engine.runtime.device)
        if engine.runtime.device == "cuda":
            raise HarmonicFlowError("engine_failed", reason=f"performer: {engine.words}")
        return (TakeSummary(take="t", folder="f"),)

    def on_cpu() -> Any:
        engine = Engine("")
        engine.runtime = type("runtime", (), {"device": "cpu"})  # type: ignore[misc,assignment]
        return engine

    outcomes: list[Message] = []

    def report(message: Message) -> None:
        outcomes.append(message)
        if len(outcomes) == 2:
            raise Ended

    monkeypatch.setattr(worker.Work, "do", do)
    orders = worker.Orders()
    for name in ("one", "two"):
        orders._runs.put(Run(job=name, folder="", staging="", takes=""))
    with pytest.raises(Ended):
        worker.serve(Engine(words), orders, report, on_cpu)  # type: ignore[arg-type]
    assert [type(outcome) for outcome in outcomes] == [Written, Written] and tried == ["cuda", "cpu", "cpu"]

    def no_cpu() -> Any:
        raise HarmonicFlowError("no_memory", reason="none for the processor either")

    outcomes.clear()
    orders._runs.put(Run(job="three", folder="", staging="", takes=""))
    orders._runs.put(Run(job="four", folder="", staging="", takes=""))
    with pytest.raises(Ended):
        worker.serve(Engine(words), orders, report, no_cpu)  # type: ignore[arg-type]
    assert isinstance(outcomes[0], Broken) and outcomes[0].error.code == "no_memory"
    proven("R12", cases=2)


@no_card
def test_a_daemon_without_the_card_it_was_told_to_use(house: Any, request_of: Any, proven: Any) -> None:
    house.environment["HARMONICFLOW_DEVICE"] = "cuda"
    house.start()
    desk = house.desk()
    desk.send(request_of())
    error = desk.replies()[-1].error
    assert error.code == "device" and "Use the CPU" in error.todo
    assert desk.status().device == "" and house.process.poll() is None
    house.stop()
    house.environment["HARMONICFLOW_DEVICE"] = "auto"
    house.start()
    desk = house.desk()
    assert isinstance(desk.done(request_of()), Done) and desk.status().device == "cpu"
    proven("R12", cases=2)
