"""A file is not an image: sets of OME-TIFF, files that were cut off, and what is only unsupported."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_srgan import UserError
from napari_srgan.images.formats import open_image

PLANES = np.random.default_rng(0).integers(0, 4000, (4, 40, 48), dtype=np.uint16)
IDS = [f"urn:uuid:0750{n}f88-7bc3-11e0-b937-2faf67bc00b3" for n in range(4)]
SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"


def xml(inner: str, uuid: str = "") -> bytes:
    told = f' UUID="{uuid}"' if uuid else ""
    return f'<?xml version="1.0"?><OME xmlns="{SCHEMA}"{told}>{inner}</OME>'.encode()


def described(names: list[str], number: int = 0, first: int = 0) -> str:
    """One image whose planes lie in so many files."""
    data = "".join(
        f'<TiffData FirstZ="{at}" FirstC="0" FirstT="0" IFD="0" PlaneCount="1">'
        f'<UUID FileName="{name}">{IDS[first + at]}</UUID></TiffData>'
        for at, name in enumerate(names)
    )
    return (
        f'<Image ID="Image:{number}"><Pixels ID="Pixels:{number}" DimensionOrder="XYZCT" Type="uint16" '
        f'SizeX="48" SizeY="40" SizeZ="{len(names)}" SizeC="1" SizeT="1" PhysicalSizeX="0.2" '
        'PhysicalSizeY="0.2">'
        f'<Channel ID="Channel:{number}:0" SamplesPerPixel="1"/>{data}</Pixels></Image>'
    )


NAMES = [f"z{at}.ome.tif" for at in range(4)]


@pytest.fixture
def whole_set(tmp_path: Path) -> Path:
    """Every file has the metadata of all."""
    for at, name in enumerate(NAMES):
        described_all = xml(described(NAMES), IDS[at])
        tifffile.imwrite(tmp_path / name, PLANES[at], metadata=None, description=described_all)
    return tmp_path


@pytest.fixture
def with_companion(tmp_path: Path) -> Path:
    for at, name in enumerate(NAMES):
        only = f'<BinaryOnly MetadataFile="s.companion.ome" UUID="{IDS[at]}"/>'
        tifffile.imwrite(tmp_path / name, PLANES[at], metadata=None, description=xml(only, IDS[at]))
    (tmp_path / "s.companion.ome").write_bytes(xml(described(NAMES), "urn:uuid:the-companion"))
    return tmp_path


@pytest.mark.parametrize("kind", ["whole_set", "with_companion"])
@pytest.mark.parametrize("name", [NAMES[0], NAMES[2]])
def test_any_file_of_a_set_is_the_whole_image(request: pytest.FixtureRequest, kind: str, name: str) -> None:
    folder: Path = request.getfixturevalue(kind)
    with open_image(folder / name) as image:
        np.testing.assert_array_equal(image.data[:], PLANES)
        assert image.axes == "ZYX"
        assert image.spacings[-1].size == pytest.approx(0.2)
        others = {*NAMES, *(["s.companion.ome"] if kind == "with_companion" else [])} - {name}
        assert {file.name for file in image.other_files} == others


@pytest.fixture(params=["whole_set", "with_companion"])
def any_set(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", [NAMES[1], "renamed.ome.tif"])
def test_a_link_to_one_file_of_a_set(any_set: Path, name: str) -> None:
    (any_set / "elsewhere").mkdir()
    link = any_set / "elsewhere" / name
    link.symlink_to(any_set / NAMES[1])
    with open_image(link) as image:
        np.testing.assert_array_equal(image.data[:], PLANES)
        assert image.path == link


def test_links_beside_each_other_are_a_set(any_set: Path) -> None:
    # As in stores of files by their content: what the links lead to has other names, and lies alone.
    links = any_set / "links"
    links.mkdir()
    for at, file in enumerate(sorted(file for file in any_set.iterdir() if file.is_file())):
        (any_set / f"content{at}").mkdir()
        (links / file.name).symlink_to(file.rename(any_set / f"content{at}" / f"{at}e5"))
    for name in (NAMES[0], NAMES[2]):
        with open_image(links / name) as image:
            np.testing.assert_array_equal(image.data[:], PLANES)
            assert not image.note


def test_a_link_beside_which_nothing_is_names_what_is_missing(whole_set: Path) -> None:
    (whole_set / NAMES[3]).unlink()
    (whole_set / "link.ome.tif").symlink_to(whole_set / NAMES[0])
    with pytest.raises(UserError, match=f"link.ome.tif is one of several files of one image, and {NAMES[3]}"):
        open_image(whole_set / "link.ome.tif")


def test_metadata_in_the_first_file_of_a_set(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / NAMES[0], PLANES[0], metadata=None, description=xml(described(NAMES[:2]), IDS[0])
    )
    only = f'<BinaryOnly MetadataFile="{NAMES[0]}" UUID="{IDS[0]}"/>'
    tifffile.imwrite(tmp_path / NAMES[1], PLANES[1], metadata=None, description=xml(only, IDS[1]))
    with open_image(tmp_path / NAMES[1]) as image:
        np.testing.assert_array_equal(image.data[:], PLANES[:2])


@pytest.mark.parametrize("kind", ["whole_set", "with_companion"])
@pytest.mark.parametrize("logged", [True, False])
@pytest.mark.usefixtures("no_log")
def test_a_set_with_a_file_missing_is_refused(
    request: pytest.FixtureRequest, kind: str, logged: bool
) -> None:
    folder: Path = request.getfixturevalue(kind)
    if not logged:
        logging.disable(logging.CRITICAL)
    (folder / NAMES[3]).unlink()
    with pytest.raises(UserError, match=r"z3\.ome\.tif cannot be read; put all of them into one folder"):
        open_image(folder / NAMES[0])


def test_a_companion_that_is_missing_or_outside(with_companion: Path) -> None:
    (with_companion / "s.companion.ome").unlink()
    with pytest.raises(UserError, match=r"s\.companion\.ome cannot be read; put all of them"):
        open_image(with_companion / NAMES[0])
    for outside in ("../s.ome", "/etc/passwd", "C:\\s.ome", ""):
        only = f'<BinaryOnly MetadataFile="{outside}" UUID="{IDS[0]}"/>'
        path = with_companion / "o.ome.tif"
        tifffile.imwrite(path, PLANES[0], metadata=None, description=xml(only))
        with pytest.raises(UserError, match="only files in its own folder are read"):
            open_image(path)


def test_files_of_several_images_in_one_set(tmp_path: Path) -> None:
    both = described(["a.ome.tif"], 0, 0) + described(["b.ome.tif"], 1, 1)
    for at, name in enumerate(("a.ome.tif", "b.ome.tif")):
        tifffile.imwrite(tmp_path / name, PLANES[at], metadata=None, description=xml(both, IDS[at]))
    for at, name in enumerate(("a.ome.tif", "b.ome.tif")):
        with open_image(tmp_path / name) as image:
            np.testing.assert_array_equal(np.squeeze(image.data[:]), PLANES[at])


def test_a_file_of_its_own_may_be_renamed(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "new.ome.tif",
        PLANES[0],
        metadata=None,
        description=xml(described(["old.ome.tif"]), IDS[0]),
    )
    with open_image(tmp_path / "new.ome.tif") as image:
        np.testing.assert_array_equal(np.squeeze(image.data[:]), PLANES[0])


@pytest.fixture
def no_log() -> Iterator[None]:
    yield
    logging.disable(logging.NOTSET)


WRITTEN = {
    "ome": ("x.ome.tif", {}), "plain": ("x.tif", {}), "compressed": ("x.ome.tif", {"compression": "zlib"}),
    "big": ("x.tif", {"bigtiff": True}), "big-endian": ("x.tif", {"byteorder": ">"}),
    "imagej": ("x.tif", {"imagej": True}),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.usefixtures("no_log")
def test_a_file_that_is_cut_off_is_known_by_its_directories(tmp_path: Path, kind: str) -> None:
    """Whatever is logged, or not."""
    logging.disable(logging.CRITICAL)
    name, options = WRITTEN[kind]
    whole, cut = tmp_path / name, tmp_path / f"cut-{name}"
    metadata = {"axes": "ZYX"} if kind in ("ome", "imagej", "compressed") else None
    tifffile.imwrite(whole, PLANES, metadata=metadata, photometric="minisblack", **options)
    content = whole.read_bytes()
    with open_image(whole) as image:
        np.testing.assert_array_equal(image.data[:], PLANES)
    for share in (0.3, 0.5, 0.75, 0.95, 0.999):
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(UserError, match=r"(is damaged or cut off|is no readable TIFF)"):
            open_image(cut)


@pytest.mark.usefixtures("no_log")
def test_half_of_an_ome_tiff(tmp_path: Path) -> None:
    logging.disable(logging.CRITICAL)
    tifffile.imwrite(tmp_path / "a.ome.tif", PLANES, metadata={"axes": "ZYX"}, compression="zlib")
    content = (tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "b.ome.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged or cut off"):
        open_image(tmp_path / "b.ome.tif")


UNSUPPORTED = {"Compression": (34676, "compression 34676, SGILOG"), "Predictor": (7, "predictor 7")}


@pytest.mark.parametrize("tag", UNSUPPORTED)
def test_what_is_only_unsupported_is_not_called_damaged(tmp_path: Path, tag: str) -> None:
    value, words = UNSUPPORTED[tag]
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, PLANES[0], compression="zlib", predictor=True)
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    with pytest.raises(UserError, match=rf"cannot be read here \({words}") as told:
        open_image(path)
    assert not re.search("damaged|get the file again", str(told.value))


def test_a_palette_of_two_colours(tmp_path: Path) -> None:
    bits = PLANES[0] > 2000
    table = np.zeros((3, 2), np.uint16)
    table[:, 0], table[:, 1] = (0, 0x1100, 0x2200), (0xFF00, 0x8000, 0)
    path = tmp_path / "p.tif"
    tifffile.imwrite(
        path,
        bits,
        photometric="minisblack",
        metadata=None,
        extratags=[(320, 3, 6, table.ravel().tolist(), True)],
    )
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags["PhotometricInterpretation"].overwrite(3)
    with open_image(path) as image:
        assert image.axes == "YXS"
        np.testing.assert_array_equal(image.data[:], (table >> 8).T.astype(np.uint8)[bits.astype(int)])
