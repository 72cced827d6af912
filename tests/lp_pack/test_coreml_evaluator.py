"""The evaluator of Core ML programs, operator by operator against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from lp_pack.errors import ExportError

pytest.importorskip("coremltools", reason="the extra 'coreml' is not installed")

from lp_pack.coreml_evaluator.compressed_weights import (
    constexpr_affine_dequantize,
    constexpr_blockwise_shift_scale,
    constexpr_lut_to_dense,
)
from lp_pack.coreml_evaluator.engine import eight_bits
from lp_pack.coreml_evaluator.program import EvaluatedProgram
from lp_pack.coreml_evaluator.registry import OPERATIONS, operation
from lp_pack.export.coreml_package import coremltools
from lp_runtime.frames import as_planes

ct = coremltools()
from coremltools.converters.mil import Builder as mb  # noqa: E402, N813
from coremltools.converters.mil.mil import types  # noqa: E402

KERNEL = np.random.default_rng(0).normal(size=(6, 4, 3, 3)).astype(np.float32)
MATRIX = np.random.default_rng(1).normal(size=(5, 8)).astype(np.float32)
BIAS = np.arange(6, dtype=np.float32)
TABLE = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
MAP = (1, 4, 6, 8)

Build = Callable[[Any], Any]
Expect = Callable[[Tensor], Tensor]


def program_of(build: Build, shape: tuple[int, ...], dtype: Any = types.fp32) -> EvaluatedProgram:
    """A program of one input `x` and what `build` makes of it."""

    @mb.program(  # type: ignore[untyped-decorator]
        input_specs=[mb.TensorSpec(shape=shape, dtype=dtype)], opset_version=ct.target.iOS16
    )
    def made(x: Any) -> Any:
        return build(x)

    return EvaluatedProgram.of_function(made.functions["main"], "test")


def evaluate(build: Build, x: np.ndarray, dtype: Any = types.fp32) -> np.ndarray:
    program = program_of(build, x.shape, dtype)
    return program.run({program.inputs[0]: x})[program.outputs[0]]


CASES: dict[str, tuple[tuple[int, ...], Build, Expect]] = {
    "abs": (MAP, lambda x: mb.abs(x=x), torch.abs),
    "add": (MAP, lambda x: mb.add(x=x, y=np.float32(2)), lambda x: x + 2),
    "avg_pool": (
        MAP,
        lambda x: mb.avg_pool(x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid"),
        lambda x: F.avg_pool2d(x, 2),
    ),
    "clip": (
        MAP,
        lambda x: mb.clip(x=x, alpha=np.float32(-0.5), beta=np.float32(0.7)),
        lambda x: x.clamp(-0.5, 0.7),
    ),
    "cast": (MAP, lambda x: mb.cast(x=x, dtype="int32"), lambda x: x.to(torch.int32)),
    "concat": (MAP, lambda x: mb.concat(values=[x, x], axis=1), lambda x: torch.cat([x, x], 1)),
    "conv, padded": (
        MAP,
        lambda x: mb.conv(x=x, weight=KERNEL, bias=BIAS, pad_type="custom", pad=[1, 0, 2, 1]),
        lambda x: F.conv2d(F.pad(x, (2, 1, 1, 0)), torch.tensor(KERNEL), torch.tensor(BIAS)),
    ),
    "conv, strided and dilated": (
        MAP,
        lambda x: mb.conv(x=x, weight=KERNEL, strides=[2, 1], dilations=[1, 2], pad_type="valid"),
        lambda x: F.conv2d(x, torch.tensor(KERNEL), stride=(2, 1), dilation=(1, 2)),
    ),
    "conv, grouped": (
        MAP,
        lambda x: mb.conv(x=x, weight=KERNEL[:, :2], groups=2, pad_type="valid"),
        lambda x: F.conv2d(x, torch.tensor(KERNEL[:, :2]), groups=2),
    ),
    "cos": (MAP, lambda x: mb.cos(x=x), torch.cos),
    "exp": (MAP, lambda x: mb.exp(x=x), torch.exp),
    "expand_dims": (
        (3, 4),
        lambda x: mb.expand_dims(x=x, axes=[0, -1]),
        lambda x: x[None, ..., None],
    ),
    "fill_like": (
        MAP,
        lambda x: mb.add(x=x, y=mb.fill_like(ref_tensor=x, value=np.float32(3))),
        lambda x: x + 3,
    ),
    "floor": (MAP, lambda x: mb.floor(x=x), torch.floor),
    "gather": (
        (4, 5),
        lambda x: mb.gather(x=TABLE, indices=mb.cast(x=mb.abs(x=x), dtype="int32"), axis=0),
        lambda x: torch.tensor(TABLE)[x.abs().int().long()],
    ),
    "greater_equal and select": (
        MAP,
        lambda x: mb.select(cond=mb.greater_equal(x=x, y=np.float32(0)), a=x, b=mb.exp(x=x)),
        lambda x: torch.where(x >= 0, x, x.exp()),
    ),
    "instance_norm": (
        MAP,
        lambda x: mb.instance_norm(x=x, gamma=BIAS[:4], beta=BIAS[1:5], epsilon=np.float32(1e-3)),
        lambda x: F.instance_norm(
            x, weight=torch.tensor(BIAS[:4]), bias=torch.tensor(BIAS[1:5]), eps=1e-3
        ),
    ),
    "leaky_relu": (
        MAP,
        lambda x: mb.leaky_relu(x=x, alpha=np.float32(0.1)),
        lambda x: F.leaky_relu(x, 0.1),
    ),
    "linear": (
        (2, 8),
        lambda x: mb.linear(x=x, weight=MATRIX, bias=BIAS[:5]),
        lambda x: F.linear(x, torch.tensor(MATRIX), torch.tensor(BIAS[:5])),
    ),
    "log": (
        MAP,
        lambda x: mb.log(x=mb.exp(x=x), epsilon=np.float32(0.5)),
        lambda x: torch.log(x.exp() + 0.5),
    ),
    "matmul, transposed": (
        (2, 8),
        lambda x: mb.matmul(x=x, y=MATRIX, transpose_y=True),
        lambda x: x @ torch.tensor(MATRIX).T,
    ),
    "maximum": (MAP, lambda x: mb.maximum(x=x, y=np.float32(0.3)), lambda x: x.clamp(min=0.3)),
    "minimum": (MAP, lambda x: mb.minimum(x=x, y=np.float32(0.3)), lambda x: x.clamp(max=0.3)),
    "mul": (MAP, lambda x: mb.mul(x=x, y=x), lambda x: x * x),
    "pad": (
        MAP,
        lambda x: mb.pad(x=x, pad=[1, 2, 3, 0], mode="constant", constant_val=np.float32(7)),
        lambda x: F.pad(x, (3, 0, 1, 2), value=7.0),
    ),
    "pad, reflected": (
        MAP,
        lambda x: mb.pad(x=x, pad=[1, 2, 3, 0], mode="reflect"),
        lambda x: F.pad(x, (3, 0, 1, 2), mode="reflect"),
    ),
    "pixel_shuffle": (
        MAP,
        lambda x: mb.pixel_shuffle(x=x, upscale_factor=2),
        lambda x: F.pixel_shuffle(x, 2),
    ),
    "pow": (MAP, lambda x: mb.pow(x=mb.abs(x=x), y=np.float32(1.5)), lambda x: x.abs() ** 1.5),
    "real_div": (MAP, lambda x: mb.real_div(x=x, y=np.float32(3)), lambda x: x / 3),
    "reduce_max": (
        MAP,
        lambda x: mb.reduce_max(x=x, axes=[1], keep_dims=False),
        lambda x: x.amax(1),
    ),
    "reduce_mean": (
        MAP,
        lambda x: mb.reduce_mean(x=x, axes=[2, 3], keep_dims=True),
        lambda x: x.mean((2, 3), keepdim=True),
    ),
    "reduce_sum": (MAP, lambda x: mb.reduce_sum(x=x, axes=[-1]), lambda x: x.sum(-1)),
    "relu": (MAP, lambda x: mb.relu(x=x), torch.relu),
    "reshape": (MAP, lambda x: mb.reshape(x=x, shape=[4, -1, 2]), lambda x: x.reshape(4, -1, 2)),
    "rsqrt": (
        MAP,
        lambda x: mb.rsqrt(x=mb.abs(x=x), epsilon=np.float32(0.1)),
        lambda x: torch.rsqrt(x.abs() + 0.1),
    ),
    "sigmoid": (MAP, lambda x: mb.sigmoid(x=x), torch.sigmoid),
    "silu": (MAP, lambda x: mb.silu(x=x), F.silu),
    "sin": (MAP, lambda x: mb.sin(x=x), torch.sin),
    "slice_by_index": (
        MAP,
        lambda x: mb.slice_by_index(
            x=x,
            begin=[0, 1, 9, 1],
            end=[1, 2, 9, -1],
            stride=[1, 1, 2, 3],
            begin_mask=[True, False, True, False],
            end_mask=[True, False, True, False],
            squeeze_mask=[False, True, False, False],
        ),
        lambda x: x[:, 1, ::2, 1:-1:3],
    ),
    "softmax": (MAP, lambda x: mb.softmax(x=x, axis=1), lambda x: torch.softmax(x, 1)),
    "split, equal": (MAP, lambda x: mb.split(x=x, num_splits=2, axis=1)[1], lambda x: x[:, 2:]),
    "split, sizes": (
        MAP,
        lambda x: mb.split(x=x, split_sizes=[1, 3], axis=1)[1],
        lambda x: x[:, 1:],
    ),
    "sqrt": (MAP, lambda x: mb.sqrt(x=mb.abs(x=x)), lambda x: x.abs().sqrt()),
    "square": (MAP, lambda x: mb.square(x=x), torch.square),
    "squeeze": ((1, 3, 1), lambda x: mb.squeeze(x=x, axes=[0]), lambda x: x[0]),
    "stack": (MAP, lambda x: mb.stack(values=[x, x], axis=1), lambda x: torch.stack([x, x], 1)),
    "sub": (MAP, lambda x: mb.sub(x=np.float32(1), y=x), lambda x: 1 - x),
    "tanh": (MAP, lambda x: mb.tanh(x=x), torch.tanh),
    "tile": (MAP, lambda x: mb.tile(x=x, reps=[1, 2, 1, 3]), lambda x: x.repeat(1, 2, 1, 3)),
    "transpose": (
        MAP,
        lambda x: mb.transpose(x=x, perm=[0, 2, 3, 1]),
        lambda x: x.permute(0, 2, 3, 1),
    ),
    "upsample_nearest_neighbor": (
        MAP,
        lambda x: mb.upsample_nearest_neighbor(x=x, scale_factor_height=2, scale_factor_width=3),
        lambda x: x.repeat_interleave(2, 2).repeat_interleave(3, 3),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_does_what_torch_does(name: str) -> None:
    shape, build, expect = CASES[name]
    x = np.random.default_rng(3).normal(size=shape).astype(np.float32) * 3
    got, expected = evaluate(build, x), expect(torch.from_numpy(x)).numpy()
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-5)


def test_every_half_precision_result_is_rounded_once() -> None:
    x = np.random.default_rng(0).normal(size=(64,)).astype(np.float16)
    got = evaluate(lambda x: mb.mul(x=mb.exp(x=x), y=np.float16(3)), x, types.fp16)
    first = np.exp(x.astype(np.float32)).astype(np.float16)
    expected = (first.astype(np.float32) * 3).astype(np.float16)
    assert got.dtype == np.float16
    np.testing.assert_array_equal(got, expected)


def test_a_sum_in_half_precision_overflows_only_where_its_result_does() -> None:
    x = np.full((4, 1000), 100, np.float16)
    mean = evaluate(lambda x: mb.reduce_mean(x=x, axes=[1]), x, types.fp16)
    np.testing.assert_array_equal(mean, np.full(4, 100, np.float16))
    total = evaluate(lambda x: mb.reduce_sum(x=x, axes=[1]), x, types.fp16)
    assert np.isinf(total).all()


def test_an_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(ExportError, match="erf"):
        program_of(lambda x: mb.erf(x=x), (3,))


def test_an_index_outside_its_table_is_an_error() -> None:
    x = np.array([49.0, 50.0], np.float32)
    with pytest.raises((RuntimeError, IndexError)):
        evaluate(lambda x: mb.gather(x=TABLE, indices=mb.cast(x=x, dtype="int32"), axis=0), x)


def test_affine_constants_unfold_by_channel() -> None:
    data = torch.randint(-128, 127, (3, 4), dtype=torch.int8)
    scale, zero = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0, 1, -2], dtype=torch.int8)
    got = constexpr_affine_dequantize(data, zero, scale, torch.tensor(0))
    torch.testing.assert_close(got, (data.float() - zero.float()[:, None]) * scale[:, None])


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
def test_palettes_of_packed_indices_unfold(bits: int) -> None:
    random = np.random.default_rng(bits)
    palette = torch.from_numpy(random.normal(size=2**bits).astype(np.float32))
    indices = random.integers(0, 2**bits, size=(3, 5))
    planes = (indices.reshape(-1, 1) >> np.arange(bits)) & 1
    packed = np.packbits(planes.astype(np.uint8).reshape(-1), bitorder="little")
    shape = torch.tensor([3, 5])
    got = constexpr_lut_to_dense(torch.from_numpy(packed), palette, shape)
    torch.testing.assert_close(got, palette[torch.from_numpy(indices)])


def test_blockwise_scales_spread_over_their_blocks() -> None:
    data = torch.arange(8, dtype=torch.int8).reshape(2, 4)
    got = constexpr_blockwise_shift_scale(data, torch.tensor([[1.0, 10.0], [2.0, 20.0]]))
    assert isinstance(got, Tensor)
    assert got.tolist() == [[0, 1, 20, 30], [8, 10, 120, 140]]


def test_no_operator_is_registered_twice() -> None:
    assert "conv" in OPERATIONS
    with pytest.raises(ValueError, match="conv"):
        operation("conv")(torch.relu)


def test_pictures_leave_as_eight_bit_pixels() -> None:
    planes = np.array([[[[-3.0, 0.4]], [[127.6, 255.0]], [[300.0, 12.0]]]], np.float32)
    pixels = eight_bits(planes)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (1, 1, 2, 3))
    assert pixels[0, 0].tolist() == [[0, 128, 255], [0, 255, 12]]
    np.testing.assert_allclose(as_planes(pixels), np.clip(planes, 0, 255) / 255, atol=0.5 / 255)
