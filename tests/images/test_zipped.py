"""Zarr and OME-Zarr in zip files: read as from folders, and within the same limits."""

from __future__ import annotations

import gzip
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.origins import origins_of
from napari_srgan.images.reading import limits
from napari_srgan.images.series import series_of
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.writing.output import NewFile
from napari_srgan.images.zarr.zip_store import ZippedStore
from napari_srgan.results.made_here import made_here

from .conftest import Write, random_pixels, read

DATA = random_pixels((2, 70, 50), "uint16")
MICRON = (Spacing(), Spacing(0.5, "micrometer", 3.0), Spacing(0.25, "micrometer"))
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


def zipped(folder: Path, name: str, *, method: int = STORED, top: str = "") -> Path:
    """A folder in a zip file beside it; RFC-9 wants it without a folder around it."""
    path = folder.with_name(name)
    with zipfile.ZipFile(path, "w", method) as file:
        for entry in sorted(folder.rglob("*")):
            file.write(entry, top + str(entry.relative_to(folder)))
    return path


def array(path: Path, data: np.ndarray = DATA, **options: object) -> Path:
    made = zarr.create_array(path, shape=data.shape, dtype=data.dtype, **{"chunks": (1, 32, 32)} | options)
    made[...] = data
    return path


@pytest.mark.parametrize("name", ["x.ozx", "x.ome.zarr.zip", "X.OME.ZARR.ZIP"])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("top", ["", "x.ome.zarr/"])
def test_an_image_is_that_of_its_folder(write: Write, name: str, method: int, top: str) -> None:
    folder = write("x.ome.zarr", DATA, "ZYX", MICRON)
    pixels, image = read(zipped(folder, name, method=method, top=top))
    np.testing.assert_array_equal(pixels, DATA)
    assert (image.axes, image.spacings, image.ending) == ("ZYX", MICRON, ".ome.zarr")
    with open_image(folder) as unzipped:
        assert [level.shape for level in image.coarser] == [level.shape for level in unzipped.coarser]
        assert image.look == unzipped.look


@pytest.mark.parametrize("method", [STORED, DEFLATED])
@pytest.mark.parametrize("options", [{}, {"shards": (2, 64, 64)}, {"zarr_format": 2}])
def test_arrays(tmp_path: Path, method: int, options: dict[str, object]) -> None:
    path = zipped(array(tmp_path / "x.zarr", **options), "x.zarr.zip", method=method)
    pixels, image = read(path)
    np.testing.assert_array_equal(pixels, DATA)
    assert image.ending == ".zarr"
    with open_image(path) as image:
        np.testing.assert_array_equal(image.data[1, 40:60, 3:9], DATA[1, 40:60, 3:9])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_files_of_zarr_itself_where_the_last_of_a_name_counts(tmp_path: Path) -> None:
    with zarr.storage.ZipStore(tmp_path / "x.zarr.zip", mode="w") as store:
        made = zarr.create_array(store, shape=DATA.shape, dtype=DATA.dtype, chunks=(1, 32, 32))
        made[...] = 0 * DATA + 1
        made[...] = DATA
        made.attrs["later"] = True
    pixels, _ = read(tmp_path / "x.zarr.zip")
    np.testing.assert_array_equal(pixels, DATA)


def test_what_a_mac_adds_to_a_zip_file_is_passed_over(tmp_path: Path) -> None:
    path = zipped(array(tmp_path / "x.zarr"), "x.zarr.zip", top="x.zarr/")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("__MACOSX/x.zarr/._zarr.json", b"\0\5\x16\7")
        file.writestr("x.zarr/.DS_Store", b"\0\0\0\1")
    np.testing.assert_array_equal(read(path)[0], DATA)


def test_of_a_shard_only_what_is_wanted_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.concatenate([DATA] * 8)
    path = zipped(array(tmp_path / "x.zarr", data, chunks=(1, 8, 8), shards=(16, 80, 80)), "x.zarr.zip")
    read_of: list[int] = []
    fetch = ZippedStore.fetch

    def counted(self: ZippedStore, key: str, part: object = None) -> bytes | None:
        found = fetch(self, key, part)  # type: ignore[arg-type]
        read_of.append(len(found or b"") if key.startswith("c/") else 0)
        return found

    monkeypatch.setattr(ZippedStore, "fetch", counted)
    with open_image(path) as image:
        np.testing.assert_array_equal(image.data[0, :8, :8], DATA[0, :8, :8])
    assert sum(read_of) < path.stat().st_size / 2


def test_chunks_that_are_not_there_are_empty(tmp_path: Path) -> None:
    folder = array(tmp_path / "x.zarr")
    (folder / "c" / "0" / "0" / "0").unlink()
    pixels, _ = read(zipped(folder, "x.zarr.zip"))
    assert not pixels[0, :32, :32].any()
    np.testing.assert_array_equal(pixels[1], DATA[1])


def test_what_lies_in_a_plate_is_given_by_its_path(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path / "p.zarr", mode="w")
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": "A/1"}]}}
    well = root.create_group("A/1")
    well.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": "0"}, {"path": "1"}]}}
    for field in "01":
        well.create_array(field, data=DATA + int(field), chunks=(1, 32, 32))
    path = zipped(tmp_path / "p.zarr", "p.zarr.zip")
    with pytest.raises(UserError, match=r"p\.zarr\.zip is a plate with 1 wells.*--series A/1/0"):
        open_image(path)
    found = series_of(path, "all")
    assert [one.result_name(2, ".ome.zarr") for one in found][1] == "p_A_1_1_x2.ome.zarr"
    with open_image(path, "ZYX", found[1].part) as image:
        np.testing.assert_array_equal(image.data[:], DATA + 1)


def test_the_file_is_known_as_the_origin_and_opened_anew_elsewhere(tmp_path: Path) -> None:
    path = zipped(array(tmp_path / "x.zarr"), "x.zarr.zip")
    with open_image(path) as image:
        assert origins_of(image.data) == [path]
        again = pickle.loads(pickle.dumps(ZippedStore(path)))
    np.testing.assert_array_equal(zarr.open_array(again, mode="r")[...], DATA)


def test_results_of_ours_are_known(write: Write) -> None:
    folder = write("x.ome.zarr", DATA, "ZYX")
    assert made_here(zipped(folder, "x.ozx"))
    assert not made_here(zipped(array(folder.with_name("y.zarr")), "y.zarr.zip"))


def test_results_are_not_written_there(tmp_path: Path) -> None:
    for name in ("x.ozx", "x.zarr.zip"):
        with pytest.raises(UserError, match="is read, not written; write a"):
            open_output(NewFile(tmp_path / name, "YX"), np.dtype("uint8"))


# --- What is broken, or made to harm ----------------------------------------------------------


def refused(path: Path, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught, open_image(path) as image:
        image.data[:]
    assert "\n" not in str(caught.value)


def test_no_zip_file(tmp_path: Path) -> None:
    (tmp_path / "x.ozx").write_bytes(b"PK no zip at all")
    refused(tmp_path / "x.ozx", r"x\.ozx is no readable zip file")
    whole = zipped(array(tmp_path / "x.zarr"), "x.zarr.zip")
    whole.write_bytes(whole.read_bytes()[:-100])
    refused(whole, r"x\.zarr\.zip is no readable zip file")
    with zipfile.ZipFile(tmp_path / "y.zarr.zip", "w") as file:
        file.writestr("readme.txt", "nothing else")
    refused(tmp_path / "y.zarr.zip", r"y\.zarr\.zip is no zarr array")
    os.mkfifo(tmp_path / "z.ozx")
    refused(tmp_path / "z.ozx", "is a pipe or a device")


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_bytes_that_are_wrong(tmp_path: Path, method: int) -> None:
    path = zipped(array(tmp_path / "x.zarr", compressors=None), "x.zarr.zip", method=method)
    with zipfile.ZipFile(path) as file:
        info = file.getinfo("c/1/1/0")
    found = bytearray(path.read_bytes())
    found[info.header_offset + 100] ^= 0xFF
    path.write_bytes(found)
    refused(path, r"c/1/1/0 in x\.zarr\.zip is damaged")
    found[info.header_offset : info.header_offset + 4] = b"none"
    path.write_bytes(found)
    refused(path, r"c/1/1/0 in x\.zarr\.zip is damaged")


def test_a_file_that_changes_under_way(tmp_path: Path) -> None:
    path = zipped(array(tmp_path / "x.zarr"), "x.zarr.zip")
    with open_image(path) as image:
        image.still_there()
        zipped(array(tmp_path / "y.zarr", DATA[:, :40]), "x.zarr.zip")
        with pytest.raises(UserError, match="has been changed while it was read"):
            image.still_there()


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_chunk_that_becomes_too_large(tmp_path: Path, method: int) -> None:
    folder = array(tmp_path / "x.zarr", compressors=None)
    with (folder / "c" / "0" / "0" / "0").open("wb") as file:
        file.truncate(2**30)  # deflated it has a megabyte
    refused(zipped(folder, "x.zarr.zip", method=method), r"c/0/0/0 of x\.zarr\.zip has 1,073,741,824 bytes")


def test_metadata_that_becomes_too_large(tmp_path: Path) -> None:
    folder = array(tmp_path / "x.zarr")
    (folder / "zarr.json").write_text(" " * (limits.ZARR_METADATA + 1))
    refused(zipped(folder, "x.zarr.zip", method=DEFLATED), r"zarr\.json of x\.zarr\.zip has 33,554,433 bytes")


def test_a_size_that_is_a_lie(tmp_path: Path) -> None:
    """More bytes than are declared are never unpacked."""
    folder = array(tmp_path / "x.zarr", compressors=None)
    with (folder / "c" / "0" / "0" / "0").open("wb") as file:
        file.truncate(size := 2**26 + 54321)
    path = zipped(folder, "x.zarr.zip", method=DEFLATED)
    found = path.read_bytes()
    assert found.count(size.to_bytes(4, "little")) == 2  # before the file, and in the list of files
    path.write_bytes(found.replace(size.to_bytes(4, "little"), (32 * 32 * 2).to_bytes(4, "little")))
    refused(path, r"c/0/0/0 in x\.zarr\.zip is damaged")


def test_a_packed_chunk_that_unpacks_to_too_much(tmp_path: Path) -> None:
    folder = array(tmp_path / "x.zarr", compressors=zarr.codecs.GzipCodec())
    (folder / "c" / "0" / "0" / "0").write_bytes(gzip.compress(bytes(2**24)))
    refused(zipped(folder, "x.zarr.zip"), "unpacks to more than the 2,048 bytes of its chunk")


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(array(tmp_path / "x.zarr"), "x.zarr.zip")
    monkeypatch.setattr(limits, "ZIP_DIRECTORY", 400)
    refused(path, r"the list of files in x\.zarr\.zip has [\d,]+ bytes, and at most 400 bytes are read")


def test_files_that_are_locked_or_packed_otherwise(tmp_path: Path) -> None:
    folder = array(tmp_path / "x.zarr")
    refused(zipped(folder, "x.zarr.zip", method=zipfile.ZIP_LZMA), "is compressed in a way that is not read")
    path = zipped(folder, "x.zarr.zip")
    found = bytearray(path.read_bytes())
    found[found.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(found)
    refused(path, "is encrypted; zip it again without compression")


def test_labels_are_no_brightness(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    group.create_array("0", data=DATA)
    group.attrs["ome"] = {"version": "0.5", "image-label": {}, "multiscales": [{"datasets": [{"path": "0"}]}]}
    refused(zipped(tmp_path / "g.zarr", "g.ozx"), "holds labels")
    with pytest.raises(UserError, match="holds labels"):
        open_image(tmp_path / "g.ozx", None, "0")
