"""A file has its name only when it is complete."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from napari_srgan.disk import file_lock
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_output
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.output import NewFile, Output

from .conftest import PROVENANCE, Write, random_pixels, read

NAMES = ["x.tif", "x.ome.tif", "x.png", "x.zarr", "x.ome.zarr"]
PIXELS = random_pixels((40, 30), "uint8")


def entries(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} - {"user-models"}


@pytest.mark.parametrize("name", ["x.tif", "x.ome.tif", "x.png"])
def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path, name: str) -> None:
    def fail_in_the_middle() -> None:
        with open_output(NewFile(tmp_path / name, "YX"), PIXELS.dtype) as output:
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
        open_output(NewFile(tmp_path / "file" / "x.tif", "YX"), PIXELS.dtype)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)  # root may write anywhere
    with pytest.raises(UserError, match=r"nothing can be written to .*: Permission denied"):
        open_output(NewFile(tmp_path / "x.tif", "YX"), PIXELS.dtype)


def finish(output: Output, pixels: np.ndarray) -> None:
    sink = output(pixels.shape, pixels.dtype)
    sink[:] = pixels
    output.finish(Upscaled(sink, "YX", ((0, 40), (0, 30)), PROVENANCE))


@pytest.mark.parametrize("name", ["x.tif", "x.ome.tif", "x.png"])
def test_one_of_two_writes_a_file(tmp_path: Path, name: str) -> None:
    """Of the same process, so that their process number is one, as in two containers."""
    with open_output(NewFile(tmp_path / name, "YX"), PIXELS.dtype) as first:
        with pytest.raises(UserError, match="is being written by another process"):
            open_output(NewFile(tmp_path / name, "YX"), PIXELS.dtype)
        finish(first, PIXELS)
    np.testing.assert_array_equal(read(tmp_path / name)[0], PIXELS)
    with open_output(NewFile(tmp_path / name, "YX", overwrite=True), PIXELS.dtype) as second:
        finish(second, PIXELS + 1)
    np.testing.assert_array_equal(read(tmp_path / name)[0], PIXELS + 1)
    assert entries(tmp_path) == {name}


def test_where_nothing_can_be_locked_two_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(_: int, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "lock_descriptor", no_locks)
    path = tmp_path / "x.tif"
    with (
        open_output(NewFile(path, "YX"), PIXELS.dtype) as first,
        open_output(NewFile(path, "YX"), PIXELS.dtype) as second,
    ):
        sink = first(PIXELS.shape, PIXELS.dtype)
        sink[:] = PIXELS
        finish(second, PIXELS + 1)
        np.testing.assert_array_equal(read(path)[0], PIXELS + 1)
        with pytest.raises(UserError, match="exists already"):
            first.finish(Upscaled(sink, "YX", ((0, 40), (0, 30)), PROVENANCE))
    np.testing.assert_array_equal(read(path)[0], PIXELS + 1)
    assert entries(tmp_path) == {"x.tif"}


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".partial-x.tif" / "0123-x.tif"
    left.parent.mkdir()
    left.write_bytes(bytes(99))
    with open_output(NewFile(tmp_path / "x.tif", "YX"), PIXELS.dtype) as output:
        assert not left.exists()
        finish(output, PIXELS)
    assert entries(tmp_path) == {"x.tif"}


def test_what_a_format_cannot_hold_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    with pytest.raises(UserError, match="JPEG cannot hold uint16"):
        open_output(NewFile(folder / "x.jpg", "YX"), np.dtype("u2"))
    assert not list(folder.iterdir())
