"""A LiteRT file as an object: operators, signature tensors, reading and writing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from lp_pack.errors import ExportError
from lp_runtime.manifest import ElementType, TensorSpec

FILE_IDENTIFIER = b"TFL3"
# Higher numbers do not fit the old field of a code, which then says that the new one counts.
LAST_DEPRECATED_CODE = 127
_ELEMENT_TYPES: dict[int, ElementType] = {
    schema.TensorType.FLOAT32: "float32",
    schema.TensorType.FLOAT16: "float16",
    schema.TensorType.INT32: "int32",
    schema.TensorType.INT64: "int64",
    schema.TensorType.UINT8: "uint8",
}
_BUILTIN_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}


class TfliteModel:
    """A parsed file with one subgraph and one signature."""

    def __init__(self, model: Any) -> None:
        self.model = model

    @classmethod
    def read(cls, path: Path) -> TfliteModel:
        """Parse a file; ExportError where it is not one that this package writes."""
        data = path.read_bytes()
        if data[4:8] != FILE_IDENTIFIER:
            raise ExportError(
                "Not a LiteRT file", where=path, expected="the mark TFL3", remedy="export it again"
            )
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        if len(model.subgraphs) != 1 or len(model.signatureDefs or []) != 1:
            raise ExportError(
                "A LiteRT file has another structure than expected",
                where=path,
                expected="one subgraph with one signature",
                got=f"{len(model.subgraphs)} and {len(model.signatureDefs or [])}",
                remedy="export it again",
            )
        return cls(model)

    def write(self, path: Path) -> None:
        """Write the file; equal models give equal bytes."""
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), FILE_IDENTIFIER)
        path.write_bytes(bytes(builder.Output()))

    @property
    def graph(self) -> Any:
        """The one subgraph."""
        return self.model.subgraphs[0]

    def operator_name(self, operator: Any) -> str:
        """E.g. "CONV_2D"; "CUSTOM name" for one that is not built in."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        if number == schema.BuiltinOperator.CUSTOM:
            return f"CUSTOM {code.customCode.decode()}"
        return _BUILTIN_NAMES[number]

    def operator_counts(self) -> dict[str, int]:
        """How many operators of each type the graph holds, by name."""
        counts = Counter(self.operator_name(one) for one in self.graph.operators)
        return dict(sorted(counts.items()))

    def operator_code(self, name: str, version: int) -> int:
        """The place of a built-in operator of this version in the file's list, added if absent."""
        number = getattr(schema.BuiltinOperator, name)
        codes = self.model.operatorCodes
        for place, code in enumerate(codes):
            same = max(code.builtinCode, code.deprecatedBuiltinCode) == number
            if same and code.version == version:
                return place
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = number, min(number, LAST_DEPRECATED_CODE)
        code.version = version
        codes.append(code)
        return len(codes) - 1

    def add_integers(self, values: np.ndarray, name: bytes) -> int:
        """A new constant int32 tensor: its index."""
        buffer, tensor = schema.BufferT(), schema.TensorT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values, np.int32).tobytes(), np.uint8)
        self.model.buffers.append(buffer)
        tensor.shape = np.array(values.shape, np.int32)
        tensor.type, tensor.buffer = schema.TensorType.INT32, len(self.model.buffers) - 1
        tensor.name = name
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def inputs(self) -> tuple[TensorSpec, ...]:
        """The signature's inputs."""
        return tuple(self._spec(entry) for entry in self.model.signatureDefs[0].inputs)

    def outputs(self) -> tuple[TensorSpec, ...]:
        """The signature's outputs."""
        return tuple(self._spec(entry) for entry in self.model.signatureDefs[0].outputs)

    def check_tensors(
        self, input_names: tuple[str, ...], output_names: tuple[str, ...], graph_name: str
    ) -> None:
        """Raise ExportError unless the signature has exactly these names."""
        for kind, specs, names in (
            ("inputs", self.inputs(), input_names),
            ("outputs", self.outputs(), output_names),
        ):
            got = sorted(spec.name for spec in specs)
            if got != sorted(names):
                raise ExportError(
                    f"The converter lost {kind} of a graph",
                    where=f"graph '{graph_name}', LiteRT signature",
                    expected=sorted(names),
                    got=got,
                    remedy=f"make sure that forward uses and returns all {kind}",
                )

    def constant(self, tensor: Any) -> np.ndarray | None:
        """The values of a constant float32 tensor; None for any other."""
        data = self.model.buffers[tensor.buffer].data
        if data is None or not len(data) or tensor.type != schema.TensorType.FLOAT32:
            return None
        array: np.ndarray = np.asarray(data, np.uint8).view(np.float32).reshape(tensor.shape)
        return array

    def _spec(self, entry: Any) -> TensorSpec:
        tensor = self.graph.tensors[entry.tensorIndex]
        if tensor.type not in _ELEMENT_TYPES:
            raise ExportError(
                "A tensor has an element type that a bundle cannot carry",
                where=f"tensor '{entry.name.decode()}'",
                expected=", ".join(_ELEMENT_TYPES.values()),
                got=tensor.type,
                remedy="cast it inside the module",
            )
        shape = tuple(int(size) for size in tensor.shape)
        return TensorSpec(
            name=entry.name.decode(),
            dtype=_ELEMENT_TYPES[tensor.type],
            shape=shape,
            layout="NCHW" if len(shape) == 4 else "",
        )
