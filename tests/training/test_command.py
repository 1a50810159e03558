"""``napari-srgan train`` as one types it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from napari_srgan.cli import app
from napari_srgan.models import read_model


def test_a_training_is_stopped_and_goes_on(recipe_file: Path, data: Path, tmp_path: Path) -> None:
    command = ["train", str(recipe_file), "--data", str(data), "--out", str(tmp_path), "--device", "cpu"]
    stopped = CliRunner().invoke(app, [*command, "--minutes", "0"])
    assert stopped.exit_code == 0
    assert "the same command goes on" in stopped.output
    finished = CliRunner().invoke(app, command)
    assert finished.exit_code == 0, finished.output
    assert "step 40" in finished.output
    assert "dB, bicubic" in finished.output
    assert read_model(tmp_path / "toy.safetensors").name == "toy"


def test_what_is_wrong_is_one_sentence(recipe_file: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", str(recipe_file), "--data", str(tmp_path / "nowhere")])
    assert result.exit_code == 1
    assert "is no folder of tiles" in result.output
    assert "Traceback" not in result.output
