"""One split for all images of one field.

Frames of a movie may come as many images, and a field may have been taken several times: what is held
back of one of them must not be learned from in another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.models.error_table import brightness_and_structure
from napari_srgan.training.fine_tuning.planes import filled, signal_of
from napari_srgan.training.fine_tuning.progress import HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.split import (
    Split,
    SplitBlock,
    fits,
    frame_roles,
    roles_of,
    split_blocks,
)
from napari_srgan.training.fine_tuning.temporal_needs import InTime
from napari_srgan.training.fine_tuning.training_image import Framing, TrainingImage
from napari_srgan.training.pairs.aligned import AlignedPlane

MOSTLY = 0.5
"""Part of the planes in which a place can be used, so that it counts when a block is chosen."""
_MOST_LOOKED_AT = 16
"""Planes from which the signal of a field is known well enough."""


def split_subjects(
    subjects: Sequence[TrainingImage], framing: Framing, settings: FineTuning
) -> dict[str, list[Split]]:
    """Splits of all planes, by the name of their subject.

    Raises
    ------
    UserError
        If images are too small, or too few to hold back whole ones.
    """
    if settings.hold_back == "images":
        return _by_image(subjects, framing, settings.held_back)
    by_field: dict[tuple[int, int], list[TrainingImage]] = defaultdict(list)
    for subject in subjects:
        by_field[subject.field].append(subject)
    found: dict[str, list[Split]] = {}
    for field, together in by_field.items():
        try:
            if settings.hold_back == "frames":
                splits = {
                    each.name: _by_frame(each, settings.held_back, framing.in_time) for each in together
                }
            else:
                splits = _by_block(field, together, framing, settings)
            _check_fits([split for each in splits.values() for split in each], framing.patch)
        except UserError as error:
            raise UserError(f"{', '.join(each.name for each in together)}: {error}") from error
        found |= splits
    return found


def _by_block(
    field: tuple[int, int], subjects: Sequence[TrainingImage], framing: Framing, settings: FineTuning
) -> dict[str, list[Split]]:
    planes = [plane for subject in subjects for plane in subject.planes]
    usable = np.mean([_in_field(field, plane, plane.usable.astype(np.float32)) for plane in planes], axis=0)
    looked_at = [planes[int(i)] for i in np.linspace(0, len(planes) - 1, min(len(planes), _MOST_LOOKED_AT))]
    signal = np.mean(
        [_in_field(field, plane, signal_of(filled(plane.high), framing.factor)) for plane in looked_at],
        axis=0,
    )
    each = [[_in_field(field, plane, look) for look in _looks(plane, framing.factor)] for plane in looked_at]
    split = split_blocks(
        usable >= MOSTLY,
        signal,
        *(np.mean(look, axis=0) for look in zip(*each, strict=True)),
        part=settings.held_back,
        guard=framing.guard,
        patch=framing.patch,
    )
    whole = roles_of(np.ones(field, bool), split.blocks, split.guard)
    found: dict[str, list[Split]] = {}
    for subject in subjects:
        found[subject.name] = [
            Split(
                np.where(plane.usable, _window(whole.roles, plane), 0).astype(np.int8),
                split.guard,
                tuple(_block_in(plane, block) for block in split.blocks),
            )
            for plane in subject.planes
        ]
    return found


def _by_image(subjects: Sequence[TrainingImage], framing: Framing, part: float) -> dict[str, list[Split]]:
    """Some images, evenly spread over all."""
    if len(subjects) < 2:
        raise UserError("whole images can be held back of two or more; there is one: choose blocks")
    count = min(max(round(part * len(subjects)), 1), len(subjects) - 1)
    held_back = {int((n + 0.5) * len(subjects) / count) for n in range(count)}
    found = {}
    for number, subject in enumerate(subjects):
        role = HELD_BACK if number in held_back else TRAINED_ON
        found[subject.name] = [
            Split(np.where(plane.usable, role, 0).astype(np.int8), 0) for plane in subject.planes
        ]
    _check_fits([split for each in found.values() for split in each], framing.patch)
    return found


def _by_frame(subject: TrainingImage, part: float, in_time: InTime) -> list[Split]:
    """The last time points, or depths, of all channels and whatever else there is."""
    axis = next((subject.leading.index(letter) for letter in "TZQ" if letter in subject.leading), None)
    if axis is None:
        raise UserError(
            "there are no frames of which whole ones could be held back: hold back blocks instead"
        )
    places = sorted({plane.index[axis] for plane in subject.planes})
    guard = max(in_time.before, in_time.after, 1)
    given = frame_roles(len(places), part, guard=guard, least=in_time.least)
    roles = dict(zip(places, given, strict=True))
    return [
        Split(np.where(plane.usable, roles[plane.index[axis]], 0).astype(np.int8), 0)
        for plane in subject.planes
    ]


def _check_fits(splits: Sequence[Split], patch: int) -> None:
    if not any(fits(split.roles, patch).any() for split in splits if (split.roles == TRAINED_ON).any()):
        raise UserError(
            f"no patch of {patch} low-resolution pixels fits into what is learned from; choose smaller ones"
        )


def _in_field(
    field: tuple[int, int], plane: AlignedPlane, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values of a plane at their place in the field; a corrected shift has cropped it."""
    canvas = np.zeros(field, np.float32)
    y, x = plane.origin
    canvas[y : y + values.shape[0], x : x + values.shape[1]] = values
    return canvas


def _looks(plane: AlignedPlane, factor: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Brightness and structure as they are seen at low resolution, ``(Y, X)`` each."""
    if plane.low is not None:
        seen = filled(plane.low).mean(axis=-1)
    else:
        y, x, channels = plane.high.shape
        seen = filled(plane.high).reshape(y // factor, factor, x // factor, factor, channels).mean((1, 3, 4))
    brightness, structure = brightness_and_structure(seen)
    return brightness.astype(np.float32), structure.astype(np.float32)


def _block_in(plane: AlignedPlane, block: SplitBlock) -> SplitBlock:
    """A block of the field in pixels of a plane."""
    y, x = (
        slice(*(min(max(end - first, 0), size) for end in (span.start, span.stop)))
        for span, first, size in zip(block, plane.origin, plane.usable.shape, strict=True)
    )
    return y, x


def _window(roles: NDArray[np.int8], plane: AlignedPlane) -> NDArray[np.int8]:
    y, x = plane.origin
    return roles[y : y + plane.usable.shape[0], x : x + plane.usable.shape[1]]
