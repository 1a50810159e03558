"""Of a zarr in a folder only what is missing altogether is empty: links and folders in its place are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image

PIXELS = np.arange(48 * 40, dtype="u2").reshape(48, 40) + 1


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "x.zarr"
    zarr.create_array(path, data=PIXELS, chunks=(24, 40))
    return path


def away(place: Path) -> None:
    place.rename(place.with_name("away"))


def link_to_nothing(place: Path) -> None:
    away(place)
    place.symlink_to("on/a/disk/that/is/not/there")


def folder(place: Path) -> None:
    away(place)
    place.mkdir()


def file(place: Path) -> None:
    away(place)
    place.touch()


@pytest.mark.parametrize(
    ("what", "change", "words"),
    [
        ("c/0/0", link_to_nothing, r"c/0/0 of x\.zarr cannot be read: .*c/0/0 is a link to something"),
        ("c/0/0", folder, r"c/0/0 of x\.zarr cannot be read: .*c/0/0 is not what it should be"),
        (
            "c/0",
            link_to_nothing,
            r"c/0/0 of x\.zarr cannot be read: .*c/0 is a link to something that is not",
        ),
        ("c", link_to_nothing, r"c/0/0 of x\.zarr cannot be read: .*/c is a link to something that is not"),
        ("c", file, r"c/0/0 of x\.zarr cannot be read: .*/c is not what it should be"),
    ],
)
def test_what_lies_in_the_place_of_a_chunk_is_no_empty_chunk(
    store: Path, what: str, change: Callable[[Path], None], words: str
) -> None:
    change(store / what)
    with open_image(store) as image:
        with pytest.raises(UserError, match=words):
            image.data[:24]
        if what.startswith("c/"):
            np.testing.assert_array_equal(image.data[24:], PIXELS[24:])


@pytest.mark.parametrize("what", ["c/0/0", "c/0", "c"])
def test_what_is_missing_is_empty(store: Path, what: str) -> None:
    away(store / what)
    with open_image(store) as image:
        np.testing.assert_array_equal(image.data[:24], 0)


def test_links_to_what_is_there_are_followed(store: Path) -> None:
    away(store / "c")
    (store / "c").symlink_to("away")
    with open_image(store) as image:
        np.testing.assert_array_equal(image.data[:], PIXELS)


def test_other_files_in_a_group_are_none_of_its_arrays(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "x.zarr")
    group.create_array("pixels", data=PIXELS)
    (tmp_path / "x.zarr" / "README.txt").write_text("measured in May")
    (tmp_path / "x.zarr" / "gone").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"is a zarr group .* e\.g\. x\.zarr/pixels$"):
        open_image(tmp_path / "x.zarr")
