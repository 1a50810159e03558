"""Which frames of a time-lapse are learned from: none that are empty, and only rows of several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tune.in_time import InTime
from napari_srgan.training.fine_tune.reading import has_contrast
from napari_srgan.training.fine_tune.subject import Subject
from napari_srgan.training.pairs.aligned import AlignedPlane


def with_frames_in_rows(subject: Subject, in_time: InTime) -> Subject:
    """Leave out frames that nothing can be learned from, with a note of how many.

    Parameters
    ----------
    subject
        As it was read.
    in_time
        How the network sees time; for single images nothing is left out.

    Raises
    ------
    UserError
        If too few frames in a row are left.
    """
    if in_time.least == 1:
        return subject
    shown = [plane for plane in subject.planes if has_contrast(plane)]
    rows = _rows(subject, shown)
    long_enough = [row for row in rows if len(row) >= in_time.least]
    if not long_enough:
        longest = max(map(len, rows), default=0)
        raise UserError(
            f"{subject.name!r} has {longest} frames in a row that can be used, and the network learns from "
            f"{in_time.least} or more: choose another time-lapse, or a base for single images"
        )
    kept = {plane.index for row in long_enough for plane in row}
    empty = len(subject.planes) - len(shown)
    alone = len(shown) - len(kept)
    notes = list(subject.notes)
    if empty:
        notes.append(f"{_counted(empty, subject)} empty and not learned from")
    if alone:
        notes.append(
            f"{_counted(alone, subject)} not learned from: fewer than {in_time.least} follow each other there"
        )
    planes = [plane for plane in subject.planes if plane.index in kept]
    return replace(subject, planes=planes, notes=tuple(notes))


def _counted(frames: int, subject: Subject) -> str:
    verb = "is" if frames == 1 else "are"
    return f"{frames} of {len(subject.planes)} frames of {subject.name!r} {verb}"


def _rows(subject: Subject, planes: Sequence[AlignedPlane]) -> list[list[AlignedPlane]]:
    """Frames of each channel and depth that follow each other without a gap or a cut."""
    rows: dict[tuple[object, ...], list[list[AlignedPlane]]] = defaultdict(list)
    for plane in sorted(planes, key=subject.frame_of):
        movie = rows[subject.movie_of(plane)]
        if not movie or subject.frame_of(movie[-1][-1]) + 1 != subject.frame_of(plane):
            movie.append([])
        movie[-1].append(plane)
    return [row for movie in rows.values() for row in movie]
