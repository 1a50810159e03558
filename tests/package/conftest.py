"""Ways to look at the package from outside: the checkout, and a new interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunPython = Python = Callable[..., str]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that holds pyproject.toml."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def python() -> Python:
    """Run an interpreter of its own; gives what it printed."""

    def run(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    return run


@pytest.fixture
def run_python(tmp_path: Path, python: Python) -> RunPython:
    """Run code in an interpreter of its own, in an empty folder; gives what it printed."""

    def run(code: str, *, path: Path | str | None = None) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        if path is not None:
            environment["PYTHONPATH"] = str(path)
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return python("-c", code, cwd=folder, env=environment)

    return run
