"""Patches lie where there is signal, and low resolution lies on high resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.training.fine_tuning.conftest import cells

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.networks import bicubic_downsample
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.patches import MeasuredPatches, PatchPlaces, SimulatedPatches
from napari_srgan.training.fine_tuning.planes import LearnedPlane, signal_of, to_tensor
from napari_srgan.training.fine_tuning.progress import HELD_BACK, TRAINED_ON
from napari_srgan.training.fine_tuning.split import Split, fits
from napari_srgan.training.recipes.recipe import Recipe

SAME = IntensityTransform(0.0, 1.0)


def recipe(patch: int = 12) -> Recipe:
    return Recipe(
        name="toy", description="", architecture="srresnet", intensity="percentile", steps=1, patch=patch,
        arguments={"scale_factor": 2, "channels": 1, "blocks": 1, "width": 4, "normalisation": "none"},
    )  # fmt: skip


def plane(
    high: NDArray[Any], roles: NDArray[np.int8] | None = None, *, simulated: bool = False
) -> LearnedPlane:
    image = to_tensor(high[..., None].astype(np.float32))
    if roles is None:
        roles = np.full((high.shape[0] // 2, high.shape[1] // 2), TRAINED_ON, np.int8)
    return LearnedPlane(
        source="cells",
        low=None if simulated else bicubic_downsample(image[None], 2)[0],
        high=image,
        split=Split(roles, 0),
        signal=signal_of(high[..., None].astype(np.float32), 2),
        seen=SAME,
        target=SAME,
    )


def test_measured_patches_lie_on_each_other_in_all_orientations() -> None:
    sampler = MeasuredPatches([plane(cells())], recipe(), np.random.default_rng(0))
    low, high = sampler.batch(32)
    assert low.shape == (32, 1, 12, 12)
    assert high.shape == (32, 1, 24, 24)
    again = bicubic_downsample(high, 2)
    torch.testing.assert_close(again[..., 3:-3, 3:-3], low[..., 3:-3, 3:-3], atol=0.5, rtol=1e-4)
    assert len({round(float(patch.sum()), 3) for patch in low}) > 20


def test_simulated_patches_are_what_the_whole_image_would_have_given() -> None:
    whole = plane(cells(shape=(64, 64)), simulated=True)
    only_downsampled = Degradation(2, blur=(0.0, 0.0))
    sampler = SimulatedPatches([whole], recipe(), np.random.default_rng(0), only_downsampled)
    truth = bicubic_downsample(whole.high[None], 2)[0, 0]
    orientations = [torch.rot90(t, k) for t in (truth, truth.flip(-1)) for k in range(4)]
    windows = torch.stack([o.unfold(0, 12, 1).unfold(1, 12, 1).flatten(0, 1) for o in orientations]).flatten(
        0, 1
    )
    low, high = sampler.batch(16)
    for patch in low[:, 0]:
        nearest = (windows - patch).abs().amax(dim=(1, 2)).min()
        assert float(nearest) < 0.05  # of about 5000 grey levels, also at the image's edges
    again = bicubic_downsample(high, 2)
    torch.testing.assert_close(again[..., 3:-3, 3:-3], low[..., 3:-3, 3:-3], atol=0.5, rtol=1e-4)


def test_two_modalities_have_a_brightness_of_their_own() -> None:
    uneven = recipe().model_copy(update={"low_gain": (0.5, 2.0), "low_offset": (-100.0, 100.0)})
    sampler = MeasuredPatches([plane(cells())], uneven, np.random.default_rng(0))
    low, high = sampler.batch(16)
    inner = (slice(None), 0, slice(3, -3), slice(3, -3))
    again = bicubic_downsample(high, 2)[inner]
    # A line through each patch; patches of even ground have none.
    for seen, truth in zip(low[inner].flatten(1), again.flatten(1), strict=True):
        if float(truth.std()) > 50:
            gain, offset = np.polyfit(truth.numpy(), seen.numpy(), 1)
            assert 0.5 <= gain <= 2.0
            assert -100 <= offset <= 100
            np.testing.assert_allclose(seen, gain * truth + offset, atol=2)
    assert float((low[inner] - again).abs().mean()) > 100


def test_noise_is_drawn_anew_each_time() -> None:
    whole = plane(np.full((48, 48), 1000.0), simulated=True)
    noisy = Degradation(2, blur=(0.0, 0.0), read_noise=(20.0, 20.0))
    sampler = SimulatedPatches([whole], recipe(), np.random.default_rng(0), noisy)
    low, high = sampler.batch(8)
    assert float(high.std()) == 0
    assert float(low.std()) == pytest.approx(20, rel=0.1)
    assert not torch.equal(low[0], low[1])


def test_nothing_held_back_is_ever_drawn() -> None:
    roles = np.full((80, 96), TRAINED_ON, np.int8)
    roles[:, 60:] = HELD_BACK
    high = cells()
    high[:, 120:] = 60000  # would be seen
    sampler = MeasuredPatches([plane(high, roles)], recipe(), np.random.default_rng(0))
    for _ in range(20):
        _, truth = sampler.batch(16)
        assert float(truth.max()) < 30000


def test_patches_are_drawn_where_there_is_something_to_be_seen() -> None:
    high = np.full((256, 256), 100, np.uint16)
    high[:64, :64] = cells(shape=(64, 64))
    sampler = MeasuredPatches([plane(high)], recipe(), np.random.default_rng(0))
    _, patches = sampler.batch(400)
    seen = float((patches.amax(dim=(1, 2, 3)) > 200).float().mean())
    by_area = (32 + 11) ** 2 / (128 - 11) ** 2
    assert seen > 2 * by_area
    assert seen < 0.95  # a model must know what ground looks like, too


def test_planes_without_room_for_a_patch_are_passed_over() -> None:
    none = plane(cells(1), np.full((80, 96), HELD_BACK, np.int8))
    assert PatchPlaces(fits(none.split.roles, 12), none.signal, 12).weight == 0
    sampler = MeasuredPatches([none, plane(cells(2))], recipe(), np.random.default_rng(0))
    assert torch.isfinite(sampler.batch(8)[0]).all()


def test_the_same_seed_draws_the_same() -> None:
    one, other = (MeasuredPatches([plane(cells())], recipe(), np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(one.batch(4)[0], other.batch(4)[0])


def test_signal_is_high_at_structure_whatever_the_ground() -> None:
    dark = signal_of(cells()[..., None].astype(np.float32), 2)
    bright = signal_of(65535 - cells()[..., None].astype(np.float32), 2)
    np.testing.assert_allclose(dark, bright, rtol=1e-2, atol=1e-2)
    assert signal_of(np.ones((32, 32, 1), np.float32), 2).min() == 1
