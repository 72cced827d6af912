"""onnxslim's own rewrites: shape arithmetic, chains of slices, dead branches.

    x -> Shape -> Gather -> Concat -> Reshape(x, .)      =>      x -> Reshape(constant)

It works on its own copy of the graph; large results are not folded (`SIZE_THRESHOLD`), because a
coordinate grid written out enlarges the file (docs/decisions/0021-onnx-simplifier.md).
"""

from __future__ import annotations

import onnx_ir as ir
import onnxslim

from lp_pack.errors import ExportError

SIZE_THRESHOLD = 16384  # bytes of a folded constant
# They fail on a bias that folds to a NumPy scalar (onnxslim 0.1.98); engines fuse these on loading.
SKIPPED = ["FusionGemm", "FusionGemmMul", "FusionGemmAdd"]


def apply(model: ir.Model) -> int:
    """Replace the model's graph by onnxslim's version of it; returns the nodes it saved."""
    before = len(model.graph)
    try:
        slimmed = onnxslim.slim(
            ir.to_proto(model),
            size_threshold=SIZE_THRESHOLD,
            skip_fusion_patterns=SKIPPED,
            verbose=False,
        )
    except Exception as error:  # onnxslim raises plain Exception subclasses of many kinds
        raise ExportError(
            "onnxslim could not read the graph",
            where=f"graph '{model.graph.name}'",
            got=error,
            remedy="a pass before it broke the graph; run the passes one by one",
        ) from error
    result = ir.from_proto(slimmed)
    model.graph = result.graph
    return max(before - len(model.graph), 0)
