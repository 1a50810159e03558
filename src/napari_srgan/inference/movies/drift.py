"""Frames of a stage that drifts: how far each has moved, and what is read of it to lie on the others.

Guizar-Sicairos, M. et al. (2008). Efficient subpixel image registration algorithms. Optics Letters 33(2),
156-158, as scikit-image has it. Displacements are whole pixels: frames are read beside, never resampled, and
each result is cut out where its frame lay.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from skimage.registration import phase_cross_correlation

from napari_srgan.inference.tiles.tiling import BORDER, Span, TileWindow

_MOST = 32
"""Pixels that a frame may have moved beside another; tiles grow by as many."""
OVERLAP = 4
"""A frame has moved by one part in so many of the sample's side at most."""
_CERTAIN = 6.0
"""Standard errors of their likeness by which frames have to be more alike once they lie on each other.
The best of all displacements of mere noise has some four and a half."""

Move = tuple[int, int]
"""Pixels along Y and X: what another frame shows at y, x is at ``y + move[0], x + move[1]``."""


def displacement(own: NDArray[np.float32], other: NDArray[np.float32], independent: float) -> Move:
    """How far a frame has moved beside another; (0, 0) where that makes them not clearly more alike.

    Parameters
    ----------
    own, other
        ``(Y, X)`` of float32, smoothed and without uneven illumination, around 0. They are correlated as they
        are: phases alone would be those of what smoothing has left of the noise.
    independent
        Number of their values that do not follow from others.

    Returns
    -------
    Move
        The displacement along Y and X in pixels of these arrays.
    """
    if not (own.any() and other.any()):
        return 0, 0
    found, _, _ = phase_cross_correlation(other, own, normalization=None)  # type: ignore[no-untyped-call]
    move = -int(found[0]), -int(found[1])
    most = [min(_MOST, size // OVERLAP) for size in own.shape]
    if move == (0, 0) or any(abs(by) > limit for by, limit in zip(move, most, strict=True)):
        return 0, 0
    before, after = (_likeness(own, other, move, by) for by in ((0, 0), move))
    sure = _CERTAIN * (1 - min(after, 1.0) ** 2) / math.sqrt(independent)
    return move if after - before > sure else (0, 0)


def _likeness(own: NDArray[np.float32], other: NDArray[np.float32], room: Move, by: Move) -> float:
    """Correlation where the frames overlap, one of them read beside by some pixels."""
    theirs = tuple(slice(abs(r), size - abs(r)) for r, size in zip(room, own.shape, strict=True))
    mine = tuple(slice(part.start + b, part.stop + b) for part, b in zip(theirs, by, strict=True))
    first, second = own[mine] - own[mine].mean(), other[theirs] - other[theirs].mean()
    length = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    return float(np.vdot(first, second)) / length if length > 0 else 0.0


def displaced_windows(
    core: Span,
    length: int,
    halo: int,
    border: int | None,
    moves: Mapping[int, int],
    made: Collection[int],
) -> dict[int, TileWindow]:
    """Windows of a tile in frames that have moved, along one axis.

    They are equally long. In frames that are made they hold the tile with its halo, and beyond the plane's
    edge as much of its continuation as others need; the network sees zeros nowhere nearer than that.

    Parameters
    ----------
    core, length, halo, border
        See :func:`~napari_srgan.inference.tiles.tiling.tile_window`.
    moves
        How far each frame has moved along this axis, in low-resolution pixels.
    made
        Numbers of the frames of which the tile is wanted.

    Returns
    -------
    dict
        For each frame what is read of it, and where in that the tile lies; for frames that only help, the
        latter means nothing.
    """
    border = min(BORDER if border is None else border, halo)
    wanted = [moves[frame] for frame in made]
    plane = Span(-max(moves.values()), length - min(moves.values())).grown(border, border)
    common = Span(core.start - max(wanted), core.stop - min(wanted)).grown(halo, halo).within(plane)
    return {
        frame: _window(Span(common.start + by, common.stop + by), core, length) for frame, by in moves.items()
    }


def _window(seen: Span, core: Span, length: int) -> TileWindow:
    """A window that may lie beyond the plane: enough is read of it to be continued that far."""
    before, after = max(-seen.start, 0), max(seen.stop - length, 0)
    start, stop = max(seen.start, 0), min(seen.stop, length)
    if after:
        start, stop = min(start, length - min(after, length)), length
    if before:
        start, stop = 0, max(stop, min(before, length))
    return TileWindow(
        read=Span(start, stop),
        pad=(before, after),
        trim=(core.start - seen.start, seen.stop - core.stop),
        cut=(seen.start - start + before, stop + after - seen.stop),
    )
