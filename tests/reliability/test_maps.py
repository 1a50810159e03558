"""Maps on a result: exact, the same in windows, lazily and for a region."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan import UserError, project_back
from napari_srgan.models.error_table import ErrorTable
from napari_srgan.progress import Job
from napari_srgan.quality.comparison import bicubic
from napari_srgan.reliability import maps
from napari_srgan.reliability.added import added_detail_job, projected_back_job, residual
from napari_srgan.reliability.error_map import ErrorMap, error_map_job
from napari_srgan.reliability.maps import OnTop
from pairs_of_cells import exhaust

DRAW = np.random.default_rng(0)
TABLE = ErrorTable(
    level=0.9, brightness=(0.5,), structure=((0.1,), (0.1,)), width=((1.0, 2.0), (3.0, 4.0)), constant=3.0,
    blocks=30, covered=0.9, covered_fine=0.8, limits=(0.0, 1.0),
)  # fmt: skip


def added_detail(pair: OnTop, gain: float = 1.0, offset: float = 0.0) -> Any:
    return exhaust(added_detail_job(pair, gain, offset))


def error_map(pair: OnTop, table: ErrorTable) -> ErrorMap:
    return exhaust(error_map_job(pair, table))


def on_top(shape: tuple[int, ...] = (40, 52), factor: int = 2, axes: str = "YX") -> OnTop:
    y = axes.index("Y")
    large = tuple(size * (factor if y <= at < y + 2 else 1) for at, size in enumerate(shape))
    return OnTop(DRAW.random(shape), DRAW.random(large), axes, factor)


@given(gain=st.floats(0.1, 10), offset=st.floats(-100, 100), factor=st.sampled_from([1, 2, 4]))
def test_interpolation_itself_adds_nothing(gain: float, offset: float, factor: int) -> None:
    low = np.random.default_rng(0).random((20, 24))
    pair = OnTop(low, gain * bicubic(low, factor) + offset, "YX", factor)
    np.testing.assert_allclose(added_detail(pair, gain, offset), 0, atol=1e-4)


def test_what_is_painted_in_is_what_is_added() -> None:
    low = DRAW.random((32, 32)).astype(np.float32)
    result = bicubic(low.astype(np.float64), 4)
    result[60:70, 30:50] += 7
    added = added_detail(OnTop(low, result, "YX", 4))
    np.testing.assert_allclose(added[60:70, 30:50], 7, atol=1e-4)
    assert np.abs(added).sum() == pytest.approx(7 * 200, rel=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        added_detail,
        lambda pair: exhaust(projected_back_job(pair)),
        lambda pair: error_map(pair, TABLE).half_width,
    ],
)
@pytest.mark.parametrize("factor", [1, 2, 4])
def test_windows_lazy_and_whole_are_one(make: Any, factor: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = on_top((3, 40, 52), factor, "ZYX")
    whole = make(pair)
    assert isinstance(whole, np.ndarray)
    assert (whole.dtype.kind, whole.shape) == ("f", pair.result.shape)
    monkeypatch.setattr(maps, "MAP_TILE", 24)
    np.testing.assert_allclose(make(pair), whole, atol=1e-6)
    lazy = make(OnTop(da.from_array(pair.image, chunks=(1, 16, 16)), pair.result, "ZYX", factor))
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy[1, 5:37].compute(), whole[1, 5:37], atol=1e-6)
    np.testing.assert_allclose(lazy.compute(), whole, atol=1e-6)


@pytest.mark.parametrize("make", [added_detail_job, lambda pair: error_map_job(pair, TABLE)])
def test_a_map_tells_how_far_it_is_and_can_be_cancelled_between_windows(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MAP_TILE", 24)
    pair, seen = on_top((40, 52)), []
    read = maps.read_block
    monkeypatch.setattr(maps, "read_block", lambda *of: seen.append(of) or read(*of))
    job: Job[Any] = make(pair)
    steps = [next(job) for _ in range(3)]
    assert [step.done for step in steps] == [0, 1, 2]
    assert {step.total for step in steps} == {4 * 5}
    job.close()
    assert len(seen) == 2 * 2  # of two windows the image and the result


def test_colours_channels_and_time_by_themselves() -> None:
    pair = on_top((2, 3, 16, 20, 3), 2, "TCYXS")
    added = added_detail(pair)
    for t, c, s in np.ndindex(2, 3, 3):
        alone = OnTop(pair.image[t, c, ..., s], pair.result[t, c, ..., s], "YX", 2)
        np.testing.assert_array_equal(added[t, c, ..., s], added_detail(alone))


def test_a_region_is_compared_with_its_part() -> None:
    pair = on_top((40, 52), 2)
    part = OnTop(pair.image, pair.result[20:60, 10:90], "YX", 2, (10, 5))
    inner = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(added_detail(part)[inner], added_detail(pair)[20:60, 10:90][inner], atol=1e-6)


def test_nan_stays_where_it_is_and_spreads_not() -> None:
    low, result = DRAW.random((24, 24)), DRAW.random((48, 48))
    low[5, 6] = result[10:12, 12:14] = np.nan
    added = added_detail(OnTop(low, result, "YX", 2))
    assert np.isnan(added).sum() == 4
    assert np.isnan(added[10:12, 12:14]).all()


def test_projecting_back_makes_the_small_result_the_image() -> None:
    low = DRAW.random((32, 36))
    result = bicubic(low, 2) + 0.3 * DRAW.random((64, 72))
    before = np.abs(residual(low, result, 2)).mean()
    corrected = project_back(low, result)
    assert corrected.dtype == result.dtype
    assert np.abs(residual(low, corrected.astype(np.float64), 2)).mean() < 0.5 * before


def test_projecting_back_keeps_an_integer_type() -> None:
    low = DRAW.integers(0, 65536, (16, 16)).astype(np.uint16)
    result = np.full((32, 32), 65535, np.uint16)
    corrected = project_back(low, result)
    assert corrected.dtype == np.uint16
    lazy = project_back(da.from_array(low), result)
    np.testing.assert_array_equal(lazy.compute(), corrected)


@pytest.mark.parametrize("shape", [(80, 103), (81, 104), (40, 52), (2, 80, 104), (84, 104)])
def test_what_is_no_result_of_the_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match=r"is none of an image of shape \(40, 52\)"):
        OnTop(np.zeros((40, 52)), np.zeros(shape), "YX", 2)


def test_an_error_map_reads_its_table() -> None:
    result = np.zeros((40, 60))
    result[:, 30:] = 1.0
    found = error_map(OnTop(result, result, "YX", 1), TABLE)
    assert found.half_width[20, 5] == 1.0
    assert found.half_width[20, 55] == 3.0
    assert found.half_width[20, 29:31].max() > 3.0  # structure between the two even parts
    assert found.half_width.min() >= 1.0
    assert found.half_width.max() <= 4.0
    assert found.outside == 0.0
    assert error_map(OnTop(result + 5, result + 5, "YX", 1), TABLE).outside == 1.0


def test_what_an_error_map_leaves_empty_is_counted_in_it() -> None:
    """Single bright pixels are known where the means over 7 x 7 pixels are."""
    sparse = np.where(DRAW.random((256, 256)) < 0.15, 3.0, 0.2)
    for result in (sparse, da.from_array(sparse, chunks=128)):
        found = error_map(OnTop(sparse, result, "YX", 1), TABLE)
        empty = float(np.isnan(np.asarray(found.half_width)).mean())
        assert found.outside == empty < 0.05
        assert "is empty" not in found.sentence


def test_an_error_map_is_empty_where_its_table_knows_nothing() -> None:
    result = np.full((40, 60), 0.5)
    result[:, 30:] = 7.0
    found = error_map(OnTop(np.full((20, 30), 0.5), result, "YX", 2), TABLE)
    assert np.isfinite(found.half_width[:, :20]).all()
    assert np.isnan(found.half_width[:, 40:]).all()
    assert found.outside == np.isnan(found.half_width).mean() == pytest.approx(0.5, abs=0.06)
    assert "55 % of this result are brighter or darker" in found.sentence
    assert error_map(OnTop(np.full((20, 30), 0.5), result[:, :30].repeat(2, 1), "YX", 2), TABLE).outside == 0


@pytest.mark.parametrize("unit", [2.0**31, 2.0**900])
def test_projecting_back_keeps_all_digits(unit: float) -> None:
    low = DRAW.random((16, 20))
    result = low.repeat(2, 0).repeat(2, 1)
    corrected = project_back(unit * low, unit * result)
    np.testing.assert_allclose(corrected, unit * project_back(low, result), rtol=1e-12)
    assert corrected.dtype == np.float64


def test_projecting_back_corrects_nothing_where_the_image_is_not_finite() -> None:
    low = DRAW.random((40, 40))
    result = bicubic(low, 2)
    low[10:20, 10:20] = np.nan
    corrected = project_back(low, result)
    np.testing.assert_allclose(corrected[26:34, 26:34], result[26:34, 26:34], atol=1e-5)
    assert np.isfinite(corrected).all()
