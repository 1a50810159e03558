"""Parts of large TIFF files: the values of the whole, whatever way they lie in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.reading import chunk_cache
from napari_srgan.images.reading.block_cache import BlockCache
from napari_srgan.images.reading.chunk_cache import ChunkCache
from napari_srgan.images.tiff import pixels as tiff_pixels

from .conftest import random_pixels

STACK, COLOURS = random_pixels((3, 70, 90), "uint16"), random_pixels((70, 90, 3), "uint8")
PLANES: dict[str, Any] = {"photometric": "minisblack", "metadata": {"axes": "ZYX"}}
FILES: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "plain": (STACK, PLANES),
    "big-endian BigTIFF": (STACK, PLANES | {"bigtiff": True, "byteorder": ">"}),
    "rows": (STACK, PLANES | {"compression": "zlib", "rowsperstrip": 1}),
    "one strip a plane": (STACK, PLANES | {"compression": "lzw", "rowsperstrip": 70}),
    "tiles": (STACK, PLANES | {"compression": "zlib", "tile": (32, 16)}),
    "plain tiles": (STACK, PLANES | {"tile": (32, 16)}),
    "colours": (COLOURS, {"photometric": "rgb"}),
    "colours in tiles": (COLOURS, {"photometric": "rgb", "tile": (32, 32), "compression": "zlib"}),
    "planes of colours": (COLOURS, {"photometric": "rgb", "planarconfig": "separate"}),
    "planes of colours in tiles": (
        COLOURS, {"photometric": "rgb", "planarconfig": "separate", "tile": (32, 32), "compression": "zlib"}
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pixels, "READ_AT_ONCE", 0)
    monkeypatch.setattr(chunk_cache, "SIDE", 1)


@pytest.mark.parametrize("kind", FILES)
def test_any_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    data, options = FILES[kind]
    stored = data.transpose(2, 0, 1) if options.get("planarconfig") == "separate" else data
    tifffile.imwrite(tmp_path / "x.tif", stored, **options)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", None)
    with open_image(tmp_path / "x.tif") as image:
        assert image.data.shape == data.shape
        check_parts(image.data, data)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunk=st.integers(1, 40), budget=st.integers(0, 9000), seed=st.integers(0, 99))
def test_a_cache_of_any_size_changes_no_value(chunk: int, budget: int, seed: int) -> None:
    cache = ChunkCache(
        lambda box: STACK[box], STACK.shape, STACK.dtype, (1, chunk, chunk), (1, 2), BlockCache(budget)
    )
    rng = np.random.default_rng(seed)
    for _ in range(10):
        box = tuple(slice(*sorted(rng.integers(0, size + 1, 2).tolist())) for size in STACK.shape)
        if all(part.start < part.stop for part in box):
            np.testing.assert_array_equal(cache(box), STACK[box])


def check_parts(got: Any, data: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        key = []
        for size in data.shape:
            start, stop = sorted(rng.integers(0, size + 1, 2).tolist())
            step = int(rng.integers(1, 4))
            key.append(int(rng.integers(size)) if rng.random() < 0.3 else slice(start, stop, step))
        np.testing.assert_array_equal(got[tuple(key)], data[tuple(key)])


def test_strips_are_decoded_once_for_the_tiles_along_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "x.tif", STACK, **PLANES, compression="zlib", rowsperstrip=1)
    decoded = []
    read = tifffile.FileHandle.read_segments
    monkeypatch.setattr(
        tifffile.FileHandle, "read_segments", lambda *a, **k: decoded.append(a[1]) or read(*a, **k)
    )
    with open_image(tmp_path / "x.tif") as image:
        for x in range(0, 90, 10):
            image.data[1, 20:50, x : x + 10]
    assert len(decoded) <= 70


@pytest.mark.parametrize(("name", "data"), [("x.ome.tif", STACK), ("x.tif", STACK[0])])
def test_pyramids_have_coarser_levels(tmp_path: Path, name: str, data: np.ndarray) -> None:
    options = {"tile": (32, 32), "photometric": "minisblack", "compression": "zlib"}
    axes = "ZYX"[-data.ndim :]
    with tifffile.TiffWriter(tmp_path / name) as file:
        file.write(data, subifds=2, metadata={"axes": axes}, **options)
        for step in (2, 4):
            file.write(data[..., ::step, ::step], subfiletype=1, **options)
    with open_image(tmp_path / name) as image:
        assert image.axes == axes
        assert [level.shape[-2:] for level in image.coarser] == [(35, 45), (18, 23)]
        np.testing.assert_array_equal(image.coarser[1][..., 2:, :], data[..., ::4, ::4][..., 2:, :])


def test_a_file_that_changes_or_goes_away_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, STACK, **PLANES)
    with open_image(path) as image:
        image.still_there()
        with path.open("r+b") as file:
            file.truncate(10000)
        with pytest.raises(UserError, match=r"x\.tif is damaged .*it ends before its last plane"):
            image.data[2]
        with pytest.raises(UserError, match=r"x\.tif has been changed while it was read"):
            image.still_there()
        path.unlink()
        with pytest.raises(UserError, match=r"x\.tif has disappeared"):
            image.still_there()


def test_one_large_compressed_piece_needs_its_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "x.tif", STACK[0], compression="zlib", rowsperstrip=70)
    monkeypatch.setattr(tiff_pixels, "BUDGET", 1000)
    with open_image(tmp_path / "x.tif") as image:
        np.testing.assert_array_equal(image.data[5:9], STACK[0, 5:9])
    monkeypatch.setattr(tiff_pixels, "free_memory", lambda: 999)
    with pytest.raises(UserError, match=r"x\.tif is compressed in one piece.*save it in tiles"):
        open_image(tmp_path / "x.tif")


@pytest.mark.parametrize("size", ["0", "nan", "inf", "-1", "large"])
def test_pixel_sizes_that_are_none(tmp_path: Path, size: str) -> None:
    path = tmp_path / "x.ome.tif"
    tifffile.imwrite(path, STACK, metadata={"axes": "ZYX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25})
    with tifffile.TiffFile(path, mode="r+") as file:
        told = file.ome_metadata or ""
        file.pages[0].tags["ImageDescription"].overwrite(told.replace('SizeX="0.25"', f'SizeX="{size}"'))
    with open_image(path) as image:
        assert [spacing.size for spacing in image.spacings] == [1, 0.25, 1]
