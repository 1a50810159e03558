"""Video files opened in napari, as a layer with time: frames are decoded when they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_srgan.images.indexing import Part

# napari asks for every file that is opened: what reads videos is imported when one is read.

Reader = Callable[[Any], list[tuple[Any, dict[str, Any], str]]]

_ENDINGS = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm")
"""GIF is left to napari's own reader."""


def get_video_reader(path: str | list[str]) -> Reader | None:
    """What reads a video file; None for all others, and for several as one stack."""
    if isinstance(path, str) and path.lower().endswith(_ENDINGS):
        return read_video
    return None


def read_video(path: str) -> list[tuple[Any, dict[str, Any], str]]:
    """Open a video as one image layer: T in seconds, Y, X, and colours if there are any.

    Raises
    ------
    UserError
        If it is no video, damaged, or PyAV is not installed.
    """
    import warnings
    from pathlib import Path
    from uuid import uuid4

    from napari_srgan.images.video.read import open_video
    from napari_srgan.inference.lazy_dask import tile_array

    video = open_video(Path(path))
    if video.note:
        warnings.warn(video.note, stacklevel=2)
    frames = tile_array(video.data, _frame_sizes, f"video-{uuid4().hex}")
    placed = video.spacings[:3]
    state: dict[str, Any] = {
        "name": Path(path).stem,
        "rgb": video.axes.endswith("S"),
        "axis_labels": ["t", "y", "x"],
        "scale": [spacing.size for spacing in placed],
        "translate": [spacing.origin for spacing in placed],
        "units": [spacing.unit or "pixel" for spacing in placed],
    }
    if not state["rgb"]:
        state["contrast_limits"] = _limits(video.data[0])
    return [(frames, state, "image")]


def _limits(frame: NDArray[Any]) -> tuple[float, float]:
    """From the darkest to the brightest pixel: napari would decode a frame in the middle for that."""
    low, high = float(frame.min()), float(frame.max())
    return (low, high) if low < high else (0.0, 255.0 if frame.itemsize == 1 else 65535.0)


def _frame_sizes(part: Part) -> tuple[tuple[int, ...], ...]:
    """How much of a part of a video lies in each frame, along every axis."""
    time, *plane = part.shape
    return (1,) * time, *((size,) for size in plane)
