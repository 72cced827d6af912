"""The app's copy of a bundle: one variant, and only what playing needs.

It stays a bundle: its manifest lists exactly the files that are there, and every runtime opens it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lp_runtime.bundle import MANIFEST_NAME, Bundle
from lp_runtime.files import path_inside
from lp_runtime.manifest import FileRecord, Manifest, Variant, encode


def trimmed_manifest(manifest: Manifest, variant: Variant, golden: bool) -> Manifest:
    """The manifest of a bundle that holds this variant alone.

    Golden data is there for checks on a device, not for playing: it goes unless `golden`. Figures
    and measurements of other variants go with their files.
    """

    def is_about_it(target: str | None, precision: str | None) -> bool:
        return (target, precision) in ((None, None), (variant.target, variant.precision))

    return msgspec.structs.replace(
        manifest,
        variants=(variant,),
        golden=manifest.golden if golden else (),
        parity=tuple(f for f in manifest.parity if is_about_it(f.target, f.precision)),
        measurements=tuple(m for m in manifest.measurements if is_about_it(m.target, m.precision)),
    )


def files_of(manifest: Manifest) -> Iterator[str]:
    """Relative paths of all files that the manifest names, without itself."""
    records: list[FileRecord] = [*manifest.assets, *(case.file for case in manifest.golden)]
    for variant in manifest.variants:
        for graph in variant.graphs.values():
            records += graph.files
    names = [record.path for record in records] + [item.file for item in manifest.licences]
    yield from sorted(set(names))


def write_trimmed(bundle: Bundle, variant: Variant, golden: bool, folder: Path) -> int:
    """Fill the new folder `folder` with the trimmed bundle and check it; returns its bytes.

    Raises:
        BundleError: a file of the bundle is not what its manifest says.
    """
    manifest = trimmed_manifest(bundle.manifest, variant, golden)
    for name in files_of(manifest):
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path_inside(bundle.path, name), place)
    (folder / MANIFEST_NAME).write_bytes(encode(manifest))
    Bundle.open(folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
