"""The exported graphs: what they compute, what they are made of, and how large they are."""

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from export.onnx_graphs import DYNAMIC, EXAMPLE, OPSET, TENSORRT_OPERATORS, example_inputs, operators
from export.parity import LIMITS, check, differences
from export.weights import rounded_network
from harmonicflow.core.errors import HarmonicFlowError
from harmonicflow.engine.bundle import GRAPHS
from harmonicflow.engine.codec import CHUNK

from .conftest import Made

NETWORKS = tuple(GRAPHS)


def network(made: Made, name: str) -> torch.nn.Module:
    """The torch network behind a graph, rounded, with the FFT where the graph has a matrix product."""
    whole = made.performer if name == "performer" else made.codec.get_submodule(name)
    return rounded_network(whole)


def graph(made: Made, name: str) -> bytes:
    return (made.bundle / f"{name}.onnx").read_bytes()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_gives_what_the_network_gives_at_other_sizes(made: Made, name: str) -> None:
    found = differences(name, network(made, name), graph(made, name), 4)
    assert len(found) == (3 if name == "performer" else 5)
    lengths = [int(size.split(" x ")[1]) for size in found]
    assert min(lengths) == 1 and EXAMPLE["length"] not in lengths
    if name != "performer":
        context = made.codec.context if name == "decoder" else made.codec.encoder_context
        assert max(lengths) > CHUNK + 2 * context, "no piece that the engine gives is longer"
    assert check(name, found) < LIMITS[name]


def test_the_codecs_difference_is_absolute(made: Made) -> None:
    # Latents that are all 100 too high are wrong by 100, though their largest is 100 as well.
    other = network(made, "encoder")
    with torch.no_grad():
        other.get_buffer("mean").sub_(100.0 * other.get_buffer("std"))
    found = differences("encoder", other, graph(made, "encoder"), 4)
    assert all(value == pytest.approx(100.0, abs=1e-3) for value in found.values())


def test_rounded_weights_are_what_parity_is_measured_against(made: Made) -> None:
    # Against the weights before rounding the difference is of another order.
    exact = differences("decoder", made.codec.decoder, graph(made, "decoder"), 4)
    shipped = differences("decoder", network(made, "decoder"), graph(made, "decoder"), 4)
    assert max(exact.values()) > 10 * max(shipped.values())


def test_a_graph_of_other_weights_is_refused(made: Made) -> None:
    other = network(made, "performer")
    with torch.no_grad():
        other.get_parameter("score.mix").mul_(1.5)
    with pytest.raises(HarmonicFlowError, match="differs from the weights") as error:
        check("performer", differences("performer", other, graph(made, "performer"), 4))
    assert error.value.code == "bad_export"


def test_not_a_number_is_a_difference() -> None:
    with pytest.raises(HarmonicFlowError, match="nan"):
        check("decoder", {"1 x 1": 0.0, "3 x 41": float("nan"), "1 x 130": 0.0})


@pytest.mark.parametrize("name", NETWORKS)
def test_operators_are_standard_ones_that_tensorrt_takes(made: Made, name: str) -> None:
    found = operators(graph(made, name))
    assert {domain for domain, _ in found} == {""}
    assert {operator for _, operator in found} - TENSORRT_OPERATORS == set()
    assert {op for _, op in operators(graph(made, "decoder"))} >= {"MatMul", "Conv", "LayerNormalization", "Cast"}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_is_whole_and_says_nothing_of_where_it_was_made(made: Made, name: str) -> None:
    model = onnx.load_from_string(graph(made, name))
    assert {entry.domain: entry.version for entry in model.opset_import} == {"": OPSET}
    assert not any(t.external_data or t.data_location for t in model.graph.initializer)
    for trace in (b"/home", b"/work", b"/tmp", b".py"):
        assert trace not in graph(made, name)
    inputs, outputs = GRAPHS[name]
    for table, values in ((inputs, model.graph.input), (outputs, model.graph.output)):
        assert [value.name for value in values] == list(table)
        for value in values:
            sizes = [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
            wanted = [{"stems": 4, "rows": 5, "nodes": 7}.get(size, size) for size in table[value.name]]
            assert sizes == wanted
            assert {size for size in sizes if isinstance(size, str)} <= set(DYNAMIC)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_file_holds_the_weights_as_half_floats_and_little_else(made: Made, name: str) -> None:
    # The transforms' bases would be 4 MB each, their places 8 MB.
    weights = sum(value.numel() for value in network(made, name).state_dict().values())
    model = onnx.load_from_string(graph(made, name))
    constants = [a.t for node in model.graph.node if node.op_type == "Constant" for a in node.attribute]
    assert max(numpy_helper.to_array(tensor).size for tensor in constants) <= 2048
    overhead = {"encoder": 100_000, "decoder": 100_000, "performer": 200_000}[name]
    assert len(graph(made, name)) < 4 * 20_000 + 2 * weights + overhead
    for tensor in model.graph.initializer:
        size = int(np.prod(tensor.dims))
        if tensor.name not in ("dft.cosine", "dft.places") and size >= 1024:
            assert tensor.data_type == onnx.TensorProto.FLOAT16


def test_example_inputs_are_what_the_engine_gives() -> None:
    found = example_inputs("performer", {"batch": 2, "length": 30, "beats": 4, "stems": 4, "rows": 5})
    assert found["pool"].sum(1).eq(1).all()  # every frame in one beat
    assert set(found["known"].unique().tolist()) == {0.0, 1.0}
    assert found["x"].shape == (2, 5, 30, 32)
