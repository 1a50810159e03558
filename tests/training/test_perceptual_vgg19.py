"""VGG19's weights from a server: there, missing, damaged, and brought by hand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
import torch
from torchvision.models import VGG19_Weights, vgg19

from napari_srgan.errors import UserError
from napari_srgan.training.loop.vgg19 import load_vgg19


@dataclass
class Server:
    """What it sends, and what was asked of it."""

    address: str = ""
    content: bytes = b""
    length: int | None = None
    """Length it claims to send."""
    asked: list[str] = field(default_factory=list)


def made_up_weights(*, classifier: bool = True) -> bytes:
    """True names and shapes; one number a tensor, so that the file is small."""
    with torch.device("meta"):
        shapes = {name: weight.shape for name, weight in vgg19().state_dict().items()}
    state = {
        name: torch.full((1,), 0.01).expand(shape)
        for name, shape in shapes.items()
        if classifier or name.startswith("features")
    }
    buffer = BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.path)
            if not served.content:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(served.length or len(served.content)))
            self.end_headers()
            self.wfile.write(served.content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        served.address = f"http://127.0.0.1:{http.server_port}"
        http.daemon_threads = False  # closing waits for answers under way
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield served
        http.shutdown()
        thread.join()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """torch.hub's folder of checkpoints, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "torch" / "hub" / "checkpoints"


def serve(server: Server, content: bytes, monkeypatch: pytest.MonkeyPatch, digest: str = "") -> str:
    """Serve it at the address of torchvision's weights, under a name that tells its hash."""
    server.content = content
    name = f"vgg19-{digest or hashlib.sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setattr(VGG19_Weights.IMAGENET1K_V1.value, "url", f"{server.address}/models/{name}")
    return name


@pytest.mark.parametrize("classifier", [True, False])
def test_weights_are_brought_once(
    server: Server,
    hub: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    classifier: bool,
) -> None:
    name = serve(server, made_up_weights(classifier=classifier), monkeypatch)
    first = load_vgg19("vgg54", activated=False)
    told = capfd.readouterr().err
    assert "548 MB" in told
    assert str(hub / name) in told
    assert all((weight == 0.01).all() for weight in first.parameters())
    load_vgg19("vgg22")
    assert "548 MB" not in capfd.readouterr().err
    assert server.asked == [f"/models/{name}"]


@pytest.mark.parametrize("damage", ["absent", "cut off", "another file"])
def test_a_failed_download_says_how_to_bring_the_file(
    server: Server, hub: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    whole = made_up_weights()
    content = {"absent": b"", "cut off": whole[: len(whole) // 2], "another file": b"<html>"}[damage]
    name = serve(server, content, monkeypatch, digest=hashlib.sha256(whole).hexdigest()[:8])
    server.length = len(whole) if damage == "cut off" else None
    with pytest.raises(UserError, match="could not be downloaded") as raised:
        load_vgg19()
    for part in (name, str(hub), f"{server.address}/models/{name}", "548 MB", "SqueezeNet"):
        assert part in str(raised.value)
    assert list(hub.iterdir()) == []


def test_offline_says_the_same(server: Server, hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VGG19_Weights.IMAGENET1K_V1.value, "url", "http://127.0.0.1:9/vgg19-dcbb9e9d.pth")
    with pytest.raises(UserError, match=r"refused.*put it into .* as vgg19-dcbb9e9d\.pth"):
        load_vgg19()


def test_a_file_brought_by_hand_needs_no_network(
    server: Server, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = serve(server, made_up_weights(classifier=False), monkeypatch)
    hub.mkdir(parents=True)
    (hub / name).write_bytes(server.content)
    load_vgg19("vgg22")
    assert server.asked == []


class Malicious:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("executed"),)  # type: ignore[return-value]


@pytest.mark.parametrize("content", ["half", "list", "code", "shapes", "empty"])
def test_a_file_that_is_something_else_is_named(
    server: Server, hub: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = made_up_weights(classifier=False)
    name = serve(server, whole, monkeypatch)
    hub.mkdir(parents=True)
    objects = {"list": [1, 2], "code": Malicious(), "shapes": {"features.0.weight": torch.zeros(2, 3)}}
    if content in objects:
        torch.save(objects[content], hub / name)
    else:
        (hub / name).write_bytes(whole[: len(whole) // 2] if content == "half" else b"")
    with pytest.raises(UserError, match=name):
        load_vgg19("vgg22")
    assert not (tmp_path / "executed").exists()
