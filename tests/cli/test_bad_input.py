"""Every bad input is a result that makes sense, or one sentence; never a traceback."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_srgan.images.formats import open_image
from napari_srgan.models import save_model
from napari_srgan.models.files import CARD_KEY

from .conftest import Shell

Make = Callable[[Path], Path]


def tiff(data: np.ndarray, **options: object) -> Make:
    def make(folder: Path) -> Path:
        tifffile.imwrite(folder / "x.tif", data, photometric="minisblack", **options)
        return folder / "x.tif"

    return make


def picture(data: np.ndarray, name: str = "x.png") -> Make:
    def make(folder: Path) -> Path:
        Image.fromarray(data).save(folder / name)
        return folder / name

    return make


def content(name: str, data: bytes) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return make


def stored(data: np.ndarray) -> Make:
    def make(folder: Path) -> Path:
        zarr.save_array(folder / "x.zarr", data)
        return folder / "x.zarr"

    return make


def cut(make: Make, share: float) -> Make:
    def make_cut(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make_cut


def folder_named(name: str) -> Make:
    def make(folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return make


def without_a_chunk(folder: Path) -> Path:
    path = stored(NOISE)(folder)
    chunk = next(file for file in path.rglob("*") if file.is_file() and file.name != "zarr.json")
    chunk.write_bytes(b"no chunk at all")
    return path


NOISE = np.random.default_rng(0).integers(0, 60000, (40, 50)).astype(np.uint16)
BYTES = (NOISE // 256).astype(np.uint8)

REFUSED: dict[str, tuple[Make, str]] = {
    "missing file": (lambda folder: folder / "x.tif", "there is no file"),
    "empty file": (content("x.tif", b""), r"x\.tif is empty \(0 bytes\)"),
    "empty picture": (content("x.png", b""), r"x\.png is empty"),
    "text called .tif": (content("x.tif", b"Dear diary, " * 50), "no readable TIFF"),
    "text called .png": (content("x.png", b"Dear diary, " * 50), "no readable PNG"),
    "text called .jpg": (content("x.jpg", b"Dear diary, " * 50), "no readable JPEG"),
    "TIFF header alone": (content("x.tif", b"II*\0\x08\0\0\0"), r"x\.tif"),
    "truncated TIFF": (cut(tiff(NOISE), 0.5), r"x\.tif is (damaged or cut off|no readable)"),
    "truncated TIFF, planes": (
        cut(tiff(np.stack([NOISE] * 5), metadata={"axes": "ZYX"}), 0.9), "damaged or cut off"
    ),
    "truncated ImageJ TIFF": (
        cut(tiff(np.stack([NOISE] * 5), imagej=True), 0.9), "damaged or cut off"
    ),
    "truncated compressed TIFF": (cut(tiff(NOISE, compression="zlib"), 0.9), r"x\.tif"),
    "truncated PNG": (cut(picture(NOISE), 0.5), r"x\.png is damaged or cut off"),
    "truncated colour PNG": (cut(picture(np.stack([BYTES] * 3, -1)), 0.5), "damaged or cut off"),
    "truncated JPEG": (cut(picture(BYTES, "x.jpg"), 0.7), r"x\.jpg is damaged or cut off"),
    "complex TIFF": (tiff(NOISE.astype(np.complex64)), r"complex values .*numpy\.abs"),
    "six axes": (
        tiff(np.ones((2, 2, 2, 2, 40, 50), np.uint8), metadata={"axes": "QTZCYX"}), "at most 5 axes"
    ),
    "foreign format": (content("x.czi", b"ZISRAWFILE"), r"x\.czi is in the format Zeiss CZI, which is not"),
    "unknown ending": (content("x.dat", b"ZISRAWFILE"), r"x\.dat is no image file"),
    "no ending": (content("x", b"some"), "x is no image file"),
    "folder called .tif": (folder_named("x.tif"), "is a folder, not an image file"),
    "folder called .zarr": (folder_named("x.zarr"), "is no zarr array"),
    "empty folder": (folder_named("x"), "there is no image in the folder"),
    "empty zarr": (stored(np.zeros((0, 50), np.uint8)), r"the image is empty: its shape is \(0, 50\)"),
    "zarr of one axis": (stored(np.zeros(50, np.uint8)), "needs two axes"),
    "damaged zarr": (without_a_chunk, r"x\.zarr is damaged or cut off"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_one_sentence_and_no_file(upscale: Shell, tmp_path: Path, case: str) -> None:
    make, words = REFUSED[case]
    (tmp_path / "in").mkdir()
    result = upscale(make(tmp_path / "in"), tmp_path / "out" / "y.tif")
    told = result.stderr.strip()
    assert result.exit_code == 1
    assert len(told.splitlines()) == 1
    assert told.startswith("napari-srgan: ")
    import re

    assert re.search(words, told), told
    assert not list(tmp_path.glob("out/*"))


FLOATS = NOISE.astype(np.float32)
SPOTTED = FLOATS.copy()
SPOTTED[5, 6], SPOTTED[20, 20], SPOTTED[30, 40] = np.nan, np.inf, -np.inf

ACCEPTED: dict[str, Make] = {
    "1x1 PNG": picture(np.full((1, 1), 7, np.uint8)),
    "1x1 TIFF": tiff(np.full((1, 1), 700, np.uint16)),
    "one row": tiff(NOISE[:1]),
    "one column": tiff(NOISE[:, :1]),
    "one row PNG": picture(BYTES[:1]),
    "all equal": tiff(np.full((40, 50), 1234, np.uint16)),
    "all zero": picture(np.zeros((40, 50), np.uint8)),
    "NaN and infinities": tiff(SPOTTED),
    "only NaN": tiff(np.full((40, 50), np.nan, np.float32)),
    "negative values": tiff(FLOATS - 1e5),
    "one bit": picture(BYTES > 100),
    "one bit TIFF": tiff(BYTES > 100),
    "int8": tiff((BYTES.astype(int) - 128).astype(np.int8)),
    "int64 zarr": stored(NOISE.astype(np.int64) * 2**30),
    "float16 zarr": stored((NOISE / 60000).astype(np.float16)),
    "big-endian": tiff(NOISE, byteorder=">"),
    "float64": tiff(NOISE / 3),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_result_that_makes_sense(upscale: Shell, tmp_path: Path, case: str) -> None:
    (tmp_path / "in").mkdir()
    source = ACCEPTED[case](tmp_path / "in")
    result = upscale(source, tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    (target,) = (tmp_path / "out").iterdir()
    assert target.name == f"x_x2{source.suffix}"
    with open_image(source) as before, open_image(target) as after:
        low, high = before.data[:], after.data[:]
    assert high.dtype == low.dtype
    large = low.repeat(2, axis=0).repeat(2, axis=1)
    assert high.shape == large.shape
    if low.dtype.kind == "f":
        bad = ~np.isfinite(large)
        np.testing.assert_array_equal(high[bad], large[bad])
        assert np.isfinite(high[~bad]).all()
    if low.size and (low == low.flat[0]).all():
        np.testing.assert_allclose(high, large, rtol=1e-3)


def wrong_architecture(folder: Path, model: object) -> Path:
    path = save_model(model, folder / "wrong.safetensors")  # type: ignore[arg-type]
    whole = path.read_bytes()
    assert CARD_KEY.encode() in whole
    path.write_bytes(whole.replace(b"srresnet", b"srresnot"))
    return path


def pickled(folder: Path, _: object) -> Path:
    path = folder / "model.pth"
    path.write_bytes(pickle.dumps({"weights": 1}))
    return path


def cut_model(folder: Path, model: object) -> Path:
    path = save_model(model, folder / "cut.safetensors")  # type: ignore[arg-type]
    path.write_bytes(path.read_bytes()[:-100])
    return path


BAD_MODELS = {
    "no such name": (lambda *_: "nosuch", "there is no model 'nosuch'; there is: "),
    "no such file": (lambda *_: "nosuch.safetensors", "there is no model file"),
    "a pickle": (pickled, "is no checkpoint that can be read"),
    "cut off": (cut_model, "may be cut off"),
    "wrong architecture": (wrong_architecture, "no architecture 'srresnot'"),
}


@pytest.mark.parametrize("case", BAD_MODELS)
def test_models_that_cannot_be_used(shell: Shell, tiny_model, tmp_path: Path, case: str) -> None:  # type: ignore[no-untyped-def]
    make, words = BAD_MODELS[case]
    source = tiff(NOISE)(tmp_path)
    result = shell("upscale", source, source, tmp_path / "out", "--model", make(tmp_path, tiny_model()))
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


BAD_OPTIONS = [
    (["--device", "abacus"], "there is no device 'abacus'"),
    (["--precision", "int3"], "there is no precision 'int3'"),
    (["--region", "1:2"], "a region is written Y0:Y1,X0:X1"),
    (["--region", "0:10,0:900"], "does not lie inside the image of 40 x 50"),
    (["--axes", "ZYX"], "3 axes 'ZYX' for an array of shape (40, 50)"),
    (["--axes", "XY"], "axes 'XY' cannot be used"),
    (["--tile", "3"], "a tile has a side of 16 whole pixels or more; got 3"),
]


@pytest.mark.parametrize(("options", "words"), BAD_OPTIONS)
def test_options_that_cannot_be_used(
    shell: Shell, tiny_file: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    result = shell("upscale", tiff(NOISE)(tmp_path), tmp_path / "y.tif", "--model", tiny_file, *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "y.tif").exists()
