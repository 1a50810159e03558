"""Numbers in sentences."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.significant import significant


@pytest.mark.parametrize(
    ("number", "digits", "sign", "written"),
    [
        (1280.4, 3, True, "+1,280"),
        (-0.998, 3, False, "-0.998"),
        (0.0039216, 2, False, "0.0039"),
        (65535, 3, False, "65,500"),
        (999.6, 3, False, "1,000"),
        (9.9999, 3, False, "10"),
        (5000, 2, False, "5,000"),
        (-1e-300, 3, False, "-1e-300"),
        (-0.0, 3, True, "+0"),
        (3e9, 3, False, "3e+09"),
        (math.inf, 3, False, "inf"),
    ],
)
def test_as_people_write_it(number: float, digits: int, sign: bool, written: str) -> None:
    assert significant(number, digits, sign=sign) == written


@given(st.floats(-1e12, 1e12), st.integers(1, 6))
def test_what_is_read_is_what_was_meant(number: float, digits: int) -> None:
    read = float(significant(number, digits).replace(",", ""))
    assert read == pytest.approx(number, rel=0.5001 * 10.0 ** (1 - digits), abs=0)
