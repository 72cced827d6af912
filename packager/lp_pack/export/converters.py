"""Which packages a target's converter needs, and whether they are here."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from lp_pack.errors import ConfigError
from lp_runtime.manifest import Target


@dataclass(frozen=True)
class Converter:
    """What turns torch modules into a target's files."""

    # Import names that must be found.
    modules: tuple[str, ...]
    # Distributions whose versions shape the bytes.
    distributions: tuple[str, ...]
    # The extra of this package that installs them.
    extra: str


CONVERTERS: dict[Target, Converter] = {
    "onnx": Converter(
        modules=("onnx", "onnxscript", "onnx_ir", "onnxslim"),
        distributions=("onnx", "onnx-ir", "onnxscript", "onnxslim", "onnxruntime"),
        extra="build",
    ),
    "coreml": Converter(modules=("coremltools",), distributions=("coremltools",), extra="coreml"),
    "tflite": Converter(
        modules=("litert_torch", "ai_edge_litert"),
        distributions=("litert-torch", "litert-converter", "ai-edge-litert"),
        extra="tflite",
    ),
}


def check_converters(targets: tuple[Target, ...]) -> None:
    """Raise ConfigError unless every target's converter is installed; nothing is imported."""
    for target in targets:
        refusal = missing_converter(target)
        if refusal is not None:
            raise refusal


def missing_converter(target: Target) -> ConfigError | None:
    """What to tell the user where this target's converter is not installed."""
    converter = CONVERTERS[target]
    missing = [name for name in converter.modules if importlib.util.find_spec(name) is None]
    if not missing:
        return None
    return ConfigError(
        f"The converter for the target '{target}' is not installed",
        where=f"--targets {target}",
        expected=f"the extra '{converter.extra}' of lp-pack",
        got=f"no module {', '.join(missing)}",
        remedy=f'pip install "lp-pack[{converter.extra}]"',
    )
