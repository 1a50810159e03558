"""What has to be known of the inside of napari to show one thing and hold another; all of it is here.

napari reads what it shows through a *slice request*, which it makes of a layer's data and the part that
is in view. There is no public place to step in. If another napari has none of this inside,
:func:`divert` says so and changes nothing: the layer is then shown as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from napari.layers import Image

LevelReader = Callable[[int, Any, bool], Any]
"""Takes a level's number, its data, and whether it is for the thumbnail; gives what is shown in its place."""

_MAKE = "_make_slice_request_internal"
_REPLACED = {"data_at_data_level", "data_at_thumbnail_level", "data_level", "thumbnail_level"}


def divert(layer: Image, shown: LevelReader, *, thumbnail: bool) -> bool:
    """Show something else than a multiscale layer's data; whoever reads `layer.data` gets that as ever.

    Parameters
    ----------
    layer
        A multiscale layer.
    shown
        A function that is asked on the main thread for each slice that is made, first for the view, then for
        the thumbnail. What it returns is indexed twice, made an array of, and may be read on another thread.
    thumbnail
        Whether the coarsest level, of which the thumbnail is made, is not shown as it is.

    Returns
    -------
    bool
        Whether this napari can.
    """
    state: Any = getattr(layer, "_slicing_state", layer)
    make = getattr(state, _MAKE, None)
    if make is None or not hasattr(layer, "_level_materializer"):
        return False

    def make_diverted(**of: Any) -> Any:
        if thumbnail:  # napari would keep what it was at first
            layer._level_materializer = None
        request: Any = make(**of)
        if not all(hasattr(request, name) for name in _REPLACED):
            return request
        view = shown(request.data_level, request.data_at_data_level, False)
        small = shown(request.thumbnail_level, request.data_at_thumbnail_level, True)
        return replace(request, data_at_data_level=view, data_at_thumbnail_level=small)

    setattr(state, _MAKE, make_diverted)
    return True


def viewers_of(layer: Image) -> list[Any]:
    """The viewers a layer is in: those that listen when it wants to be drawn again."""
    owners = [_owner(callback) for callback in layer.events.reload.callbacks]
    return [owner for owner in owners if layer in getattr(owner, "layers", ())]


def _owner(callback: Any) -> Any:
    """The object of a method; napari holds methods weakly, as pairs of an object and a name."""
    return callback[0]() if isinstance(callback, tuple) else getattr(callback, "__self__", None)
