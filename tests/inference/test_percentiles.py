"""Percentiles are NumPy's, however they are found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_srgan.inference import percentiles as module
from napari_srgan.inference.percentiles import percentiles

KINDS = ["?", "u1", "i1", "u2", "i2", "i4", "u8", "f2", "f4", "f8"]


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_they_are_numpys_to_the_last_bit(data: st.DataObject, kind: str) -> None:
    limits: dict[str, Any] = {} if kind[0] != "f" else {"allow_nan": False, "allow_infinity": False}
    if kind in ("f4", "f8"):
        limits |= {"min_value": -(2.0**100), "max_value": 2.0**100}
    values = data.draw(
        hnp.arrays(kind, st.integers(1, 60), elements=hnp.from_dtype(np.dtype(kind), **limits))
    )
    wanted = data.draw(st.lists(st.floats(0, 100), min_size=1, max_size=4))
    assert percentiles(values, wanted) == np.percentile(values.astype(np.float64), wanted).tolist()


@pytest.mark.parametrize("kind", ["u2", "i2"])
def test_many_are_counted_in_blocks(kind: str) -> None:
    ends = np.iinfo(kind)
    values = np.random.default_rng(0).integers(
        ends.min, ends.max, 3 * module.COUNTED_TOGETHER + 7, kind, endpoint=True
    )
    wanted = [0, 0.1, 50, 99.9, 100]
    assert percentiles(values, wanted) == np.percentile(values.astype(np.float64), wanted).tolist()


def test_values_are_multiplied_before() -> None:
    values = np.array([1e38, 2e38, 3.3e38], np.float32)
    found = percentiles(values, [10, 90], 2.0**-10)
    assert found == np.percentile(values.astype(np.float64) * 2.0**-10, [10, 90]).tolist()
