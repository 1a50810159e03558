from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import Shell


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Path]]:
    """What was exported, how and where; the files themselves are tested elsewhere."""
    calls: list[tuple[str, str, Path]] = []
    for kind in ("onnx", "bioimageio"):

        def write(model: Any, path: Path, kind: str = kind) -> Path:
            calls.append((kind, model.name, path))
            return path

        monkeypatch.setattr(f"napari_srgan.models.export_{kind}", write)
    return calls


@pytest.mark.parametrize(
    ("arguments", "kind", "file"),
    [
        (("--out", "a.onnx"), "onnx", "a.onnx"),
        (("--out", "a.zip"), "bioimageio", "a.zip"),
        (("--out", "a.zip", "--to", "bioimageio"), "bioimageio", "a.zip"),
        (("--to", "bioimageio"), "bioimageio", "tiny.zip"),
        ((), "onnx", "tiny.onnx"),
    ],
)
def test_the_ending_says_what_is_written(
    shell: Shell, tiny_file: Path, written: list[Any], arguments: tuple[str, ...], kind: str, file: str
) -> None:
    result = shell("export", tiny_file, *arguments)
    assert result.exit_code == 0
    assert written == [(kind, "tiny", Path(file))]
    assert result.stdout == f"tiny -> {file}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--out", "a.pt"), "'a.pt' is no name for an export"),
        (("--out", "a.zip", "--to", "onnx"), "'a.zip' is no name for an export to onnx"),
        (("--to", "tflite"), "onnx (.onnx) or bioimageio (.zip), not to 'tflite'"),
    ],
)
def test_what_cannot_be_written_is_named(
    shell: Shell, tiny_file: Path, written: list[Any], arguments: tuple[str, ...], sentence: str
) -> None:
    result = shell("export", tiny_file, *arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert written == []


def test_an_existing_file_is_replaced_only_if_asked(
    shell: Shell, tiny_file: Path, written: list[Any], tmp_path: Path
) -> None:
    file = tmp_path / "a.onnx"
    file.write_bytes(b"mine")
    result = shell("export", "tiny", "--out", file)
    assert result.exit_code == 1
    assert "--overwrite" in result.stderr
    assert shell("export", "tiny", "--out", file, "--overwrite").exit_code == 0
    assert written == [("onnx", "tiny", file)]


def test_a_file_is_written(shell: Shell, tiny_file: Path, tmp_path: Path) -> None:
    assert shell("export", "tiny", "--out", tmp_path / "a.onnx").exit_code == 0
    assert (tmp_path / "a.onnx").stat().st_size > 1000
