"""Writing video files: what everybody can play, or every pixel as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.video.package import WRITTEN, pyav
from napari_srgan.images.writing.scratch_output import ScratchOutput

if TYPE_CHECKING:
    from av import VideoFrame

KEPT_RATES = (0.1, 500.0)
"""Frames a second that are played as they are; players know no others."""
OTHER_RATE = 10
"""Frames a second at which everything else is played: time-lapses, and films of unknown rate."""
_FULL_RANGE, _BT601 = 2, 6


@dataclass(frozen=True)
class Codec:
    """How the pixels of a format are stored."""

    name: str
    gray: str
    """Pixel format of gray videos, in PyAV's words."""
    colour: str
    options: dict[str, str]
    exact: bool
    """Whether every pixel is stored as it is."""


_H264 = Codec("libx264", "yuv420p", "yuv420p", {"crf": "10", "preset": "medium"}, exact=False)
CODECS = {
    ".mp4": _H264, ".mov": _H264, ".m4v": _H264,
    # Fiji opens AVI of PNG pictures.
    ".avi": Codec("png", "gray", "rgb24", {}, exact=True),
    ".mkv": Codec("ffv1", "gray", "bgr0", {"level": "3"}, exact=True),
}  # fmt: skip
"""Codecs by file ending: .mp4 and .mov are played everywhere and lose a little; .avi and .mkv lose
nothing."""
_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".avi": "avi", ".mkv": "matroska"}


class VideoOutput(ScratchOutput):
    """A result of 8 bits, ``TYX`` or ``TYXS``, as a video.

    The frame rate is that of the spacing of T, where players know such a rate. Spacings and provenance
    are in the file's comment, from which :func:`~napari_srgan.images.video.read.open_video` reads them.
    """

    @property
    def codec(self) -> Codec:
        return CODECS[self.path.suffix.lower()]

    def check(self, dtype: np.dtype[Any]) -> None:
        axes = self.file.axes
        ending = self.path.suffix.lower()
        if ending not in WRITTEN:
            raise UserError(f"{ending} is read, not written; write one of {', '.join(WRITTEN)}")
        pyav()
        if axes.removesuffix("S") != "TYX":
            raise UserError(
                f"a video has frames, axes TYX or TYXS, not {axes!r}; write a .ome.tif or .zarr, or if the "
                "first axis is time, name it T (in the shell: --axes TYX)"
            )
        if dtype.name != "uint8":
            raise UserError(
                f"a video holds 8 bits, and {dtype} values would lose what is finer; write a .ome.tif or "
                ".zarr, or convert the input to 8 bits first"
            )

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        if shape[3:] == (4,):
            raise UserError("a video cannot hold the alpha of an RGBA image; write a .ome.tif or .zarr")
        if not self.codec.exact and (shape[1] % 2 or shape[2] % 2):
            raise UserError(
                f"{self.path.suffix} holds an even number of pixels along Y and X, the result has "
                f"{shape[1]} x {shape[2]}; write a .mkv or .avi"
            )
        return super().__call__(shape, dtype)

    def write(self, result: Upscaled, spacings: tuple[Spacing, ...]) -> None:
        av = pyav()
        placed = dict(zip(result.axes, spacings, strict=True))
        rate = self._rate(placed["T"])
        with self.partial.temporary.open("wb") as file:
            disk = _Disk(file)
            try:
                with av.open(disk, "w", format=_CONTAINERS[self.path.suffix.lower()]) as container:
                    container.metadata["comment"] = _comment(result, placed)
                    stream = container.add_stream(self.codec.name, rate=rate, options=self.codec.options)
                    self._describe(stream, result.data)
                    for number, frame in enumerate(self._frames(result.data)):
                        frame.pts, frame.time_base = number, 1 / rate
                        container.mux(stream.encode(frame))
                    container.mux(stream.encode(None))
            except av.error.FFmpegError as error:
                raise disk.error or OSError(error.errno, error.strerror) from error

    def _rate(self, time: Spacing) -> Fraction:
        """Frames a second; a note tells if they are not those of the spacing."""
        seconds = time.size_in("second")
        lowest, highest = KEPT_RATES
        if seconds and lowest <= 1 / seconds <= highest:
            return Fraction(1 / seconds).limit_denominator(1001)
        known = f"frames are {time.size:g} {time.unit} apart" if time.unit else "the frame rate is unknown"
        self.note = (
            f"{known}: {self.path.name} is played at {OTHER_RATE} frames a second, and its comment tells "
            "what is known"
        )
        return Fraction(OTHER_RATE)

    def _describe(self, stream: Any, data: NDArray[Any]) -> None:
        stream.height, stream.width = data.shape[1:3]
        stream.pix_fmt = self.codec.colour if data.ndim == 4 else self.codec.gray
        if stream.pix_fmt == "yuv420p":
            stream.codec_context.color_range = _FULL_RANGE
            stream.codec_context.colorspace = _BT601

    def _frames(self, data: NDArray[Any]) -> Iterator[VideoFrame]:
        av = pyav()
        given, wanted = ("rgb24", self.codec.colour) if data.ndim == 4 else ("gray", self.codec.gray)
        for pixels in data:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format=given)
            # The whole range of 8 bits, and not the part of it that television has.
            ranges = {"src_color_range": "JPEG", "dst_color_range": "JPEG", "dst_colorspace": "ITU601"}
            yield frame if wanted == given else frame.reformat(format=wanted, **ranges)


class _Disk:
    """A file that remembers why it could not be written to: FFmpeg forgets it."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell = file.seek, file.tell
        self.error: OSError | None = None
        self._write = file.write

    def write(self, data: bytes) -> int:
        try:
            return self._write(data)
        except OSError as error:
            self.error = self.error or error
            raise


def _comment(result: Upscaled, placed: dict[str, Spacing]) -> str:
    spacings = {letter: asdict(spacing) for letter, spacing in placed.items() if letter in "TYX"}
    return json.dumps({**result.provenance, "spacings": spacings})
