"""PyAV, which video files are read and written with; it comes with an extra."""

from __future__ import annotations

from types import ModuleType

from napari_srgan.errors import UserError

READ = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".webm", ".gif")
"""Endings of the video files that are read."""
WRITTEN = (".mp4", ".mov", ".m4v", ".avi", ".mkv")
"""Endings of the video files that are written."""


def pyav() -> ModuleType:
    """PyAV, imported when a video is read or written.

    Raises
    ------
    UserError
        If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise UserError(
            f"video files are read and written with PyAV, which cannot be imported ({error}); "
            'pip install "napari-srgan[video]"'
        ) from error
    return av
