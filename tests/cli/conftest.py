from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from napari_srgan.cli import app
from napari_srgan.models import save_model

Shell = Callable[..., Result]


@pytest.fixture
def shell() -> Shell:
    """Run ``napari-srgan`` with arguments."""

    def run(*arguments: object) -> Result:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def tiny_file(tiny_model: Any, tmp_path: Path) -> Path:
    """A file with a model that is quick, of factor 2."""
    return save_model(tiny_model(), tmp_path / "user-models" / "tiny.safetensors")


@pytest.fixture
def upscale(shell: Shell, tiny_file: Path) -> Shell:
    """Run ``napari-srgan upscale`` with that model on the CPU."""

    def run(*arguments: object) -> Result:
        return shell("upscale", *arguments, "--model", tiny_file, "--device", "cpu", "--tile", 64)

    return run
