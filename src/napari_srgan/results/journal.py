"""What a run has done so far, remembered on disk line by line."""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_srgan.disk.atomic_write import atomic_write

LOST = -2
EMPTY = -1


@dataclass(frozen=True)
class Receipt:
    """What was written, so that it can be recognised."""

    size: int
    """Of the file in bytes; :data:`EMPTY` where all pixels are 0 and no file is needed."""
    checksum: int = 0
    """CRC-32 of the file."""

    @classmethod
    def of(cls, content: bytes | memoryview) -> Receipt:
        """For what is written to a file."""
        return cls(len(content), zlib.crc32(content))

    def fits(self, file: Path, *, look_inside: bool) -> bool:
        """Whether a file is still what was written, by its size alone or also by its checksum."""
        if self.size == EMPTY:
            return not file.exists()
        try:
            if file.stat().st_size != self.size:
                return False
            return not look_inside or zlib.crc32(file.read_bytes()) == self.checksum
        except OSError:
            return False

    def content(self, file: Path) -> bytes | None:
        """What is in a file, if it is still what was written; nothing where no file is needed."""
        if self.size == EMPTY:
            return None if file.exists() else b""
        try:
            found = file.read_bytes()
        except OSError:
            return None
        return found if Receipt.of(found) == self else None


class Journal:
    """Files that are whole on the disk, by name.

    Every line carries a checksum: one that was cut off when the power went is as if it had
    never been written. A line is on the disk when :meth:`add` returns.

    Parameters
    ----------
    path
        The file; made if missing, else read and written anew without lines that are broken.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries = read_journal(path)
        self.rewrite(self._entries)

    @property
    def entries(self) -> dict[str, Receipt]:
        """All files and their receipts, in the order they were written in; a copy."""
        with self._lock:
            return dict(self._entries)

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def __getitem__(self, name: str) -> Receipt:
        return self._entries[name]

    def add(self, entries: Mapping[str, Receipt]) -> None:
        """Remember that files are whole."""
        self._append(entries)

    def remove(self, name: str) -> None:
        """Forget a file that turned out not to be whole."""
        self._append({name: Receipt(LOST)})

    def _append(self, entries: Mapping[str, Receipt]) -> None:
        lines = b"".join(_line(name, receipt) for name, receipt in entries.items())
        with self._lock, self._path.open("r+b") as file:  # "r+": a folder that vanished is not made anew
            file.seek(0, os.SEEK_END)
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
            for name, receipt in entries.items():
                _enter(self._entries, name, receipt)

    def rewrite(self, entries: Mapping[str, Receipt]) -> None:
        """Remember these and nothing else."""
        content = b"".join(_line(name, receipt) for name, receipt in entries.items())
        with self._lock:
            atomic_write(self._path, content)
            self._entries = dict(entries)


def _line(name: str, receipt: Receipt) -> bytes:
    said = f"{name} {receipt.size} {receipt.checksum:08x}".encode()
    return b"%08x %b\n" % (zlib.crc32(said), said)


def _enter(entries: dict[str, Receipt], name: str, receipt: Receipt) -> None:
    entries.pop(name, None)  # what is written again is the latest
    if receipt.size != LOST:
        entries[name] = receipt


def read_journal(path: Path) -> dict[str, Receipt]:
    """All files that a journal names and their receipts, without lines that are broken; it is not touched."""
    entries: dict[str, Receipt] = {}
    if not path.exists():
        return entries
    for line in path.read_bytes().split(b"\n"):
        checksum, _, said = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(said) or said.count(b" ") < 2:
            continue
        name, size, file_checksum = said.decode().rsplit(" ", 2)
        _enter(entries, name, Receipt(int(size), int(file_checksum, 16)))
    return entries
