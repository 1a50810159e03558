"""Where the frames of a video file are, found without decoding it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_srgan.errors import UserError
from napari_srgan.images.reading.file_array import damaged
from napari_srgan.images.video.gif_blocks import has_picture, has_trailer
from napari_srgan.images.video.package import pyav

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_UNEVEN = 0.1
"""Share of the mean interval by which the intervals of a video of one frame rate may differ."""
_TOLD_RATE = 0.01
"""Share by which the rate that a file tells may differ from that of its frames."""

_ONLY = {
    "format_whitelist": "mov,mp4,avi,matroska,webm,gif,mpegts,mpeg,asf,ogg,flv",
    "protocol_whitelist": "file",
}
"""What a file with the ending of a video may be: no picture, and no playlist, which reads other files."""


@dataclass(frozen=True)
class VideoIndex:
    """The frames of a video, in the order they are shown in."""

    count: int
    """Number of frames."""
    times: tuple[int, ...] | None
    """When each is shown, in the file's own unit; None if that cannot be known without decoding, so that
    frames are found only by counting them from the first one on."""
    keys: tuple[int, ...]
    """Numbers of the frames at which decoding can begin."""
    interval: Fraction | None
    """Seconds from frame to frame; unknown if None."""
    uneven: tuple[float, float] | None
    """The shortest and the longest interval in seconds, if they differ."""
    missing: tuple[float, float] | None = None
    """When the frames end and when the file says that they do, in seconds, if it is clearly later."""

    def key_before(self, number: int) -> int:
        """Number of the frame at which decoding begins for a frame."""
        return self.keys[max(bisect_right(self.keys, number) - 1, 0)]

    def number_at(self, time: int | None) -> int | None:
        """Number of the frame that begins at a time in the file's own unit; None if there is none."""
        if self.times is None or time is None:
            return None
        place = bisect_left(self.times, time)
        return place if place < len(self.times) and self.times[place] == time else None


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A video file and the first video in it.

    Raises
    ------
    UserError
        If it is no video, or is damaged.
    """
    av = pyav()
    with _open(path, av) as container:
        if not container.streams.video:
            raise UserError(f"there is no video in {path.name}, at most sound")
        stream = container.streams.video[0]
        # What is broken is not to be guessed from its neighbours, as players do.
        stream.codec_context.options = {"err_detect": "explode"}
        try:
            yield container, stream
        except av.error.FFmpegError as error:
            raise damaged(path.name, error.strerror or error) from error


def _open(path: Path, av: Any) -> InputContainer:
    try:
        # A relative name may look like an address: 10:30:00.mp4.
        container: InputContainer = av.open(str(path.absolute()), options=_ONLY)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # of the system, not of what is in the file
            raise OSError(error.errno, error.strerror) from error
        raise UserError(
            f"{path.name} is no readable video file; get the file again from where it was made"
        ) from error
    return container


def find_frames(path: Path) -> VideoIndex:
    """Look for the frames of a video.

    Raises
    ------
    UserError
        If it is no video, has no frame, or is cut off.
    """
    with opened(path) as (container, stream):
        shown, keys, lost = [], [], 0
        whole_gif = container.format.name == "gif" and has_trailer(path)
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise damaged(path.name, "it ends in the middle of a frame")
            if whole_gif and packet.size and not has_picture(bytes(packet)):
                continue
            if packet.size and packet.is_discard:
                lost += 1
            elif packet.size:
                shown.append(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        _refuse_missing(path, stream.frames, len(shown) + lost)
        times = None if _is_out_of_order(container, stream) else _in_order(shown)
        step = stream.time_base or Fraction(1)
        told = stream.average_rate or stream.guessed_rate
        # With sound, it may be the sound that lasts longer.
        lasts = container.duration / 1e6 if container.duration and len(container.streams) == 1 else 0.0
    if times is None:
        return VideoIndex(_counted(path), None, (0,), 1 / told if told else None, None)
    places = {time: number for number, time in enumerate(times)}
    numbers = tuple(sorted(places[time] for time in keys if time in places))
    interval, uneven = _intervals(times, step, told)
    ends = float((times[-1] - times[0]) * step + (interval or 0))
    late = lasts > (1 + _UNEVEN) * ends and lasts > ends + 2 * float(interval or 0)
    return VideoIndex(
        len(times), times, numbers or (0,), interval, uneven, missing=(ends, lasts) if late else None
    )


def _refuse_missing(path: Path, told: int, found: int) -> None:
    if not found:
        raise UserError(f"there is no frame in {path.name}; get the file again from where it was made")
    if told > found:
        raise damaged(path.name, f"it has {found} frames and should have {told}")


def _is_out_of_order(container: InputContainer, stream: VideoStream) -> bool:
    """AVI tells when frames are decoded, which is not when they are shown, where some look ahead."""
    return container.format.name == "avi" and stream.codec_context.has_b_frames


def _in_order(shown: list[int | None]) -> tuple[int, ...] | None:
    times = [time for time in shown if time is not None]
    return tuple(sorted(times)) if len(set(times)) == len(shown) else None


def _counted(path: Path) -> int:
    with opened(path) as (container, stream):
        return sum(1 for _ in container.decode(stream))


def _intervals(
    times: tuple[int, ...], step: Fraction, told: Fraction | None
) -> tuple[Fraction | None, tuple[float, float] | None]:
    """Seconds from frame to frame, and the shortest and longest if they differ."""
    if len(times) < 2:
        return (1 / told if told else None), None
    mean = Fraction(times[-1] - times[0], len(times) - 1) * step
    gaps = [later - earlier for earlier, later in pairwise(times)]
    shortest, longest = min(gaps) * step, max(gaps) * step
    # Times are whole numbers of the file's unit: each may be half of one beside the truth.
    if longest - shortest > _UNEVEN * mean + 2 * step:
        return mean, (float(shortest), float(longest))
    if told and abs(mean * told - 1) < _TOLD_RATE + step / mean / (len(times) - 1):
        return 1 / told, None
    return mean, None
