"""The frames of a video as an array: what is asked for is decoded, and nothing else is kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.lazy_array import BoxArray
from napari_srgan.images.reading.file_array import damaged
from napari_srgan.images.video.index import VideoIndex, opened
from napari_srgan.images.video.package import pyav

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.plane import VideoPlane

NEUTRAL = 3
"""Levels of 256 that the colour of a gray pixel may be off after compression, in each of Cb and Cr."""
_RECENT = 8
"""Frames kept as they were decoded, for those who read on several threads, not quite in order."""


class VideoFrames(BoxArray):
    """Frames of a video, ``(T, Y, X)``, or ``(T, Y, X, 3)`` in colour.

    Decoding goes on where it stopped if a frame after it is asked for, and begins anew at the last
    frame before it at which that is possible if not.

    Parameters
    ----------
    path
        The file.
    index
        The index of its frames.
    size
        Pixels of a frame along Y and X.
    colour
        Whether there is a colour axis. Without one, frames that turn out to have colours are refused.
    deep
        Whether to give uint16, on the whole range of 16 bits, and not uint8.

    Raises
    ------
    UserError
        When frames are read: if one is damaged, or is not like those before it.
    """

    def __init__(
        self, path: Path, index: VideoIndex, size: tuple[int, int], *, colour: bool, deep: bool
    ) -> None:
        shape = (index.count, *size, *((3,) if colour else ()))
        super().__init__(shape, np.dtype(np.uint16 if deep else np.uint8))
        self.chunks = (1, *self.shape[1:])
        self._path, self._index = path, index
        self._colour = colour
        self._lock = threading.Lock()
        self._decoding: Generator[tuple[int, VideoFrame]] | None = None
        self._next = 0
        self._recent: OrderedDict[int, VideoFrame] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._path, self._index, self.shape[1:3], self._colour, self.dtype == np.uint16)

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        result = np.empty([part.stop - part.start for part in box], self.dtype)
        with self._lock:
            for place, number in enumerate(range(box[0].start, box[0].stop)):
                result[place] = self._pixels(number)[box[1:]]
        return result

    def close(self) -> None:
        """Close the file; whoever reads afterwards opens it again."""
        with self._lock:
            self._stop()
            self._recent.clear()

    def _pixels(self, number: int) -> NDArray[Any]:
        frame = self._recent.get(number)
        if frame is None:
            frame = self._decode(number)
        if (frame.height, frame.width) != self.shape[1:3]:
            raise UserError(
                f"frame {number} of {self._path.name} has {frame.height} x {frame.width} pixels, others have "
                f"{self.shape[1]} x {self.shape[2]}; cut the video there"
            )
        if not self._colour and has_colour(frame):
            raise UserError(
                f"frame {number} of {self._path.name} has colours, though others that were looked at have "
                "none; name the axes TYXS, and it is read in colour"
            )
        return frame_pixels(frame, colour=self._colour, deep=self.dtype == np.uint16)

    def _decode(self, number: int) -> VideoFrame:
        key = self._index.key_before(number)
        onward = self._decoding is not None and key <= self._next <= number
        # The file's own table of frames may be wrong: the first frame is where it is.
        for start in (None, key, 0) if onward else (key, 0):
            if (frame := self._reach(number, start)) is not None:
                return frame
        raise damaged(f"frame {number} of {self._path.name}", "it cannot be decoded")

    def _reach(self, number: int, start: int | None) -> VideoFrame | None:
        """Decode up to a frame, beginning anew if there is a start; None if it does not come."""
        if start is not None:
            self._stop()
            self._decoding, self._next = decoded(self._path, self._index, start), start
        assert self._decoding is not None
        for found, frame in self._decoding:
            self._next = found + 1
            self._recent[found] = frame
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
            if found == number:
                return frame
            if found > number:
                break
        self._stop()
        return None

    def _stop(self) -> None:
        if self._decoding is not None:
            self._decoding.close()
            self._decoding = None


def _again(path: Path, index: VideoIndex, size: tuple[int, int], colour: bool, deep: bool) -> VideoFrames:
    return VideoFrames(path, index, size, colour=colour, deep=deep)


def decoded(path: Path, index: VideoIndex, start: int) -> Generator[tuple[int, VideoFrame]]:
    """Frames and their numbers, in order, from a frame on at which decoding can begin.

    Raises
    ------
    UserError
        If one of them is damaged.
    """
    ffmpeg_error = pyav().error.FFmpegError  # found now: as the interpreter ends, nothing can be imported
    with opened(path) as (container, stream):
        if start and index.times is not None:
            container.seek(index.times[start], stream=stream)
        number: int | None = start
        try:
            for count, frame in enumerate(container.decode(stream)):
                number = count if index.times is None else index.number_at(frame.pts)
                if number is None or number < start:
                    continue  # shown before the frame where decoding began: it lacks what it was made from
                if frame.is_corrupt:
                    raise damaged(f"frame {number} of {path.name}", "")
                yield number, frame
        except ffmpeg_error as error:
            raise damaged(f"what comes about frame {number} of {path.name}", error.strerror) from error


def has_colour(frame: VideoFrame) -> bool:
    """Whether a frame has colours, more than compression adds to gray."""
    if frame.format.name.startswith("gray"):
        return False
    blue, red = frame.reformat(format="yuv420p", dst_color_range="JPEG").planes[1:]
    return _is_off_neutral(blue) or _is_off_neutral(red)


def _is_off_neutral(plane: VideoPlane) -> bool:
    levels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
    return bool((levels > 128 + NEUTRAL).any() or (levels < 128 - NEUTRAL).any())


def frame_pixels(frame: VideoFrame, *, colour: bool, deep: bool) -> NDArray[Any]:
    """``(Y, X)`` or ``(Y, X, 3)`` of a frame, uint8, or uint16 if `deep`; its whole range is used."""
    if colour or frame.format.is_rgb or frame.format.has_palette:
        rgb = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
        return rgb if colour else rgb[..., 1]
    return frame.to_ndarray(format="gray16le" if deep else "gray")
