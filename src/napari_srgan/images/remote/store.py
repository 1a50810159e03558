"""A zarr store on a server: what it does not give is never taken for empty."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import suppress

from zarr.abc.store import ByteRequest

from napari_srgan.errors import NoThreads, UserError
from napari_srgan.images.address import Address
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.reading.limits import ZARR_METADATA
from napari_srgan.images.remote.errors import (
    NotAnswered,
    TooMuch,
    TooSlow,
    may_pass,
    remote_error_sentence,
    status_of,
)
from napari_srgan.images.remote.files import FOR_METADATA, PATIENCE, WHOLE, RemoteFiles
from napari_srgan.images.zarr.chunk_limits import is_metadata
from napari_srgan.images.zarr.read_only_store import ReadOnlyStore, bytes_of

PAUSES = (1.0, 3.0)
"""Seconds before something is asked for again."""
RESPITE = 5.0
"""Seconds for which a server that does not answer is not asked again."""


class RemoteStore(ReadOnlyStore):
    """Reads through fsspec, and takes for empty only what the server says is not there.

    That is 404, and "no such key" of S3, which fsspec tells as ``FileNotFoundError``; and even then only
    while the metadata of the image is there. "Forbidden" for a chunk is an error, though servers that
    list nothing also say it of what they do not have: nobody outside can tell a dark part of an image
    from one that is withheld. Metadata is looked for under several names; what is forbidden of them is
    taken for missing, and told if nothing else is found.

    Parameters
    ----------
    address
        The address of the image.

    Raises
    ------
    UserError
        If addresses of this kind cannot be read here.
    """

    supports_listing = False

    def __init__(self, address: Address) -> None:
        super().__init__(address.name)
        self.address = address
        self.anchor = ""
        """A file of which is known that it was there: the metadata of the array."""
        self._files = RemoteFiles(address)
        self._refused: BaseException | None = None
        self._gave_up: tuple[float, str] | None = None
        self._too_slow: dict[str, str] = {}
        """What was said of files that came drop by drop: wanted several times, they are waited for once."""
        self._stopped = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteStore) and other.address == self.address

    def __hash__(self) -> int:
        return hash(self.address)

    def has(self, key: str) -> bool:
        """Whether there is a file.

        Raises
        ------
        NotAnswered
            If that cannot be found out.
        """
        return self.fetch(key) is not None

    def make_sure(self) -> None:
        """Raise :class:`NotAnswered` if the image is not there any more."""
        if self.anchor and not self.has(self.anchor):
            raise NotAnswered(f"{self.address} has disappeared")

    def refuse_if_refused(self) -> None:
        """Raise :class:`NotAnswered` if a file was refused, not missing, when there was a search for it."""
        if self._refused is not None:
            raise NotAnswered(remote_error_sentence(self._refused, self.address, "", 1, PATIENCE))

    def fetch(self, key: str, part: ByteRequest | None = None) -> bytes | None:
        """Bytes of a file, or of a part of it; None if there is no such file.

        Raises
        ------
        NotAnswered
            If the server does not give it, also not when asked again.
        """
        wanted = bytes_of(part)
        tries, begun, stopped = 0, time.monotonic(), self._stopped
        while True:
            if self._stopped != stopped:
                raise NotAnswered(f"the reading of {self.address} was stopped")
            self._give_up_with_others(begun)
            if key in self._too_slow:
                raise UnreadablePart(self._too_slow[key])
            tries += 1
            try:
                patience = FOR_METADATA if is_metadata(key) else WHOLE
                return self._files.read(
                    key, wanted.start, wanted.stop, most=self.limits.most(key), patience=patience
                )
            except TooMuch:
                self.limits.check_size(key, None)
                raise
            except FileNotFoundError:
                self._missing(key)
                return None
            except NoThreads:
                raise
            except Exception as error:  # each kind of server has errors of its own
                if self._is_looked_for(key) and _passes_for_missing(error):
                    self._refused = self._refused or error
                    return None
                if self._stopped != stopped:
                    continue
                if not may_pass(error) or tries > len(PAUSES):
                    raise self._not_given(key, error, tries) from error
            time.sleep(PAUSES[tries - 1])

    def _not_given(self, key: str, error: BaseException, tries: int) -> UserError:
        """Tell a file that is not given from a server that gives nothing any more."""
        asked = "" if is_metadata(key) else key
        words = remote_error_sentence(error, self.address, asked, tries, PATIENCE)
        if self.anchor and key != self.anchor:
            with suppress(Exception):
                self._files.read(self.anchor, most=ZARR_METADATA, patience=FOR_METADATA)
                if isinstance(error, TooSlow):
                    self._too_slow[key] = words
                return UnreadablePart(words)
        self._gave_up = time.monotonic(), words
        return NotAnswered(words)

    def _give_up_with_others(self, begun: float) -> None:
        """Others, of which there may be many, need not find out for themselves that the server is silent."""
        if self._gave_up is None:
            return
        when, words = self._gave_up
        if begun <= when or time.monotonic() < when + RESPITE:
            raise NotAnswered(words)

    def _missing(self, key: str) -> None:
        if not is_metadata(key):
            self.make_sure()

    def _is_looked_for(self, key: str) -> bool:
        """Whether it is metadata of which nobody knows yet that it is there."""
        return key != self.anchor and is_metadata(key)

    def stop(self) -> None:
        """End the requests that are waited for; later ones are made as ever."""
        self._stopped += 1
        self._files.close()

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self.stop()

    def list(self) -> AsyncIterator[str]:
        return self.list_prefix("")

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self.list_prefix(prefix)

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        raise NotImplementedError("servers need not tell what they have")


def _passes_for_missing(error: BaseException) -> bool:
    """Whether a server that lists nothing may say so of metadata that it does not have."""
    return status_of(error) == 403 or isinstance(
        error, PermissionError | IsADirectoryError | NotADirectoryError
    )
