"""A file is written whole or not at all, and is on the disk when that is done."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from napari_srgan.disk.atomic_write import Content, atomic_write, remove_abandoned, save_file, settle_folder
from napari_srgan.errors import UserError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder / "x.bin"


def entries(file: Path) -> list[str]:
    return sorted(entry.name for entry in file.parent.iterdir())


@pytest.mark.parametrize(
    "content", [b"new", memoryview(b"new"), lambda file: file.write(b"new")], ids=["bytes", "view", "writer"]
)
def test_a_file_is_replaced(file: Path, content: Content) -> None:
    file.write_bytes(b"old and longer")
    atomic_write(file, content)
    assert file.read_bytes() == b"new"
    assert entries(file) == ["x.bin"]


def test_two_who_write_one_file_do_not_disturb_each_other(file: Path) -> None:
    """Of one process and one thread, so that their numbers are one, as in two containers."""

    def write(open_file: BinaryIO) -> None:
        atomic_write(file, b"second")
        assert file.read_bytes() == b"second"
        open_file.write(b"first")

    atomic_write(file, write)
    assert file.read_bytes() == b"first"
    assert entries(file) == ["x.bin"]


def test_what_was_there_stays_if_writing_fails(file: Path) -> None:
    def fail(open_file: BinaryIO) -> None:
        open_file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    file.write_bytes(b"old")
    with pytest.raises(OSError, match="No space left"):
        atomic_write(file, fail)
    with pytest.raises(UserError, match=r"x\.bin cannot be written: No space left on device"):
        save_file(file, fail)
    assert file.read_bytes() == b"old"
    assert entries(file) == ["x.bin"]


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_cannot_be_is_told_in_short(file: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be written") as caught:
        save_file(file.with_name(name), b"new")
    assert len(str(caught.value)) < 500


@pytest.mark.skipif(os.name != "posix", reason="Windows brings no folders to the disk")
def test_content_is_on_the_disk_before_its_name_and_the_name_after(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    fsync: Callable[[int], None] = os.fsync

    def look(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), file.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    atomic_write(file, b"new")
    assert synced == [(False, False), (True, True)]


@pytest.mark.skipif(os.name != "posix", reason="Windows brings no folders to the disk")
@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_folders_that_cannot_be_brought_to_the_disk(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: bool
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    if told:
        with pytest.raises(OSError, match=os.strerror(number)):
            settle_folder(file.parent)
    else:
        settle_folder(file.parent)


def test_only_old_left_overs_of_the_same_file_are_removed(file: Path) -> None:
    old, young, other = (
        file.with_name(name) for name in (".x.bin.0a.partial", ".x.bin.0b.partial", ".y.0a.partial")
    )
    for left in (old, young, other):
        left.write_bytes(b"half")
    for left in (old, other):
        os.utime(left, (0, 0))
    remove_abandoned(file)
    assert entries(file) == [young.name, other.name]
