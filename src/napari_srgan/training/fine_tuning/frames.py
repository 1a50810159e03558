"""Which frames of a time-lapse are learned from: none that are empty, and only rows of several."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.reading import has_contrast
from napari_srgan.training.fine_tuning.temporal_needs import InTime
from napari_srgan.training.fine_tuning.timeline import looked_through
from napari_srgan.training.fine_tuning.training_image import TrainingImage
from napari_srgan.training.pairs.aligned import AlignedPlane


def with_frames_in_rows(subject: TrainingImage, in_time: InTime) -> TrainingImage:
    """Cut a time-lapse into scenes and leave out frames that nothing can be learned from, with notes of both.

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
    subject = looked_through(subject)
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
    planes = [plane for plane in subject.planes if plane.index in kept]
    notes = [*subject.notes, *_left_out(subject, shown=len(shown), kept=len(kept), least=in_time.least)]
    return replace(subject, planes=planes, notes=tuple(notes))


def _left_out(subject: TrainingImage, *, shown: int, kept: int, least: int) -> Iterator[str]:
    reasons = (
        (subject.wished - shown, "empty, or do not fit"),
        (shown - kept, f"between gaps or cuts: fewer than {least} follow each other"),
    )
    for frames, reason in reasons:
        if frames:
            count = f"{frames} of {subject.wished} frames of {subject.name!r}"
            yield f"{count} are not learned from: they are {reason}"


def _rows(subject: TrainingImage, planes: Sequence[AlignedPlane]) -> list[list[AlignedPlane]]:
    """Frames of each channel and depth that follow each other without a gap or a cut."""
    rows: dict[tuple[object, ...], list[list[AlignedPlane]]] = defaultdict(list)
    for plane in sorted(planes, key=subject.frame_of):
        movie = rows[subject.movie_of(plane)]
        if not movie or subject.frame_of(movie[-1][-1]) + 1 != subject.frame_of(plane):
            movie.append([])
        movie[-1].append(plane)
    return [row for movie in rows.values() for row in movie]
