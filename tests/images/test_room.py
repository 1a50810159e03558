"""A result that the disk has no room for is refused before its first tile, and never ends the process."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_srgan import UserError
from napari_srgan.images.formats import open_output
from napari_srgan.images.writing import scratch_output
from napari_srgan.images.writing.output import NewFile
from napari_srgan.images.writing.scratch_output import reserve
from upscalings import array_job

IMAGE = np.random.default_rng(0).integers(0, 4000, (64, 64), dtype=np.uint16)
RESULT = IMAGE.nbytes * 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "results"
    made.mkdir()
    return made


@pytest.fixture
def waits_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_output, "MEMORY_SHARE", 0.0)


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=size))


def begun(path: Path, model: Any) -> int:
    """Upscale into a file; how many steps were made."""
    steps = 0
    with open_output(NewFile(path, "YX"), IMAGE.dtype) as output:
        job = array_job(IMAGE, model, axes="YX", sink=output, device="cpu", tile=32)
        while True:
            try:
                next(job)
            except StopIteration as end:
                output.finish(end.value)
                return steps
            steps += 1


@pytest.mark.usefixtures("waits_on_disk")
@pytest.mark.parametrize(("name", "needed"), [("x.tif", 2 * RESULT), ("x.ome.tif", RESULT)])
def test_room_is_looked_at_before_the_first_tile(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any, name: str, needed: int
) -> None:
    free(monkeypatch, needed - 1)
    with pytest.raises(UserError, match=rf"no room for .*{name}: it needs .* KiB .* are free; make room"):
        begun(folder / name, tiny_model())
    assert list(folder.iterdir()) == []
    free(monkeypatch, needed)
    assert begun(folder / name, tiny_model()) > 0
    assert [path.name for path in folder.iterdir()] == [name]


def test_a_result_in_memory_needs_room_for_its_file_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any
) -> None:
    free(monkeypatch, RESULT - 1)
    with pytest.raises(UserError, match="no room for"):
        begun(folder / "x.tif", tiny_model())
    free(monkeypatch, RESULT)
    begun(folder / "x.tif", tiny_model())


@pytest.mark.usefixtures("waits_on_disk")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_while_room_is_reserved(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(UserError, match="no room for"):
        begun(folder / "x.tif", tiny_model())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("way", ["reserved", "cannot reserve", "unknown"])
@pytest.mark.parametrize("size", [1, 5000, 2**24 + 5])
def test_what_is_reserved_has_no_holes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, way: str, size: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not here")

    if way == "unknown":
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    elif way == "cannot reserve":
        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    file = folder / "scratch"
    reserve(file, size)
    assert file.stat().st_size == size
    assert file.read_bytes() == bytes(size)
    if hasattr(file.stat(), "st_blocks"):
        assert file.stat().st_blocks * 512 >= size
