"""Bytes from an HTTP address into a file: shown, cancelled, resumed, never more than promised."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from contextlib import closing, suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from napari_srgan.errors import UserError
from napari_srgan.models.library.transfer_errors import shown, transfer_error_sentence
from napari_srgan.progress import Job, Progress

if TYPE_CHECKING:
    import requests

TIMEOUT = 30.0
"""Seconds without a byte after which a transfer has stalled."""
_CHUNK = 1 << 14
_AHEAD = 16
"""Largest number of pieces that wait to be written."""
_PAUSE = 0.05
"""Seconds between two places to cancel."""
_PARTIAL_CONTENT = 206
_NO_SUCH_RANGE = 416

ItemT = TypeVar("ItemT")
_Pieces = Generator[tuple[int, bytes], None, None]


def transfer(
    address: str, file: BinaryIO, size: int, *, message: str, advice: str, timeout: float = TIMEOUT
) -> Job[None]:
    """Append what is missing of a file from an address.

    Goes on at the end of `file` where the server allows it, and from the start, replacing
    what is there, where it does not. May be closed at any time: what has come by then stays.

    Parameters
    ----------
    address
        The address, http or https.
    file
        A binary file, open for reading and writing.
    size
        Number of bytes to end with at most; a server that sends more is stopped.
    message
        What is being done, for the user.
    advice
        What to do when something goes wrong: the end of each sentence about it.
    timeout
        Number of seconds without a byte after which to give up.

    Raises
    ------
    UserError
        If the server cannot be reached, refuses, stalls, breaks off or sends too much, or
        the file cannot be written.
    """
    received, heard = file.seek(0, 2), time.monotonic()
    with closing(_polled(_received_pieces(address, received, size, advice, timeout))) as pieces:
        for piece in pieces:
            if piece is not None:
                try:
                    received, heard = _put(file, *piece), time.monotonic()
                except OSError as error:
                    raise UserError(
                        f"the file cannot be written ({error}) after {received} of {size} bytes; {advice}"
                    ) from error
            elif time.monotonic() - heard > timeout:
                raise UserError(
                    f"nothing came from {shown(address)} for {timeout:g} seconds, "
                    f"after {received} of {size} bytes; {advice}"
                )
            yield Progress(received, size, message)


def _put(file: BinaryIO, start: int, piece: bytes) -> int:
    """Write a piece where it belongs, as the end of the file; returns the file's size in bytes."""
    if file.tell() != start:
        file.seek(start)
        file.truncate()
    file.write(piece)
    file.flush()  # a killed process loses none
    return start + len(piece)


def _received_pieces(address: str, offset: int, size: int, advice: str, timeout: float) -> _Pieces:
    """Yield what the server sends, each piece with its place in the file; the first one is empty.

    Raises
    ------
    UserError
        If anything goes wrong between the server and here.
    """
    received = offset
    try:
        for start, piece in _answered_pieces(address, offset, timeout, size, advice):
            received = start + len(piece)
            if received > size:
                raise _too_much(address, size, received, advice)
            yield start, piece
    except UserError:
        raise
    except Exception as failure:
        what = transfer_error_sentence(failure, address, received=received, size=size)
        raise UserError(f"{what}; {advice}") from failure


def _answered_pieces(address: str, offset: int, timeout: float, size: int, advice: str) -> _Pieces:
    import requests

    # A compressed answer could neither be counted nor resumed.
    headers = {"Accept-Encoding": "identity", "User-Agent": "napari-srgan"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    # The job sees a stall first, and says so; this ends the thread.
    with requests.get(address, headers=headers, stream=True, timeout=timeout + 1) as response:
        if offset and _goes_on_elsewhere(response, offset):
            response.close()
            yield from _answered_pieces(address, 0, timeout, size, advice)
            return
        if response.status_code >= 300:
            said = f"{response.status_code} {response.reason}".strip()
            raise UserError(f"the server answered {said} for {shown(address)}; {advice}")
        start = offset if response.status_code == _PARTIAL_CONTENT else 0
        length = response.headers.get("Content-Length", "")
        if length and not length.isdecimal():
            raise ValueError(f"its length is {length[:20]!r}")
        if length and start + int(length) > size:
            raise _too_much(address, size, start + int(length), advice)
        yield start, b""
        for piece in response.iter_content(_CHUNK):
            yield start, piece
            start += len(piece)


def _goes_on_elsewhere(response: requests.Response, offset: int) -> bool:
    """Whether a server that was asked to go on at an offset cannot, or goes on at another one."""
    if response.status_code != _PARTIAL_CONTENT:
        return response.status_code == _NO_SUCH_RANGE
    first = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return not first or int(first[1]) != offset


def _too_much(address: str, size: int, got: int, advice: str) -> UserError:
    return UserError(
        f"{shown(address)} sends more than the {size} bytes it should be (at least {got}), "
        f"and was stopped; {advice}"
    )


def _polled(source: Generator[ItemT, None, None]) -> Generator[ItemT | None, None, None]:
    """Yield what a generator yields, and None whenever nothing has come for a moment.

    The source runs on a thread of its own: nothing else can be cancelled while the name of a server is
    looked up, or a server neither takes the connection nor answers. When this is closed the source is left
    to itself, and closed as soon as it has an item or fails.
    """
    items: Queue[tuple[ItemT | None, Exception | None]] = Queue(_AHEAD)
    closed = Event()

    def fill() -> None:
        failure = None
        try:
            with closing(source):
                for item in source:
                    items.put((item, None))
                    if closed.is_set():
                        return
        except Exception as error:
            failure = error
        items.put((None, failure))

    Thread(target=fill, name="napari-srgan transfer", daemon=True).start()
    try:
        while True:
            try:
                item, failure = items.get(timeout=_PAUSE)
            except Empty:
                yield None
                continue
            if failure is not None:
                raise failure
            if item is None:
                return
            yield item
    finally:
        closed.set()
        # The source may wait for a free place, and looks whether it is closed once it has one.
        with suppress(Empty):
            while True:
                items.get_nowait()
