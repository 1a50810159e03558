"""A file is locked by one, until that one lets it go or dies."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from napari_srgan.disk import file_lock
from napari_srgan.disk.file_lock import FileLock, FileMovedError, LockHeldError, locked
from napari_srgan.errors import UserError

HOLDS = """
import sys, pathlib
from napari_srgan.disk.file_lock import FileLock
lock = FileLock(pathlib.Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder / "x.part"


def test_one_lock_at_a_time_in_one_process(file: Path) -> None:
    first = FileLock(file)
    with pytest.raises(LockHeldError):
        FileLock(file)
    first.close()
    FileLock(file).close()


def test_another_process_is_kept_away_until_it_is_killed(file: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(LockHeldError):
            FileLock(file)
        other.kill()
        other.wait()
        FileLock(file).close()


def test_what_is_in_the_file_stays(file: Path) -> None:
    file.write_bytes(b"half")
    with locked(file, "busy"):
        pass
    assert file.read_bytes() == b"half"


def test_an_empty_file_is_removed_again(file: Path) -> None:
    with locked(file, "busy"):
        pass
    assert list(file.parent.iterdir()) == []


def test_what_is_locked_can_be_written_and_renamed(file: Path) -> None:
    with locked(file, "busy"):
        file.write_bytes(b"whole")
        file.replace(file.with_name("x"))
    assert [(entry.name, entry.read_bytes()) for entry in file.parent.iterdir()] == [("x", b"whole")]


def test_a_second_thread_is_told(file: Path) -> None:
    told = []

    def second() -> None:
        with pytest.raises(UserError, match=r"^x is busy$"), locked(file, "x is busy"):
            pass
        told.append(True)

    with locked(file, "x is busy"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert told == [True]
    with locked(file, "x is busy"):
        pass


def test_another_process_is_told(file: Path) -> None:
    file.write_bytes(b"half")
    lock = FileLock(file)
    with pytest.raises(UserError, match=r"^x is busy$"), locked(file, "x is busy"):
        pass
    lock.close()


@pytest.mark.parametrize("away", ["removed", "renamed", "another"])
def test_a_file_that_has_gone_before_it_is_locked(
    away: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(_: int, *, blocking: bool) -> bool:
        file.unlink() if away == "removed" else file.replace(file.with_name("y"))
        if away == "another":
            file.touch()
        return not blocking

    monkeypatch.setattr(file_lock, "lock_descriptor", meanwhile)
    with pytest.raises(FileMovedError):
        FileLock(file)
    with pytest.raises(UserError, match=r"^x is busy$"), locked(file, "x is busy"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL])
def test_where_nothing_can_be_locked_threads_are_kept_apart(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def no_locks(_: int, *, blocking: bool) -> bool:
        del blocking
        raise OSError(number, "No locks available")

    monkeypatch.setattr(file_lock, "lock_descriptor", no_locks)
    lock = FileLock(file)
    assert not lock.works
    lock.close()
    with locked(file, "busy"), pytest.raises(UserError, match="busy"), locked(file, "busy"):
        pass


def test_a_file_that_cannot_be_opened_is_left_to_whoever_writes_it(file: Path) -> None:
    with locked(file.parent, "busy"), locked(file.parent / "missing" / "x", "busy"):
        pass
    assert list(file.parent.iterdir()) == []


def test_windows_locks_a_file_beside_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "_WINDOWS", True)
    file.write_bytes(b"half")
    with locked(file, "x is busy"):
        FileLock(file).close()  # can be opened
        with pytest.raises(LockHeldError):
            FileLock(file.with_name("x.part.lock"))
    assert [entry.name for entry in file.parent.iterdir()] == ["x.part"]
