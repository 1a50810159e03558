"""Reading video files, frame by frame."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.file_stamp import unchanged
from napari_srgan.images.reading.file_array import FileArray, damaged
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage
from napari_srgan.images.video.frames import VideoFrames, decoded, has_colour
from napari_srgan.images.video.index import VideoIndex, find_frames, opened
from napari_srgan.images.video.package import WRITTEN

_LOOKED_AT = 5
"""Frames that tell whether a video has colours."""


def open_video(path: Path, axes: str | None = None) -> StoredImage:
    """Open a video; frames are decoded where they are asked for.

    A video is gray, ``TYX``, if its format is, or if none of :data:`_LOOKED_AT` frames spread over it has
    colours (in each of Cb and Cr at most :data:`~napari_srgan.images.video.frames.NEUTRAL` levels from
    gray); otherwise it is ``TYXS``. Formats of more than 8 bits become uint16, on the whole range of 16
    bits. The frame interval is the spacing of T in seconds.

    Parameters
    ----------
    path
        The video; its name has one of the endings in :data:`~napari_srgan.images.video.package.READ`.
    axes
        ``"TYX"`` or ``"TYXS"``: whether the video has colours. By default some of its frames are looked at.

    Raises
    ------
    UserError
        If PyAV is not there, or the file is no video, empty, damaged or cut off.
    """
    index = find_frames(path)
    with opened(path) as (container, stream):
        context = stream.codec_context
        size, told = (context.height, context.width), _told(container.metadata)
        pixels = context.format
        if pixels is None:
            raise UserError(f"{path.name} is in a video format that cannot be decoded here")
        deep = max(part.bits for part in pixels.components) > 8
        # GIF always has a place for it.
        alpha = any(part.is_alpha for part in pixels.components) and container.format.name != "gif"
        others = len(container.streams.video) - 1
    colour = _said(axes) if axes else _looks_coloured(path, index)
    frames = VideoFrames(path, index, size, colour=colour, deep=deep)
    letters = "TYXS" if colour else "TYX"
    interval = Spacing() if index.interval is None else Spacing(float(index.interval), "second")
    known = {"T": interval, **told}
    return StoredImage(
        path=path,
        data=FileArray(frames, path.name, letters),
        axes=letters,
        spacings=tuple(known.get(letter, Spacing()) for letter in letters),
        ending=_result_ending(path, deep),
        note=_note(path, index, others, alpha),
        close=frames.close,
        still_there=unchanged(path),
    )


def _said(axes: str) -> bool:
    return axes.upper().endswith("S")


def _looks_coloured(path: Path, index: VideoIndex) -> bool:
    """Look at frames at which decoding can begin: the others cost more."""
    places = {index.key_before(at * (index.count - 1) // (_LOOKED_AT - 1)) for at in range(_LOOKED_AT)}
    lost: list[UnreadablePart] = []
    for place in sorted(places):
        try:
            _, frame = next(decoded(path, index, place))
        except UnreadablePart as error:  # others may be whole
            lost.append(error)
        except StopIteration:
            lost.append(damaged(f"frame {place} of {path.name}", "it cannot be decoded"))
        else:
            if has_colour(frame):
                return True
    if len(lost) == len(places):
        raise lost[0]
    return False


def _told(metadata: dict[str, str]) -> dict[str, Spacing]:
    """Pixel sizes that we have written into a video, which has no other place for them."""
    comment = next((text for name, text in metadata.items() if name.lower() == "comment"), "")
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        stored: dict[str, Any] = json.loads(comment)["spacings"]
        return {letter: Spacing.told(stored[letter]) for letter in "TYX" if letter in stored}
    return {}


def _result_ending(path: Path, deep: bool) -> str:
    if deep:  # videos of more than 8 bits are read, not written
        return ".ome.tif"
    ending = path.suffix.lower()
    return ending if ending in WRITTEN else ".mp4"


def _note(path: Path, index: VideoIndex, others: int, alpha: bool) -> str:
    notes = []
    if index.uneven:
        assert index.interval is not None
        shortest, longest = index.uneven
        notes.append(
            f"the frames of {path.name} are not evenly spaced in time ({shortest:.3g} to {longest:.3g} s); "
            f"the mean, {float(index.interval):.4g} s, is taken"
        )
    if index.missing:
        notes.append(
            "{} should last {:.4g} s, and its frames end after {:.4g} s: perhaps it is cut off".format(
                path.name, *reversed(index.missing)
            )
        )
    if alpha:
        notes.append(f"the transparency of {path.name} is left out")
    if others:
        notes.append(f"{path.name} holds {others} more videos; the first is taken")
    return "; ".join(notes)
