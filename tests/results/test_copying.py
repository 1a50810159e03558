"""Copying what has to be computed: shown and stopped inside a block, overlapping with the writing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from killed_copy import Pattern, content, open_store
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.block_reading import BlockReader, Unreadable
from napari_srgan.results.schedule import copy_job, fill_job
from napari_srgan.results.shard_layout import Block
from napari_srgan.results.threads import ThreadBlockExecutor

LONG = 60.0
"""Seconds after which a test that waits has failed."""


class Tiled(Pattern):
    """The pattern in four tiles a block, of which the network may take as long as it is let."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.computed: list[Any] = []

    def missing(self, key: Any) -> list[Any]:
        return [(tuple(part.start for part in key), number) for number in range(4)]

    def compute(self, place: Any, watch: Any) -> None:
        while not self.let.acquire(timeout=0.001):
            watch()  # a layer of the network
        self.computed.append(place)


def test_closing_stops_within_a_tile(tmp_path: Path) -> None:
    source = Tiled()
    with open_store(tmp_path / "x.zarr") as store:
        job = copy_job(source, store)
        next(job)
        next(job)
        began = time.monotonic()
        job.close()  # no tile is ever let to its end
        assert time.monotonic() - began < LONG
        assert len(list(store.missing())) == store.total
    assert source.computed == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("block")]


def test_progress_moves_inside_a_block(tmp_path: Path) -> None:
    source = Tiled()
    with open_store(tmp_path / "x.zarr") as store:
        job = copy_job(source, store, workers=1)
        assert next(job).done == 0
        source.let.release()
        told = next(job)
        ends = time.monotonic() + LONG
        while told.done == 0 and time.monotonic() < ends:
            told = next(job)
        first = next(store.missing())
        assert told.done == first.pixels // 4
        job.close()


def test_reading_goes_on_while_a_block_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second_read = threading.Event()
    write, waited = BlockFiles.write, []

    class Watched(Pattern):
        reads = 0

        def __getitem__(self, key: Any) -> np.ndarray:
            self.reads += 1
            if self.reads == 2:
                second_read.set()
            return super().__getitem__(key)

    def patient(files: BlockFiles, block: Any, pixels: np.ndarray) -> None:
        waited.append(second_read.wait(LONG))
        write(files, block, pixels)

    monkeypatch.setattr(BlockFiles, "write", patient)
    with open_store(tmp_path / "x.zarr") as store:
        list(copy_job(Watched(), store, workers=1))
    assert all(waited)


def test_only_so_many_blocks_are_in_memory_when_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    let = threading.Event()
    read: list[Any] = []

    class Watched(Pattern):
        def __getitem__(self, key: Any) -> np.ndarray:
            read.append(key)
            return super().__getitem__(key)

    monkeypatch.setattr("napari_srgan.results.threads.WRITERS", 2)
    monkeypatch.setattr(BlockFiles, "write", lambda *_: let.wait(LONG))
    with open_store(tmp_path / "x.zarr") as store:
        job = copy_job(Watched(), store, workers=2)
        for _ in range(10):
            next(job)
        assert 2 < len(read) <= 2 + 2 + 2
        let.set()
        job.close()


class Unreliable(ThreadBlockExecutor):
    """Nobody is there at first, and whoever makes coarser blocks dies of it."""

    asked = 0

    def capacity(self) -> int:
        self.asked += 1
        return 0 if self.asked < 4 else 2

    def submit(self, block: Block) -> Future[None]:
        if block.level == 0:
            return super().submit(block)
        lost: Future[None] = Future()
        lost.set_exception(Unreadable("the workers that tried it died"))
        return lost


def test_workers_are_waited_for_and_what_they_lose_of_coarser_levels_is_made_in_the_end(
    tmp_path: Path,
) -> None:
    with open_store(tmp_path / "x.ome.zarr") as store:
        executor = Unreliable(store.files, BlockReader(Pattern()), readers=1)
        told = list(fill_job(store, executor))
    assert [progress.done for progress in told[:3]] == [0, 0, 0]
    with open_store(tmp_path / "alone.ome.zarr") as alone:
        list(copy_job(Pattern(), alone))
    assert content(store.path) == content(alone.path)


def test_memory_that_does_not_suffice_is_no_broken_part(tmp_path: Path) -> None:
    class Large(Pattern):
        def __getitem__(self, key: Any) -> np.ndarray:
            raise MemoryError

    with open_store(tmp_path / "x.zarr") as store, pytest.raises(MemoryError):
        list(copy_job(Large(), store))


def test_a_disk_that_keeps_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = BlockFiles.write

    def garbled(files: BlockFiles, block: Any, pixels: np.ndarray) -> None:
        write(files, block, pixels)
        for file in tmp_path.rglob("0/c/0/0/0"):
            file.write_bytes(bytes(file.stat().st_size))

    monkeypatch.setattr(BlockFiles, "write", garbled)
    with (
        open_store(tmp_path / "x.ome.zarr") as store,
        pytest.raises(UserError, match="does not keep what is written to it"),
    ):
        list(copy_job(Pattern(), store))


def test_a_source_of_another_shape_is_a_mistake(tmp_path: Path) -> None:
    with open_store(tmp_path / "x.zarr") as store, pytest.raises(ValueError, match="the source has shape"):
        list(copy_job(np.zeros((3, 3)), store))


def test_a_job_of_many_broken_parts_names_a_few(tmp_path: Path) -> None:
    class Half(Pattern):
        def __getitem__(self, key: Any) -> np.ndarray:
            if key[0].start == 1:
                raise UserError("scan.tif is damaged or cut off.")
            return super().__getitem__(key)

    with (
        open_store(tmp_path / "x.zarr") as store,
        pytest.raises(UserError, match=r"6 of 12 parts .* and 1 more \(scan\.tif is damaged or cut off\)\."),
    ):
        list(copy_job(Half(), store))


def finished_job(job: Any) -> Path:
    while True:
        try:
            next(job)
        except StopIteration as end:
            path: Path = end.value
            return path


def few_threads(monkeypatch: pytest.MonkeyPatch, most: dict[str, int]) -> None:
    """Let the system give so many threads whose names begin so, and no more."""
    start = threading.Thread.start

    def give(thread: threading.Thread) -> None:
        for name in most:
            if thread.name.startswith(name):
                most[name] -= 1
                if most[name] < 0:
                    raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", give)


def test_a_system_that_gives_few_threads_makes_it_slower_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_threads(monkeypatch, {"block": 1})
    with open_store(tmp_path / "x.zarr") as store:
        finished = finished_job(copy_job(Pattern(), store, workers=8))
    np.testing.assert_array_equal(zarr.open_array(finished, mode="r")[:], Pattern()[:, :, :])


@pytest.mark.parametrize("name", ["block", "asyncio"])
def test_a_system_that_gives_no_threads_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    few_threads(monkeypatch, {name: 0})
    with open_store(tmp_path / "x.zarr") as store:
        if name == "asyncio":  # those of zarr

            def no_thread(*_: Any) -> None:
                raise RuntimeError("can't start new thread")

            monkeypatch.setattr(BlockFiles, "write", no_thread)
        with pytest.raises(UserError, match=r"no more threads.*ulimit"):
            finished_job(copy_job(Pattern(), store))
    monkeypatch.undo()
    with open_store(tmp_path / "x.zarr") as store:
        finished_job(copy_job(Pattern(), store))


def test_a_file_is_not_called_damaged_for_want_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zarr.create_array(tmp_path / "x.zarr", shape=(48, 40), chunks=(24, 40), dtype="u2")[:] = 7

    def no_thread(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    with open_image(tmp_path / "x.zarr") as image:
        monkeypatch.setattr("asyncio.to_thread", no_thread)
        with pytest.raises(UserError, match="no more threads"):
            _ = image.data[:]


NO_THREADS = """
import sys, threading
from pathlib import Path
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image

start, allowed = threading.Thread.start, False

def give(thread):
    if not allowed:
        raise RuntimeError("can't start new thread")
    start(thread)

threading.Thread.start = give
for _ in range(2):
    try:
        open_image(Path(sys.argv[1]))
    except UserError as error:
        print(error)
if sys.argv[2] == "later":
    allowed = True
    with open_image(Path(sys.argv[1])) as image:
        print(int(image.data[:].sum()))
"""


@pytest.mark.parametrize("later", ["never", "later"])
def test_zarr_begins_anew_where_it_got_no_thread_at_all(tmp_path: Path, later: str) -> None:
    # In a process of its own: zarr's thread serves all of it, and ends with it.
    zarr.create_array(tmp_path / "x.zarr", shape=(48, 40), chunks=(24, 40), dtype="u2")[:] = 7
    command = [sys.executable, "-W", "ignore", "-c", NO_THREADS, str(tmp_path / "x.zarr"), later]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert len(said) == 2 + (later == "later")
    assert all("no more threads" in sentence for sentence in said[:2])
    assert said[2:] == ([str(7 * 48 * 40)] if later == "later" else [])
