"""Rules of the repository that a machine can check."""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

import pytest
from shared_data import REPOSITORY

ROOTS = {"lp_pack": "packager", "lp_models": "models", "lp_runtime": "runtime_py"}
FORBIDDEN_IMPORTS = {
    "lp_models": {"lp_pack", "lp_runtime"},
    "lp_runtime": {"lp_pack", "lp_models", "torch", "onnx", "coremltools", "onnxscript"},
}


def python_files(package: str) -> list[Path]:
    return sorted((REPOSITORY / ROOTS[package] / package).rglob("*.py"))


def imported_roots(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", sorted(FORBIDDEN_IMPORTS))
def test_data_flows_one_way(package: str) -> None:
    offenders = {
        str(path.relative_to(REPOSITORY)): bad
        for path in python_files(package)
        if (bad := imported_roots(path) & FORBIDDEN_IMPORTS[package])
    }
    assert offenders == {}


def test_setup_cfg_lists_every_package_folder() -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(REPOSITORY / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    present = {
        ".".join(path.parent.relative_to(REPOSITORY / root).parts)
        for package, root in ROOTS.items()
        for path in (REPOSITORY / root / package).rglob("__init__.py")
    }
    assert listed == present


def test_links_between_the_documents_lead_somewhere() -> None:
    documents = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]
    broken = []
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(REPOSITORY)} -> {target}")
    assert broken == []


def test_changelog_names_the_current_version() -> None:
    from lp_pack import __version__

    config = configparser.ConfigParser(interpolation=None)
    config.read(REPOSITORY / "setup.cfg")
    assert config["metadata"]["version"] == __version__
    assert __version__ in (REPOSITORY / "CHANGELOG.md").read_text()
