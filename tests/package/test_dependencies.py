"""What is imported is declared, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

NOT_IMPORTED = {"torchvision", "npe2"}
"""Needed all the same: networks of later models; the reader of our manifest."""
BROUGHT_BY_EXTRA = {
    "av", "bioio", "bioimageio-core", "bioimageio-spec", "distributed", "lightning-fabric", "napari", "onnx",
    "onnxscript",
}  # fmt: skip
"""Imported by the viewer alone, which only napari itself opens; and by exports and by work in
several processes, which say so.
Distributions that share a namespace cannot be told apart."""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, list[str]]:
    table: dict[str, list[str]] = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def declared(project: dict[str, list[str]]) -> set[str]:
    return {_normal(re.match(r"[\w.-]+", entry)[0]) for entry in project["dependencies"]}  # type: ignore[index]


@pytest.fixture(scope="module")
def imported(checkout: Path) -> set[str]:
    """Names of the distributions whose modules are imported anywhere in the package."""
    modules: set[str] = set()
    for file in (checkout / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    modules -= {"napari_srgan", *sys.stdlib_module_names}
    known = packages_distributions()
    return {_normal(known[module][0]) if module in known else module for module in modules}


def test_what_is_imported_is_declared(imported: set[str], declared: set[str]) -> None:
    assert imported - declared - BROUGHT_BY_EXTRA == set()


def test_what_is_declared_is_imported(imported: set[str], declared: set[str]) -> None:
    assert declared - imported - NOT_IMPORTED == set()


def test_neither_napari_nor_a_binding_of_qt_is_a_hard_dependency(declared: set[str]) -> None:
    assert declared & {"napari", "pyqt5", "pyqt6", "pyside2", "pyside6"} == set()
