"""`lp-pack report`: open bundles, play them, write the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from lp_pack.errors import LpPackError
from lp_pack.report.layers import GraphErrors, layer_errors
from lp_pack.report.page import build_page
from lp_pack.report.playing import Progress, play_variants
from lp_runtime.bundle import Bundle

DEFAULT_SECONDS = 3.0
REPORT_FOLDER, PAGE_NAME = "report", "index.html"


@dataclass(frozen=True)
class ReportOptions:
    """How the page is made."""

    # None: the sentence that comes with the demo persona.
    sound: Path | None = None
    seconds: float = DEFAULT_SECONDS
    # False: facts only, as the build writes them.
    clips: bool = True
    threads: int | None = None
    # Graph whose error is told layer by layer; None: of none.
    layers_of: str | None = None
    # None: into the first bundle.
    output: Path | None = None


def write_report(
    paths: Sequence[Path],
    options: ReportOptions,
    progress: Progress = lambda name, done, total: None,
) -> Path:
    """Write the page about the bundles at `paths` and return where it lies.

    A page that exists is replaced as a whole, and only when the new one is complete.

    Raises BundleError, InputError or EngineError when a bundle or the sound cannot be used,
    LpPackError when the page cannot be written.
    """
    bundles = [Bundle.open(path) for path in paths]
    output = options.output or paths[0] / REPORT_FOLDER / PAGE_NAME
    _check_folder(output, create=options.output is None)
    with resources.as_file(resources.files("lp_pack.demo") / "speech" / "hello.flac") as demo:
        sound = options.sound or demo
        performances = [
            play_variants(bundle, sound, options.seconds, options.threads, progress)
            if options.clips
            else None
            for bundle in bundles
        ]
        layers = [_layers(bundle, options.layers_of) for bundle in bundles]
        page = build_page(bundles, performances, layers)
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        partial.write_text(page, encoding="utf-8")
        os.replace(partial, output)
    except OSError as error:
        raise _write_error(output, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return output


def _layers(bundle: Bundle, graph: str | None) -> tuple[GraphErrors, ...]:
    if graph is None:
        return ()
    known = [step.graph for step in bundle.manifest.pipeline.steps]
    if graph not in known:
        raise LpPackError(
            "The pipeline has no such graph.", where=bundle.path, expected=known, got=graph
        )
    return layer_errors(bundle, graph)


def _check_folder(output: Path, create: bool) -> None:
    """Before minutes of playing: is there a folder for the page?"""
    try:
        if create:
            output.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise _write_error(output, error) from error
    if output.is_dir() or not output.parent.is_dir():
        raise LpPackError(
            "The page cannot be written there.",
            where=output,
            expected="a file's name in a folder that exists",
            got="a folder" if output.is_dir() else f"no folder {output.parent}",
        )


def _write_error(output: Path, error: OSError) -> LpPackError:
    return LpPackError(
        "The page cannot be written.",
        where=output,
        got=error.strerror or error,
        remedy="check the right to write there and the free space",
    )
