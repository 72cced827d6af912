"""Load an ONNX graph in a process of its own, run it, print that process's peak memory in MB."""

from __future__ import annotations

import sys

import numpy as np
import onnxruntime

from lp_runtime.latency import peak_memory_mb

RUNS = 2


def main(path: str, threads: int) -> None:
    """Print the peak resident memory after `RUNS` runs on zeros."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feeds = {item.name: np.zeros(item.shape, np.float32) for item in session.get_inputs()}
    for _ in range(RUNS):
        session.run(None, feeds)
    print(peak_memory_mb())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
