"""OME-Zarr with coarser levels, as other programs read it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.zarr.metadata import ome_order
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.shard_layout import Sides
from napari_srgan.results.writer import RestartableStore
from upscalings import array_job, lazy_array

from .conftest import random_pixels


def store(path: Path, data: Any, axes: str, **options: Any) -> zarr.Group:
    given = {"fingerprint": {}, "provenance": {"model": "tiny"}, "sides": Sides(16, 32)} | options
    with RestartableStore(path, shape=data.shape, dtype=data.dtype, axes=axes, **given) as result:
        list(copy_job(data, result))
    return zarr.open_group(path, mode="r")


def levels_of(group: zarr.Group) -> list[dict[str, Any]]:
    ome: Any = group.attrs["ome"]
    return list(ome["multiscales"][0]["datasets"])


def along(level: dict[str, Any], axis: int) -> tuple[float, float]:
    scale, translation = level["coordinateTransformations"]
    return scale["scale"][axis], translation["translation"][axis]


@given(height=st.integers(20, 140), size=st.floats(0.01, 10), origin=st.floats(-50, 50))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_gradient_lies_at_the_same_place_in_every_level(
    tmp_path_factory: pytest.TempPathFactory, height: int, size: float, origin: float
) -> None:
    # Every pixel holds the place of its own centre.
    centres = origin + size * np.arange(height)
    data = np.broadcast_to(centres[:, None], (height, 40))
    spacings = (Spacing(size, "micrometer", origin), Spacing(0.5, "micrometer"))
    folder = tmp_path_factory.mktemp("gradient")
    group = store(folder / "x.ome.zarr", data, "YX", spacings=spacings)
    assert len(levels_of(group)) > 1
    for level in levels_of(group):
        pixels = group[level["path"]][...]
        scale, translation = along(level, 0)
        whole = pixels[:-1, 0]  # the last may be the mean of fewer
        np.testing.assert_allclose(whole, translation + scale * np.arange(len(whole)), rtol=1e-6, atol=1e-6)


def test_other_programs_find_it_valid(tmp_path: Path) -> None:
    from ome_zarr_models.v05 import Image as OmeImage

    spacings = (
        Spacing(2.0, "second"), Spacing(), Spacing(0.7, "micrometer"), Spacing(0.1, "micrometer", 5.0),
        Spacing(0.2, "micrometer"),
    )  # fmt: skip
    group = store(
        tmp_path / "x.ome.zarr", random_pixels((2, 2, 2, 70, 40), "uint16"), "TCZYX", spacings=spacings
    )
    image = OmeImage.from_zarr(group)
    axes = image.attributes.ome.multiscales[0].axes
    assert [(axis.name, axis.type, axis.unit) for axis in axes] == [
        ("t", "time", "second"), ("c", "channel", None), ("z", "space", "micrometer"),
        ("y", "space", "micrometer"), ("x", "space", "micrometer"),
    ]  # fmt: skip
    assert along(levels_of(group)[1], 3) == pytest.approx((0.2, 5.05))
    assert along(levels_of(group)[1], 2) == (0.7, 0.0)
    assert "consolidated_metadata" in json.loads((tmp_path / "x.ome.zarr/zarr.json").read_text())


@pytest.mark.parametrize(
    ("axes", "shape", "spacings"),
    [
        ("YX", (70, 50), (Spacing(0.1, "micrometer", -5.0), Spacing(0.2, "micrometer"))),
        ("ZYXS", (2, 40, 50, 3), None),
        ("TYX", (2, 40, 50), (Spacing(40.0, "millisecond"), Spacing(), Spacing())),
        ("QYX", (2, 40, 50), (Spacing(2.0, "second"), Spacing(), Spacing())),
        ("QYX", (2, 40, 50), None),
        ("TCZYX", (1, 2, 2, 300, 40), None),
    ],
)
def test_the_metadata_of_all_axes_is_valid(
    tmp_path: Path, axes: str, shape: tuple[int, ...], spacings: tuple[Spacing, ...] | None
) -> None:
    from ome_zarr_models.v05 import Image as OmeImage

    group = store(tmp_path / "x.ome.zarr", random_pixels(shape, "uint8"), axes, spacings=spacings)
    (multiscale,) = OmeImage.from_zarr(group).attributes.ome.multiscales
    assert multiscale.name == "x"
    assert [axis.name for axis in multiscale.axes] == list(ome_order(axes).lower())
    assert [dataset.path for dataset in multiscale.datasets] == sorted(group.array_keys())


def test_the_ome_zarr_library_reads_all_levels(tmp_path: Path) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    data = random_pixels((2, 70, 50), "uint16")
    store(tmp_path / "x.ome.zarr", data, "CYX")
    location = parse_url(tmp_path / "x.ome.zarr")
    assert location is not None
    (node,) = Reader(location)()
    assert [level.shape for level in node.data] == [(2, 70, 50), (2, 35, 25), (2, 18, 13)][: len(node.data)]
    assert len(node.data) == 3
    np.testing.assert_array_equal(node.data[0].compute(), data)
    assert node.metadata["channel_names"] == ["channel 0", "channel 1"]
    limits = node.metadata["contrast_limits"]
    coarsest = node.data[-1].compute()
    assert limits == [[int(plane.min()), int(plane.max())] for plane in coarsest]


def test_we_read_it_where_it_was_put(tmp_path: Path) -> None:
    data = random_pixels((70, 50), "uint8")
    spacings = (Spacing(0.3, "micrometer", 1.5), Spacing(0.4, "micrometer", -2.0))
    store(tmp_path / "x.ome.zarr", data, "YX", spacings=spacings)
    with open_image(tmp_path / "x.ome.zarr") as image:
        assert (image.axes, image.spacings) == ("YX", spacings)
        np.testing.assert_array_equal(image.data[:], data)
        assert [level.shape for level in image.coarser] == [(35, 25), (18, 13)]
        assert image.coarser[0][0, 0] == (int(data[:2, :2].astype(int).sum()) + 2) // 4


def test_levels_that_are_missing_are_left_out(tmp_path: Path) -> None:
    store(tmp_path / "x.ome.zarr", random_pixels((70, 50), "uint8"), "YX")
    shutil.rmtree(tmp_path / "x.ome.zarr" / "1")
    with open_image(tmp_path / "x.ome.zarr") as image:
        assert [level.shape for level in image.coarser] == [(18, 13)]


@pytest.mark.parametrize("name", ["x.zarr", "x.ome.zarr"])
def test_colours(tmp_path: Path, name: str) -> None:
    data = random_pixels((2, 70, 50, 3), "uint8")
    path = tmp_path / name
    with RestartableStore(
        path, shape=data.shape, dtype="uint8", axes="ZYXS", fingerprint={}, provenance={}, sides=Sides(16, 32)
    ) as result:
        list(copy_job(data, result))
    with open_image(path) as image:
        turned: Sequence[int] = (1, 2, 3, 0) if name == "x.ome.zarr" else (0, 1, 2, 3)
        np.testing.assert_array_equal(image.data[:].transpose(turned), data)
    if name == "x.ome.zarr":
        ome: Any = zarr.open_group(path, mode="r").attrs["ome"]
        assert [channel["color"] for channel in ome["omero"]["channels"]] == ["FF0000", "00FF00", "0000FF"]


@pytest.mark.parametrize(("shape", "axes"), [((1, 1), "YX"), ((3, 1, 200), "QYX"), ((2, 3, 33, 5), "CTYX")])
def test_unusual_shapes(tmp_path: Path, shape: tuple[int, ...], axes: str) -> None:
    data = random_pixels(shape, "uint16")
    group = store(tmp_path / "x.ome.zarr", data, axes)
    order = [axes.index(letter) for letter in "TCQZYX" if letter in axes]
    np.testing.assert_array_equal(group["0"][...], data.transpose(order))


def test_a_constant_image_has_a_contrast_that_viewers_take(tmp_path: Path) -> None:
    group = store(tmp_path / "x.ome.zarr", np.full((40, 40), 7, np.uint8), "YX")
    ome: Any = group.attrs["ome"]
    assert ome["omero"]["channels"][0]["window"] == {"min": 0, "max": 255, "start": 7, "end": 8}


@pytest.mark.parametrize("name", ["x.zarr", "x.ome.zarr"])
def test_a_lazy_upscaling_on_disk_is_the_eager_one(tmp_path: Path, tiny_model: Any, name: str) -> None:
    image = np.random.default_rng(0).integers(0, 4000, (2, 70, 90)).astype(np.uint16)
    options: dict[str, Any] = {"axes": "ZYX", "device": "cpu", "precision": "float32", "tile": 16}
    job = array_job(image, tiny_model(), **options)
    while True:
        try:
            next(job)
        except StopIteration as end:
            eager = end.value.data
            break
    lazy = lazy_array(image, tiny_model(), **options)
    path = tmp_path / name
    with RestartableStore(
        path, shape=lazy.shape, dtype=lazy.dtype, axes=lazy.axes, fingerprint={}, provenance=lazy.provenance,
        sides=Sides(32, 64),
    ) as result:  # fmt: skip
        told = list(copy_job(lazy, result))
    assert told[-1].fraction == 1
    with open_image(path) as stored:
        np.testing.assert_array_equal(stored.data[:], eager)
