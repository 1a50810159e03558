"""The two commands of README are those that the continuous integration runs."""

from __future__ import annotations

import re
from pathlib import Path

COMMANDS = [
    'python -m pip install ".[all]" && napari-srgan demo',
    'python -m pip install ".[dev]" && tox --current-env',
]


def test_readme_shows_the_two_commands(checkout: Path) -> None:
    text = (checkout / "README.md").read_text(encoding="utf-8")
    lines = [
        line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()
    ]
    assert [line for line in lines if line in COMMANDS] == COMMANDS


def test_continuous_integration_runs_the_two_commands(checkout: Path) -> None:
    text = (checkout / ".ci" / "run").read_text(encoding="utf-8")
    assert re.findall(r"^run '(.*)'$", text, re.M) == COMMANDS
