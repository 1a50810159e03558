"""How much a movie flickers that its truth does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def flicker(result: NDArray[Any], truth: NDArray[Any]) -> float:
    """Mean absolute difference between the changes from frame to frame of a result and of the truth.

    ``mean |(r[t + 1] - r[t]) - (g[t + 1] - g[t])|``: what moves in both does not count, and neither does an
    error that stays; what comes and goes in the result alone does. Errors of every frame that have nothing
    to do with those of its neighbours, normally distributed with a standard deviation of s, give
    ``2 s / sqrt(pi)``.

    Parameters
    ----------
    result, truth
        ``(T, ...)`` of equal shape and any real dtype, at least two frames.

    Returns
    -------
    float
        In the quantity of the arrays; 0 for a movie that changes as its truth does.

    Raises
    ------
    ValueError
        If the shapes differ, or nothing can change.
    """
    if result.shape != truth.shape or not result.size or len(result) < 2:
        raise ValueError(
            "flicker needs two movies of one shape and at least two frames; "
            f"got {result.shape} and {truth.shape}"
        )
    total = 0.0
    before = np.asarray(result[0], np.float64) - truth[0]
    # The change of the error is the error of the change; two frames at a time, for movies are long.
    for ours, theirs in zip(result[1:], truth[1:], strict=True):
        error = np.asarray(ours, np.float64) - theirs
        total += float(np.abs(error - before).mean())
        before = error
    return total / (len(result) - 1)
