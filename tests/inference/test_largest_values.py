"""Values near the largest that a float can hold: what is finite stays so, and nobody is warned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from napari_srgan import upscale
from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import percentile_transform
from timelapses import make_temporal_model

KINDS = ("f2", "f4", "f8")


def largest(kind: str) -> float:
    return float(np.finfo(kind).max)


def noise(kind: str, seed: int, low: float, high: float, shape: tuple[int, ...] = (24, 20)) -> np.ndarray:
    """Values from `low` to `high` times the largest."""
    share = np.random.default_rng(seed).uniform(low, high, shape)
    return (share * largest(kind)).astype(kind)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 9),
    low=st.sampled_from([-1.0, -1e-3, 0.0, 0.99]),
    high=st.sampled_from([1e-3, 1.0]),
    holes=st.booleans(),
)
@example(kind="f8", seed=0, low=-1.0, high=1.0, holes=True)
@example(kind="f4", seed=0, low=-1.0, high=1.0, holes=True)
@example(kind="f2", seed=0, low=0.0, high=1.0, holes=False)
def test_what_is_finite_stays_finite(
    tiny_model: Any, kind: str, seed: int, low: float, high: float, holes: bool
) -> None:
    image = noise(kind, seed, min(low, high), max(low, high))
    if holes:
        image[3:5, 4] = np.nan
        image[9, 9] = np.inf
    result = np.asarray(upscale(image, tiny_model(), tile=16))
    factor = result.shape[0] // image.shape[0]
    large = image.repeat(factor, 0).repeat(factor, 1)
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(large))
    assert result.dtype == image.dtype


@pytest.mark.parametrize("kind", KINDS)
def test_colours_with_alpha_and_single_outliers(tiny_model: Any, kind: str) -> None:
    colours = noise(kind, 0, -1.0, 1.0, (24, 20, 4))
    assert np.isfinite(np.asarray(upscale(colours, tiny_model(), axes="YXS"))).all()
    image = np.random.default_rng(0).random((24, 20)).astype(kind)
    image[5, 5] = largest(kind)
    assert np.isfinite(np.asarray(upscale(image, tiny_model()))).all()


def test_an_outlier_too_large_to_compute_with_is_told(tiny_model: Any) -> None:
    image = np.random.default_rng(0).random((64, 64))
    image[5, 5] = largest("f8")
    with pytest.raises(UserError, match="replace such outliers by NaN"):
        upscale(image, tiny_model())


@pytest.mark.parametrize("kind", KINDS)
def test_movies(kind: str) -> None:
    movie = noise(kind, 0, -1.0, 1.0, (5, 24, 20))
    assert np.isfinite(np.asarray(upscale(movie, make_temporal_model(), axes="TYX"))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_stays_what_it_is(tiny_model: Any, kind: str) -> None:
    image = np.full((24, 20), largest(kind), kind)
    assert (np.asarray(upscale(image, tiny_model())) == largest(kind)).all()


def test_the_transform_of_large_values_is_that_of_small_ones() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    small, large = percentile_transform(values), percentile_transform(values * 2.0**1000)
    assert (large.offset, large.span) == (small.offset * 2.0**1000, small.span * 2.0**1000)
    np.testing.assert_allclose(large.apply(values * 2.0**1000), small.apply(values), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        large.invert(large.apply(values * 2.0**1000), np.dtype("f8")),
        values * 2.0**1000,
        rtol=0,
        atol=1e-5 * large.span,
    )
