"""Where an image lies: a path of this machine, or an address."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from napari_srgan.errors import UserError

# One letter before a colon is a drive of Windows.
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True)
class Address:
    """An image on a server, e.g. ``https://server/scan.ome.zarr`` or ``s3://bucket/scan.zarr``.

    As text it is without passwords, and without what follows a ``?``, which may be one.
    """

    url: str

    @property
    def name(self) -> str:
        """The last part, as of a path."""
        return PurePosixPath(urlsplit(self.url).path).name or urlsplit(self.url).netloc

    def of(self, key: str) -> str:
        """Address of a file in it."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{key}" if key else parts.path))

    def inside(self, name: str) -> Address:
        """What lies in it under a name."""
        return Address(self.of(name))

    def __truediv__(self, name: str) -> Address:
        return self.inside(name)

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
        return urlunsplit(plain).rstrip("/")

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"


Place = Path | Address


def is_address(text: object) -> bool:
    """Whether a text is the address of something, not the path of a file."""
    return isinstance(text, Address) or (isinstance(text, str) and _ADDRESS.match(text) is not None)


def place_of(text: str | os.PathLike[str] | Address) -> Place:
    """Path or address of an image that a user has named.

    Raises
    ------
    UserError
        If it is an address that says no place.
    """
    if isinstance(text, Address):
        return text
    if not isinstance(text, str) or not is_address(text):
        return Path(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise UserError(f"{text!r} is no address that can be used ({error})") from error
    if parts.scheme.lower() in ("file", "local"):  # fsspec has two names for it
        host = "" if parts.netloc in ("", "localhost") else f"//{parts.netloc}"
        return Path(url2pathname(f"{host}{parts.path}"))
    if not parts.netloc and not parts.path.strip("/"):
        raise UserError(f"the address {text!r} says no place; write e.g. https://server/scan.ome.zarr")
    return Address(text)


def local_path(text: str | os.PathLike[str]) -> Path:
    """Path of a result that a user has named.

    Raises
    ------
    UserError
        If it is an address: results are written to folders only.
    """
    place = place_of(text)
    if isinstance(place, Address):
        raise UserError(
            f"results are written to folders of this machine or shared ones, and {place} is an address; "
            "write it to a folder and copy it there afterwards"
        )
    return place
