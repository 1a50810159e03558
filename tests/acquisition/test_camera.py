"""The noise of a camera is found in its image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.acquisition.camera import Camera, estimate_camera
from napari_srgan.errors import UserError


def light(kind: str, side: int, seed: int = 0) -> NDArray[np.float64]:
    """What there is to see, from 0 to 1."""
    draw = np.random.default_rng(seed)
    if kind == "smooth":
        scene = np.maximum(gaussian_filter(draw.standard_normal((side, side)), 12), 0)
    else:  # cells with edges and texture, dark between them
        inside = gaussian_filter(draw.standard_normal((side, side)), 6) > 0.08
        texture = 1 + 2 * gaussian_filter(draw.random((side, side)), 2)
        scene = gaussian_filter(inside.astype(float), 1.2) * texture
    return np.asarray(scene / scene.max())


def seen(scene: NDArray[np.float64], camera: Camera, photons: float, seed: int = 0) -> NDArray[np.float64]:
    draw = np.random.default_rng(seed)
    electrons = draw.poisson(scene * photons)
    return np.asarray(
        camera.gain * electrons + camera.offset + camera.read_noise * draw.standard_normal(scene.shape)
    )


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(["smooth", "cells"]),
    gain=st.floats(0.2, 20),
    offset=st.floats(0, 1000),
    read_electrons=st.floats(0.5, 3),
    photons=st.floats(100, 3000),
    seed=st.integers(0, 99),
)
def test_the_camera_of_an_image_with_dark_places_is_found(
    kind: str, gain: float, offset: float, read_electrons: float, photons: float, seed: int
) -> None:
    true = Camera(gain, offset, read_electrons * gain)
    found = estimate_camera(seen(light(kind, 320, seed), true, photons, seed))
    assert found.gain == pytest.approx(gain, rel=0.45)
    assert found.read_noise == pytest.approx(true.read_noise, rel=0.15)
    assert found.offset == pytest.approx(offset, abs=true.read_noise)
    levels = offset + gain * photons * np.array([0.01, 0.1, 0.3])
    np.testing.assert_allclose(found.deviation(levels), true.deviation(levels), rtol=0.25)


def test_without_dark_places_the_noise_is_right_all_the_same() -> None:
    true = Camera(gain=2.0, offset=100.0, read_noise=4.0)
    scene = 0.3 + 0.7 * light("smooth", 384)
    found = estimate_camera(seen(scene, true, 500.0))
    levels = 100 + 2 * 500 * np.array([0.3, 0.5, 0.8])
    np.testing.assert_allclose(found.deviation(levels), true.deviation(levels), rtol=0.1)


def test_noise_that_does_not_grow_with_light_has_no_gain() -> None:
    image = 1000 * light("smooth", 256) + np.random.default_rng(1).normal(0, 7, (256, 256))
    found = estimate_camera(image)
    assert found.gain * 1000 < 10  # less than a fifth of 7**2 at the brightest
    assert found.read_noise == pytest.approx(7, rel=0.1)


def test_colours_and_planes_are_looked_at_together() -> None:
    true = Camera(gain=3.0, offset=50.0, read_noise=5.0)
    planes = [seen(light("smooth", 192, seed), true, 300.0, seed) for seed in range(3)]
    stack, coloured = np.stack(planes), np.stack(planes, axis=-1)
    assert estimate_camera(stack) == estimate_camera(coloured) == estimate_camera(planes)
    assert estimate_camera(stack).gain == pytest.approx(3.0, rel=0.2)
    alpha = np.concatenate([coloured, np.full((192, 192, 1), 255.0)], axis=-1)
    assert estimate_camera(alpha) == estimate_camera(coloured)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_any_real_type_is_read(dtype: Any) -> None:
    true = Camera(gain=1.5, offset=20.0, read_noise=3.0)
    image = seen(light("smooth", 256), true, 100.0).round().clip(0, 255).astype(dtype)
    assert estimate_camera(image).gain == pytest.approx(1.5, rel=0.25)


def test_places_that_are_saturated_or_not_finite_do_not_count() -> None:
    true = Camera(gain=2.0, offset=100.0, read_noise=5.0)
    image = seen(light("smooth", 384), true, 500.0)
    spoilt = np.minimum(image, 800.0)
    spoilt[100:110, 50:60] = np.nan
    found, clean = estimate_camera(spoilt), estimate_camera(image)
    assert np.mean(spoilt == 800.0) > 0.005
    assert found.gain == pytest.approx(clean.gain, rel=0.15)
    assert found.read_noise == pytest.approx(clean.read_noise, rel=0.1)


def test_an_image_without_noise_has_none() -> None:
    flat = estimate_camera(np.full((64, 64), 7, np.uint8))
    assert flat == Camera(0.0, 7.0, 0.0)
    assert "no photon noise" in flat.summary
    assert estimate_camera(np.zeros((64, 64))).deviation(np.array([0.0, 9.0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.ones((20, 20)), "at least 16 blocks .* got 4 in an image of shape"),
        (np.ones((6, 600)), "got 0"),
        (np.full((64, 64), np.nan), "got 0"),
        (np.ones(64), r"from a plane; got an array of shape \(64,\)"),
        ([], "got none"),
        (np.ones((0, 64, 64)), "empty"),
    ],
)
def test_what_has_no_noise_to_measure_gets_a_sentence(wrong: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        estimate_camera(wrong)


def test_of_a_large_image_only_a_part_is_read() -> None:
    noise = np.random.default_rng(0).poisson(100, (256, 256)).astype(np.uint16)

    class Watched:
        """An array that counts what is read of it."""

        shape, dtype, read = (100, 5000, 2048), np.dtype(np.uint16), 0

        def __getitem__(self, key: Any) -> NDArray[np.uint16]:
            side = [part.stop - part.start for part in key if isinstance(part, slice)]
            self.read += side[0] * side[1]
            assert side[0] % noise.shape[0] == side[1] % noise.shape[1] == 0
            return np.tile(noise, (side[0] // noise.shape[0], side[1] // noise.shape[1]))

    image = Watched()
    assert estimate_camera(image).deviation(np.array([100.0])) == pytest.approx(10, rel=0.1)
    assert image.read <= 8 * 2048**2
