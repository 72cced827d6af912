"""Every compressed precision that is offered, as one table: what is narrowed, how, and what for.

A precision that is missing here for a target is not offered, because that target's runtime gains
nothing from it; `recipe_for` says what there is instead. docs/compression.md is checked against
this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

from lp_pack.errors import ConfigError
from lp_pack.manifest import GENERATOR
from lp_pack.quantize.methods import Activations, Method, Weights, WideRule
from lp_runtime.manifest import Precision, Target

# In the order in which files shrink.
COMPRESSED: tuple[Precision, ...] = ("int8", "w8", "w6", "w4")
PlainPrecision = Literal["fp32", "fp16"]
PLAIN: tuple[PlainPrecision, ...] = ("fp32", "fp16")

STATISTICS = WideRule(
    "statistics of normalisation",
    "means and reciprocal roots scale whole channels, so their rounding is seen everywhere",
    "fp32",
)
COORDINATES = WideRule(
    "coordinates, heatmaps and masks",
    "eight bits over 64 places are a quarter of a place: the picture would tremble",
    "fp32",
)
INDICES = WideRule(
    "index arithmetic",
    "an index is exact or it reads another row",
    "fp32",
)
SPECTRUM = WideRule(
    "power spectrum and logarithm of the mel front end",
    "eight decades of loudness do not fit into 256 steps",
    "fp16",
)
SPECTRUM_READER = WideRule(
    "first layer after the logarithm",
    "its inputs share a large offset, so the rounding of its weights does not average out: it made "
    "three quarters of the motion's error",
    "fp16",
)
STATE = WideRule(
    "recurrent state",
    "rounding would add up from frame to frame",
    "fp32",
)
PICTURE_ENDS = WideRule(
    "last convolution before the picture",
    "its rounding is the picture's, and it holds a few hundredths of the work",
    "fp32",
)
SMALL = WideRule(
    "constants below 1024 numbers",
    "nothing to gain",
    "fp32",
)
SMALL_MOTION = WideRule(
    "constants of audio2motion and stitching below 4096 numbers",
    "their rows mix degrees, places and factors, and all of them together are a few kilobytes",
    "fp32",
)
RESIDUAL_STEM = WideRule(
    "convolution at the root of a residual stream",
    "every later block adds to its result, so its rounding is in all of them",
    "w8",
)
PLACES = WideRule(
    "convolution whose map decides where the picture is taken from",
    "what they round moves the picture instead of tinting it",
    "w8",
)
SHARED_MAP = WideRule(
    "convolutions that make a map which many others read",
    "its rounding is in all of them at once, so it does not average out",
    "w8",
)
PICTURES = WideRule(
    "tables and pictures",
    "a few levels of brightness are seen as bands; eight bits are what a screen shows",
    "w8",
)
LARGE_MAPS = WideRule(
    "convolutions on maps of 8 x 8 and larger",
    "their rounding reaches the picture as grain; the smallest maps hold a quarter of the weights",
    "w6",
)
ALWAYS_WIDE = (STATISTICS, COORDINATES, INDICES, SPECTRUM, STATE, SMALL)

# Core ML's compression starts from float16 programs, and LiteRT's may store what it keeps wide in
# float16: it unpacks all constants to float32 before it computes.
WIDE: Mapping[Target, tuple[WideRule, ...]] = MappingProxyType(
    {
        "onnx": (
            *(*ALWAYS_WIDE, SMALL_MOTION),
            *(PLACES, SHARED_MAP, RESIDUAL_STEM, PICTURE_ENDS),
        ),
        "coreml": (*ALWAYS_WIDE, SPECTRUM_READER, replace(PICTURE_ENDS, precision="fp16")),
        "tflite": (
            *(rule if rule is SMALL else replace(rule, precision="fp16") for rule in ALWAYS_WIDE),
            SPECTRUM_READER,
            replace(PICTURE_ENDS, precision="fp16"),
        ),
    }
)

CHANNEL_8 = Weights(8, "channel")
STATIC_U8 = Activations(8, "static", signed=False)
DYNAMIC_S8 = Activations(8, "dynamic", signed=True)


@dataclass(frozen=True)
class Recipe:
    """How one target's graphs are compressed to one precision.

    name: as the manifest records it, e.g. "onnx-int8", or that of a recipe file.
    target, precision: which variant it makes.
    summary: what is narrowed and how, in a sentence.
    runtime: what the runtime does with it, in a sentence.
    picture: what happens to the layers of the generator.
    motion: what happens to those of audio2motion and stitching, which are small and numeric.
    wide: which layers stay wider, each rule with its reason; first match counts.
    overrides: graph -> layer -> precision chosen for that layer, before every rule. Layers are
        named by the output tensor of the operator that does the work (ONNX: of Conv or MatMul).
    """

    name: str
    target: Target
    precision: Precision
    summary: str
    runtime: str
    picture: Method
    motion: Method
    wide: tuple[WideRule, ...]
    overrides: Mapping[str, Mapping[str, Precision]] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def description(self) -> str:
        """What the manifest says about a graph that was compressed by it."""
        return f"{self.summary}; {self.runtime}"

    def method(self, graph: str) -> Method:
        """What happens to the layers of a graph that no rule and no override names."""
        return self.picture if graph == GENERATOR else self.motion

    def needs_calibration(self, graph: str) -> bool:
        """Whether compressing this graph reads recorded inputs."""
        chosen = {self.overrides[graph][layer] for layer in self.overrides.get(graph, {})}
        methods = [METHODS[self.target, precision] for precision in chosen - set(PLAIN)]
        return any(method.needs_calibration for method in (self.method(graph), *methods))

    def override(self, graph: str, layer: str) -> Precision | None:
        """The precision chosen for one layer, if one was."""
        return self.overrides.get(graph, {}).get(layer)

    def with_overrides(self, name: str, overrides: Mapping[str, Mapping[str, Precision]]) -> Recipe:
        """The same recipe under another name with these layers chosen one by one.

        Raises:
            ConfigError: a layer is given a precision that the target does not have.
        """
        for graph, layers in overrides.items():
            for layer, precision in layers.items():
                if precision not in PLAIN and (self.target, precision) not in METHODS:
                    raise _not_offered(self.target, precision, f"layer '{layer}' of '{graph}'")
        return replace(self, name=name, overrides=overrides)


# What a layer's precision means in each target, be it the recipe's or an override.
METHODS: Mapping[tuple[Target, Precision], Method] = MappingProxyType(
    {
        ("onnx", "int8"): Method("int8", CHANNEL_8, STATIC_U8),
        ("onnx", "w8"): Method("w8", CHANNEL_8),
        ("coreml", "w8"): Method("w8", CHANNEL_8),
        ("coreml", "w6"): Method("w6", Weights(6, "palette")),
        ("coreml", "w4"): Method("w4", Weights(4, "palette")),
        ("tflite", "int8"): Method("int8", CHANNEL_8, DYNAMIC_S8),
        ("tflite", "w8"): Method("w8", CHANNEL_8),
    }
)


def _recipe(
    target: Target,
    precision: Precision,
    summary: str,
    runtime: str,
    extra_rules: tuple[WideRule, ...] = (),
) -> Recipe:
    method = METHODS[target, precision]
    # Audio2motion and stitching are a hundredth of the bytes and a thousandth of the time: they
    # never get activations of eight bits, nor fewer than eight bits for weights.
    motion = METHODS[target, "w8"]
    wide = (*WIDE[target], *extra_rules)
    return Recipe(
        f"{target}-{precision}", target, precision, summary, runtime, method, motion, wide
    )


RECIPES: tuple[Recipe, ...] = (
    _recipe(
        "onnx",
        "int8",
        "convolutions with unsigned 8-bit maps (static ranges), signed 8-bit weights per channel "
        "(kernels above 4 million numbers: 6 bits, packed), other constants in 8 bits",
        "ONNX Runtime runs the convolutions in integers (QLinearConv) and the rest in float32",
    ),
    _recipe(
        "onnx",
        "w8",
        "weights in signed 8 bits per channel",
        "ONNX Runtime unpacks them and computes in float32: the file shrinks, nothing else",
    ),
    _recipe(
        "coreml",
        "w8",
        "weights in signed 8 bits per channel",
        "Core ML unpacks them as it runs: less memory traffic, float16 arithmetic",
    ),
    _recipe(
        "coreml",
        "w6",
        "weights as 6-bit indices into a palette of 64 values per tensor",
        "Core ML unpacks them as it runs: less memory traffic, float16 arithmetic",
        (PICTURES,),
    ),
    _recipe(
        "coreml",
        "w4",
        "weights as 4-bit indices into a palette of 16 values per tensor",
        "Core ML unpacks them as it runs: less memory traffic, float16 arithmetic",
        (PICTURES, LARGE_MAPS),
    ),
    _recipe(
        "tflite",
        "int8",
        "convolutions and matrix products with signed 8-bit weights per channel; maps are rounded "
        "by the runtime, frame by frame",
        "LiteRT's CPU kernels run them in integers and the rest in float32",
    ),
    _recipe(
        "tflite",
        "w8",
        "weights in signed 8 bits per channel",
        "LiteRT unpacks them and computes in float32: the file shrinks, nothing else",
    ),
)


def offered(target: Target) -> tuple[Precision, ...]:
    """The precisions that a target has, plain ones included."""
    return (*PLAIN, *(one.precision for one in RECIPES if one.target == target))


def recipe_for(target: Target, precision: Precision) -> Recipe:
    """The recipe of the table.

    Raises:
        ConfigError: the target does not have this precision; the text lists what it has.
    """
    for recipe in RECIPES:
        if (recipe.target, recipe.precision) == (target, precision):
            return recipe
    raise _not_offered(target, precision, f"--targets {target} --precision {precision}")


def check_precisions(targets: tuple[Target, ...], precisions: tuple[Precision, ...]) -> None:
    """Raise ConfigError unless every target has every precision."""
    for target in targets:
        for precision in precisions:
            if precision not in PLAIN:
                recipe_for(target, precision)


def _not_offered(target: Target, precision: Precision, where: str) -> ConfigError:
    return ConfigError(
        f"The target '{target}' does not have the precision '{precision}'",
        where=where,
        expected=", ".join(offered(target)),
        got=precision,
        remedy="choose among these, or build the targets apart; docs/compression.md says why",
    )
