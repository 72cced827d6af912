r"""Keep one copy of equal constants.

    a = [1, 2]  -> Add                 a = [1, 2] -> Add
    b = [1, 2]  -> Mul          =>            \----> Mul

Equal means same element type, shape and bytes (so 0.0 and -0.0 stay apart). The first name in
graph order wins.
"""

from __future__ import annotations

import hashlib

import onnx_ir as ir


def apply(model: ir.Model) -> int:
    """Merge initializers that hold the same bytes."""
    kept: dict[tuple[str, tuple[int, ...], bytes], ir.Value] = {}
    changes = 0
    for name, value in list(model.graph.initializers.items()):
        tensor = value.const_value
        if tensor is None or value.is_graph_output() or value.is_graph_input():
            continue
        array = tensor.numpy()
        key = (str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).digest())
        if key in kept:
            value.replace_all_uses_with(kept[key])
            del model.graph.initializers[name]
            changes += 1
        else:
            kept[key] = value
    return changes
