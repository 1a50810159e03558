"""How long a job will still take, in words."""

from __future__ import annotations

from napari_srgan.progress import Progress

SOONEST = 1.0
"""Seconds of work from which on something can be said."""


class TimeLeft:
    """Estimates the seconds left of a job from its pace so far.

    The pace is taken from the first sign of work onwards: preparation, which is as long
    for a small image as for a large one, would make it look slow.
    """

    def __init__(self) -> None:
        self._start: tuple[float, float] | None = None
        self._held: float | None = None
        self._last = 0.0

    def hold(self, now: float) -> None:
        """The job waits from now on."""
        self._held = now

    def go_on(self, now: float) -> None:
        """The job goes on; the time it has waited does not count."""
        if self._held is not None and self._start is not None:
            self._start = (self._start[0] + now - self._held, self._start[1])
        self._held = None

    def update(self, progress: Progress, now: float) -> float | None:
        """Seconds left at the time `now`; None as long as nothing can be said."""
        fraction = progress.fraction
        if fraction < self._last:  # another phase, with a pace of its own
            self._start = None
        self._last = fraction
        if fraction <= 0 or fraction >= 1:  # what is still done then is not counted
            return None
        if self._start is None:
            self._start = (now, fraction)
            return None
        began, first = self._start
        done = fraction - first
        if done <= 0 or now - began < SOONEST:
            return None
        return (now - began) / done * (1 - fraction)


def in_words(seconds: float | None) -> str:
    """A duration as people say it, e.g. ``"about 3 min left"``; empty if unknown."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "less than 1 s left"
    if seconds < 90:
        return f"about {seconds:.0f} s left"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} min left"
    return f"about {seconds / 3600:.1f} h left"
