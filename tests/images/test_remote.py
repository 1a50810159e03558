"""Images at addresses, from a real server on this machine."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
import zarr
from fsspec import AbstractFileSystem

from loopback import LoopbackServer, nobody
from napari_srgan import UserError, upscale
from napari_srgan.images.address import Address, place_of
from napari_srgan.images.arrays import SourceGone
from napari_srgan.images.formats import open_image
from napari_srgan.images.remote import files as remote_files
from napari_srgan.images.remote import store as remote_store
from napari_srgan.images.stored_image import StoredImage

IMAGE = np.random.default_rng(0).integers(100, 4000, (2, 70, 90), dtype=np.uint16)
KINDS: dict[str, dict[str, Any]] = {
    "v3": {}, "v2": {"zarr_format": 2}, "shards": {"shards": (1, 64, 64)},
}  # fmt: skip


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_store, "PAUSES", (0.0, 0.01))
    monkeypatch.setattr(remote_files, "PATIENCE", 0.3)
    monkeypatch.setattr(remote_store, "PATIENCE", 0.3)
    monkeypatch.setattr(remote_store, "RESPITE", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LoopbackServer]:
    folder = tmp_path / "served"
    for name, options in KINDS.items():
        zarr.create_array(folder / f"{name}.zarr", data=IMAGE, chunks=(1, 32, 32), **options)
    with LoopbackServer(folder) as server:
        yield server
    gc.collect()  # a connection that was not closed is an error here


def opened(server: LoopbackServer, name: str = "v3.zarr") -> StoredImage:
    return open_image(place_of(f"{server.address}/{name}"))


@pytest.mark.parametrize("kind", KINDS)
def test_parts_and_the_whole(server: LoopbackServer, kind: str) -> None:
    with opened(server, f"{kind}.zarr") as image:
        assert (image.axes, image.data.shape, image.data.dtype) == ("QYX", IMAGE.shape, IMAGE.dtype)
        np.testing.assert_array_equal(image.data[1, 20:60, 30:80], IMAGE[1, 20:60, 30:80])
        np.testing.assert_array_equal(image.data[:], IMAGE)
        image.still_there()


def test_a_chunk_is_asked_for_once(server: LoopbackServer) -> None:
    with opened(server) as image:
        for x in range(0, 60, 5):
            np.testing.assert_array_equal(image.data[0, :60, x : x + 20], IMAGE[0, :60, x : x + 20])
    chunks = [path for path in server.asked if "/c/" in path]
    assert len(chunks) == len(set(chunks))


def test_what_follows_a_question_mark_goes_with_each_request_and_is_never_shown(
    server: LoopbackServer,
) -> None:
    place = place_of(f"{server.address}/v3.zarr?key=secret")
    with open_image(place) as image:
        np.testing.assert_array_equal(image.data[:], IMAGE)
    assert all("?key=secret" in path for path in server.asked)
    assert "secret" not in f"{place} {place!r} {image.path}"


def test_missing_chunks_are_empty_while_the_image_is_there(server: LoopbackServer, tmp_path: Path) -> None:
    (tmp_path / "served/v3.zarr/c/0/0/0").unlink()
    expected = IMAGE.copy()
    expected[0, :32, :32] = 0
    with opened(server) as image:
        np.testing.assert_array_equal(image.data[:], expected)


@pytest.mark.parametrize("status", [403, 404, 500, 503, "silent", "half"])
def test_a_server_that_gives_no_more_is_never_an_empty_image(
    server: LoopbackServer, status: int | str
) -> None:
    with opened(server) as image:
        server.answer = lambda path: status
        with pytest.raises(SourceGone, match=rf"{server.address}/v3\.zarr"):
            image.data[:]
        with pytest.raises(UserError, match=rf"{server.address}/v3\.zarr"):
            image.still_there()
        server.answer = lambda path: None
        np.testing.assert_array_equal(image.data[:], IMAGE)


def test_one_chunk_that_is_not_given_is_named_and_others_are_read(server: LoopbackServer) -> None:
    server.answer = lambda path: 500 if path.endswith("c/0/1/1") else None
    with opened(server) as image:
        with pytest.raises(UserError, match=r"answered 500 for c/0/1/1 of .*, 3 times") as told:
            image.data[:]
        assert not isinstance(told.value, SourceGone)
        np.testing.assert_array_equal(image.data[1], IMAGE[1])


def test_what_passes_is_waited_for(server: LoopbackServer) -> None:
    seen: set[str] = set()

    def once(path: str) -> int | None:
        first = path not in seen
        seen.add(path)
        return 503 if first else None

    server.answer = once
    with opened(server) as image:
        np.testing.assert_array_equal(image.data[:], IMAGE)


METADATA = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("v3", 401), ("v3", 403), ("v2", 403), ("shards", 403), ("v3", 410), ("v2", 451), ("shards", 500)],
)
def test_a_store_that_keeps_its_chunks_to_itself_is_no_black_image(
    server: LoopbackServer, kind: str, status: int, tiny_model: Any, tmp_path: Path
) -> None:
    server.answer = lambda path: None if path.endswith(METADATA) else status
    options = {"axes": "TYX", "device": "cpu", "tile": 32, "progress": False}
    with opened(server, f"{kind}.zarr") as image:
        with pytest.raises(UserError, match=r"(\d\.\d\.\d|c/\d/\d/\d) of ") as told:
            image.data[:]
        assert f"{server.address}/{kind}.zarr" in str(told.value)
        assert str(status) in str(told.value)
    with pytest.raises(UserError, match=str(status)):
        upscale(f"{server.address}/{kind}.zarr", tiny_model(), out=tmp_path / "x.zarr", **options)
    assert not (tmp_path / "x.zarr").exists()


def test_servers_that_forbid_what_they_do_not_have(server: LoopbackServer, tmp_path: Path) -> None:
    """Metadata is looked for under several names; a chunk may be missing or withheld, and nobody knows."""
    root = tmp_path / "served"
    server.answer = lambda path: None if (root / path.lstrip("/")).exists() else 403
    with opened(server, "v2.zarr") as image:
        np.testing.assert_array_equal(image.data[:], IMAGE)
    (root / "v2.zarr/0.0.0").unlink()
    with opened(server, "v2.zarr") as image:
        with pytest.raises(UserError, match=r"give 0\.0\.0 of .*403.*allowed to list"):
            image.data[0]
        np.testing.assert_array_equal(image.data[1], IMAGE[1])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (FileNotFoundError("The specified key does not exist."), None),
        (PermissionError("Access Denied"), "refuses to give c/0/0/0 of .*Access Denied"),
        (IsADirectoryError("c/0/0/0"), "c/0/0/0 of .* cannot be reached"),
    ],
)
def test_what_s3_says(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, said: OSError, words: str | None
) -> None:
    """In the errors that s3fs makes of it: only "no such key" is a chunk that was never stored."""
    read = remote_files.RemoteFiles.read

    def answer(files: Any, key: str, *part: int | None, **bounds: int) -> bytes:
        if key == "c/0/0/0":
            raise said
        return read(files, key, *part, **bounds)

    with opened(server) as image:
        monkeypatch.setattr(remote_files.RemoteFiles, "read", answer)
        if words is None:
            assert not image.data[0, :32, :32].any()
        else:
            with pytest.raises(UserError, match=words):
                image.data[0, :32, :32]


def test_metadata_that_is_withheld_is_not_taken_for_missing(server: LoopbackServer, tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "served/group.zarr", zarr_format=2)
    array = group.create_array("0", data=IMAGE[0])
    dataset = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}]}
    group.attrs["multiscales"] = [{"version": "0.4", "axes": ["y", "x"], "datasets": [dataset]}]
    for withheld in (".zattrs", "0/.zarray"):
        server.answer = lambda path, name=withheld: 403 if path.endswith(name) else None
        with pytest.raises(UserError, match=r"refuses to give .*group\.zarr.*403"):
            opened(server, "group.zarr")
    server.answer = lambda path: None
    with opened(server, "group.zarr") as image:
        np.testing.assert_array_equal(image.data[:], array[:])


REFUSED = {
    403: "refuses to give .*403", 401: "refuses to give .*401", 404: "is no zarr array", 500: "answered 500",
    "silent": "did not answer within 0.3 seconds, 3 times",
}  # fmt: skip


@pytest.mark.parametrize("status", REFUSED)
def test_a_server_that_gives_nothing_is_told_in_a_sentence(server: LoopbackServer, status: int | str) -> None:
    server.answer = lambda path: status
    with pytest.raises(UserError, match=REFUSED[status]) as told:
        opened(server)
    assert f"{server.address}/v3.zarr" in str(told.value)


@pytest.mark.parametrize(
    ("answer", "least_rate", "words"),
    [
        ("drops", 2**14, r"the server sends %s too slowly \(\d+ bytes in \d+ seconds\)"),
        ("drops", 1, r"the server sends %s too slowly \(not all of it in [\d.]+ seconds\)"),
        ("slow head", 1, r"the server did not answer within 0\.3 seconds, 3 times, when asked for %s"),
    ],
)
def test_a_server_that_sends_drop_by_drop_is_not_waited_for(
    server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, answer: str, least_rate: int, words: str
) -> None:
    monkeypatch.setattr(remote_files, "LEAST_RATE", least_rate)
    monkeypatch.setattr(remote_store, "WHOLE", 4)
    server.answer = lambda path: answer
    began = time.monotonic()
    with pytest.raises(UserError, match=words % rf"{server.address}/v3\.zarr"):
        opened(server)
    server.answer = lambda path: answer if path.endswith("c/0/1/1") else None
    with opened(server) as image:
        with pytest.raises(UserError, match=words % f"c/0/1/1 of {server.address}/v3.zarr") as told:
            image.data[:]
        assert not isinstance(told.value, SourceGone)
        np.testing.assert_array_equal(image.data[1], IMAGE[1])
        asked = server.asked.count("/v3.zarr/c/0/1/1")
        with pytest.raises(UserError, match=words % f"c/0/1/1 of {server.address}/v3.zarr"):
            image.data[:]
        # Who sends drop by drop is waited for once; who is silent may answer the next time.
        assert (server.asked.count("/v3.zarr/c/0/1/1") == asked) == (answer == "drops")
    assert time.monotonic() - began < 30


class Waiting(AbstractFileSystem):
    """A server of a kind that cannot be told to stop, as those of sftp and smb."""

    protocol = "waiting"
    silent_for: ClassVar[set[str]] = set()
    end: ClassVar[threading.Event] = threading.Event()
    files: ClassVar[dict[str, bytes]] = {}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._wait("connecting")

    def _wait(self, what: str) -> None:
        if what in self.silent_for:
            self.end.wait(20)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        name = path.partition("x.zarr/")[2]
        self._wait(name)
        if name not in self.files:
            raise FileNotFoundError(path)
        return self.files[name][start:end]


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Waiting]]:
    zarr.create_array(tmp_path / "x.zarr", data=IMAGE, chunks=(1, 32, 32))
    files = (file for file in (tmp_path / "x.zarr").rglob("*") if file.is_file())
    found = {file.relative_to(tmp_path / "x.zarr").as_posix(): file.read_bytes() for file in files}
    fsspec.register_implementation("waiting", Waiting, clobber=True)
    monkeypatch.setattr(Waiting, "files", found)
    monkeypatch.setattr(Waiting, "end", threading.Event())
    monkeypatch.setattr(remote_store, "WHOLE", 2)
    monkeypatch.setattr(remote_store, "FOR_METADATA", 2)
    yield Waiting
    Waiting.end.set()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("connecting", r"the server did not answer within 0\.3 seconds, when asked for %s"),
        ("zarr.json", r"the server sends %s too slowly \(not all of it in 0\.6 seconds\)"),
        ("c/0/1/1", r"the server sends c/0/1/1 of %s too slowly \(not all of it in 0\.6 seconds\)"),
    ],
)
def test_servers_that_cannot_be_told_to_stop_are_not_waited_for(
    waiting: type[Waiting], monkeypatch: pytest.MonkeyPatch, what: str, words: str
) -> None:
    with open_image(place_of("waiting://server/x.zarr")) as image:
        np.testing.assert_array_equal(image.data[:], IMAGE)
    monkeypatch.setattr(waiting, "silent_for", {what})
    began = time.monotonic()

    def read_all() -> None:
        with open_image(place_of("waiting://server/x.zarr")) as image:
            np.testing.assert_array_equal(image.data[1], IMAGE[1])
            image.data[:]

    with pytest.raises(UserError, match=words % "waiting://server/x.zarr"):
        read_all()
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    "where", [nobody, lambda: "http://no-such-server.invalid"], ids=["refused", "unknown"]
)
def test_nobody_there(where: Callable[[], str]) -> None:
    address = where()
    with pytest.raises(UserError, match=rf"{address}/x\.zarr cannot be reached"):
        open_image(place_of(f"{address}/x.zarr"))


def test_addresses_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="wxyz:// cannot be read"):
        open_image(place_of("wxyz://server/x.zarr"))
    with pytest.raises(UserError, match=r"get http://server/x\.tif to this machine first"):
        open_image(place_of("http://server/x.tif"))

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Please install gcsfs to access Google Storage")

    monkeypatch.setattr(remote_files, "url_to_fs", missing)
    with pytest.raises(UserError, match="pip install gcsfs"):
        open_image(place_of("gs://bucket/x.zarr"))


def test_memory_and_files_are_addresses_too(tmp_path: Path) -> None:
    store = zarr.storage.FsspecStore.from_url("memory://test-remote/x.zarr")
    zarr.create_array(store, data=IMAGE, chunks=(1, 32, 32))
    with open_image(place_of("memory://test-remote/x.zarr")) as image:
        np.testing.assert_array_equal(image.data[:], IMAGE)
    fsspec.filesystem("memory").rm("test-remote", recursive=True)
    assert place_of((tmp_path / "a b.zarr").as_uri()) == tmp_path / "a b.zarr"


@pytest.mark.parametrize(
    "text", ["x.zarr", "a/b.zarr", "C:/x.zarr", r"C:\x.zarr", "s3:/x.zarr", "odd:name.zarr"]
)
def test_what_is_a_path(text: str) -> None:
    assert place_of(text) == Path(text)


def test_addresses_as_text() -> None:
    place = place_of("https://me:word@server:8000/a/x.ome.zarr/?key=secret")
    assert isinstance(place, Address)
    assert (place.name, str(place)) == ("x.ome.zarr", "https://server:8000/a/x.ome.zarr")
    assert (place / "0").url == "https://me:word@server:8000/a/x.ome.zarr/0?key=secret"
    assert str(place_of("s3://bucket")) == "s3://bucket"


def test_upscaling_from_an_address_is_upscaling(
    server: LoopbackServer, tiny_model: Any, tmp_path: Path
) -> None:
    options = {"axes": "TYX", "device": "cpu", "precision": "float32", "tile": 32, "progress": False}
    out = tmp_path / "out.zarr"
    result = upscale(f"{server.address}/v3.zarr", tiny_model(), out=out, **options)
    np.testing.assert_array_equal(result[:], upscale(IMAGE, tiny_model(), **options))
    with pytest.raises(UserError, match=r"results are written to folders.*s3://bucket/x\.zarr is an address"):
        upscale(f"{server.address}/v3.zarr", tiny_model(), out="s3://bucket/x.zarr", **options)
    with pytest.raises(UserError, match="is an address; say where the result goes"):
        upscale(f"{server.address}/v3.zarr", tiny_model(), **options)


def test_a_run_that_lost_its_server_goes_on_when_it_is_back(
    server: LoopbackServer, tiny_model: Any, tmp_path: Path
) -> None:
    options = {"axes": "TYX", "device": "cpu", "precision": "float32", "tile": 32, "progress": False}
    out = tmp_path / "out.zarr"
    served = f"{server.address}/v3.zarr"

    def after_the_first_block(path: str) -> str | None:
        looked = sum(path.endswith("zarr.json") for path in server.asked)
        return "silent" if looked > 4 else None

    server.answer = after_the_first_block
    with pytest.raises(UserError, match=r"did not answer.*what is done is kept"):
        upscale(served, tiny_model(), out=out, **options)
    assert not out.exists()
    assert list(tmp_path.glob(".partial-out.zarr/out.zarr/c/*"))
    server.answer = lambda path: None
    result = upscale(served, tiny_model(), out=out, **options)
    np.testing.assert_array_equal(result[:], upscale(IMAGE, tiny_model(), **options))
