"""A file has its name only when it is complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_srgan.errors import UserError
from napari_srgan.storage.formats import open_output

from .conftest import Write, random_pixels, read

NAMES = ["x.tif", "x.ome.tif", "x.png", "x.zarr", "x.ome.zarr"]
PIXELS = random_pixels((40, 30), "uint8")


def entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} - {"user-models"}


@pytest.mark.parametrize("name", ["x.tif", "x.ome.tif", "x.png"])
def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path, name: str) -> None:
    def fail_in_the_middle() -> None:
        with open_output(tmp_path / name, "YX", PIXELS.dtype) as output:
            sink = output(PIXELS.shape, PIXELS.dtype)
            sink[0:7, 0:30] = PIXELS[0:7]
            assert name not in entries(tmp_path)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    assert entries(tmp_path) == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_result_that_exists_is_replaced_only_on_demand(write: Write, name: str) -> None:
    path = write(name, PIXELS, "YX")
    with pytest.raises(UserError, match="exists already"):
        write(name, PIXELS + 1, "YX")
    np.testing.assert_array_equal(read(path)[0], PIXELS)
    write(name, PIXELS + 1, "YX", overwrite=True)
    np.testing.assert_array_equal(read(path)[0], PIXELS + 1)
    assert entries(path.parent) == {name}


def test_a_folder_of_other_things_is_never_overwritten(write: Write, tmp_path: Path) -> None:
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("all of it")
    with pytest.raises(UserError, match="folder with other things"):
        write("mine.zarr", PIXELS, "YX", overwrite=True)
    assert entries(tmp_path / "mine.zarr") == {"thesis.txt"}


def test_a_missing_folder_is_made(write: Write, tmp_path: Path) -> None:
    assert write("new/deep/x.tif", PIXELS, "YX") == tmp_path / "new/deep/x.tif"


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="nothing can be written to"):
        open_output(tmp_path / "file" / "x.tif", "YX", PIXELS.dtype)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)  # root may write anywhere
    with pytest.raises(UserError, match=r"nothing can be written to .*: Permission denied"):
        open_output(tmp_path / "x.tif", "YX", PIXELS.dtype)
