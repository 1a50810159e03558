"""Files that want all memory or all time get a sentence, with 2 GB of memory and within 20 seconds."""

from __future__ import annotations

import json
import lzma
import os
import re
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.reading.unpacked_size import PACKERS, unpacks_beyond

MEMORY = 2 * 10**9
SECONDS = 20
PIXELS = np.arange(48 * 40, dtype="u2").reshape(48, 40)
Make = Callable[[Path], Path]


def zarr3(folder: Path, **options: Any) -> zarr.Array[Any]:
    array = zarr.create_array(folder / "x.zarr", shape=(48, 40), chunks=(24, 40), dtype="u2", **options)
    array[:] = PIXELS
    return array


def changed(folder: Path, change: Callable[[dict[str, Any]], None], **options: Any) -> Path:
    """A zarr array whose metadata says something else."""
    zarr3(folder, **options)
    file = folder / "x.zarr" / "zarr.json"
    metadata = json.loads(file.read_text())
    change(metadata)
    file.write_text(json.dumps(metadata))
    return folder / "x.zarr"


def replaced(folder: Path, name: str, content: bytes | str | None, **options: Any) -> Path:
    """A zarr array of which a file is another one: bytes, a link to a device, or a pipe."""
    zarr3(folder, **options)
    file = folder / "x.zarr" / name
    file.unlink()
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is None:
        os.mkfifo(file)
    else:
        file.symlink_to(content)
    return folder / "x.zarr"


def endless(file: Path) -> None:
    """A file of 3 GB that has no bytes on the disk."""
    with file.open("wb") as stream:
        stream.truncate(3 * 10**9)


def large_file(folder: Path, name: str) -> Path:
    zarr3(folder)
    endless(folder / "x.zarr" / name)
    return folder / "x.zarr"


ZEROS = {n: bytes(numcodecs.get_codec({"id": n}).encode(bytes(2**23))) for n in ("gzip", "zstd", "blosc")}
"""8 MiB in few bytes. Two GB would make no other test of it, but a slow one."""


def shard_full_of(folder: Path, chunk: bytes) -> Path:
    """A shard of two chunks whose index is right and whose chunks unpack to far more than they should."""
    options = {"shards": (48, 40), "compressors": GzipCodec()}
    zarr.create_array(folder / "x.zarr", shape=(48, 40), chunks=(24, 40), dtype="u2", **options)[:] = PIXELS
    index = struct.pack("<4Q", 0, len(chunk), 0, len(chunk))
    checksum = bytes(numcodecs.get_codec({"id": "crc32c"}).encode(index))[-4:]
    (folder / "x.zarr/c/0/0").write_bytes(chunk + index + checksum)
    return folder / "x.zarr"


def many_levels(folder: Path) -> Path:
    zarr.create_array(folder / "x.ome.zarr/0", shape=(48, 40), dtype="u2")
    levels = [{"path": str(n), "coordinateTransformations": []} for n in range(100_000)]
    axes = [{"name": name, "type": "space"} for name in "yx"]
    ome = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}
    text = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": ome}}
    (folder / "x.ome.zarr/zarr.json").write_text(json.dumps(text))
    return folder / "x.ome.zarr"


def single_pixels(folder: Path) -> Path:
    zarr.create_array(folder / "x.zarr", shape=(10**6, 10**6), chunks=(1, 1), dtype="u1")
    return folder / "x.zarr"


def huge_shards(metadata: dict[str, Any]) -> None:
    metadata["shape"] = metadata["chunk_grid"]["configuration"]["chunk_shape"] = [10**5, 10**5]
    metadata["codecs"][0]["configuration"]["chunk_shape"] = [1, 1]


def huge_chunks(metadata: dict[str, Any]) -> None:
    metadata["shape"] = metadata["chunk_grid"]["configuration"]["chunk_shape"] = [10**5, 10**5]


def ome(folder: Path, pixels: str, data: str = "", extra: str = "") -> Path:
    text = (
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="48" SizeC="1" '
        f'{pixels}><Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}</Pixels></Image>{extra}</OME>'
    )
    tifffile.imwrite(folder / "x.ome.tif", PIXELS, description=text.encode(), metadata=None)
    return folder / "x.ome.tif"


ONE = '<TiffData IFD="0"/>'
OTHER = '<TiffData IFD="0"><UUID FileName="other.tif">urn:uuid:1</UUID></TiffData>'
IMAGE = (
    '<Image ID="Image:1">'
    '<Pixels ID="Pixels:1" DimensionOrder="XYCZT" Type="uint16" SizeX="40" SizeY="48" '
    'SizeC="1" SizeZ="1" SizeT="900000"><Channel ID="Channel:1:0" SamplesPerPixel="1"/>'
    f"{ONE}</Pixels></Image>"
)
MODULO = (
    '<StructuredAnnotations><XMLAnnotation ID="Annotation:0" '
    'Namespace="openmicroscopy.org/omero/dimension/modulo"><Value>'
    '<Modulo><ModuloAlongT Type="lifetime" Start="0" End="1000000000" Step="0.001"/></Modulo></Value>'
    "</XMLAnnotation></StructuredAnnotations>"
)


def beside_a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "other.tif")
    return ome(folder, 'SizeZ="1" SizeT="1"', OTHER)


def pipe_of_another_image(folder: Path) -> Path:
    os.mkfifo(folder / "other.tif")
    one = IMAGE.replace("900000", "1").replace(ONE, OTHER.replace("UUID", "YourUUID"))
    return ome(folder, 'SizeZ="1" SizeT="1"', ONE, one)


def beside_many_pages(folder: Path) -> Path:
    path = ome(folder, 'SizeZ="1" SizeT="1"', OTHER)
    directories(folder, 200_000, lambda own: []).rename(folder / "other.tif")
    return path


def imagej(folder: Path) -> Path:
    text = "ImageJ=1.53t\nimages=1000000000\nslices=1000000000\n"
    tifffile.imwrite(folder / "x.tif", PIXELS, description=text.encode(), metadata=None)
    return folder / "x.tif"


def shaped(folder: Path) -> Path:
    text = '{"shape": [1000000000, 48, 40]}'
    tifffile.imwrite(folder / "x.tif", PIXELS, description=text.encode(), metadata=None)
    return folder / "x.tif"


def directories(folder: Path, count: int, children: Callable[[int], list[int]]) -> Path:
    """A TIFF of many pages that share their pixels; each may have other directories below it."""
    start, pixel, size = 16, 8, 2 + 9 * 12 + 4
    content = bytearray(struct.pack("<2sHI", b"II", 42, start)) + bytes(8)
    lists = start + count * size
    below = bytearray()
    for page in range(count):
        offsets = children(start + page * size)
        where = lists + len(below) if len(offsets) != 1 else offsets[0]
        below += struct.pack(f"<{len(offsets)}I", *offsets)
        tags = [
            (256, 3, 1, 1), (257, 3, 1, 1 + page % 2), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, 1, pixel), (278, 3, 1, 2), (279, 4, 1, 1 + page % 2), (330, 4, len(offsets), where),
        ]  # fmt: skip
        content += struct.pack("<H", 9) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        content += struct.pack("<I", start + (page + 1) * size if page + 1 < count else 0)
    (folder / "x.tif").write_bytes(bytes(content + below))
    return folder / "x.tif"


def huge_jpeg(folder: Path) -> Path:
    """The header of a JPEG that says 65,000 x 30,000, before too few pixels."""
    Image.new("RGB", (16, 16)).save(folder / "x.jpg")
    content = (folder / "x.jpg").read_bytes()
    at = content.index(b"\xff\xc0") + 5
    (folder / "x.jpg").write_bytes(content[:at] + struct.pack(">HH", 30_000, 65_000) + content[at + 4 :])
    return folder / "x.jpg"


def huge_png(folder: Path, bits: int, colour: int) -> Path:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 40_000, 40_000, bits, colour, 0, 0, 0)
    pixels = zlib.compress(bytes(10**7))
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    (folder / "x.png").write_bytes(whole)
    return folder / "x.png"


def device(folder: Path, name: str) -> Path:
    (folder / name).symlink_to("/dev/zero")
    return folder / name


def pipe(folder: Path, name: str) -> Path:
    os.mkfifo(folder / name)
    return folder / name


FILES: dict[str, tuple[Make, str]] = {
    "metadata of 3 GB": (lambda f: large_file(f, "zarr.json"), "at most 33,554,432 bytes"),
    "other metadata of 3 GB": (lambda f: large_file(f, ".zattrs"), "at most|OK"),
    "chunk of 3 GB": (lambda f: large_file(f, "c/0/0"), r"c/0/0 of x\.zarr has 3,000,000,000 bytes"),
    "chunk that is a pipe": (lambda f: replaced(f, "c/0/0", None), "is a pipe or a device"),
    "chunk without end": (lambda f: replaced(f, "c/0/0", "/dev/zero"), "is a pipe or a device"),
    "metadata that is a pipe": (lambda f: replaced(f, "zarr.json", None), "no zarr|a folder"),
    "metadata without end": (lambda f: replaced(f, "zarr.json", "/dev/zero"), "no zarr|a folder"),
    "gzip": (lambda f: replaced(f, "c/0/0", ZEROS["gzip"], compressors=GzipCodec()), "unpacks to more than"),
    "zstd": (lambda f: replaced(f, "c/0/0", ZEROS["zstd"], compressors=ZstdCodec()), "unpacks to more than"),
    "blosc": (lambda f: replaced(f, "c/0/0", ZEROS["blosc"], compressors=BloscCodec()), "unpacks to more"),
    "shard": (lambda f: shard_full_of(f, ZEROS["gzip"]), "unpacks to more than"),
    "index of 10^10": (
        lambda f: changed(f, huge_shards, shards=(48, 40)), "is divided into 10,000,000,000 chunks, and"
    ),
    "chunk of 20 GB": (lambda f: changed(f, huge_chunks), "a chunk of x.zarr has 18.6 GiB"),
    "100,000 levels": (many_levels, "has 100,000 resolution levels, and at most 64"),
    "chunks of one pixel": (single_pixels, "stored in chunks of 1 x 1 pixels, .* at most 16,384"),
    "SizeT of 10^9": (lambda f: ome(f, 'SizeZ="1" SizeT="1000000000"', ONE), "1,000,000,000 planes, and at"),
    "sizes of 10^5": (lambda f: ome(f, 'SizeZ="100000" SizeT="100000"', ONE), "10,000,000,000 planes"),
    "PlaneCount of 10^9": (
        lambda f: ome(f, 'SizeZ="1" SizeT="2"', '<TiffData PlaneCount="1000000000"/>'), "at most 2,097,152"
    ),
    "lifetimes without end": (lambda f: ome(f, 'SizeZ="1" SizeT="2"', ONE, MODULO), "at most 2,097,152"),
    "images without end": (
        lambda f: ome(f, 'SizeZ="1" SizeT="900000"', ONE, 2 * IMAGE),
        "2,700,000 planes, and at most 2,097,152",
    ),
    "name that only ends so": (
        lambda f: ome(f, 'SizeZ="1" SizeT="1"', ONE, 3 * IMAGE.replace("Pixels", "MyPixels")),
        "2,700,001 planes",
    ),
    "pipe of another image": (pipe_of_another_image, r"other\.tif is a pipe or a device"),
    "200,000 pages in another file": (beside_many_pages, "within 15|damaged|OK"),
    "beside a pipe": (beside_a_pipe, r"other\.tif is a pipe or a device"),
    "ImageJ's images": (imagej, "damaged|OK"),
    "shape in JSON": (shaped, "damaged|OK"),
    "SubIFDs of themselves": (lambda f: directories(f, 2, lambda own: [own] * 100_000), "within 15|OK"),
    "SubIFD of each page": (lambda f: directories(f, 60_000, lambda own: [own]), "within 15|OK"),
    "200,000 pages": (lambda f: directories(f, 200_000, lambda own: []), "within 15|OK"),
    "large JPEG": (huge_jpeg, r"^x\.jpg has 65,000 x 30,000 pixels and can only be read whole"),
    "one bit": (lambda f: huge_png(f, 1, 0), "40,000 x 40,000 pixels"),
    "16 bit colours": (lambda f: huge_png(f, 16, 2), r"^x\.png has 40,000 x 40,000"),
    "TIFF without end": (lambda f: device(f, "x.tif"), "is a pipe or a device"),
    "picture that is a pipe": (lambda f: pipe(f, "x.png"), "is a pipe or a device"),
}  # fmt: skip


RUNNER = """
import json, os, resource, signal, sys, traceback
import numpy as np
import psutil
from napari_srgan.errors import UserError
from napari_srgan.images.address import place_of
from napari_srgan.images.formats import open_image
from napari_srgan.images.pictures import still
from napari_srgan.images.tiff import read as tiff_read
from napari_srgan.images.zarr import read as zarr_read

def look(path):
    with open_image(place_of(path)) as image:
        np.asarray(image.data[tuple(slice(0, min(size, 600)) for size in image.data.shape)])
    return "OK"

for path in sys.argv[3:]:
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(int(sys.argv[2]))
        # The libraries themselves, above all torch, take several GB of addresses.
        resource.setrlimit(resource.RLIMIT_AS, (psutil.Process().memory_info().vms + int(sys.argv[1]),) * 2)
        try:
            said = look(path)
        except UserError as error:
            said = str(error)
        except BaseException:
            said = traceback.format_exc()
        os.write(write, said.encode()[-3000:])
        os._exit(0)
    os.close(write)
    said = open(read).read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps(said if status == 0 else f"ended with {status}"), flush=True)
"""
"""Opens each image and reads where a tile would be read, in a process with little memory and time."""


class Endless(BaseHTTPRequestHandler):
    """Sends the files of a zarr array, and then something without end."""

    def do_GET(self) -> None:
        case, _, key = self.path.lstrip("/").partition("/")
        if key not in ("zarr.json", "c/0/0"):
            self.send_error(404)
            return
        self.send_response(200)
        if key == "zarr.json" and case != "metadata":
            content = METADATA
            self.send_header("Content-Length", str(len(content)))
        else:
            content = bytes(2**20)
            if case == "claimed":
                self.send_header("Content-Length", str(3 * 10**9))
            if case == "packed":
                self.send_header("Content-Encoding", "gzip")
                content = ZEROS["gzip"]
        self.end_headers()
        if key == "c/0/0" or case == "metadata":
            with suppress(OSError):
                for _ in range(3000):
                    self.wfile.write(content)
        elif key == "zarr.json":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


METADATA = json.dumps(
    zarr.create_array({}, shape=(48, 40), chunks=(24, 40), dtype="u2", compressors=None).metadata.to_dict(),
    default=str,
).encode()
ADDRESSES = {
    "metadata": "zarr.json of metadata has more bytes than it should have, and at most",
    "chunk": "c/0/0 of chunk has more bytes than it should have, and at most",
    "claimed": "c/0/0 of claimed has more bytes than it should have, and at most",
    "packed": "c/0/0 of packed has more bytes than it should have, and at most",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each file and address."""
    places = {kind: str(make(tmp_path_factory.mktemp("file"))) for kind, (make, _) in FILES.items()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    places |= {case: f"http://127.0.0.1:{server.server_port}/{case}" for case in ADDRESSES}
    command = [sys.executable, "-c", RUNNER, str(MEMORY), str(SECONDS), *places.values()]
    done = subprocess.run(command, capture_output=True, text=True)
    server.shutdown()
    server.server_close()
    thread.join()
    assert done.returncode == 0, done.stderr
    return dict(zip(places, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("kind", FILES)
def test_files_that_want_everything_get_a_sentence(kind: str, said: dict[str, str]) -> None:
    assert re.search(FILES[kind][1], said[kind]), said[kind]
    assert "Traceback" not in said[kind]


@pytest.mark.parametrize("case", ADDRESSES)
def test_servers_that_send_without_end_get_a_sentence(case: str, said: dict[str, str]) -> None:
    assert ADDRESSES[case] in said[case]


@pytest.mark.parametrize("codec", sorted(PACKERS))
@given(content=st.binary(max_size=3000), cut=st.integers(0, 100))
def test_what_is_as_declared_is_never_refused(codec: str, content: bytes, cut: int) -> None:
    packed = bytes(numcodecs.get_codec({"id": codec}).encode(content))
    assert not unpacks_beyond(codec, packed, len(content))
    assert len(content) == 0 or unpacks_beyond(codec, packed, len(content) - 1) or codec == "zstd"
    unpacks_beyond(codec, packed[:cut], len(content))  # what is cut off is left to others


@pytest.mark.parametrize(
    "compressors", [None, GzipCodec(), ZstdCodec(), ZstdCodec(checksum=True), BloscCodec()]
)
@pytest.mark.parametrize("shards", [None, (48, 40)])
def test_arrays_as_they_should_be_are_read(compressors: Any, shards: Any, tmp_path: Path) -> None:
    zarr3(tmp_path, compressors=compressors, shards=shards)
    with open_image(tmp_path / "x.zarr") as image:
        np.testing.assert_array_equal(image.data[:], PIXELS)
        np.testing.assert_array_equal(image.data[30:40, 3:5], PIXELS[30:40, 3:5])


def test_arrays_that_are_packed_twice_are_refused(tmp_path: Path) -> None:
    zarr3(tmp_path, compressors=[GzipCodec(), ZstdCodec()])
    with pytest.raises(UserError, match=r"not read here \(bytes, then gzip, then zstd\)"):
        open_image(tmp_path / "x.zarr")


class Anything(numcodecs.abc.Codec):  # type: ignore[misc]
    """A codec that another program has registered in this process, as imagecodecs can."""

    codec_id = "napari-srgan-test-anything"

    def encode(self, buf: Any) -> Any:
        return buf

    def decode(self, buf: Any, out: Any = None) -> Any:
        raise AssertionError("it was asked to unpack")


RAW = {"id": "lzma", "format": lzma.FORMAT_RAW, "filters": [{"id": lzma.FILTER_LZMA2}]}
SOMETHING_ELSE = [
    ({"compressor": {"id": Anything.codec_id}}, r"\(napari-srgan-test-anything\)"),
    ({"compressor": RAW}, r"\(lzma as it is set\)"),
    (
        {"filters": [{"id": "astype", "encode_dtype": "<u2", "decode_dtype": "|V99999"}]},
        r"\(astype as it is set\)",
    ),
    ({"filters": [{"id": "delta", "dtype": "|S99999", "astype": "<u2"}]}, r"\(delta as it is set\)"),
    ({"filters": [{"id": "pickle"}]}, "damaged"),
    (
        {"dtype": "|O", "fill_value": None, "filters": [{"id": "vlen-utf8"}, {"id": "pickle"}]},
        "no brightness",
    ),
]


@pytest.mark.parametrize(("told", "words"), SOMETHING_ELSE)
def test_codecs_that_may_do_anything_are_never_asked(
    tmp_path: Path, told: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(numcodecs.registry.codec_registry, Anything.codec_id, Anything)
    options = {"zarr_format": 2, "compressors": None}
    zarr.create_array(tmp_path / "x.zarr", data=PIXELS, chunks=(24, 40), **options)
    file = tmp_path / "x.zarr" / ".zarray"
    file.write_text(json.dumps(json.loads(file.read_text()) | told))
    (tmp_path / "x.zarr" / "0.0").write_bytes(b"cos\nabort\n(tR.")  # a pickle that would end the process
    with pytest.raises(UserError, match=words), open_image(tmp_path / "x.zarr") as image:
        image.data[:]


@pytest.mark.parametrize("wrong", ["zfpy", "pcodec"])
def test_codecs_that_are_not_installed_are_named(tmp_path: Path, wrong: str) -> None:
    path = changed(tmp_path, lambda metadata: metadata["codecs"].append({"name": f"numcodecs.{wrong}"}))
    with pytest.raises(UserError, match=wrong):
        open_image(path)


def test_filters_of_numbers_are_read(tmp_path: Path) -> None:
    filters = [
        numcodecs.Delta("<u2"), numcodecs.FixedScaleOffset(0, 1, "<u2"), numcodecs.AsType("<u4", "<u2"),
        numcodecs.Shuffle(4), numcodecs.CRC32(),
    ]  # fmt: skip
    options = {"zarr_format": 2, "filters": filters, "compressors": numcodecs.LZMA()}
    zarr.create_array(tmp_path / "x.zarr", data=PIXELS, chunks=(24, 40), **options)
    with open_image(tmp_path / "x.zarr") as image:
        np.testing.assert_array_equal(image.data[:], PIXELS)


@pytest.mark.parametrize("between", [b"", bytes(1000)])
def test_a_second_stream_counts_too(between: bytes) -> None:
    small = bytes(numcodecs.GZip().encode(b"1"))
    assert unpacks_beyond("gzip", small + between + ZEROS["gzip"], 2**20)
    assert not unpacks_beyond("gzip", small + between + small, 2)


def test_lzma_that_wants_a_dictionary_of_gigabytes() -> None:
    packed = lzma.compress(b"1", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 2**30}])
    assert unpacks_beyond("lzma", packed, 2**20)
    assert not unpacks_beyond("lzma", lzma.compress(b"1", preset=9), 2**20)
