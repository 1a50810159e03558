"""What can go wrong between a server and a file, as sentences."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def shown(address: str) -> str:
    """An address without the password that may be in it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def transfer_error_sentence(failure: Exception, address: str, *, received: int, size: int) -> str:
    """Say what ended a transfer, without a full stop.

    Parameters
    ----------
    failure
        The error that requests raised.
    address
        The address that was asked for.
    received, size
        Number of bytes that came, and of those that should have.
    """
    from requests import exceptions as e

    where = shown(address)
    match failure:
        case e.ProxyError():
            return f"the proxy on the way to {where} refused or cannot be reached ({_cause(failure)})"
        case e.SSLError():
            return f"no secure connection to {where} can be made ({_cause(failure)})"
        case e.TooManyRedirects():
            return f"{where} is redirected without end"
        case e.ChunkedEncodingError() | e.ContentDecodingError():
            return f"the connection to {where} broke off after {received} of {size} bytes"
        case e.ConnectionError() | e.Timeout():
            return f"{where} cannot be reached ({_cause(failure)}); is this computer online?"
        case e.RequestException() | ValueError():
            return f"{where} cannot be fetched ({_cause(failure)})"
    return f"{where} cannot be fetched ({failure!r})"


def _cause(failure: Exception) -> str:
    """The innermost words of an error of requests, which wraps several layers of its own."""
    inner = failure.args[0] if failure.args else failure
    for layer in ("reason", "original_error"):
        inner = getattr(inner, layer, None) or inner
    return str(inner).rsplit(": ", 1)[-1].strip().rstrip(".")
