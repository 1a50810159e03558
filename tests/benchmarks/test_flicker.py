from __future__ import annotations

import math

import numpy as np
import pytest
from flicker import flicker
from hypothesis import given
from hypothesis import strategies as st

RANDOM = np.random.default_rng(0)


@given(frames=st.integers(2, 6), side=st.integers(1, 7), colours=st.sampled_from([(), (3,)]))
def test_it_is_what_its_formula_says(frames: int, side: int, colours: tuple[int, ...]) -> None:
    ours, theirs = RANDOM.normal(size=(2, frames, side, side + 1, *colours))
    expected = np.abs(np.diff(ours, axis=0) - np.diff(theirs, axis=0)).mean()
    assert flicker(ours, theirs) == pytest.approx(expected)


def test_errors_that_stay_do_not_flicker() -> None:
    truth = RANDOM.integers(0, 200, (5, 8, 9)).astype(np.uint8)
    assert flicker(truth, truth) == 0
    assert flicker(truth + RANDOM.normal(size=(8, 9)), truth) == pytest.approx(0, abs=1e-12)


def test_integers_do_not_wrap_around() -> None:
    truth = np.zeros((3, 2, 2), np.uint8)
    result = np.array([0, 255, 0], np.uint8)[:, None, None] + truth
    assert flicker(result, truth) == flicker(truth, result) == 255


def test_independent_noise_gives_its_known_figure() -> None:
    truth = np.zeros((40, 50, 60))
    assert flicker(RANDOM.normal(0, 3, truth.shape), truth) == pytest.approx(6 / math.sqrt(math.pi), rel=0.02)


@pytest.mark.parametrize("shapes", [((1, 4, 4), (1, 4, 4)), ((3, 4, 4), (3, 4, 5)), ((3, 0, 4), (3, 0, 4))])
def test_what_cannot_flicker(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="at least two frames"):
        flicker(np.zeros(shapes[0]), np.zeros(shapes[1]))
