"""One convolution in float32 against the same in eight bits, on ONNX Runtime.

    python benchmarks/integer_convolutions.py [--runs 7] [--threads 2]

The shapes are those of the full tier's generator. Both versions run in turn in one process; the
ratio is the median of neighbouring runs, the time the least of all runs. Weights are random.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import click
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from rich.console import Console
from rich.table import Table

OPSET = 13


@dataclass(frozen=True)
class Shape:
    """A convolution that keeps height and width."""

    name: str
    inputs: int
    outputs: int
    size: int
    kernel: int
    batch: int = 1

    @property
    def multiplications(self) -> float:
        """Of one run, in units of 1e9."""
        places = self.batch * self.size**2
        return self.inputs * self.outputs * self.kernel**2 * places / 1e9


SHAPES = (
    Shape("decoder, middle block", 512, 512, 64, 3),
    Shape("decoder, gamma and beta at 64", 128, 512, 64, 3),
    Shape("decoder, gamma and beta at 256", 128, 256, 256, 3),
    Shape("decoder, last block", 256, 64, 256, 3),
    Shape("warping, first down block, plain depth", 336, 64, 64, 3, batch=16),
    Shape("warping, mask, plain depth", 144, 168, 64, 7, batch=16),
)


def model(shape: Shape, integer: bool) -> bytes:
    """The convolution as a graph; in eight bits between QuantizeLinear's bytes."""
    random = np.random.default_rng(0)
    size = (shape.outputs, shape.inputs, shape.kernel, shape.kernel)
    weight = random.integers(-127, 128, size).astype(np.int8)
    attributes = {"kernel_shape": size[2:], "pads": [shape.kernel // 2] * 4}
    element = TensorProto.UINT8 if integer else TensorProto.FLOAT
    constants = {
        "weight": weight if integer else weight.astype(np.float32),
        "scales": np.full(shape.outputs, 0.01, np.float32),
        "scale": np.float32(0.02),
        "zero": np.uint8(128),
    }
    if integer:
        nodes = [
            helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["wide"]),
            helper.make_node("DequantizeLinear", ["weight", "scales"], ["kernel"], axis=0),
            helper.make_node("Conv", ["wide", "kernel"], ["sums"], **attributes),
            helper.make_node("QuantizeLinear", ["sums", "scale", "zero"], ["y"]),
        ]
    else:
        nodes = [helper.make_node("Conv", ["x", "weight"], ["y"], **attributes)]
    used = {name for node in nodes for name in node.input}
    plane = (shape.size, shape.size)
    graph = helper.make_graph(
        nodes,
        "convolution",
        [helper.make_tensor_value_info("x", element, (shape.batch, shape.inputs, *plane))],
        [helper.make_tensor_value_info("y", element, (shape.batch, shape.outputs, *plane))],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items() if n in used],
    )
    opset = [helper.make_opsetid("", OPSET)]
    return bytes(
        onnx.helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    )


def measure(shape: Shape, runs: int, threads: int) -> np.ndarray:
    """Seconds (runs, 2): float32, eight bits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    seconds = np.zeros((runs, 2))
    sessions = [
        onnxruntime.InferenceSession(
            model(shape, integer), options, providers=["CPUExecutionProvider"]
        )
        for integer in (False, True)
    ]
    x = np.random.default_rng(1).integers(
        0, 256, (shape.batch, shape.inputs, shape.size, shape.size)
    )
    feeds = [{"x": x.astype(np.float32)}, {"x": x.astype(np.uint8)}]
    for run in range(-1, runs):  # the first run allocates
        for column, (session, feed) in enumerate(zip(sessions, feeds, strict=True)):
            start = time.perf_counter()
            session.run(None, feed)
            seconds[max(run, 0), column] = time.perf_counter() - start
    return seconds


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", default=7, show_default=True, help="Timed runs of each version.")
@click.option("--threads", default=2, show_default=True, help="Threads of ONNX Runtime.")
def main(runs: int, threads: int) -> None:
    """Compare convolutions in float32 and in eight bits."""
    table = Table("convolution", "G multiplications", "float32 ms", "int8 ms", "ratio", "quartiles")
    for shape in SHAPES:
        seconds = measure(shape, runs, threads)
        low, middle, high = np.percentile(seconds[:, 0] / seconds[:, 1], (25, 50, 75))
        least = seconds.min(axis=0) * 1000
        table.add_row(
            shape.name,
            f"{shape.multiplications:.1f}",
            *(f"{value:.0f}" for value in least),
            f"{middle:.1f}",
            f"{low:.1f} ... {high:.1f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
