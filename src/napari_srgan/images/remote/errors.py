"""What goes wrong between a server and this machine, as sentences."""

from __future__ import annotations

from napari_srgan.errors import UserError, words_of
from napari_srgan.images.address import Address
from napari_srgan.images.arrays import SourceGone

_BUSY = (408, 425, 429)
_WITHOUT_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError")
_UNCHANGED_BY_WAITING = (*_WITHOUT_CREDENTIALS, "InvalidURL", "NonHttpUrlClientError")


class TooMuch(Exception):
    """A file has more bytes than it may have; reading it was ended there."""


class TooSlow(Exception):
    """A server sends, but so slowly that reading was ended."""


class NotAnswered(SourceGone):
    """A server does not give what it has: nothing more can be read from it for now."""


def status_of(error: BaseException) -> int | None:
    """The number a server answered with, if it answered."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status
    response = getattr(error.__cause__ or error, "response", None)  # botocore
    found = response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, dict) else None
    return found if isinstance(found, int) else None


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed a moment later."""
    status = status_of(error)
    if status is not None:
        return status >= 500 or status in _BUSY
    return (
        not isinstance(error, PermissionError | TooSlow) and type(error).__name__ not in _UNCHANGED_BY_WAITING
    )


def remote_error_sentence(
    error: BaseException, address: Address, key: str, tries: int, patience: float
) -> str:
    """Say what a server did.

    Parameters
    ----------
    error
        The error as fsspec, or what it stands on, raised it.
    address
        The address of the image.
    key
        The part of the image that was asked for; empty for the image itself.
    tries, patience
        Number of times it was asked for, and seconds that each of them waited.
    """
    what = f"{key} of {address}" if key else str(address)
    status = status_of(error)
    times = f", {tries} times" if tries > 1 else ""
    if status in (401, 403) or isinstance(error, PermissionError):
        refused = (
            f"the server refuses to give {what} ({status or words_of(error)}); it may want a name and a "
            "password, or a link that has not run out"
        )
        if not key:
            return refused
        return (
            f"{refused}, or it says so of parts that were never stored: then it must be allowed to list "
            "what it has (on S3: ListBucket), or the image be copied to this machine"
        )
    if status is not None:
        return f"the server answered {status} for {what}{times}; try again later, or tell whoever runs it"
    if isinstance(error, TooSlow):
        slowly = f"the server sends {what} too slowly ({error})"
        return f"{slowly}; try again later, or copy the image to this machine"
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        within = f"within {patience:g} seconds{times}"
        return f"the server did not answer {within}, when asked for {what}; try again later"
    if type(error).__name__ in _WITHOUT_CREDENTIALS:
        return f"{address} wants credentials, and there are none on this machine ({words_of(error)})"
    return (
        f"{what} cannot be reached ({words_of(error)}){times}; "
        "see that the address is right and this computer is online"
    )


def no_package(protocol: str, error: BaseException) -> UserError:
    """Say that addresses of this kind need a package, or are unknown."""
    packages = {
        "gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "s3a": "s3fs", "az": "adlfs", "abfs": "adlfs",
        "sftp": "paramiko", "ssh": "paramiko", "smb": "smbprotocol", "hf": "huggingface_hub",
    }  # fmt: skip
    if protocol in packages:
        return UserError(
            f"addresses with {protocol}:// need the package {packages[protocol]}; "
            f"install it: pip install {packages[protocol]}"
        )
    return UserError(
        f"addresses with {protocol}:// cannot be read ({words_of(error)}); https://, s3:// and gs:// can"
    )
