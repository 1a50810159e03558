from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_srgan.cli import demo
from napari_srgan.models import save_model

from .conftest import Shell


@pytest.mark.parametrize("channels", [1, 3])
def test_figures_and_a_picture(shell: Shell, tiny_model, tmp_path: Path, channels: int) -> None:  # type: ignore[no-untyped-def]
    model = save_model(tiny_model(channels=channels), tmp_path / "user-models" / "tiny.safetensors")
    result = shell("demo", "--out", tmp_path, "--model", model, "--no-window")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.split()}
    for name in ("bicubic", "tiny"):
        psnr, ssim = map(float, rows[name])
        assert psnr > 15
        assert 0.1 < ssim < 1
    assert rows["Picture:"] == [str(tmp_path / demo.PICTURE)]
    assert np.asarray(Image.open(tmp_path / demo.PICTURE)).std() > 10


def test_napari_is_opened_where_there_is_a_display(
    shell: Shell, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr("napari_srgan.cli.demo._has_display", lambda: True)
    monkeypatch.setattr("napari_srgan.viewer.demo.open_demo", lambda *images, **_: opened.append(images))
    assert shell("demo", "--out", tmp_path, "--model", tiny_file).exit_code == 0
    (images,) = opened
    assert [image.shape for image in images] == [(256, 256), (128, 128), (256, 256)]


def test_a_missing_qt_is_told_after_the_picture(
    shell: Shell, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_qt(*_: object, **__: object) -> None:
        raise ImportError("No Qt bindings could be found")

    monkeypatch.setattr("napari_srgan.cli.demo._has_display", lambda: True)
    monkeypatch.setattr("napari_srgan.viewer.demo.open_demo", no_qt)
    result = shell("demo", "--out", tmp_path, "--model", tiny_file)
    assert result.exit_code == 0
    assert "No Qt bindings" in result.stderr
    assert (tmp_path / demo.PICTURE).exists()
