"""A real HTTP server on this machine that serves models well or badly, as a test wants it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from napari_srgan.models import ModelCard


@dataclass
class Answer:
    """What the server does when asked for one path."""

    content: bytes = b""
    status: int = 200
    ranges: bool = True
    """Whether it goes on where a client asks it to."""
    range_shift: int = 0
    """Bytes by which what it sends is off from what was asked for."""
    claimed: int | None = None
    """Content-Length in place of the true one; -1 leaves it out."""
    break_after: int | None = None
    """Bytes after which the connection is cut."""
    stall_after: int | None = None
    """Bytes after which nothing more comes, and the connection stays open."""
    encoding: str = ""
    """Content-Encoding, whatever the client accepts."""
    location: str = ""
    """Where it redirects to."""


class ModelServer:
    """Answers by path, and remembers what it was asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str]] = []
        """Path and Range header of each request."""
        self.accepted: list[str] = []
        """Accept-Encoding header of each request."""
        self.released = threading.Event()
        """Set to let stalled answers end."""

    def serve(self, path: str, content: bytes, **answer: Any) -> str:
        """Answer a path from now on; returns its address."""
        self.answers[path] = Answer(content, **answer)
        return self.address + path

    def serve_index(self, *entries: dict[str, Any], **fields: Any) -> str:
        index = {"schema_version": 1, "models": list(entries)} | fields
        return self.serve("/index.json", json.dumps(index).encode())


def index_entry(card: ModelCard, content: bytes, address: str, **changed: Any) -> dict[str, Any]:
    """An entry as an index has it, true unless something is changed."""
    return {
        "name": card.name,
        "address": address,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "card": card.model_dump(mode="json"),
    } | changed


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Run a server, reached without any proxy, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            server.asked.append((self.path, asked))
            server.accepted.append(self.headers.get("Accept-Encoding", ""))
            # A client that hangs up is what some tests want.
            with suppress(ConnectionError):
                _send(self, server, server.answers.get(self.path, Answer(status=404)), asked)

        def do_CONNECT(self) -> None:
            self.send_error(403, "Not for you")

        def log_message(self, *_: object) -> None:
            pass

    with pytest.MonkeyPatch.context() as patch, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        server = ModelServer(f"http://127.0.0.1:{http.server_port}")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.released.set()
            http.shutdown()
            thread.join()


def _send(handler: BaseHTTPRequestHandler, server: ModelServer, answer: Answer, asked: str) -> None:
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and answer.ranges else 0
    if start and start >= len(answer.content):
        handler.send_response(416)
        handler.end_headers()
        return
    start += answer.range_shift if start else 0
    body = answer.content[start:]
    handler.send_response(206 if start and answer.status == 200 else answer.status)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(answer.content) - 1}/{len(answer.content)}")
    if answer.encoding:
        handler.send_header("Content-Encoding", answer.encoding)
    if answer.location:
        handler.send_header("Location", answer.location)
    if answer.claimed != -1:
        handler.send_header("Content-Length", str(len(body) if answer.claimed is None else answer.claimed))
    handler.end_headers()
    ends = [end for end in (answer.break_after, answer.stall_after) if end is not None]
    handler.wfile.write(body[: min(ends, default=len(body))])
    if answer.stall_after is not None:
        server.released.wait()
