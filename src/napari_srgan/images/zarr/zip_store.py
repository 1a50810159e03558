"""A zarr store in a zip file that somebody else made: it is read within limits.

Zipped OME-Zarr (``.ozx``) is https://ngff.openmicroscopy.org/rfc/9/: the root of the zip file is that of the
image. Programs that zip a folder put it into the file as a whole; one such folder is taken for the root, too.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from zarr.abc.store import ByteRequest

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.file_stamp import unchanged
from napari_srgan.images.reading import limits
from napari_srgan.images.zarr.chunk_limits import METADATA
from napari_srgan.images.zarr.read_only_store import ReadOnlyStore, bytes_of

_LOCAL_HEADER = struct.Struct("<26xHH")
"""What stands before a file in a zip (APPNOTE 4.3.7): last the lengths of its name and its extra field."""
_ENCRYPTED = 1


class ZippedStore(ReadOnlyStore):
    """Reads files of a zip file within limits; nothing is unpacked to disk.

    Files that are stored as they are, as RFC-9 recommends, are read in parts where parts are asked for.

    Parameters
    ----------
    path
        The zip file.

    Raises
    ------
    UserError
        If it is none, is cut off, lists too much, or is packed in a way that is not read here.
    """

    supports_listing = True

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        super().__init__(self.path.name)
        limits.check_file(self.path)
        self.unchanged = unchanged(self.path)
        """Raises UserError if the file has changed or disappeared."""
        self._files = _files(self.path)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZippedStore) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __reduce__(self) -> tuple[type[ZippedStore], tuple[Path]]:
        return ZippedStore, (self.path,)

    def has(self, key: str) -> bool:
        return key in self._files

    def fetch(self, key: str, part: ByteRequest | None = None) -> bytes | None:
        if (info := self._files.get(key)) is None:
            self.unchanged()
            return None
        self.limits.check_size(key, info.file_size)
        start, end, _ = bytes_of(part).indices(info.file_size)
        if info.compress_type == ZIP_STORED:
            return self._stored(key, info, start, end)
        return self._inflated(key, info)[start:end]

    def _stored(self, key: str, info: ZipInfo, start: int, end: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER.size)
            if len(header) == _LOCAL_HEADER.size and header.startswith(b"PK\x03\x04"):
                file.seek(sum(_LOCAL_HEADER.unpack(header)) + start, io.SEEK_CUR)
                found = file.read(end - start)
                whole = (start, end) == (0, info.file_size)
                if len(found) == end - start and not (whole and zlib.crc32(found) != info.CRC):
                    return found
        raise self._damaged(key)

    def _inflated(self, key: str, info: ZipInfo) -> bytes:
        try:
            # No more is unpacked than the size that is declared, which was looked at.
            with ZipFile(self.path) as file, file.open(info) as packed:
                return packed.read()
        except (BadZipFile, zlib.error, EOFError) as error:
            raise self._damaged(key) from error

    def _damaged(self, key: str) -> UserError:
        self.unchanged()
        words = f"{key} in {self.path.name} is damaged or cut off; get the file again from where it was made"
        return UserError(words) if key.rpartition("/")[2] in METADATA else UnreadablePart(words)

    async def list(self) -> AsyncIterator[str]:
        for key in self._files:
            yield key

    async def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        for key in self._files:
            if key.startswith(prefix):
                yield key

    async def list_dir(self, prefix: str) -> AsyncIterator[str]:
        inside = f"{prefix.strip('/')}/".lstrip("/")
        names = (key[len(inside) :].partition("/")[0] for key in self._files if key.startswith(inside))
        for name in dict.fromkeys(names):
            yield name


class _Listed(io.BufferedReader):
    """A zip file whose list of files may have so many bytes: it is read and kept as a whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > limits.ZIP_DIRECTORY:
            name = f"the list of files in {Path(str(self.name)).name}"
            raise limits.too_large(name, size, limits.ZIP_DIRECTORY)
        return super().read(size)


def _files(path: Path) -> dict[str, ZipInfo]:
    """What lies in a zip file, by the name that zarr has for it."""
    try:
        with _Listed(io.FileIO(path)) as stream, ZipFile(stream) as file:
            entries = [info for info in file.infolist() if not info.is_dir()]
    except (BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise UserError(
            f"{path.name} is no readable zip file ({error}); get the file again from where it was made"
        ) from error
    for info in entries:
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            how = "encrypted" if info.flag_bits & _ENCRYPTED else "compressed in a way that is not read here"
            raise UserError(f"{info.filename} in {path.name} is {how}; zip it again without compression")
    files = {info.filename: info for info in entries}
    if not any(name in files for name in METADATA):
        tops = {name.partition("/")[0] for name in files if name.partition("/")[2] in METADATA}
        if len(tops) == 1:
            root = f"{tops.pop()}/"
            return {name.removeprefix(root): info for name, info in files.items() if name.startswith(root)}
    return files
