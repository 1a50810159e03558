"""A download ends with the whole, true file or with none, and goes on where it stopped."""

from __future__ import annotations

import errno
import gzip
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model_server import ModelServer, index_entry, model_server
from napari_srgan.errors import UserError
from napari_srgan.models import ModelCard, RemoteModel, download_job, list_models, load_model, save_model
from napari_srgan.models.library.transfer import transfer
from napari_srgan.progress import Job, Progress

PATIENT = 60.0
"""Seconds: longer than any stall of the machine the tests run on."""


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as running:
        yield running


@pytest.fixture
def card(tiny_model: Any, tmp_path: Path) -> ModelCard:
    model = tiny_model(name="far", width=32)
    save_model(model, tmp_path / "far.safetensors")
    card: ModelCard = model.card
    return card


@pytest.fixture
def content(card: ModelCard, tmp_path: Path) -> bytes:
    """The bytes of a model, several times what is taken at once."""
    content = (tmp_path / "far.safetensors").read_bytes()
    assert len(content) > 100_000
    return content


@pytest.fixture
def remote(server: ModelServer, card: ModelCard, content: bytes) -> RemoteModel:
    """The entry of an honest index for a model that the server serves well."""
    return RemoteModel(**index_entry(card, content, server.serve("/far.safetensors", content)))


def finish(job: Job[Any]) -> tuple[Any, list[Progress]]:
    steps = []
    while True:
        try:
            steps.append(next(job))
        except StopIteration as end:
            return end.value, steps


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def part_of(remote: RemoteModel) -> str:
    return f"far.{remote.sha256[:12]}.part"


def close_after_bytes(job: Job[Any]) -> None:
    """Cancel a job as soon as something has come."""
    for step in job:
        if step.done:
            break
    job.close()


def test_a_model_is_downloaded_and_in_the_library(
    remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    card, steps = finish(download_job(remote, timeout=PATIENT))
    assert card == remote.card
    assert names(library_folder) == ["far.safetensors"]
    assert (library_folder / "far.safetensors").read_bytes() == content
    assert "far" in [card.name for card in list_models()]
    assert load_model("far").card == card
    assert {step.total for step in steps} == {len(content)}
    assert steps[-1].fraction == 1


def test_a_redirect_is_followed(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/elsewhere", content)
    server.serve("/far.safetensors", b"moved", status=302, location="/elsewhere")
    finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == ["far.safetensors"]


def test_redirects_without_end_are_refused(
    server: ModelServer, remote: RemoteModel, library_folder: Path
) -> None:
    server.serve("/far.safetensors", b"", status=302, location="/far.safetensors")
    with pytest.raises(UserError, match="redirected without end"):
        finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == []


def test_a_redirect_to_a_file_is_refused(
    server: ModelServer, remote: RemoteModel, library_folder: Path
) -> None:
    server.serve("/far.safetensors", b"", status=302, location="file:///etc/passwd")
    with pytest.raises(UserError, match="cannot be fetched"):
        finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == []


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_cancelled_download_goes_on(
    ranges: bool, server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", content, stall_after=50_000)
    close_after_bytes(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == [part_of(remote)]
    have = (library_folder / part_of(remote)).stat().st_size
    assert 0 < have <= 50_000
    assert "far" not in [card.name for card in list_models()]

    server.serve("/far.safetensors", content, ranges=ranges)
    finish(download_job(remote, timeout=PATIENT))
    assert server.asked[-1] == ("/far.safetensors", f"bytes={have}-")
    assert names(library_folder) == ["far.safetensors"]
    assert (library_folder / "far.safetensors").read_bytes() == content


def test_a_download_cancelled_before_anything_came_leaves_nothing(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", content, stall_after=0)
    job = download_job(remote, timeout=PATIENT)
    assert next(job).done == 0
    job.close()
    assert names(library_folder) == []


@pytest.fixture
def silent_address() -> Iterator[str]:
    """The address of a server that takes every connection and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/far.safetensors"


def test_a_download_is_cancelled_at_once_although_the_server_does_not_answer(
    silent_address: str, remote: RemoteModel, library_folder: Path
) -> None:
    job = download_job(remote.model_copy(update={"address": silent_address}), timeout=PATIENT)
    began = time.monotonic()
    assert [next(job).done for _ in range(3)] == [0, 0, 0]
    job.close()
    assert time.monotonic() - began < PATIENT / 4
    assert names(library_folder) == []


def test_a_server_that_does_not_answer_is_given_up(
    silent_address: str, remote: RemoteModel, library_folder: Path
) -> None:
    with pytest.raises(UserError, match=r"nothing came from http://127.* for 0.3 seconds, after 0 of"):
        finish(download_job(remote.model_copy(update={"address": silent_address}), timeout=0.3))
    assert names(library_folder) == []


def test_a_server_that_compresses_all_the_same_is_understood(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", gzip.compress(content), encoding="gzip")
    finish(download_job(remote, timeout=PATIENT))
    assert (library_folder / "far.safetensors").read_bytes() == content
    assert server.accepted[-1] == "identity"


def test_a_small_answer_that_unpacks_to_too_much_is_stopped(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", gzip.compress(bytes(100 * len(content))), encoding="gzip")
    with pytest.raises(UserError, match="sends more than"):
        finish(download_job(remote, timeout=PATIENT))
    assert (library_folder / part_of(remote)).stat().st_size <= len(content)


def test_a_server_that_stalls_is_given_up_and_gone_on_with_later(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", content, stall_after=50_000)
    with pytest.raises(UserError, match=r"nothing came from http://127.* for 0.3 seconds, after \d+ of"):
        finish(download_job(remote, timeout=0.3))
    assert names(library_folder) == [part_of(remote)]
    server.serve("/far.safetensors", content)
    finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == ["far.safetensors"]


def test_a_connection_that_breaks_off_is_gone_on_with(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", content, break_after=50_000)
    with pytest.raises(UserError, match=r"broke off after \d+ of \d+ bytes; .* place it as far.safetensors"):
        finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == [part_of(remote)]
    server.serve("/far.safetensors", content)
    finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == ["far.safetensors"]


def test_a_server_that_goes_on_elsewhere_is_asked_from_the_start(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    (library_folder / part_of(remote)).write_bytes(content[:1000])
    server.serve("/far.safetensors", content, range_shift=7)
    finish(download_job(remote, timeout=PATIENT))
    assert [asked for _, asked in server.asked] == ["bytes=1000-", ""]
    assert (library_folder / "far.safetensors").read_bytes() == content


def test_a_part_that_the_server_knows_nothing_of_is_replaced(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    (library_folder / part_of(remote)).write_bytes(content[:1000])
    server.serve("/far.safetensors", b"short")
    with pytest.raises(UserError, match="has 5 bytes, the index says"):
        finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == []


def test_a_whole_part_is_not_fetched_again(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    (library_folder / part_of(remote)).write_bytes(content)
    finish(download_job(remote, timeout=PATIENT))
    assert server.asked == []
    assert names(library_folder) == ["far.safetensors"]


def test_a_part_that_is_too_long_is_fetched_again(
    remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    (library_folder / part_of(remote)).write_bytes(content + b"more")
    finish(download_job(remote, timeout=PATIENT))
    assert (library_folder / "far.safetensors").read_bytes() == content


def flip(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


LIES: dict[str, tuple[Any, str]] = {
    "other bytes": (lambda c: {"content": flip(c)}, "SHA-256 is [0-9a-f]{64}, expected [0-9a-f]{64}"),
    "less": (lambda c: {"content": c[:-9]}, r"has \d+ bytes, the index says \d+; the file was deleted"),
    "less, without a length": (lambda c: {"content": c[:-9], "claimed": -1}, "the index says"),
    "more": (lambda c: {"content": c + b"more"}, "sends more than"),
    "more, without a length": (lambda c: {"content": c + bytes(99_999), "claimed": -1}, "sends more than"),
    "a larger length": (lambda c: {"content": c, "claimed": 10**15}, "sends more than"),
    "a smaller length": (lambda c: {"content": c, "claimed": len(c) - 9}, "the index says"),
    "a length that is none": (lambda c: {"content": flip(c), "claimed": "many"}, "cannot be fetched"),
    "nothing": (lambda c: {"content": b""}, "has 0 bytes"),
    "no content": (lambda c: {"content": b"", "status": 204}, "has 0 bytes"),
    "several choices": (lambda c: {"content": c, "status": 300}, "answered 300"),
    "not there": (lambda c: {"content": b"", "status": 404}, "answered 404 Not Found"),
    "forbidden": (lambda c: {"content": b"", "status": 403}, "answered 403 Forbidden"),
    "broken": (lambda c: {"content": b"", "status": 500}, "answered 500 Internal Server Error"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_the_promised_file_is_refused_and_deleted(
    lie: str, server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    answer, message = LIES[lie]
    server.serve("/far.safetensors", **answer(content))
    with pytest.raises(UserError, match=message) as caught:
        finish(download_job(remote, timeout=PATIENT))
    assert "\n" not in str(caught.value)
    assert remote.address in str(caught.value)
    assert not (library_folder / "far.safetensors").exists()
    assert "far" not in [card.name for card in list_models()]
    if "more" not in lie:
        assert names(library_folder) == []


def test_a_file_that_is_no_model_is_refused_and_deleted(
    server: ModelServer, card: ModelCard, library_folder: Path
) -> None:
    content = b"no model" * 99
    remote = RemoteModel(**index_entry(card, content, server.serve("/far.safetensors", content)))
    with pytest.raises(UserError, match="downloaded but is no model, and was deleted"):
        finish(download_job(remote, timeout=PATIENT))
    assert names(library_folder) == []


@pytest.mark.parametrize("field", ["scale_factor", "channels"])
def test_a_model_with_another_card_is_refused_and_deleted(
    field: str, remote: RemoteModel, library_folder: Path
) -> None:
    promised = remote.model_copy(update={"card": remote.card.model_copy(update={field: 4})})
    with pytest.raises(UserError, match=f"its card has {field.replace('_', ' ')} . where the index has 4"):
        finish(download_job(promised, timeout=PATIENT))
    assert names(library_folder) == []


def test_a_name_that_is_taken_is_refused_before_anything_is_fetched(
    server: ModelServer, remote: RemoteModel, tiny_model: Any, library_folder: Path
) -> None:
    save_model(tiny_model(), library_folder / "FAR.safetensors")
    with pytest.raises(UserError, match="there is a model 'FAR' already"):
        finish(download_job(remote, timeout=PATIENT))
    assert server.asked == []


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_a_closed_port_is_named_with_what_to_do_by_hand(remote: RemoteModel, library_folder: Path) -> None:
    address = f"http://127.0.0.1:{closed_port()}/far.safetensors"
    offline = remote.model_copy(update={"address": address})
    with pytest.raises(UserError, match=r"cannot be reached .*is this computer online") as caught:
        finish(download_job(offline, timeout=PATIENT))
    assert address in str(caught.value)
    assert f"place it as far.safetensors in {library_folder}" in str(caught.value)
    assert names(library_folder) == []


def test_a_computer_without_a_network_is_told_so(
    remote: RemoteModel, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*_: object, **__: object) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    offline = remote.model_copy(update={"address": "https://models.example/far.safetensors"})
    with pytest.raises(UserError, match=r"models\.example.*Name or service not known.*online"):
        finish(download_job(offline, timeout=PATIENT))
    assert names(library_folder) == []


def test_a_server_without_a_secure_connection_is_named(
    server: ModelServer, remote: RemoteModel, library_folder: Path
) -> None:
    address = server.address.replace("http:", "https:") + "/far.safetensors"
    with pytest.raises(UserError, match=f"no secure connection to {address} can be made"):
        finish(download_job(remote.model_copy(update={"address": address}), timeout=PATIENT))
    assert names(library_folder) == []


@pytest.mark.parametrize("host", ["127.0.0.1:99999", "127.0.0.1:x", "exa mple", "a..b", "*", "%00", "[::g]"])
def test_an_address_that_is_none_is_named(host: str, remote: RemoteModel, library_folder: Path) -> None:
    odd = remote.model_copy(update={"address": f"http://{host}/far.safetensors"})
    with pytest.raises(UserError, match=r"far\.safetensors") as caught:
        finish(download_job(odd, timeout=PATIENT))
    assert "\n" not in str(caught.value)
    assert names(library_folder) == []


def test_a_proxy_that_is_not_there_is_named(
    remote: RemoteModel, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    behind = remote.model_copy(update={"address": "http://models.example/far.safetensors"})
    with pytest.raises(UserError, match=r"the proxy on the way to http://models.example"):
        finish(download_job(behind, timeout=PATIENT))
    assert names(library_folder) == []


def test_a_proxy_that_refuses_is_named(
    server: ModelServer, remote: RemoteModel, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    monkeypatch.setenv("NO_PROXY", "")
    behind = remote.model_copy(update={"address": "https://models.example/far.safetensors"})
    with pytest.raises(UserError, match=r"the proxy on the way to https://models.example.*403 Not for you\)"):
        finish(download_job(behind, timeout=PATIENT))
    assert names(library_folder) == []


def test_passwords_in_addresses_are_not_shown(remote: RemoteModel) -> None:
    secret = remote.model_copy(update={"address": f"http://me:secret@127.0.0.1:{closed_port()}/far"})
    with pytest.raises(UserError, match="cannot be reached") as caught:
        finish(download_job(secret, timeout=PATIENT))
    assert "secret" not in str(caught.value)


class FullDisk(io.BytesIO):
    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told(server: ModelServer, content: bytes) -> None:
    address = server.serve("/far.safetensors", content)
    job = transfer(address, FullDisk(), len(content), message="", advice="make room", timeout=PATIENT)
    with pytest.raises(UserError, match=r"cannot be written .*No space left on device.*make room"):
        finish(job)


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    server: ModelServer, remote: RemoteModel, library_folder: Path
) -> None:
    huge = remote.model_copy(update={"size": 1 << 62})
    with pytest.raises(UserError, match=r"has room for .* MB, the download needs"):
        finish(download_job(huge, timeout=PATIENT))
    assert server.asked == []
    assert names(library_folder) == []


def test_a_folder_that_cannot_be_made_is_named(
    remote: RemoteModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NAPARI_SRGAN_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(UserError, match=r"the folder of models .* cannot be made"):
        finish(download_job(remote, timeout=PATIENT))


def test_a_part_that_cannot_be_opened_is_named(remote: RemoteModel, library_folder: Path) -> None:
    (library_folder / part_of(remote)).mkdir()
    with pytest.raises(UserError, match=r"part cannot be written.*place it as far\.safetensors"):
        finish(download_job(remote, timeout=PATIENT))


KILLED = """
import sys
from napari_srgan.models import RemoteModel, download_job
for step in download_job(RemoteModel.model_validate_json(sys.argv[1])):
    if step.done:
        print(step.done, flush=True)
"""


def test_a_killed_process_is_gone_on_with(
    server: ModelServer, remote: RemoteModel, content: bytes, library_folder: Path
) -> None:
    server.serve("/far.safetensors", content, stall_after=50_000)
    command = [sys.executable, "-c", KILLED, remote.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ.copy()) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.kill()
    assert names(library_folder) == [part_of(remote)]
    have = (library_folder / part_of(remote)).stat().st_size
    server.serve("/far.safetensors", content)
    finish(download_job(remote, timeout=PATIENT))
    assert server.asked[-1] == ("/far.safetensors", f"bytes={have}-")
    assert (library_folder / "far.safetensors").read_bytes() == content
    assert names(library_folder) == ["far.safetensors"]


def test_one_file_is_downloaded_by_one_job_at_a_time(remote: RemoteModel, library_folder: Path) -> None:
    first, second = download_job(remote, timeout=PATIENT), download_job(remote, timeout=PATIENT)
    next(first)
    with pytest.raises(UserError, match="far is being downloaded already"):
        next(second)
    for _ in first:
        pass
    assert names(library_folder) == ["far.safetensors"]
    with pytest.raises(UserError, match="there is a model 'far' already"):
        next(download_job(remote, timeout=PATIENT))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows itself keeps others from a file that is open")
def test_another_process_downloads_the_same_file(remote: RemoteModel, library_folder: Path) -> None:
    import fcntl

    part = library_folder / part_of(remote)
    with part.open("wb") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="far is being downloaded already"):
            next(download_job(remote, timeout=PATIENT))
    for _ in download_job(remote, timeout=PATIENT):
        pass
    assert names(library_folder) == ["far.safetensors"]
