"""Bytes from an HTTP address into a file: shown, cancelled, resumed, never more than promised."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from napari_srgan.errors import UserError
from napari_srgan.models.transfer_errors import (
    NotWritten,
    Refused,
    Restart,
    Stopped,
    TooMuch,
    sentence,
    shown,
)
from napari_srgan.progress import Job, Progress

if TYPE_CHECKING:
    from requests import Response

TIMEOUT = 30.0
"""Seconds without a byte after which a transfer has stalled."""
_CHUNK = 1 << 14
_PAUSE = 0.05
"""Seconds between two places to cancel."""
_PARTIAL_CONTENT = 206
_NO_SUCH_RANGE = 416


def transfer(
    address: str, file: BinaryIO, size: int, *, message: str, advice: str, timeout: float = TIMEOUT
) -> Job[None]:
    """Append what is missing of a file from an address.

    Goes on at the end of `file` where the server allows it, and from the start, replacing
    what is there, where it does not. May be closed at any time: what has come by then stays.

    Parameters
    ----------
    address
        http or https.
    file
        Binary, open for reading and writing.
    size
        Bytes to end with at most; a server that sends more is stopped.
    message
        What is being done, for the user.
    advice
        What to do when something goes wrong: the end of each sentence about it.
    timeout
        Seconds without a byte after which to give up.

    Raises
    ------
    UserError
        If the server cannot be reached, refuses, stalls, breaks off or sends too much, or
        the file cannot be written.
    """
    offset = file.seek(0, 2)
    try:
        yield from _attempt(_Sink(file, size, offset), address, message, advice, timeout)
    except Restart:
        yield from _attempt(_Sink(file, size, 0), address, message, advice, timeout)


def _attempt(sink: _Sink, address: str, message: str, advice: str, timeout: float) -> Job[None]:
    # pooch pushes bytes and blocks while none come; on a thread of its own it can be left alone.
    thread = threading.Thread(target=sink.fill, args=(address, timeout), daemon=True)
    thread.start()
    seen, since = sink.received, time.monotonic()
    try:
        while not sink.done.wait(_PAUSE):
            if sink.received != seen:
                seen, since = sink.received, time.monotonic()
            elif time.monotonic() - since > timeout:
                raise UserError(
                    f"nothing came from {shown(address)} for {timeout:g} seconds, "
                    f"after {seen} of {sink.limit} bytes; {advice}"
                )
            yield Progress(seen, sink.limit, message)
    finally:
        sink.stop()
        thread.join(10 * _PAUSE)
    if isinstance(sink.failure, Restart):
        raise sink.failure
    if sink.failure is not None:
        what = sentence(sink.failure, address, received=sink.received, size=sink.limit)
        raise UserError(f"{what}; {advice}") from sink.failure


class _Sink:
    """The file that pooch fills: counts its bytes, and can be shut while they come."""

    def __init__(self, file: BinaryIO, limit: int, offset: int) -> None:
        self.received = offset
        """Bytes in the file."""
        self.limit = limit
        """Bytes it may hold."""
        self.done = threading.Event()
        self.failure: Exception | None = None
        self._file = file
        self._offset = offset
        self._response: Response | None = None
        self._stopped = False
        # Held while the file is touched, so that whoever stops this can close it.
        self._lock = threading.Lock()

    def fill(self, address: str, timeout: float) -> None:
        """Fetch all there is; to be run on a thread."""
        try:
            from pooch import HTTPDownloader

            # A compressed answer could neither be counted nor resumed.
            headers = {"Accept-Encoding": "identity", "User-Agent": "napari-srgan"}
            if self._offset:
                headers["Range"] = f"bytes={self._offset}-"
            hooks = {"response": self._answered}
            # The generator sees a stall first, and says so; this ends the thread.
            download = HTTPDownloader(chunk_size=_CHUNK, timeout=timeout + 1, headers=headers, hooks=hooks)
            download(address, self, None)
        except Exception as failure:
            self.failure = failure
        finally:
            if self._response is not None:
                self._response.close()
            self.done.set()

    def write(self, chunk: bytes) -> None:
        """Take bytes; called by pooch."""
        with self._touched():
            if self.received + len(chunk) > self.limit:
                raise TooMuch(self.received + len(chunk))
            self._file.write(chunk)
            self.received += len(chunk)

    def flush(self) -> None:
        """Bring bytes to the disk, so that a killed process loses none; called by pooch."""
        with self._touched():
            self._file.flush()

    def stop(self) -> None:
        """Take no more bytes, and wake the thread if it waits for some."""
        with self._lock:
            self._stopped = True
        if self._response is not None and not self.done.is_set():
            # With an older urllib3, or a connection that is gone, the thread ends by its timeout.
            with suppress(AttributeError, OSError, RuntimeError, ValueError):
                self._response.raw.shutdown()

    def _answered(self, response: Response, **_: object) -> None:
        """Look at the server's answer before any of its bytes are taken."""
        self._response = response
        if response.is_redirect:
            return
        if self._offset and response.status_code == _NO_SUCH_RANGE:
            raise Restart
        if response.status_code >= 300:
            raise Refused(response.status_code, response.reason)
        if self._offset and response.status_code == _PARTIAL_CONTENT:
            starts = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            if not starts or int(starts[1]) != self._offset:
                raise Restart
        else:
            self._rewind()
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and self.received + int(length) > self.limit:
            raise TooMuch(self.received + int(length))

    def _rewind(self) -> None:
        with self._touched():
            self._file.seek(0)
            self._file.truncate()
            self.received = 0

    @contextmanager
    def _touched(self) -> Iterator[None]:
        with self._lock:
            if self._stopped:
                raise Stopped
            try:
                yield
            except OSError as error:
                raise NotWritten(str(error)) from error
