"""A result that is computed where it is read: the same values, whoever reads what, in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_tiny_model

from napari_srgan.images import arrays
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.models import Model
from upscalings import RANDOM, eager, image, lazy


def plain() -> Model:
    return make_tiny_model()


def faded() -> Model:
    return make_tiny_model(blocks=4)


def normalised() -> Model:
    return make_tiny_model(normalisation="instance", name="normalised")


@pytest.fixture(params=[plain, faded, normalised], ids=lambda make: make.__name__)
def model(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A network whose halo is enough, one whose halo is cut short, one that normalises over the plane."""
    if request.param is faded:
        monkeypatch.setattr(cross_fade, "MOST_HALO", 3)
    made: Model = request.param()
    return made


def test_all_of_it_is_the_eager_result(model: Model) -> None:
    array = image(2, 70, 83)
    result = lazy(array, model, tile=32)
    expected = eager(array, model, tile=32)
    np.testing.assert_array_equal(result[...], expected.data)
    assert (result.shape, result.dtype, result.ndim) == (expected.data.shape, expected.data.dtype, 3)
    assert result.provenance == expected.provenance
    assert (result.axes, result.factor, result.tile, result.model) == ("QYX", 2, 32, model)
    assert result.array is array


def test_parts_read_in_any_order_are_parts_of_the_whole(model: Model) -> None:
    array = image(70, 83)
    whole = eager(array, model, tile=16).data

    @settings(max_examples=25)
    @given(keys=st.lists(st.tuples(slices(140), slices(166)), min_size=1, max_size=3))
    def check(keys: list[tuple[Any, Any]]) -> None:
        part = lazy(array, model, tile=16)
        for key in keys:
            np.testing.assert_array_equal(part[key], whole[key])

    check()


@st.composite
def slices(draw: st.DrawFn, length: int) -> Any:
    """Whole numbers and slices, from the front and from the back, also beyond the end."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.integers(-length, length - 1))
    end = st.none() | st.integers(-length - 5, length + 5)
    return slice(draw(end), draw(end), draw(st.none() | st.integers(1, 40)))


def test_memory_for_hardly_anything_gives_the_same(model: Model) -> None:
    """Also where what neighbours predicted is gone again before it is blended."""
    array = image(70, 83)
    whole = eager(array, model, tile=16).data
    for cache in (0, 20_000):
        poor = lazy(array, model, tile=16, cache=cache)
        np.testing.assert_array_equal(poor[10:60, 100:110], whole[10:60, 100:110])
        np.testing.assert_array_equal(poor[...], whole)


@pytest.mark.parametrize("chunks", [32, 50, (7, 166)])
def test_dask_gives_it_in_any_chunks(model: Model, chunks: Any) -> None:
    array = image(70, 83)
    result = lazy(array, model, tile=16).dask()
    assert result.chunks == ((32, 32, 32, 32, 12), (32, 32, 32, 32, 32, 6))
    whole = eager(array, model, tile=16).data
    np.testing.assert_array_equal(result.rechunk(chunks).compute(), whole)
    np.testing.assert_array_equal(result[::-3, 5].compute(), whole[::-3, 5])


def test_parts_of_parts_of_a_dask_array() -> None:
    """Whatever dask understands, also what an array that is read does not."""
    array = image(3, 40, 50)
    whole = eager(array, plain(), tile=16).data
    part, expected = lazy(array, plain(), tile=16).dask(), whole
    for key in (np.s_[1:, 3:70], np.s_[-1], np.s_[::3, 10:90:2], np.s_[..., 4:], np.s_[2:9, 7]):
        part, expected = part[key], expected[key]
        assert isinstance(part, dask.array.Array)
        np.testing.assert_array_equal(part.compute(), expected)
    result = lazy(array, plain(), tile=16).dask()
    for key in (np.s_[::-1, 5], np.s_[[2, 0], :5], np.s_[0, None, 5:9], np.s_[:, np.arange(80) > 70]):
        np.testing.assert_array_equal(result[key].compute(), whole[key])
    np.testing.assert_array_equal((result[0] + result[1]).compute(), whole[0] + whole[1])
    np.testing.assert_array_equal(result[:, :0].compute(), whole[:, :0])
    with pytest.raises(IndexError):
        result[3]


def test_eight_orientations_are_the_same_too() -> None:
    array = image(40, 50)
    whole = eager(array, plain(), tile=32, self_ensemble=True).data
    np.testing.assert_array_equal(lazy(array, plain(), tile=32, self_ensemble=True)[...], whole)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((40, 33, 3), "YXS"), ((40, 33, 4), "YXS"), ((2, 1, 2, 40, 33), "TZCYX"), ((2, 2, 40, 33, 3), "TZYXS")],
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, bool])
def test_colours_channels_and_types(shape: tuple[int, ...], axes: str, channels: int, dtype: Any) -> None:
    array = RANDOM.integers(0, 2, shape).astype(bool) if dtype is bool else image(*shape, dtype=dtype)
    network = make_tiny_model(channels=channels)
    whole = eager(array, network, tile=32, axes=axes).data
    result = lazy(array, network, tile=32, axes=axes)
    np.testing.assert_array_equal(result[...], whole)
    assert result.dtype == whole.dtype == dtype
    np.testing.assert_array_equal(result.dask().compute(), whole)
    np.testing.assert_array_equal(result[0, ..., 1:3], whole[0, ..., 1:3])


@pytest.mark.parametrize("make", [np.asarray, dask.array.from_array, zarr.array, xarray.DataArray])
def test_containers(make: Callable[[Any], Any]) -> None:
    array = image(2, 40, 33)
    whole = eager(array, plain(), tile=32).data
    result = lazy(make(array), plain(), tile=32)
    np.testing.assert_array_equal(result[...], whole)
    assert lazy(make(array), plain(), tile=32).peek(...)[0].shape == whole.shape


def test_nan_and_infinity_stay_where_they_were(model: Model) -> None:
    array = image(60, 60)
    array[28:34, 28:34], array[5, 31], array[31, 50] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(lazy(array, model, tile=16)[...], eager(array, model, tile=16).data)


@settings(max_examples=10)
@given(height=st.integers(1, 40), width=st.integers(1, 40), factor=st.sampled_from([1, 2, 3, 4]))
def test_images_of_any_size(height: int, width: int, factor: int) -> None:
    array, network = image(height, width), make_tiny_model(factor)
    np.testing.assert_array_equal(lazy(array, network, tile=16)[...], eager(array, network, tile=16).data)


# --- Brightness --------------------------------------------------------------------------


def test_tiles_are_not_normalised_on_their_own() -> None:
    array = np.concatenate([image(40, 40) / 10, image(40, 40)])
    first = lazy(array, plain(), tile=16)
    dim = first[:20, :20]
    np.testing.assert_array_equal(dim, eager(array, plain(), tile=16).data[:20, :20])
    assert first.provenance["intensity"][0]["span"] > 150


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WHOLE_SAMPLE": 1000, "SAMPLE_SIDE": 8, "LARGE_SIDE": 50}.items():
        monkeypatch.setattr(arrays, name, value)
    for name, value in {"SAMPLE_BLOCKS": 4, "SEARCH_BLOCKS": 16}.items():
        monkeypatch.setattr(arrays, name, value)


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize("size", [10, 110])
@pytest.mark.parametrize("first", [slice(0, 10), slice(200, 210)])
def test_objects_that_no_sample_met_are_not_lost(size: int, first: slice) -> None:
    array = np.zeros((200, 200), np.uint16)
    array[70 : 70 + size, 100 : 100 + size] = 5000
    whole = eager(array, plain(), tile=32).data
    result = lazy(array, plain(), tile=32)
    assert (result.provenance["intensity"][0]["span"] > 0) == (size > 10)
    result[first, first]
    np.testing.assert_array_equal(result[140:160, 200:220], whole[140:160, 200:220])
    assert result[140:160, 200:220].min() > 1000


@pytest.mark.usefixtures("few_samples")
def test_little_is_read_before_something_is_computed() -> None:
    class Counted:
        shape, dtype, read = (4, 3000, 3000), np.dtype(np.uint16), 0

        def __getitem__(self, key: Any) -> Any:
            found = np.zeros(self.shape, self.dtype)[key]
            self.read += found.size
            return found

    array = Counted()
    result = lazy(array, plain())
    result.dask()
    assert result.missing((0, slice(0, 100), slice(0, 100)))
    assert 0 < array.read <= 20 * 8 * 8
