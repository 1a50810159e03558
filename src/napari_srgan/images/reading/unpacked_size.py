"""How large compressed bytes become, found out without making them so.

Two megabytes can unpack to two gigabytes; zarr's codecs allocate whatever the bytes ask for.
"""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable
from typing import Any

Packed = bytes | memoryview
_DICTIONARY = 2**28
"""Bytes that LZMA may need beside what it unpacks: its largest preset needs a quarter of it."""
_STEP = 2**22
"""Bytes that are unpacked at a time where they have to be counted."""


def unpacks_beyond(codec: str, content: Packed, most: int) -> bool:
    """Whether compressed bytes say that they have, or turn out to have, more bytes than `most`.

    Parameters
    ----------
    codec
        Name of the codec, one of :data:`PACKERS`.
    content
        The compressed bytes; broken ones are left to who unpacks them.
    most
        Number of bytes that are expected.
    """
    try:
        return _SIZES[codec](content, most) > most
    except lzma.LZMAError as error:
        return "limit" in str(error).lower()  # of memory
    except (struct.error, zlib.error, OSError, EOFError, ValueError):
        return False


def is_raw_lzma(config: dict[str, Any]) -> bool:
    """Whether a codec's settings say that it writes LZMA without a header, whose effect cannot be told."""
    return bool(config["id"] == "lzma" and config.get("format", lzma.FORMAT_XZ) == lzma.FORMAT_RAW)


def _blosc(content: Packed, _: int) -> int:
    """The second number of its header of 16 bytes (https://github.com/Blosc/c-blosc, README_CHUNK_FORMAT)."""
    return int(struct.unpack_from("<I", content, 4)[0])


def _lz4(content: Packed, _: int) -> int:
    """What numcodecs puts before the block."""
    return int(struct.unpack_from("<I", content)[0])


def _zstd(content: Packed, most: int) -> int:
    """The frame's content size (RFC 8878, 3.1.1.1); where it is not told, what its blocks can have."""
    magic, descriptor = struct.unpack_from("<IB", content)
    if magic & ~0xF == 0x184D2A50:  # frames to be skipped, which say nothing of those behind them
        return most + 1
    if magic != 0xFD2FB528:
        return 0
    single, flag = descriptor >> 5 & 1, descriptor >> 6
    at = 5 + (0 if single else 1) + (0, 1, 2, 4)[descriptor & 3]
    if flag == 0 and not single:
        return _zstd_blocks(content, at, most)
    format_, more = (("<B", 0), ("<H", 256), ("<I", 0), ("<Q", 0))[flag]
    return int(struct.unpack_from(format_, content, at)[0]) + more


def _zstd_blocks(content: Packed, at: int, most: int) -> int:
    """Count the blocks of a frame (RFC 8878, 3.1.1.2), of which a packed one has up to 128 KiB.

    Writers end blocks early, and so four times as much is let pass.
    """
    total, last, limit = 0, False, 4 * most + 2**20
    while not last and at < len(content):
        header = int.from_bytes(content[at : at + 3], "little")
        last, kind, size = bool(header & 1), header >> 1 & 3, header >> 3
        total += size if kind in (0, 1) else 2**17
        if total > limit:
            return most + 1
        at += 3 + (1 if kind == 1 else size)
    # After the last block there may be a checksum of four bytes; another frame is not expected.
    return most + 1 if last and len(content) - at > 4 else 0


def _counted(begin: Callable[[], Any], between: bytes = b"") -> Callable[[Packed, int], int]:
    """Count by unpacking piece by piece, one stream after the other, up to the limit.

    Parameters
    ----------
    begin
        A function that makes an object which unpacks a stream.
    between
        Bytes that may stand between two streams and mean nothing.
    """

    def size(content: Packed, most: int) -> int:
        total, left = 0, bytes(content)
        while left and total <= most:
            stream = begin()
            while not stream.eof and total <= most:
                unpacked = stream.decompress(left, _STEP)
                total += len(unpacked)
                left = getattr(stream, "unconsumed_tail", b"")
                if not unpacked and not left and not stream.eof:
                    return total  # cut off
            left = stream.unused_data.lstrip(between)
        return total

    return size


_SIZES: dict[str, Callable[[Packed, int], int]] = {
    "blosc": _blosc,
    "lz4": _lz4,
    "zstd": _zstd,
    "gzip": _counted(lambda: zlib.decompressobj(31), b"\0"),
    "zlib": _counted(zlib.decompressobj),
    "bz2": _counted(bz2.BZ2Decompressor),
    "lzma": _counted(lambda: lzma.LZMADecompressor(memlimit=_DICTIONARY)),
}
PACKERS = frozenset(_SIZES)
"""Names of the codecs of zarr and numcodecs whose effect can be told."""
