"""How much a file may ask of this machine before its pixels are wanted; and that it is a file.

Each limit is far above what files of microscopes need. Beyond it a file is broken or made to harm, and would
take memory or minutes before anything could be said.
"""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import psutil

from napari_srgan.errors import UserError

ZARR_METADATA = 2**25
"""Bytes of a file of zarr's metadata: that of a plate of 1536 wells, consolidated, has about 10 MiB."""
OME_XML = 2**26
"""Bytes of OME-XML: 300 for each of 200,000 planes."""
PLANES = 2**21
"""Planes in OME-XML: a day at 24 frames a second. Those that are not there take memory too."""
LEVELS = 64
"""Resolution levels of an image: each halves it."""
IMAGES = 2**15
"""Images in one file or plate: 1536 wells with 21 fields each."""
ZIP_DIRECTORY = 2**25
"""Bytes of the list of files in a zip, which is read and kept as a whole: 64 for each of half a million."""
CHUNKS_OF_SHARD = 2**20
"""Chunks in a shard, whose index has 16 bytes for each and is read as a whole."""
CHUNKS_OF_TILE = 2**14
"""Files or pieces that a square of :data:`LARGEST_TILE` pixels may lie in: more take minutes to open."""
LARGEST_TILE = 512
"""Side of that square, about that of a tile."""
SECONDS = 15.0
"""Seconds that reading the directories of a TIFF file may take: those of 50,000 pages are read in less."""


def chunk_file(declared: int) -> int:
    """Bytes of a file with a chunk of so many bytes: what does not become smaller becomes a little larger."""
    return declared + declared // 8 + 2**16


def check_file(path: Path) -> int:
    """The size of an ordinary file.

    Raises
    ------
    OSError
        If there is no such file.
    UserError
        If it is something that would be waited for, such as a pipe, or that never ends.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UserError(
            f"{path} is a pipe or a device, not a file; get the image again from where it was made"
        )
    return found.st_size


def read_small(path: Path, most: int) -> bytes:
    """All of an ordinary file of metadata.

    Raises
    ------
    OSError
        If it cannot be read.
    UserError
        If it is no ordinary file, or has more bytes than `most`.
    """
    if (size := check_file(path)) > most:
        raise too_large(str(path), size, most)
    with path.open("rb") as file:
        return file.read(most)


def too_large(what: str, size: int | None, most: int) -> UserError:
    """Say that a file has more bytes than its kind needs; the size is None if it is not known."""
    has = "more bytes than it should have" if size is None else f"{size:,} bytes"
    return UserError(
        f"{what} has {has}, and at most {most:,} bytes are read of it; it is damaged, get it again"
    )


def free_memory() -> int:
    """Bytes that this process can still have: of the machine, and of a limit that was set for it."""
    free = int(psutil.virtual_memory().available)
    if sys.platform != "win32":
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            free = min(free, limit - psutil.Process().memory_info().vms)
    return max(free, 0)
