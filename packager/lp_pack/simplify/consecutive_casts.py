"""Cut a detour through a wider type.

    x (f16) -> Cast f32 -> Cast f16 -> y       =>      x -> y
    x (f16) -> Cast f32 -> Cast i32 -> y       =>      x -> Cast i32 -> y

Only where the first cast loses nothing: float16 to float32, int32 to int64, and so on. A detour
through a narrower type rounds, and stays.
"""

from __future__ import annotations

import onnx_ir as ir

from lp_pack.simplify.rewriting import bypass, remove_unused

_D = ir.DataType
_LOSSLESS = {
    (_D.FLOAT16, _D.FLOAT),
    (_D.FLOAT16, _D.DOUBLE),
    (_D.FLOAT, _D.DOUBLE),
    (_D.UINT8, _D.INT32),
    (_D.UINT8, _D.INT64),
    (_D.UINT8, _D.FLOAT16),
    (_D.UINT8, _D.FLOAT),
    (_D.INT32, _D.INT64),
    (_D.BOOL, _D.FLOAT16),
    (_D.BOOL, _D.FLOAT),
    (_D.BOOL, _D.INT32),
    (_D.BOOL, _D.INT64),
}


def apply(model: ir.Model) -> int:
    """Shorten every pair of casts whose first is lossless."""
    changes = 0
    for node in list(model.graph):
        if node.op_type != "Cast" or node.inputs[0] is None:
            continue
        first = node.inputs[0].producer()
        if first is None or first.op_type != "Cast" or first.inputs[0] is None:
            continue
        source = first.inputs[0]
        if source.dtype is None or (source.dtype, first.outputs[0].dtype) not in _LOSSLESS:
            continue
        if source.dtype == node.outputs[0].dtype:
            changes += bypass(model, node, source)
        else:
            node.replace_input_with(0, source)
            changes += 1
    if changes:
        remove_unused(model)
    return changes
