"""Arrays that are read where they are indexed: whatever numpy's index gives of the same pixels."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_srgan.images.indexing import Part, common_box, part_of
from napari_srgan.images.lazy_array import BoxArray, LazyArray, LazyWindow
from napari_srgan.images.reading.file_array import FileArray
from napari_srgan.images.synchronous_dask import ComputedHere
from napari_srgan.images.tiff.meaning import Converted, Flipped
from napari_srgan.images.tiff.pixels import PlainPixels

PIXELS = np.random.default_rng(0).integers(0, 60_000, (4, 9, 7, 3), dtype=np.uint16)


class Boxes(BoxArray):
    """Pixels in memory that are read in boxes only."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        super().__init__(pixels.shape, pixels.dtype)
        self.pixels = pixels

    def read_box(self, box: tuple[slice, ...]) -> NDArray[Any]:
        for along, size in zip(box, self.shape, strict=True):
            assert along.step is None
            assert 0 <= along.start < along.stop <= size
        return self.pixels[box]


class Parts(LazyArray):
    """Pixels in memory that are read part by part."""

    def __init__(self, pixels: NDArray[Any]) -> None:
        super().__init__(pixels.shape, pixels.dtype)
        self.pixels = pixels

    def read(self, part: Part) -> NDArray[Any]:
        assert 0 not in part.shape
        return part.answer(self.pixels[part.slices])


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[LazyArray, NDArray[Any]]]:
    """Every kind of array that reads files, with the pixels that it should give."""
    path = tmp_path_factory.mktemp("lazy") / "plain.tif"
    tifffile.imwrite(path, PIXELS, byteorder=">", photometric="rgb")
    with tifffile.TiffFile(path) as file:
        first = file.pages[0].dataoffsets[0]
    size = PIXELS[0].nbytes
    plain = PlainPixels(path, PIXELS.shape, np.dtype(">u2"), tuple(first + n * size for n in range(4)), 3)
    order = (3, 0, 2, 1)
    inverted = Converted(Boxes(PIXELS), np.invert, None, None)
    gray = Converted(Boxes(PIXELS), lambda values: values.max(-1), 3, None)
    doubled = Converted(Boxes(PIXELS), lambda values: np.tile(values, 2), 3, 6)
    return {
        "boxes": (Boxes(PIXELS), PIXELS),
        "parts": (Parts(PIXELS), PIXELS),
        "file in memory": (FileArray(PIXELS, "x", "TYXS", order), PIXELS.transpose(order)),
        "file": (FileArray(Boxes(PIXELS), "x", "TYXS", order), PIXELS.transpose(order)),
        "file of dask": (
            FileArray(ComputedHere(da.from_array(PIXELS, (1, 4, 4, 3))), "x", "TYXS", order),
            PIXELS.transpose(order),
        ),
        "file turned": (
            FileArray(Boxes(PIXELS), "x", "TYXS", order).transposed((1, 3, 2, 0), "TYXS"), PIXELS
        ),
        "dask": (ComputedHere(da.from_array(PIXELS, (1, 4, 4, 3))), PIXELS),
        "plain TIFF": (plain, PIXELS.astype(">u2")),
        "flipped": (Flipped(Boxes(PIXELS), (1, 3)), PIXELS[:, ::-1, :, ::-1]),
        "inverted": (inverted, ~PIXELS),
        "without colours": (gray, PIXELS.max(-1)),
        "more colours": (doubled, np.tile(PIXELS, 2)),
        "window": (LazyWindow(Parts(PIXELS), part_of((2, slice(1, 9, 3), ..., slice(1, 3)), PIXELS.shape)),
                   PIXELS[2, 1:9:3, ..., 1:3]),
    }  # fmt: skip


KINDS = (
    "boxes", "parts", "file in memory", "file", "file of dask", "file turned", "dask", "plain TIFF",
    "flipped", "inverted", "without colours", "more colours", "window",
)  # fmt: skip


def indices(shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Indices of numpy that are allowed: places from either end, slices onward, ``...``, fewer than axes."""

    def along(size: int) -> st.SearchStrategy[Any]:
        bound = st.none() | st.integers(-2 * size, 2 * size)
        slices = st.builds(slice, bound, bound, st.none() | st.integers(1, size + 1))
        return st.integers(-size, size - 1) | st.integers(-size, size - 1).map(np.int64) | slices

    @st.composite
    def index(draw: st.DrawFn) -> Any:
        before = draw(st.integers(0, len(shape)))
        after = draw(st.integers(0, len(shape) - before))
        first = [draw(along(size)) for size in shape[:before]]
        last = [draw(along(size)) for size in shape[len(shape) - after :]]
        if after or draw(st.booleans()):
            return (*first, ..., *last)
        return first[0] if len(first) == 1 and draw(st.booleans()) else tuple(first)

    return index()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_index_gives_what_numpy_gives(
    arrays: dict[str, tuple[LazyArray, NDArray[Any]]], kind: str, data: st.DataObject
) -> None:
    array, pixels = arrays[kind]
    assert (array.shape, array.ndim, array.size) == (pixels.shape, pixels.ndim, pixels.size)
    assert array.dtype == pixels.dtype
    index = data.draw(indices(pixels.shape))
    found = np.asarray(array[index])
    expected = np.asarray(pixels[index])
    # Scalars of numpy have the byte order of this machine.
    assert found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found, expected)


def test_all_kinds_are_tested(arrays: dict[str, tuple[LazyArray, NDArray[Any]]]) -> None:
    assert arrays.keys() == set(KINDS)


@given(data=st.data())
def test_a_part_of_a_part(data: st.DataObject) -> None:
    outer = data.draw(indices(PIXELS.shape))
    part = part_of(outer, PIXELS.shape)
    inner = data.draw(indices(PIXELS[outer].shape)) if 0 not in part.answer_shape else ...
    np.testing.assert_array_equal(PIXELS[part.within(inner).key], PIXELS[outer][inner], strict=True)
    assert PIXELS[part.box][part.steps].shape == part.shape
    np.testing.assert_array_equal(part.answer(PIXELS[part.box][part.steps]), PIXELS[outer])


@st.composite
def boxes(draw: st.DrawFn) -> tuple[slice, ...]:
    ends = (sorted(draw(st.tuples(*[st.integers(0, size)] * 2))) for size in PIXELS.shape)
    return tuple(slice(start, stop) for start, stop in ends)


@given(boxes(), boxes())
def test_what_two_boxes_have_in_common(box: tuple[slice, ...], other: tuple[slice, ...]) -> None:
    first, second = common_box(box, other)
    both = np.zeros(PIXELS.shape, int)
    both[box] += 1
    both[other] += 1
    if (common := both == 2).any():
        np.testing.assert_array_equal(PIXELS[box][first].ravel(), PIXELS[common])
        np.testing.assert_array_equal(PIXELS[other][second].ravel(), PIXELS[common])


@pytest.mark.parametrize(
    "index",
    [
        4,
        -5,
        (0, 9),
        (0, 0, 0, 0, 0),
        (..., ...),
        slice(None, None, -1),
        None,
        [0, 1],
        1.0,
        "a",
        np.ones(4, bool),
    ],
)
def test_what_is_no_index_is_refused(index: Any) -> None:
    with pytest.raises(IndexError):
        Boxes(PIXELS)[index]


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_makes_an_array_of_all(arrays: dict[str, tuple[LazyArray, NDArray[Any]]], kind: str) -> None:
    array, pixels = arrays[kind]
    np.testing.assert_array_equal(np.asarray(array), pixels, strict=True)
    np.testing.assert_array_equal(np.asarray(array, np.float32), pixels.astype(np.float32), strict=True)
    np.testing.assert_array_equal(np.asarray(array, array.dtype), pixels, strict=True)


@pytest.mark.parametrize("dtype", [None, np.uint16, np.float32])
def test_a_copy_is_one(dtype: Any) -> None:
    array = FileArray(PIXELS, "x", "TYXS")
    assert not np.shares_memory(np.array(array, dtype, copy=True), PIXELS)
    with pytest.raises(ValueError, match="FileArray has no pixels in memory"):
        np.array(array, dtype, copy=False)
