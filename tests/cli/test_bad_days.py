"""Something breaks in the middle: one sentence, an exit code, and the same goes on when it is mended."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import zarr
from click.testing import Result

from loopback import LoopbackServer
from napari_srgan.images import arrays
from napari_srgan.images.formats import open_image
from napari_srgan.images.remote import files as remote_files
from napari_srgan.images.remote import store as remote_store
from napari_srgan.results import block_files

from .conftest import Shell

PLANES = 24
"""Blocks of the result: more than are read ahead while the first is written."""
IMAGE = np.random.default_rng(0).integers(100, 4000, (PLANES, 64, 64), dtype=np.uint16)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "x.zarr"
    zarr.create_array(path, data=IMAGE, chunks=(1, 32, 64))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "y.ome.zarr"


@pytest.fixture
def expected(upscale: Shell, source: Path, tmp_path: Path) -> np.ndarray:
    assert upscale(source, tmp_path / "undisturbed.zarr").exit_code == 0
    return np.asarray(zarr.open_array(tmp_path / "undisturbed.zarr", mode="r")[:])


def sentence(result: Result) -> str:
    told = result.stderr.strip()
    assert result.exit_code == 1
    assert told.startswith("napari-srgan: ")
    assert len(told.splitlines()) == 1
    return told


def done(out: Path) -> int:
    """Blocks that are kept of a run that did not end."""
    assert not out.exists()
    return len(list(out.parent.glob(f".partial-{out.name}/{out.name}/0/c/**/[0-9]*/*/*")))


def check(result: Result, out: Path, expected: np.ndarray) -> None:
    assert (result.exit_code, result.stderr) == (0, "")
    with open_image(out) as image:
        np.testing.assert_array_equal(image.data[:], expected)


def test_a_chunk_that_does_not_decode(upscale: Shell, source: Path, out: Path) -> None:
    chunk = source / "c/2/1/0"
    whole = chunk.read_bytes()
    chunk.write_bytes(b"no chunk")
    told = sentence(upscale(source, out))
    assert f"1 of {PLANES} parts" in told
    assert "chunk c/2/1/0 of x.zarr is damaged or cut off" in told
    assert done(out) == PLANES - 1
    # Nothing is mended: nothing is lost.
    assert f"1 of {PLANES} parts" in sentence(upscale(source, out))
    chunk.write_bytes(whole)
    result = upscale(source, out)
    assert (result.exit_code, result.stderr) == (0, "")
    with open_image(out) as image:
        assert (image.data[2] > 0).any()


def test_a_damaged_chunk_of_an_image_that_is_sampled(
    upscale: Shell, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "WHOLE_SAMPLE", 100)
    (source / "c/2/1/0").write_bytes(b"no chunk")
    assert f"1 of {PLANES} parts" in sentence(upscale(source, out))


def test_nothing_can_be_read(upscale: Shell, source: Path, out: Path) -> None:
    for chunk in (source / "c").rglob("*"):
        if chunk.is_file():
            chunk.write_bytes(b"no chunk")
    assert "is damaged or cut off" in sentence(upscale(source, out))
    assert not list(out.parent.glob(".partial-*"))


class _Disk:
    """Fails when the second block gets its name, as a disk that has no room or is read-only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
        settle, left = block_files.settle_folder, iter([False, True])

        def fails(folder: Path) -> None:
            if next(left, True):
                raise OSError(number, words)
            settle(folder)

        monkeypatch.setattr(block_files, "settle_folder", fails)


@pytest.mark.parametrize(
    ("number", "words", "told"),
    [
        (errno.ENOSPC, "No space left on device", "is full .*make room and start the same again"),
        (
            errno.EROFS,
            "Read-only file system",
            "can no longer be written to .*Read-only.*start the same",
        ),
        (errno.EIO, "Input/output error", "cannot be written .*Input/output error"),
    ],
)
def test_a_disk_that_takes_no_more(
    upscale: Shell, source: Path, out: Path, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch,
    number: int, words: str, told: str,
) -> None:  # fmt: skip
    with monkeypatch.context() as broken:
        _Disk(broken, number, words)
        failed = sentence(upscale(source, out))
    assert re.search(told, failed), failed
    assert done(out) >= 1
    check(upscale(source, out), out, expected)


def test_an_input_that_moves_away(
    upscale: Shell, source: Path, out: Path, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = block_files.settle_folder

    def moves(folder: Path) -> None:
        settle(folder)
        with suppress(FileNotFoundError):  # another thread was there before
            source.rename(source.with_name("away"))

    with monkeypatch.context() as broken:
        broken.setattr(block_files, "settle_folder", moves)
        told = sentence(upscale(source, out))
    assert f"{source} has disappeared; what is done is kept" in told
    assert done(out) >= 1
    source.with_name("away").rename(source)
    check(upscale(source, out), out, expected)


def test_a_result_that_is_taken_away(
    upscale: Shell, source: Path, out: Path, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = block_files.settle_folder

    def takes(folder: Path) -> None:
        settle(folder)
        shutil.rmtree(out.parent / f".partial-{out.name}", ignore_errors=True)

    with monkeypatch.context() as broken:
        broken.setattr(block_files, "settle_folder", takes)
        assert "has disappeared" in sentence(upscale(source, out))
    check(upscale(source, out), out, expected)


@pytest.fixture
def server(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    monkeypatch.setattr(remote_store, "PAUSES", (0.0,))
    monkeypatch.setattr(remote_files, "PATIENCE", 0.3)
    monkeypatch.setattr(remote_store, "PATIENCE", 0.3)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LoopbackServer(source.parent) as server:
        yield server


@pytest.mark.parametrize(
    ("answer", "words"),
    [(503, "answered 503"), ("silent", "did not answer within 0.3 seconds"), (404, "has disappeared")],
)
def test_a_server_that_breaks_in_the_middle(
    upscale: Shell, server: LoopbackServer, out: Path, expected: np.ndarray, answer: int | str, words: str
) -> None:
    address = f"{server.address}/x.zarr"
    # Until the first block is done.
    server.answer = lambda path: answer if done(out) else None
    told = sentence(upscale(address, out))
    assert words in told
    assert address in told
    assert "what is done is kept" in told
    assert done(out) >= 1
    server.answer = lambda path: None
    check(upscale(address, out), out, expected)


def test_a_chunk_that_a_server_does_not_give(upscale: Shell, server: LoopbackServer, out: Path) -> None:
    server.answer = lambda path: 500 if path.endswith("c/1/0/0") else None
    told = sentence(upscale(f"{server.address}/x.zarr", out))
    assert f"1 of {PLANES} parts" in told
    assert "answered 500 for c/1/0/0" in told
    assert done(out) == PLANES - 1
    server.answer = lambda path: None
    assert upscale(f"{server.address}/x.zarr", out).exit_code == 0


def test_a_folder_of_results_from_addresses(upscale: Shell, server: LoopbackServer, tmp_path: Path) -> None:
    result = upscale(f"{server.address}/x.zarr", tmp_path / "results")
    assert result.exit_code == 0
    assert f"{server.address}/x.zarr -> {tmp_path / 'results' / 'x_x2.zarr'}" in result.stdout


def test_an_address_as_output(upscale: Shell, source: Path) -> None:
    told = sentence(upscale(source, "s3://bucket/y.zarr"))
    assert "results are written to folders" in told
    assert "s3://bucket/y.zarr is an address" in told
