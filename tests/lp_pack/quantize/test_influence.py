"""Which convolutions decide where the picture is taken from, and which maps many others read."""

from __future__ import annotations

import onnx_ir as ir
from onnx import TensorProto, helper

from lp_pack.quantize.onnx.influence import deciding_places, making_shared_maps


def model(nodes: list[tuple[str, list[str], str]], outputs: list[str]) -> ir.Model:
    """A graph of (operator, inputs, output); `k` is a kernel, `i` suffixes cast to int32."""
    kernel = helper.make_tensor("k", TensorProto.FLOAT, (4, 4, 1, 1), [0.0] * 16)
    made = [
        helper.make_node(
            kind, inputs, [output], **({"to": TensorProto.INT32} if kind == "Cast" else {})
        )
        for kind, inputs, output in nodes
    ]
    graph = helper.make_graph(
        made,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 8, 8))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [kernel],
        value_info=[
            helper.make_tensor_value_info(
                output, TensorProto.INT32 if kind == "Cast" else TensorProto.FLOAT, (1, 4, 8, 8)
            )
            for kind, _, output in nodes
            if output not in outputs
        ],
    )
    return ir.from_proto(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))


def names(nodes: set[ir.Node]) -> set[str | None]:
    return {node.outputs[0].name for node in nodes}


def test_the_last_convolution_but_one_before_an_index_decides_places() -> None:
    program = model(
        [
            ("Conv", ["x", "k"], "first"),
            ("Conv", ["first", "k"], "second"),
            ("Relu", ["second"], "active"),
            ("Conv", ["active", "k"], "third"),
            ("Exp", ["third"], "mask"),
            ("Cast", ["mask"], "index"),
            ("Cast", ["index"], "out"),
        ],
        ["out"],
    )
    assert names(deciding_places(program)) == {"second"}


def test_a_map_that_four_convolutions_read_is_shared_and_so_is_what_only_it_reads() -> None:
    readers = [("Conv", ["wide", "k"], f"reader_{index}") for index in range(4)]
    program = model(
        [
            ("Conv", ["x", "k"], "early"),
            ("Conv", ["early", "k"], "before"),
            ("Conv", ["before", "k"], "shared"),
            ("Relu", ["shared"], "wide"),
            *readers,
        ],
        [f"reader_{index}" for index in range(4)],
    )
    assert names(making_shared_maps(program)) == {"before", "shared"}


def test_a_sum_of_two_streams_is_another_map() -> None:
    blocks = [("Conv", ["sum", "k"], f"reader_{index}") for index in range(4)]
    program = model(
        [("Conv", ["x", "k"], "left"), ("Add", ["left", "x"], "sum"), *blocks],
        [f"reader_{index}" for index in range(4)],
    )
    assert making_shared_maps(program) == set()
    assert deciding_places(program) == set()
