"""Images of one field are split alike, so that nothing held back of one is learned from in another."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from tests.training.fine_tuning.conftest import cells

from napari_srgan.errors import UserError
from napari_srgan.training.fine_tuning.progress import GUARD, HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.splitting import split_subjects
from napari_srgan.training.fine_tuning.temporal_needs import InTime
from napari_srgan.training.fine_tuning.training_image import Framing, TrainingImage
from napari_srgan.training.pairs.aligned import AlignedPlane

FRAMING = Framing(factor=2, channels=1, intensity="percentile", guard=8, patch=12)
FIELD = (80, 96)


def subject(
    name: str, *, seeds: tuple[int, ...] = (0,), origin: tuple[int, int] = (0, 0), **options: Any
) -> TrainingImage:
    y, x = origin
    planes = [
        AlignedPlane(
            name, (n,), 0, None, cells(seed)[2 * y :, 2 * x :, None], np.ones((80 - y, 96 - x), bool), origin
        )
        for n, seed in enumerate(seeds)
    ]
    own: dict[str, Any] = {
        "name": name, "planes": planes, "leading": "T", "shape": FIELD, "field": FIELD, "seen": {},
        "relations": {},
    }  # fmt: skip
    return TrainingImage(**(own | options))


def test_frames_that_come_as_many_images_hold_back_the_same_place() -> None:
    splits = split_subjects([subject(f"t{n}", seeds=(n,)) for n in range(6)], FRAMING, FineTuning())
    roles = [each[0].roles for each in splits.values()]
    assert all(np.array_equal(each, roles[0]) for each in roles)
    assert (roles[0] == HELD_BACK).any()


def test_what_a_shift_has_cropped_is_held_back_at_the_same_place_of_the_field() -> None:
    both = split_subjects([subject("a"), subject("b", origin=(3, 1))], FRAMING, FineTuning())
    assert np.array_equal(both["a"][0].roles[3:, 1:], both["b"][0].roles)


def test_a_few_bad_frames_cost_the_others_nothing() -> None:
    """Each has an unusable strip elsewhere."""
    one = subject("stack", seeds=tuple(range(8)))
    for n, plane in enumerate(one.planes):
        plane.usable[:, 12 * n : 12 * n + 6] = False
    splits = split_subjects([one], FRAMING, FineTuning())["stack"]
    for plane, split in zip(one.planes, splits, strict=True):
        given_a_role = np.isin(split.roles, (TRAINED_ON, HELD_BACK))
        assert not given_a_role[~plane.usable].any()
        assert given_a_role.mean() > 0.7


@pytest.mark.parametrize(("leading", "sizes"), [("CT", (2, 10)), ("TC", (10, 3)), ("TZ", (10, 4))])
def test_whole_frames_are_moments_of_all_channels_and_depths(leading: str, sizes: tuple[int, int]) -> None:
    indices = list(product(*map(range, sizes)))
    planes = [AlignedPlane("m", i, 0, None, cells()[..., None], np.ones(FIELD, bool)) for i in indices]
    movie = subject("m", planes=planes, leading=leading)
    splits = split_subjects([movie], FRAMING, FineTuning(hold_back="frames", held_back=0.2))["m"]
    time = leading.index("T")
    for role, moments in ((HELD_BACK, {8, 9}), (TRAINED_ON, set(range(7)))):
        assert {i[time] for i, s in zip(indices, splits, strict=True) if (s.roles == role).all()} == moments


def test_whole_images_are_held_back_if_they_show_different_fields() -> None:
    many = [subject(f"f{n}", seeds=(n,)) for n in range(10)]
    splits = split_subjects(many, FRAMING, FineTuning(hold_back="images", held_back=0.2))
    roles = [each[0].roles for each in splits.values()]
    assert sum((each == HELD_BACK).all() for each in roles) == 2
    assert sum((each == TRAINED_ON).all() for each in roles) == 8
    with pytest.raises(UserError, match="of two or more; there is one"):
        split_subjects(many[:1], FRAMING, FineTuning(hold_back="images"))


def test_frames_too_small_for_a_patch_are_named() -> None:
    large = Framing(factor=2, channels=1, intensity="percentile", guard=8, patch=90)
    with pytest.raises(UserError, match=r"no patch of 90 .* fits"):
        split_subjects([subject("m", seeds=(0,) * 5)], large, FineTuning(hold_back="frames"))


def test_one_plane_has_no_frames() -> None:
    with pytest.raises(UserError, match="there are no frames"):
        split_subjects([subject("m", leading="")], FRAMING, FineTuning(hold_back="frames"))


def test_between_moments_lie_as_many_as_the_network_sees() -> None:
    framing = replace(FRAMING, in_time=InTime(before=3, after=2, made=4, clip=8, films=True))
    movie = subject("m", seeds=(0,) * 12)
    splits = split_subjects([movie], framing, FineTuning(hold_back="frames", held_back=0.2))["m"]
    assert [int(split.roles[0, 0]) for split in splits] == [TRAINED_ON] * 7 + [GUARD] * 3 + [HELD_BACK] * 2
