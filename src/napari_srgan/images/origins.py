"""The files an array is read from, whatever kind of array it is."""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.address import place_of
from napari_srgan.images.zarr.markers import is_zarr

_MOST_LOOKED_AT = 100_000
"""Things an array holds that are looked at: a graph of dask may have millions of alike ones."""
_LONGEST_NAME = 4096
_PLAIN = (type(None), bool, int, float, complex, bytes, bytearray, slice, type, np.dtype, np.generic)
_NOT_FOLLOWED = (*_PLAIN, ModuleType, BuiltinFunctionType)


def origins_of(array: Any) -> list[Path]:
    """The files and the zarr folders on this machine that an array is read from, as far as it tells.

    Known are zarr and its stores, mapped files, and everything that holds one of these or the name of a
    file: arrays of dask, xarray and others, whatever is wrapped in what. An array in memory tells nothing.

    Parameters
    ----------
    array
        An array of any kind, or a list of them.
    """
    found: dict[Path, None] = {}
    waiting, seen = deque([array]), dict[int, Any]()
    while waiting and len(seen) < _MOST_LOOKED_AT:
        thing = waiting.popleft()
        if id(thing) in seen or isinstance(thing, _NOT_FOLLOWED):
            continue
        seen[id(thing)] = thing  # held, or its number would be given to another
        if (place := _place(thing)) is not None:
            found[place] = None
        else:
            waiting.extend(islice(_held(thing), _MOST_LOOKED_AT))
    return list(found)


def zarr_place(node: Any) -> Path | None:
    """Where a zarr array or group lies on this machine; None if it lies elsewhere.

    Parameters
    ----------
    node
        Anything with a ``store`` and maybe a ``path`` in it, as every version of zarr has them.
    """
    store: Any = getattr(node, "store", None)
    inner = str(getattr(node, "path", "") or "").strip("/")
    while hasattr(store, "_store"):  # one that only watches another
        store = store._store
    root = getattr(store, "root", None)
    if isinstance(root, Path):
        return root / inner
    protocol = getattr(getattr(store, "fs", None), "protocol", ())
    if "file" in ((protocol,) if isinstance(protocol, str) else protocol):
        return Path(str(store.path)) / inner
    path = getattr(store, "path", None)
    return Path(path) if isinstance(path, str | Path) and Path(path).exists() else None


def _place(thing: Any) -> Path | None:
    """The file that a thing is, or names."""
    if isinstance(thing, zarr.Array | zarr.Group | zarr.AsyncArray | zarr.AsyncGroup):
        return zarr_place(thing)
    if isinstance(thing, np.memmap):
        return Path(thing.filename) if thing.filename else None
    if isinstance(thing, str | os.PathLike):
        return _named(thing)
    return None


def _named(text: str | os.PathLike[str]) -> Path | None:
    """The file or zarr folder of that name; None if there is none."""
    try:
        path = place_of(os.fspath(text))
        if not isinstance(path, Path) or len(str(path)) > _LONGEST_NAME:
            return None
        return path if path.is_file() or is_zarr(path) else None
    except (OSError, UserError, TypeError, ValueError):  # texts that name nothing
        return None


def _held(thing: Any) -> Iterable[Any]:
    """What a thing was made of, as far as it can be seen from outside and costs nothing to ask."""
    if isinstance(thing, str):
        return ()
    if isinstance(thing, np.ndarray):
        return (thing.base,)
    if isinstance(thing, functools.partial):
        return (thing.func, thing.args, thing.keywords)
    if isinstance(thing, MethodType):
        return (thing.__self__,)
    if isinstance(thing, FunctionType):
        return (*_cells(thing), *(thing.__defaults__ or ()))
    if isinstance(thing, dict | list | tuple | set | frozenset):
        return thing.values() if isinstance(thing, dict) else thing
    return _attributes(thing)


def _cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not yet filled
            continue


def _attributes(thing: Any) -> Iterator[Any]:
    """What an object holds, without asking it: a graph of dask would be written out."""
    own = getattr(thing, "__dict__", None)
    if isinstance(own, Mapping):
        yield from own.values()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            try:
                yield object.__getattribute__(thing, name)
            except AttributeError:  # never set
                continue
