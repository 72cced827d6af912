"""A bundle on disk: opened once, checked, then handed out piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lp_runtime.consistency import check_graphs, check_manifest
from lp_runtime.engines import Engine, EngineOptions, engine_for
from lp_runtime.errors import BundleError, InputError
from lp_runtime.files import REBUILD, checked_file, path_inside
from lp_runtime.manifest import SCHEMA_VERSION, FileRecord, GraphFile, Manifest, Variant, decode
from lp_runtime.pipeline import Session

MANIFEST_NAME = "manifest.json"
MAX_MANIFEST_BYTES = 16 * 1024 * 1024


class _Version(msgspec.Struct):
    """The one field that every version of the manifest has."""

    schema_version: int


@dataclass(frozen=True)
class Bundle:
    """An opened bundle: its folder and its manifest."""

    path: Path
    manifest: Manifest

    @staticmethod
    def open(path: str | Path, verify: bool = True) -> Bundle:
        """Open the bundle at `path` (a folder that holds manifest.json).

        The manifest's types and cross-references are always checked; with `verify` every file's
        size and SHA-256 as well, which reads the whole bundle once.

        Raises BundleError that names the file or field which is wrong.
        """
        root = Path(path)
        if not root.is_dir():
            raise BundleError(
                "There is no bundle here.",
                where=root,
                expected=f"a folder with a {MANIFEST_NAME}",
                got="a file" if root.exists() else "nothing",
                remedy="give the .lpbundle folder that `lp-pack build` wrote",
            )
        manifest = parse_manifest(_read_manifest(root), root / MANIFEST_NAME)
        check_manifest(manifest)
        bundle = Bundle(root, manifest)
        if verify:
            bundle.verify_files()
        return bundle

    def records(self) -> Iterator[FileRecord]:
        """Every file that the manifest vouches for."""
        for variant in self.manifest.variants:
            for graph in variant.graphs.values():
                yield from graph.files
        yield from self.manifest.assets
        for case in self.manifest.golden:
            yield case.file

    def verify_files(self) -> int:
        """Check every file's path, size and hash; returns how many files were checked."""
        records = {record.path: record for record in self.records()}
        for record in records.values():
            checked_file(self.path, record, verify_hash=True)
        for licence in self.manifest.licences:
            path_inside(self.path, licence.file)
        return len(records)

    def file(self, record: FileRecord) -> Path:
        """The path of a recorded file, inside the bundle and of the recorded size."""
        return checked_file(self.path, record, verify_hash=False)

    def asset(self, relative: str) -> Path:
        """The path of the asset with this relative path; raises BundleError if there is none."""
        for record in self.manifest.assets:
            if record.path == relative:
                return self.file(record)
        raise BundleError(
            "The bundle has no such asset.",
            where=self.path / MANIFEST_NAME,
            expected=[record.path for record in self.manifest.assets],
            got=relative,
        )

    def graph_path(self, graph: GraphFile) -> Path:
        """The file or folder that an engine opens, after a check of every file under it."""
        for record in graph.files:
            self.file(record)
        return path_inside(self.path, graph.path)

    def graphs(
        self, target: str, precision: str | Mapping[str, str] | None
    ) -> dict[str, GraphFile]:
        """The graph files of one variant, or of several where `precision` says one per graph.

        None picks fp32 where the bundle has it and else the target's first variant.
        Raises InputError when the bundle has no such variant.
        """
        variants: dict[str, Variant] = {
            v.precision: v for v in self.manifest.variants if v.target == target
        }
        if not variants:
            raise InputError(
                f"The bundle has no graphs for the target '{target}'.",
                where=self.path,
                expected=" or ".join(sorted({v.target for v in self.manifest.variants})),
                got=target,
            )
        if precision is None:
            precision = "fp32" if "fp32" in variants else next(iter(variants))
        names = [step.graph for step in self.manifest.pipeline.steps]
        if isinstance(precision, str):
            precision = dict.fromkeys(names, precision)
        if set(precision) != set(names):
            raise InputError(
                "The precisions do not name each graph once.",
                expected=names,
                got=sorted(precision),
            )
        for wanted in precision.values():
            if wanted not in variants:
                raise InputError(
                    f"The bundle has no {wanted} graphs for the target '{target}'.",
                    where=self.path,
                    expected=" or ".join(variants),
                    got=wanted,
                )
        return {name: variants[precision[name]].graphs[name] for name in names}

    def session(
        self,
        target: str = "onnx",
        precision: str | Mapping[str, str] | None = None,
        threads: int | None = None,
        low_memory: bool = False,
        engine: Engine | None = None,
    ) -> Session:
        """A pipeline executor for one variant.

        precision: "fp32", "fp16", ...; a mapping of graph name to precision mixes variants;
            None picks fp32 where the bundle has it.
        threads: worker threads of the engine; None uses the processors at hand.
        low_memory: give memory back between runs, at some cost in time.
        engine: runs the graphs in place of the target's usual engine.

        Raises InputError for a variant the bundle does not have, EngineError when the engine is
        absent or refuses a graph, BundleError when a file is not as recorded.
        """
        if threads is not None and threads < 1:
            raise InputError(
                "The number of threads is out of range.", expected="1 or more", got=threads
            )
        graphs = self.graphs(target, precision)
        check_graphs(self.manifest.pipeline, graphs, f"variants[{target}]")
        if engine is None:
            engine = engine_for(target)
        options = EngineOptions(threads, low_memory)
        loaded = {
            name: engine.load(self.graph_path(graph), graph, options)
            for name, graph in graphs.items()
        }
        return Session(self.manifest.pipeline, graphs, loaded)


def parse_manifest(data: bytes, where: Path) -> Manifest:
    """The manifest in these bytes; raises BundleError that names the field which is wrong."""
    try:
        version = msgspec.json.decode(data, type=_Version).schema_version
        if version > SCHEMA_VERSION:
            raise BundleError(
                "The bundle was made by a newer lp-pack.",
                where=where,
                expected=f"schema_version {SCHEMA_VERSION}",
                got=f"schema_version {version}",
                remedy="update lp-pack",
            )
        if version < 1:
            raise BundleError(
                "The manifest's version is not one that ever was.",
                where=where,
                expected=f"schema_version {SCHEMA_VERSION}",
                got=f"schema_version {version}",
                remedy=REBUILD,
            )
        return decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BundleError(
            "The manifest is not valid.",
            where=where,
            expected=f"a manifest of schema_version {SCHEMA_VERSION}",
            got=error,
            remedy=REBUILD,
        ) from error


def _read_manifest(root: Path) -> bytes:
    path = path_inside(root, MANIFEST_NAME)
    if not path.is_file():
        raise BundleError("The manifest is not a plain file.", where=path, remedy=REBUILD)
    with path.open("rb") as stream:
        data = stream.read(MAX_MANIFEST_BYTES + 1)
    if len(data) > MAX_MANIFEST_BYTES:
        raise BundleError(
            "The manifest is too large.",
            where=path,
            expected=f"{MAX_MANIFEST_BYTES} bytes at most",
            got=f"{path.stat().st_size} bytes",
            remedy=REBUILD,
        )
    return data
