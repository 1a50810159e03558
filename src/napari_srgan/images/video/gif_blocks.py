"""Which packets of a GIF have a picture in them.

GIF89a: pictures are preceded by extensions (comments, times, loops), and extensions may also come last,
where no picture follows. FFmpeg gives each run of blocks as a packet, also that one.
"""

from __future__ import annotations

from pathlib import Path

_EXTENSION, _PICTURE, _TRAILER = 0x21, 0x2C, b"\x3b"
_HEADER = 13
"""Bytes of the signature and the screen, before the colours of the whole file."""


def has_trailer(path: Path) -> bool:
    """Whether a GIF has its last byte: then it was not cut off."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - 1))
        return file.read(1) == _TRAILER


def has_picture(packet: bytes) -> bool:
    """Whether there is a picture in a packet, and not only extensions."""
    at = 0
    if packet.startswith(b"GIF8"):
        colours = packet[_HEADER - 3]
        at = _HEADER + (3 * 2 ** ((colours & 7) + 1) if colours & 0x80 else 0)
    while at < len(packet) and packet[at] == _EXTENSION:
        at = _after_blocks(packet, at + 2)
    return at < len(packet) and packet[at] == _PICTURE


def _after_blocks(packet: bytes, at: int) -> int:
    """Where blocks end, each of which begins with its length; the last has none."""
    while at < len(packet) and packet[at]:
        at += 1 + packet[at]
    return at + 1
