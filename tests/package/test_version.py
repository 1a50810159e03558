"""One version, wherever it is written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path


def test_the_citation_has_the_version_of_the_package(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (checkout / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.M) == [project["version"]]
