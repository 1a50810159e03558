"""The chain of directories of a TIFF, one for each page: whether it can be followed to its end.

TIFF 6.0, section 2: a directory is a count, so many entries, and the place of the next directory, which is 0
in the last one. In a file that was cut off the chain leads beyond its end, and the pages behind that are lost
without a trace.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import tifffile

MOST_ENTRIES = 4096
"""Entries that a directory may have at most; what claims more is no directory, but other bytes."""
_SIZES = {
    1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8,
}  # fmt: skip
"""Bytes of a value of each type."""


def where_it_breaks(file: BinaryIO, form: tifffile.TiffFormat) -> str:
    """Say where the chain of directories breaks off; empty if it does not.

    What the first directory refers to has to be there too: the metadata may be the last thing in a file.

    Parameters
    ----------
    file
        The file, open for reading.
    form
        The way numbers are written in it: ``tifffile.TiffFile.tiff``.
    """
    size = file.seek(0, 2)
    file.seek(4 if form.version == 42 else 8)
    offset = _number(file, form.offsetformat, form.offsetsize)
    seen: set[int] = set()
    while offset and offset not in seen:  # loops are not cut off: all there is has been seen
        seen.add(offset)
        next_one = _next(file, form, offset) if offset < size else None
        if next_one is None:
            return f"page {len(seen)} should begin at byte {offset} of {size}"
        if len(seen) == 1 and (end := _end_of_values(file, form, offset)) > size:
            return f"what describes the image should end at byte {end} of {size}"
        offset = next_one
    return ""


def _next(file: BinaryIO, form: tifffile.TiffFormat, offset: int) -> int | None:
    """Where the next directory begins; None if this one is not there as a whole."""
    file.seek(offset)
    entries = _number(file, form.tagnoformat, form.tagnosize)
    if entries is None or entries > MOST_ENTRIES:
        return None
    file.seek(offset + form.tagnosize + entries * form.tagsize)
    return _number(file, form.offsetformat, form.offsetsize)


def _end_of_values(file: BinaryIO, form: tifffile.TiffFormat, offset: int) -> int:
    """Where the last value ends that lies outside a directory; 0 if there is none."""
    numbers = {20: "HHQQ", 12: "HHII"}.get(form.tagsize)
    if numbers is None or (form.version == 42 and form.offsetsize != 4):  # NDPI has rules of its own
        return 0
    file.seek(offset)
    entries = _number(file, form.tagnoformat, form.tagnosize) or 0
    found = file.read(entries * form.tagsize)
    ends = [0]
    for _, kind, count, value in struct.iter_unpack(form.byteorder + numbers, found):
        size = _SIZES.get(kind, 0) * count
        if size > form.offsetsize:
            ends.append(value + size)
    return max(ends)


def _number(file: BinaryIO, form: str, size: int) -> int | None:
    found = file.read(size)
    return int(struct.unpack(form, found)[0]) if len(found) == size else None
