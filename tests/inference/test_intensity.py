"""Quantities go in and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_srgan.images.arrays import restore_dtype
from napari_srgan.inference.intensity import IntensityTransform, percentile_transform

DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32"]


@given(arrays.arrays(np.float64, (7, 5), elements=st.floats(-1e6, 1e6)))
def test_a_transform_is_inverted(values: np.ndarray) -> None:
    transform = percentile_transform(values)
    back = transform.invert(transform.apply(values), values.dtype)
    np.testing.assert_allclose(back, values, atol=1e-5 * max(np.abs(values).max(), 1e-300), rtol=1e-5)


def test_percentiles_ignore_what_is_not_finite() -> None:
    values = np.r_[np.linspace(0, 1, 1001), np.nan, np.inf, -np.inf].astype(np.float32)
    transform = percentile_transform(values)
    assert 0 <= transform.offset < 0.01
    assert 0.98 < transform.span <= 1


def test_a_few_bright_spots_on_an_even_ground_still_have_contrast() -> None:
    values = np.zeros(10_000)
    values[0] = 7
    assert percentile_transform(values) == IntensityTransform(0, 7)


@pytest.mark.parametrize("values", [np.full(9, 5.0), np.full(3, np.nan), np.full(2, np.inf)])
def test_no_contrast_becomes_constant(values: np.ndarray) -> None:
    transform = percentile_transform(values)
    assert transform.span == 0
    assert (transform.apply(values) == 0).all()
    assert (transform.invert(np.ones(3, np.float32), values.dtype) == transform.offset).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_results_are_clipped_only_to_the_range_of_their_type(dtype: str) -> None:
    kind: Any = np.dtype(dtype)
    limits = np.iinfo(kind) if kind.kind in "iu" else np.finfo(kind)
    restored = restore_dtype(np.array([-1e300, 1e300]), kind)
    assert restored.dtype == kind
    assert float(restored[0]) == float(limits.min)
    assert float(restored[1]) == pytest.approx(float(limits.max), rel=1e-9)


def test_integers_are_rounded_and_truth_values_decided() -> None:
    assert restore_dtype(np.array([1.4, 1.6, -0.6]), np.dtype("int16")).tolist() == [1, 2, -1]
    assert restore_dtype(np.array([0.2, 0.8]), np.dtype(bool)).tolist() == [False, True]
