"""A real server on this machine, with folders on it and with bad days."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

Answer = Callable[[str], int | str | None]
"""For a path that is asked for: a status, ``"silent"``, ``"half"`` of the file, ``"drops"`` of it or of what
comes before it (``"slow head"``), one every 50 milliseconds, or None, as it should be."""


class LoopbackServer:
    """Serves a folder; what it answers can be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.answer: Answer = lambda path: None
        self.released = threading.Event()
        handler = partial(_Handler, server_of=self, directory=str(folder))
        self._server = _Quiet(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait(self) -> None:
        """Keep a request waiting until the server ends."""
        self.released.wait()

    def stop(self) -> None:
        """End it; what asks then finds nobody."""
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are no errors here."""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: object, server_of: LoopbackServer, directory: str) -> None:
        self._owner = server_of
        super().__init__(*args, directory=directory)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self._owner.asked.append(self.path)
        answer = self._owner.answer(path)
        if answer == "silent":
            self._owner.wait()
        elif answer == "half":
            whole = Path(self.translate_path(path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(whole[: len(whole) // 2])
            self.close_connection = True
        elif answer == "drops":
            whole = Path(self.translate_path(path)).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self._drip(whole)
        elif answer == "slow head":
            self._drip(b"HTTP/1.0 200 OK\r\n" + b"X-Nothing: 0\r\n" * 1000)
        elif isinstance(answer, int):
            self.send_error(answer)
        else:
            super().do_GET()

    def _drip(self, content: bytes) -> None:
        with suppress(OSError):  # nobody waits any more
            for at in range(len(content)):
                self.wfile.write(content[at : at + 1])
                if self._owner.released.wait(0.05):
                    return

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def nobody() -> str:
    """An address of this machine at which nobody listens."""
    with socket.socket() as once:
        once.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{once.getsockname()[1]}"
