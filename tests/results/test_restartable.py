"""A store that goes on: what is found broken, what is refused, what is the same in the end."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from killed_copy import BLOCKS, SHAPE, Pattern, content, open_store
from napari_srgan.errors import UserError
from napari_srgan.progress import Job, Progress
from napari_srgan.results import block_files, failures, store_arrays
from napari_srgan.results.existing_result import (
    ExistingKind,
    earlier_fingerprint,
    look_for_result,
    read_state,
)
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.shard_layout import Sides
from napari_srgan.results.writer import RestartableStore

WHOLE = Pattern()[tuple(slice(size) for size in SHAPE)]
NAMES = ["x.zarr", "x.ome.zarr"]
OTHER = {"fingerprint": {"model": "another"}}


class Counted(Pattern):
    """The pattern, and how often a block of it was read."""

    def __init__(self) -> None:
        self.read = 0

    def __getitem__(self, key: Any) -> np.ndarray:
        self.read += 1
        return super().__getitem__(key)


def copy(path: Path, source: Any = None, **changed: Any) -> Path:
    with open_store(path, **changed) as store:
        return finished(copy_job(Pattern() if source is None else source, store))


def finished(job: Job[Path]) -> Path:
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: Path = end.value
            return result


def begin(path: Path, blocks: int) -> list[Path]:
    """An unfinished store with so many blocks; the files of those that have pixels, the oldest first."""
    with open_store(path) as store:
        for block, _ in zip(store.missing(), range(blocks), strict=False):
            store.write(block, Pattern()[block.slices])
    content = path.parent / f".partial-{path.name}" / path.name
    shards = [file for file in content.rglob("c/**/*") if file.is_file()]
    return sorted(shards, key=lambda file: file.stat().st_mtime_ns)


@pytest.fixture(params=NAMES)
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "results"
    folder.mkdir()
    return folder / str(request.param)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Where it makes no difference which kind it is."""
    folder = tmp_path / "results"
    folder.mkdir()
    return folder / "x.zarr"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By name, what is in a store that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    return {name: content(copy(folder / name)) for name in NAMES}


def test_what_is_stored(path: Path) -> None:
    copy(path)
    opened = zarr.open(path, mode="r")
    finest = opened["0"] if isinstance(opened, zarr.Group) else opened
    np.testing.assert_array_equal(finest[...], WHOLE)
    assert (finest.chunks, finest.shards) == ((1, 16, 16), (1, 64, 64))
    assert opened.attrs["napari-srgan"] == {"note": "Computed."}
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_it_goes_on_with_what_is_missing(path: Path, undisturbed: dict[str, Any]) -> None:
    begin(path, 7)
    assert not path.exists()
    source = Counted()
    assert content(copy(path, source)) == undisturbed[path.name]
    assert source.read == BLOCKS - 7


def test_how_much_is_done_can_be_asked_without_opening_it(path: Path) -> None:
    assert look_for_result(path).kind is ExistingKind.NOTHING
    begin(path, 7)  # empty ones count, coarser levels do not
    found = look_for_result(path)
    assert (found.kind, found.share) == (ExistingKind.UNFINISHED, 7 / BLOCKS)
    copy(path)
    found = look_for_result(path)
    assert (found.kind, found.share) == (ExistingKind.FINISHED, 1)


def test_a_finished_store_is_left_alone(path: Path) -> None:
    copy(path)
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    source = Counted()
    assert copy(path, source) == path
    assert source.read == 0
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-5])


def garble(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)


def blank(file: Path) -> None:
    """What some file systems leave of a file after a power failure."""
    file.write_bytes(bytes(file.stat().st_size))


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("break_it", [cut_off, garble, blank, empty, Path.unlink])
def test_a_chunk_that_was_torn_is_done_again(path: Path, undisturbed: dict[str, Any], break_it: Any) -> None:
    last = begin(path, 9)[-1]
    break_it(last)
    source = Counted()
    assert content(copy(path, source)) == undisturbed[path.name]
    assert source.read == BLOCKS - 9 + 1


@pytest.mark.parametrize("break_it", [cut_off, blank, empty, Path.unlink])
def test_a_shard_that_lost_its_end_is_found_however_long_ago_it_was_written(
    path: Path, undisturbed: dict[str, Any], break_it: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it(begin(path, 9)[0])
    monkeypatch.setattr(block_files, "READ_AGAIN", 0)
    source = Counted()
    assert content(copy(path, source)) == undisturbed[path.name]
    assert source.read == BLOCKS - 9 + 1


def test_files_that_nobody_remembers_are_removed(plain: Path, undisturbed: dict[str, Any]) -> None:
    first = begin(plain, 3)[0]
    first.with_name("7").write_bytes(b"no shard")
    first.with_name("1.5f3a.partial").write_bytes(b"the beginning of one")
    copy(plain)
    assert content(plain) == undisturbed[plain.name]
    assert not [file for file in plain.rglob("*") if file.name in ("7", "1.5f3a.partial")]


@pytest.mark.parametrize("left", ["", "{", '{"fingerprint": {}}'])
def test_a_store_that_was_hardly_begun_is_begun_anew(
    plain: Path, undisturbed: dict[str, Any], left: str
) -> None:
    begin(plain, 2)
    (plain.parent / f".partial-{plain.name}" / "state.json").write_text(left)
    assert content(copy(plain)) == undisturbed[plain.name]


def test_broken_metadata_is_told_and_overwritten_on_demand(plain: Path, undisturbed: dict[str, Any]) -> None:
    begin(plain, 2)
    for file in (plain.parent / f".partial-{plain.name}").rglob("zarr.json"):
        file.write_text("{")
    with pytest.raises(UserError, match=r"is damaged .* overwritten to begin anew"):
        open_store(plain)
    assert content(copy(plain, overwrite=True)) == undisturbed[plain.name]


def test_pixels_where_there_were_none_are_not_forgotten(plain: Path, undisturbed: dict[str, Any]) -> None:
    with open_store(plain) as store:
        block = next(store.missing())
        store.write(block, np.zeros(block.shape, np.uint16))
        marks = list(store.files.empty.iterdir())
        store.write(block, Pattern()[block.slices])
        # Killed after the pixels, before it is forgotten that there were none.
        for mark in marks:
            mark.touch()
    source = Counted()
    assert content(copy(plain, source)) == undisturbed[plain.name]
    assert (len(marks), source.read) == (1, BLOCKS - 1)


class Killed(BaseException):
    """What kill -9 is, in a test: nothing tidies up after it."""


@pytest.mark.parametrize(("step", "times"), [("_create", 0), ("_create", 1), ("_write_multiscales", 0)])
def test_killed_while_a_store_is_begun(
    tmp_path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, step: str, times: int
) -> None:
    path = tmp_path / "x.ome.zarr"
    take, taken = getattr(store_arrays, step), []

    def killed(*given: Any) -> None:
        if len(taken) == times:
            raise Killed
        taken.append(take(*given))

    with monkeypatch.context() as patched:
        patched.setattr(store_arrays, step, killed)
        with pytest.raises(Killed):
            open_store(path)
    assert content(copy(path)) == undisturbed[path.name]


def test_a_block_that_could_not_be_put_in_its_place_is_not_done(
    path: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(path) as store:
        block = next(store.missing())
        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "worn out")))
            with pytest.raises(UserError, match="worn out"):
                store.write(block, Pattern()[block.slices])
        assert not store.has(block)
        list(copy_job(Pattern(), store))
    assert content(path) == undisturbed[path.name]


@pytest.mark.parametrize("begun_writing", [False, True])
def test_a_late_worker_of_an_earlier_run_writes_nothing(
    plain: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, begun_writing: bool
) -> None:
    killed = open_store(plain, **OTHER)
    late, block = killed.files, next(killed.missing())
    late.write(block, np.ones(block.shape, np.uint16))
    killed._in_place.close()  # which is all that is done for a process that was killed
    opened, write = [], block_files.write_settled

    def begin_anew(*given: Any) -> None:
        if begun_writing:
            write(*given)
        opened.append(open_store(plain, overwrite=True))
        if not begun_writing:
            write(*given)

    with monkeypatch.context() as patched:
        patched.setattr(block_files, "write_settled", begin_anew)
        with pytest.raises(UserError, match="has disappeared"):
            late.write(block, np.ones(block.shape, np.uint16))
    with opened[0] as store:
        assert len(list(store.missing())) == BLOCKS
        list(copy_job(Pattern(), store))
    assert content(plain) == undisturbed[plain.name]


@pytest.mark.parametrize("renames", [0, 1])
def test_killed_while_an_old_store_is_replaced(
    plain: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    copy(plain, **OTHER)
    replace, done = Path.replace, []

    def killed(source: Path, target: Path) -> Any:
        if plain in (source, target):
            done.append(source)
            if len(done) > renames:
                raise Killed
        return replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            copy(plain, overwrite=True)
    source = Counted()
    assert content(copy(plain, source, overwrite=True)) == undisturbed[plain.name]
    assert source.read == 0
    assert [entry.name for entry in plain.parent.iterdir()] == [plain.name]


def test_what_is_left_of_a_run_killed_after_the_renaming_is_removed(plain: Path) -> None:
    begin(plain, BLOCKS)
    inside = plain.parent / f".partial-{plain.name}"
    state = (inside / "state.json").read_bytes()
    copy(plain)
    inside.mkdir()
    (inside / "state.json").write_bytes(state)
    assert earlier_fingerprint(plain) == json.loads(state)["fingerprint"]
    source = Counted()
    copy(plain, source)
    assert source.read == 0
    assert [entry.name for entry in plain.parent.iterdir()] == [plain.name]
    assert earlier_fingerprint(plain) == json.loads(state)["fingerprint"]
    assert earlier_fingerprint(plain.with_name("other.zarr")) is None


@pytest.mark.parametrize("break_it", [cut_off, garble, blank, empty, Path.unlink])
def test_damage_below_a_coarser_level_is_found_and_mended(
    tmp_path: Path, undisturbed: dict[str, Any], break_it: Any
) -> None:
    path = tmp_path / "x.ome.zarr"
    with open_store(path) as store:
        for block in list(store.missing()):
            store.write(block, Pattern()[block.slices])
        # While it is written: long after a run has looked at what the one before had left.
        break_it(next(file for file in store._in_place.content.glob("0/c/0/*/*")))
        source = Counted()
        for _ in copy_job(source, store):
            pass
    assert source.read == 1
    assert content(path) == undisturbed[path.name]


def test_another_fingerprint_is_refused_in_words(plain: Path) -> None:
    begin(plain, 3)
    with pytest.raises(UserError, match=r"begun otherwise \(model: 'pattern', now 'another'\)"):
        open_store(plain, **OTHER)
    copy(plain)
    with pytest.raises(UserError, match=r"made otherwise \(model: 'pattern', now 'another'\)"):
        open_store(plain, **OTHER)


def test_overwriting_begins_anew_and_keeps_the_old_one_until_the_end(path: Path) -> None:
    copy(path)
    old = content(path)
    with open_store(path, overwrite=True, **OTHER) as store:
        block = next(store.missing())
        store.write(block, np.ones(block.shape, np.uint16))
        assert content(path) == old
    copy(path, overwrite=True, **OTHER)
    assert zarr.open(path).attrs["napari-srgan-finished"]["model"] == "another"
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_overwriting_that_was_killed_goes_on(plain: Path) -> None:
    copy(plain, **OTHER)
    begin_over = open_store(plain, overwrite=True)
    for block, _ in zip(begin_over.missing(), range(5), strict=False):
        begin_over.write(block, Pattern()[block.slices])
    begin_over.close()
    source = Counted()
    copy(plain, source, overwrite=True)
    assert source.read == BLOCKS - 5


def test_other_things_of_that_name_are_not_touched(plain: Path) -> None:
    zarr.create_array(plain, shape=(3, 3), dtype="uint8")
    with pytest.raises(UserError, match="exists already"):
        open_store(plain)
    folder = plain.with_name(f"mine-{plain.name}")
    folder.mkdir()
    (folder / "thesis.txt").write_text("all of it")
    with pytest.raises(UserError, match="folder with other things"):
        open_store(folder, overwrite=True)
    assert (folder / "thesis.txt").exists()


def test_what_has_come_to_have_the_name_is_not_replaced(plain: Path, undisturbed: dict[str, Any]) -> None:
    begin(plain, BLOCKS)
    with open_store(plain) as store:
        zarr.create_array(plain, shape=(3, 3), dtype="uint8")
        with pytest.raises(UserError, match="has come to exist while it was written"):
            store.finish()
    plain.rename(plain.with_name("mine"))
    source = Counted()
    assert content(copy(plain, source)) == undisturbed[plain.name]
    assert source.read == 0


def test_two_processes_at_once_are_refused(plain: Path) -> None:
    script = "import sys, pathlib, killed_copy; killed_copy.open_store(pathlib.Path(sys.argv[1]))"
    with open_store(plain):
        other = subprocess.run(
            [sys.executable, "-c", script, str(plain)],
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=False,
        )
    assert "is being written by another process" in other.stderr
    with open_store(plain):
        pass


def test_closing_the_job_keeps_what_is_done(path: Path, undisturbed: dict[str, Any]) -> None:
    with open_store(path) as store:
        job = copy_job(Pattern(), store)
        assert isinstance(next(job), Progress)
        job.close()
        done = store.total - len(list(store.missing()))
    source = Counted()
    assert content(copy(path, source)) == undisturbed[path.name]
    assert source.read == BLOCKS - done


def test_progress_begins_where_the_run_before_ended(plain: Path) -> None:
    begin(plain, 6)
    with open_store(plain) as store:
        told = list(copy_job(Pattern(), store))
    assert told[0].fraction > 0.3
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1].fraction == 1


class Broken(Counted):
    """One corner cannot be read."""

    def __getitem__(self, key: Any) -> np.ndarray:
        pixels = super().__getitem__(key)
        if key[0].start == 1 and key[1].start == 0 and key[2].start == 64:
            raise RuntimeError("error during blosc decompression: -1")
        return pixels


def test_a_part_that_cannot_be_read_is_named_and_done_when_mended(
    path: Path, undisturbed: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"1 of 12 parts .* 1:2, 0:64, 64:128 \(error during blosc"):
        copy(path, Broken())
    assert not path.exists()
    source = Counted()
    assert content(copy(path, source)) == undisturbed[path.name]
    assert source.read == 1


def test_an_input_that_cannot_be_read_at_all_is_not_tried_to_the_end(
    plain: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "GIVE_UP", 5)

    class Gone(Counted):
        def __getitem__(self, key: Any) -> np.ndarray:
            super().__getitem__(key)
            raise TimeoutError("no answer from the server")

    source = Gone()
    with pytest.raises(UserError, match=r"5 parts in a row could not be made.*no answer from the server"):
        copy(plain, source)
    assert source.read <= 8


def test_an_input_that_has_disappeared_ends_the_run(plain: Path, undisturbed: dict[str, Any]) -> None:
    source = Counted()

    def still_there() -> None:
        if source.read > 5:
            raise UserError("the input has disappeared")

    with open_store(plain) as store:
        with pytest.raises(UserError, match="has disappeared; what is done is kept"):
            list(copy_job(source, store, still_there=still_there))
        assert 0 < len(list(store.missing())) < store.total
    assert content(copy(plain)) == undisturbed[plain.name]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk of .* is full .* make room"),
        (errno.EROFS, "can no longer be written to"),
        (errno.EIO, "cannot be written"),
    ],
)
def test_a_disk_that_takes_no_more(
    plain: Path, undisturbed: dict[str, Any], monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    write, written = block_files.write_settled, []

    def fail(file: Path, pixels: Any) -> Any:
        written.append(file)
        if len(written) > 6:
            raise OSError(number, "the system's words")
        write(file, pixels)

    with monkeypatch.context() as patched:
        patched.setattr(block_files, "write_settled", fail)
        with pytest.raises(UserError, match=f"{words}.*start the same again"):
            copy(plain)
    assert read_state(plain) is not None
    assert content(copy(plain)) == undisturbed[plain.name]


def test_a_folder_that_disappears(plain: Path) -> None:
    with open_store(plain) as store:
        blocks = store.missing()
        first = next(blocks)
        store.write(first, Pattern()[first.slices])
        plain.parent.rename(plain.parent.with_name("elsewhere"))
        second = next(blocks)
        with pytest.raises(UserError, match="has disappeared"):
            store.write(second, Pattern()[second.slices])
        assert not plain.parent.exists()


def test_what_zarr_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"name in \.zarr"):
        open_store(tmp_path / "x.tif")
    with pytest.raises(UserError, match="zarr holds"):
        open_store(tmp_path / "x.zarr", dtype="complex64")
    with pytest.raises(UserError, match="OME-Zarr has no place"):
        open_store(tmp_path / "x.ome.zarr", shape=(2, 2, 64, 64), axes="CQYX", spacings=None)


def test_finishing_too_early_says_what_is_missing(plain: Path) -> None:
    begin(plain, 3)
    with open_store(plain) as store, pytest.raises(UserError, match="9 of 12 blocks are missing"):
        store.finish()


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float16", "float32", "float64"])
def test_every_type_comes_back(tmp_path: Path, dtype: str) -> None:
    data = np.random.default_rng(0).normal(0, 50, (70, 90)).astype(dtype)
    path = tmp_path / "x.ome.zarr"
    with RestartableStore(
        path, shape=data.shape, dtype=dtype, axes="YX", fingerprint={}, provenance={}, sides=Sides(16, 32)
    ) as store:
        list(copy_job(data, store))
    found = zarr.open_group(path, mode="r")
    np.testing.assert_array_equal(found["0"][...], data)
    assert {found[level].dtype for level in found} == {np.dtype(dtype)}
