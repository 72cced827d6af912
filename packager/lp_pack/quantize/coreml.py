"""Core ML: weights in fewer bits, unpacked by the program itself.

    before   const f16 ─────────────────────────────────────────── conv
    w8       constexpr_affine_dequantize (s8, scale per channel) ─ conv
    w6, w4   constexpr_lut_to_dense (indices, palette) ──────────── conv

Both operators exist since iOS 16, so a compressed program needs no newer system than a float one.
coremltools' own passes are not used: they would narrow coordinates too, and find palettes slowly.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from lp_pack.export.coreml_package import (
    SPECIFICATION,
    coremltools,
    load_program,
    normalise,
    read_specification,
)
from lp_pack.export.isolated import run_isolated
from lp_pack.quantize.calibration import CalibrationSet
from lp_pack.quantize.choice import kept_wide, layer_precision, unknown_layers
from lp_pack.quantize.coreml_layers import constants, layer_names
from lp_pack.quantize.integers import channel_integers
from lp_pack.quantize.methods import Weights, WideRule
from lp_pack.quantize.palettes import make_palette, packed
from lp_pack.quantize.recipes import METHODS, PLAIN, Recipe
from lp_runtime.manifest import Compression


def compress(
    source: Path,
    destination: Path,
    recipe: Recipe,
    calibration: CalibrationSet | None,
    graph: str,
) -> Compression:
    """See `compressors`; `source` is the float16 program. Runs in a process of its own."""
    # What a child process is given must pickle, which read-only mappings do not.
    plain = {name: dict(layers) for name, layers in recipe.overrides.items()}
    recipe = recipe.with_overrides(recipe.name, plain)
    with tempfile.TemporaryDirectory(prefix="lp-pack-") as folder:
        record = Path(folder) / "record.json"
        arguments = (source, destination, recipe, graph, record)
        run_isolated(convert, *arguments, what=f"Core ML {recipe.precision} of '{graph}'")
        return msgspec.json.decode(record.read_bytes(), type=Compression)


def convert(source: Path, destination: Path, recipe: Recipe, graph: str, record: Path) -> None:
    """`compress` within this process; what was done goes into the file `record`."""
    program = load_program(source)
    function = program.functions["main"]
    unknown_layers(recipe, graph, layer_names(function))
    kept: list[WideRule] = []
    for constant in constants(function):
        precision, rule = layer_precision(recipe, graph, constant.layers, constant.rule)
        kept += [] if rule is None else [rule]
        if precision not in PLAIN and constant.values.dtype == np.float16:
            weights = METHODS[recipe.target, precision].weights
            narrow(function, constant.op, weights, constant.axis)
    save(program, source, destination)
    done = Compression(
        recipe=recipe.name, description=recipe.description, kept_wide=kept_wide(kept)
    )
    record.write_bytes(msgspec.json.encode(done))


def narrow(function: Any, op: Any, weights: Weights, axis: int) -> None:
    """Replace a constant by an operator that unpacks it."""
    coremltools()
    from coremltools.converters.mil.mil import Builder

    old, name = op.outputs[0], f"{op.outputs[0].name}_{weights.granularity}{weights.bits}"
    values: np.ndarray = old.val
    with function:
        if weights.granularity == "palette":
            palette = make_palette(values, weights.bits)
            new = Builder.constexpr_lut_to_dense(
                indices=packed(palette.indices, weights.bits),
                lut=palette.levels,
                shape=np.array(values.shape, np.uint32),
                before_op=op,
                name=name,
            )
        else:
            numbers = channel_integers(values, axis % values.ndim, weights.bits)
            new = Builder.constexpr_affine_dequantize(
                quantized_data=numbers.integers,
                zero_point=np.zeros(len(numbers.scale), np.int8),
                scale=numbers.scale.astype(np.float16),
                axis=np.int32(numbers.axis),
                before_op=op,
                name=name,
            )
        function.replace_uses_of_var_after_op(
            anchor_op=op, old_var=old, new_var=new, no_check_var_types=True, force_replace=True
        )
        function.remove_ops([op])


def save(program: Any, source: Path, destination: Path) -> None:
    """Write a changed program with the inputs and outputs of the package it came from."""
    ct = coremltools()
    described = read_specification(source)
    oldest = {number: target for target in ct.target for number in [target.value]}
    model = ct.convert(
        program,
        convert_to="mlprogram",
        pass_pipeline=ct.PassPipeline.EMPTY,
        minimum_deployment_target=oldest[described.specificationVersion],
        skip_model_load=True,
    )
    model.save(str(destination))
    specification = read_specification(destination)
    specification.description.CopyFrom(described.description)
    (destination / SPECIFICATION).write_bytes(specification.SerializeToString(deterministic=True))
    normalise(destination)
