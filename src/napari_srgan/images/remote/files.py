"""Files on a server, through fsspec."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import ContextVar
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fsspec.asyn import sync
from fsspec.core import url_to_fs
from fsspec.registry import get_filesystem_class

from napari_srgan.errors import NoThreads, threads_told
from napari_srgan.images.address import Address
from napari_srgan.images.remote.errors import NotAnswered, TooMuch, TooSlow, no_package, remote_error_sentence

PATIENCE = 30.0
"""Seconds that a server may take to answer, or be silent in the middle."""
WHOLE = 20
"""Multiple of :data:`PATIENCE` that one file of a server may take which keeps on sending."""
FOR_METADATA = 4
"""Multiple of :data:`PATIENCE` that a file of metadata may take."""
LEAST_RATE = 2**14
"""Bytes a second that a server has to send on average, after :data:`PATIENCE`: less than any line has today.
Otherwise one that sends a byte now and then is never silent, and never done."""

_T = TypeVar("_T")
_MOST: ContextVar[int] = ContextVar("most")
"""Number of bytes that a response of http may have."""


class _NotInTime(TimeoutError):
    """What was called has not come back."""


def _within(seconds: float, call: Callable[..., _T], *args: Any, **options: Any) -> _T:
    """Call what cannot be told to stop (sftp, smb), and no longer wait for it after a time.

    It goes on by itself, on a thread that does not keep the process from ending.
    """
    answer: Future[_T] = Future()

    def ask() -> None:
        try:
            answer.set_result(call(*args, **options))
        except BaseException as error:
            answer.set_exception(error)

    with threads_told():
        Thread(target=ask, name="napari-srgan server", daemon=True).start()
    if not wait([answer], seconds).done:
        raise _NotInTime
    return answer.result()


class RemoteFiles:
    """Reads files under an address.

    Parameters
    ----------
    address
        The address that they lie under.

    Raises
    ------
    UserError
        If addresses of this kind cannot be read here.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._sessions: list[Any] = []
        self._protocol = urlsplit(address.url).scheme.lower()
        self._open(self._options())

    def _open(self, options: dict[str, Any]) -> None:
        try:
            # It takes hosts, names and passwords out of the address, for servers that want them so.
            self._closed = False
            get_filesystem_class(self._protocol)  # importing may take a while, and is not the server's time
            self._files: Any = _within(
                PATIENCE, url_to_fs, self._address.url, skip_instance_cache=True, **options
            )[0]
        except (ImportError, ValueError) as error:
            raise no_package(self._protocol, error) from error
        except NoThreads:
            raise
        except Exception as error:  # some connect at once
            raise NotAnswered(remote_error_sentence(error, self._address, "", 1, PATIENCE)) from error

    def _options(self) -> dict[str, Any]:
        if self._protocol in ("http", "https"):
            from aiohttp import ClientTimeout

            timeout = ClientTimeout(total=None, sock_connect=PATIENCE, sock_read=PATIENCE)
            return {
                "get_client": self._begin_session,
                "client_kwargs": {"timeout": timeout, "trust_env": True},
            }
        if self._protocol in ("s3", "s3a"):
            # Trying again is ours.
            return {
                "config_kwargs": {
                    "connect_timeout": PATIENCE, "read_timeout": PATIENCE, "retries": {"max_attempts": 1},
                }
            }  # fmt: skip
        return {}

    async def _begin_session(self, **options: Any) -> Any:
        from aiohttp import ClientResponse, ClientSession

        class Bounded(ClientResponse):
            """Reads no more than is wanted: a server can send without end, or drop by drop."""

            async def start(self, connection: Any) -> ClientResponse:
                return await asyncio.wait_for(super().start(connection), PATIENCE)

            async def read(self) -> bytes:
                found, most, begun = bytearray(), _MOST.get(), time.monotonic()
                if (self.content_length or 0) <= most:
                    async for piece in self.content.iter_any():
                        found += piece
                        if len(found) > most:
                            break
                        lasted = time.monotonic() - begun
                        if lasted > PATIENCE + len(found) / LEAST_RATE:
                            self.close()
                            raise TooSlow(f"{len(found):,} bytes in {lasted:.0f} seconds")
                    else:
                        return bytes(found)
                self.close()
                raise TooMuch

        session = ClientSession(response_class=Bounded, **options)
        self._sessions.append(session)
        return session

    def read(
        self, key: str, start: int | None = None, end: int | None = None, *, most: int, patience: int = WHOLE
    ) -> bytes:
        """Bytes of a file, or of a part of it as in a slice.

        Parameters
        ----------
        key
            Path of the file below the address.
        start, end
            First byte of the part, and the byte after its last one, as in a slice; the whole file by default.
        most
            Number of bytes that the whole file may have at most.
        patience
            Time that it may take until the last byte is there, in multiples of :data:`PATIENCE`.

        Raises
        ------
        TooMuch
            If the server sends more than that.
        TooSlow
            If it sends less than :data:`LEAST_RATE`.
        FileNotFoundError
            If there is no such file.
        Exception
            Whatever else the server or the network gives.
        """
        if self._closed:
            self._open(self._options())
        try:
            return self._cut(self._read(key, start, end, most, patience * PATIENCE), start, end)
        except Exception as error:
            if type(error).__name__ != "NoCredentialsError" or self._protocol not in ("s3", "s3a"):
                raise
        # Most of what is shared with everybody wants no name.
        self._open(self._options() | {"anon": True})
        return self._cut(self._read(key, start, end, most, patience * PATIENCE), start, end)

    def _read(self, key: str, start: int | None, end: int | None, most: int, seconds: float) -> bytes:
        files, url = self._files, self._address.of(key)
        if self._protocol not in ("http", "https") and start is None and end is None:
            # These give the part that is asked for.
            end = most + 1
        if not files.async_impl:
            try:
                found = bytes(_within(seconds, files.cat_file, url, start=start, end=end))
            except _NotInTime as error:
                raise TooSlow(f"not all of it in {seconds:g} seconds") from error
            if len(found) > most:
                raise TooMuch
            return found
        # fsspec's own names of objects are without the protocol, except those of http.
        path = files._strip_protocol(url)

        async def read() -> bytes:
            _MOST.set(most)
            try:
                async with asyncio.timeout(seconds) as whole:
                    return bytes(await files._cat_file(path, start=start, end=end))
            except TimeoutError as error:
                if whole.expired():
                    raise TooSlow(f"not all of it in {seconds:g} seconds") from error
                raise

        found = sync(files.loop, read, timeout=seconds + PATIENCE)
        if len(found) > most:
            raise TooMuch
        return bytes(found)

    def _cut(self, found: bytes, start: int | None, end: int | None) -> bytes:
        """Plain servers send the whole file where a part of it was asked for."""
        if start is not None and start < 0:
            return found[start:]
        if end is None or len(found) <= end - (start or 0):
            return found
        return found[start:end]

    def close(self) -> None:
        """Close the connections; whoever reads afterwards opens new ones."""
        self._closed = True
        while self._sessions:
            session = self._sessions.pop()
            if not session.closed:
                sync(self._files.loop, session.close, timeout=2)
