"""Keep measured latency and memory in a bundle's manifest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lp_pack.errors import LpPackError
from lp_runtime.bundle import MANIFEST_NAME, Bundle
from lp_runtime.manifest import Measurement, encode


def record_measurements(path: Path, measurements: Sequence[Measurement]) -> None:
    """Add measurements to the manifest of the bundle at `path`, which is replaced as a whole.

    A measurement takes the place of an earlier one of the same machine, variant and threads.
    Raises BundleError when there is no bundle, LpPackError when the manifest cannot be written.
    """
    manifest = Bundle.open(path, verify=False).manifest
    new = {_key(measurement) for measurement in measurements}
    kept = [old for old in manifest.measurements if _key(old) not in new]
    merged = tuple(sorted((*kept, *measurements), key=_key))
    content = encode(msgspec.structs.replace(manifest, measurements=merged))
    target = path / MANIFEST_NAME
    partial = path / f".{MANIFEST_NAME}.{os.getpid()}.partial"
    try:
        partial.write_bytes(content)
        os.replace(partial, target)
    except OSError as error:
        raise LpPackError(
            "The measurements cannot be recorded.",
            where=target,
            got=error.strerror,
            remedy="check the right to write in the bundle and the free space",
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _key(measurement: Measurement) -> tuple[str, str, str, int]:
    return (
        measurement.machine,
        measurement.target,
        measurement.precision,
        measurement.threads,
    )
