"""A result never lies on, in or around what it is made of, whoever asks and whatever names are used."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray
import zarr

import napari_srgan
from loopback import LoopbackServer
from napari_srgan import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.origins import origins_of
from napari_srgan.results.collision import collides

PIXELS = np.random.default_rng(0).integers(100, 4000, (2, 40, 50), dtype=np.uint16)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An OME-Zarr image of two levels."""
    path = tmp_path / "in.ome.zarr"
    group = zarr.create_group(path)
    axes = [{"name": "c", "type": "channel"}, *({"name": name, "type": "space"} for name in "yx")]
    datasets = []
    for level in (0, 1):
        group.create_array(str(level), data=PIXELS[:, :: level + 1, :: level + 1], chunks=(1, 20, 25))
        scale = {"type": "scale", "scale": [1, level + 1, level + 1]}
        datasets.append({"path": str(level), "coordinateTransformations": [scale]})
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return path


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def finest(image: Path) -> zarr.Array[Any]:
    array = zarr.open_group(image, mode="r")["0"]
    assert isinstance(array, zarr.Array)
    return array


class Foreign:
    """An array of a library nobody knows."""

    def __init__(self, array: Any) -> None:
        self._hidden = {"in here": (array,)}
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: Any) -> Any:
        return self._hidden["in here"][0][key]


def by_name(image: Path) -> Any:
    """Blocks that are read by a function that is given a path."""

    def read(block_info: Any) -> np.ndarray:
        box = tuple(slice(*along) for along in block_info[None]["array-location"])
        return np.asarray(zarr.open_group(image, mode="r")["0"][box])

    chunks = ((1, 1), (20, 20), (50,))
    return da.map_blocks(read, chunks=chunks, dtype=PIXELS.dtype)


INPUTS: dict[str, Callable[[Path], Any]] = {
    "path": lambda image: image,
    "text": str,
    "address of a file": lambda image: image.as_uri(),
    "other address of a file": lambda image: f"local://{image}",
    "path of a level": lambda image: image / "0",
    "zarr": finest,
    "zarr opened by its own path": lambda image: zarr.open_array(image / "0", mode="r"),
    "zarr through fsspec": lambda image: zarr.open_group(f"file://{image}", mode="r")["0"],
    "our own": lambda image: open_image(image).data,
    "dask from zarr": lambda image: da.from_zarr(finest(image)),
    "dask from array": lambda image: da.from_array(finest(image), chunks=(1, 20, 50)),
    "dask, computed with": lambda image: da.from_zarr(finest(image))[:, ::-1].astype("f4") + 1,
    "dask of a function": by_name,
    "xarray": lambda image: xarray.DataArray(finest(image), dims=("c", "y", "x")),
    "xarray of dask": lambda image: xarray.DataArray(da.from_zarr(finest(image)), dims=("c", "y", "x")),
    "foreign": lambda image: Foreign(finest(image)),
    "foreign of foreign": lambda image: Foreign(Foreign(da.from_zarr(finest(image)))),
    "in memory": lambda image: finest(image)[:],
}

READ_INTO_MEMORY = ("in memory", "xarray")
"""Nothing tells where these come from; they are known by their pixels."""


@pytest.mark.parametrize("kind", INPUTS)
def test_the_api_keeps_its_input(image: Path, tiny_model: Any, kind: str) -> None:
    before = everything_in(image.parent)
    with pytest.raises(UserError, match="would overwrite the input"):
        napari_srgan.upscale(
            INPUTS[kind](image), tiny_model(), out=image, overwrite=True, axes="CYX", device="cpu",
            cluster=None, progress=False,
        )  # fmt: skip
    assert everything_in(image.parent) == before


@pytest.mark.parametrize("kind", [kind for kind in INPUTS if kind not in READ_INTO_MEMORY])
def test_arrays_tell_what_they_are_read_from(image: Path, kind: str) -> None:
    assert any(collides(image, place) for place in origins_of(INPUTS[kind](image)))


def in_another_case(image: Path) -> Path:
    """As a disk that knows no case gives it: another name of the same folder."""
    link = image.with_name("IN.OME.ZARR")
    link.symlink_to(image, target_is_directory=True)
    return link


def through_a_link(image: Path) -> Path:
    (image.parent / "link").symlink_to(image.parent, target_is_directory=True)
    return image.parent / "link" / "in.ome.zarr"


PLACES: dict[str, Callable[[Path], Path]] = {
    "on": lambda image: image,
    "through dots": lambda image: image.parent / "nowhere" / ".." / image.name,
    "relative": lambda image: Path(os.path.relpath(image)),
    "linked folder": through_a_link,
    "link to it": in_another_case,
    "in": lambda image: image / "x2.zarr",
    "in, deeper": lambda image: image / "made" / "by me" / "x2.zarr",
    "on its other level": lambda image: image / "1",
    "in its level": lambda image: image / "0" / "x2.zarr",
    "around": lambda image: image.parent,
}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("given", ["image", "level"])
def test_places_that_are_no_place_for_a_result(image: Path, kind: str, given: str) -> None:
    assert collides(PLACES[kind](image), image / "0" if given == "level" else image)


def test_places_beside_are_free(image: Path) -> None:
    for free in ("x2.ome.zarr", "in.ome.zarr.zarr", "in.ome", "folder/in.ome.zarr", "in.ome.zarr_x2.zarr"):
        assert not collides(image.parent / free, image)
    zarr.create_group(image.parent / "all.zarr").create_array("raw", data=PIXELS)
    assert not collides(image.parent / "all.zarr" / "x2.zarr", image.parent / "all.zarr" / "raw")


def test_the_folder_in_which_a_result_grows_is_its_place_too(tmp_path: Path) -> None:
    source = tmp_path / ".partial-x.zarr" / "kept.tif"
    source.parent.mkdir()
    source.write_bytes(b"II*\0")
    assert collides(tmp_path / "x.zarr", source)


def test_one_file_with_two_names(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    source.write_bytes(b"II*\0")
    (tmp_path / "b.tif").hardlink_to(source)
    assert collides(tmp_path / "b.tif", source)
    (tmp_path / "c.tif").write_bytes(b"II*\0")
    assert not collides(tmp_path / "c.tif", source)


@pytest.fixture
def server(image: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with LoopbackServer(image.parent) as server:
        yield server


def test_an_image_served_from_the_place_of_its_result(
    image: Path, tiny_model: Any, server: LoopbackServer
) -> None:
    before = everything_in(image.parent)
    with pytest.raises(UserError, match="would overwrite the input"):
        napari_srgan.upscale(
            f"{server.address}/in.ome.zarr", tiny_model(), out=image, overwrite=True, device="cpu",
            progress=False,
        )  # fmt: skip
    assert everything_in(image.parent) == before


def test_other_images_are_still_replaced_on_request(image: Path, tiny_model: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.zarr"
    zarr.create_array(other, data=PIXELS + 1)
    options = {"axes": "CYX", "device": "cpu", "progress": False, "overwrite": True}
    result = napari_srgan.upscale(image, tiny_model(), out=other, **options)
    assert result.shape == (2, 80, 100)


def test_mapped_files_and_functions_with_files(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "raw.bin", np.uint16, "w+", shape=(30, 40))
    assert origins_of(np.asarray(mapped)[3:].T) == [tmp_path / "raw.bin"]
    assert origins_of(xarray.DataArray(mapped[:, ::2])) == [tmp_path / "raw.bin"]
    zarr.create_array(tmp_path / "x.zarr", data=PIXELS)
    read = functools.partial(zarr.open_array, str(tmp_path / "x.zarr"), mode="r")
    assert origins_of(Foreign(np.zeros(3))) == []
    assert origins_of([read]) == [tmp_path / "x.zarr"]
