"""Which axis of an array is what.

Axes are letters, slowest first: ``Y`` and ``X`` of the plane, ``S`` for the colour
samples of an RGB or RGBA image (always last), ``C`` for the channels of a multichannel
image, ``T`` and ``Z`` for time and depth, ``Q`` for a leading axis nobody named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_srgan.errors import UserError

MOST_AXES = 5
"""Axes of the largest array: T, Z, C (or a Q), Y, X; colour samples not counted."""
_MOST_CHANNELS, _LEAST_SIDE = 16, 30
"""Number of entries up to which a last axis looks like channels and not like X, where the two axes before it
have more than the second number."""

_NAMES = {
    "time": "T", "t": "T", "frame": "T", "z": "Z", "plane": "Z", "depth": "Z",
    "c": "C", "ch": "C", "channel": "C", "channels": "C", "y": "Y", "row": "Y",
    "x": "X", "column": "X", "s": "S", "rgb": "S", "rgba": "S", "q": "Q", "band": "C",
}  # fmt: skip


def axes_of(array: Any, given: str | None = None) -> str:
    """Letters for the axes of an array: those given, or as well as can be known.

    Raises
    ------
    UserError
        As :func:`check_axes` or :func:`guess_axes`.
    """
    if given is None:
        return guess_axes(array.shape, getattr(array, "dims", None))
    return check_axes(given, array.shape)


def guess_axes(shape: Sequence[int], names: Sequence[str] | None = None, rgb: bool | None = None) -> str:
    """Name the axes of an array as well as can be known.

    Parameters
    ----------
    shape
        Shape of the array.
    names
        Names of its axes where it has them (xarray's `dims`, napari's axis labels),
        without colour samples if there is one name less than axes.
    rgb
        Whether the last axis holds colour samples. By default it does if it has 3 or 4 entries while the two
        axes before it have more than 30, and `names` does not say otherwise.

    Returns
    -------
    str
        One letter for each axis.

    Raises
    ------
    UserError
        If there is no plane in the array, more axes than :data:`MOST_AXES`, if `names` say that Y and X do
        not come last, or if nothing says whether the last axis is X or channels.
    """
    letters = _letters(names or (), shape)
    if rgb is None:
        if letters and len(letters) == len(shape):
            rgb = letters[-1] == "S"
        else:
            rgb = len(shape) > 2 and shape[-1] in (3, 4) and min(shape[-3:-1]) > _LEAST_SIDE
            if not rgb and letters[-1:] != ["X"]:
                refuse_channels_last(shape)
    plane_axes = len(shape) - (1 if rgb else 0)
    if plane_axes < 2:
        raise UserError(f"an image needs two axes, Y and X; got an array of shape {tuple(shape)}")
    if plane_axes > MOST_AXES:
        raise UserError(
            f"an image has at most {MOST_AXES} axes besides colour; got shape {tuple(shape)}; "
            "take one part of it at a time"
        )
    leading = letters[: plane_axes - 2] if len(letters) >= plane_axes else ["Q"] * (plane_axes - 2)
    # A letter may stand once; Y and X are always the last two.
    unique = [
        letter if letter in "TZC" and leading.index(letter) == place else "Q"
        for place, letter in enumerate(leading)
    ]
    return "".join(unique) + "YX" + ("S" if rgb else "")


def refuse_channels_last(shape: Sequence[int], *, of_layer: bool = False) -> None:
    """Make sure that the last axis, of which nobody has said what it is, does not look like channels.

    Parameters
    ----------
    shape
        Shape of the image, ``(..., Y, X)`` or ``(..., Y, X, C)``.
    of_layer
        Whether it is a layer of napari, whose axes are named otherwise than those of an array.

    Raises
    ------
    UserError
        If it does: it would be upscaled as X, and X not at all.
    """
    if len(shape) < 3 or shape[-1] > _MOST_CHANNELS or min(shape[-3:-1]) <= _LEAST_SIDE:
        return
    letters = "Q" * (len(shape) - 2) + "YX"
    number = f"{shape[-1]} entries" if shape[-1] > 1 else "one entry"
    named = f"axes={letters!r} (in the shell: --axes {letters})"
    if of_layer:
        named = f"layer.axis_labels = {tuple(letters.lower().replace('q', '?'))}"
    raise UserError(
        f"the last axis of shape {tuple(shape)} has {number} and may be channels or X: move channels "
        f"to the front (numpy.moveaxis(image, -1, -3)), or name the axes, {named}, if it is X"
    )


def letters_of(names: Sequence[str]) -> str:
    """One letter for each name of an axis, in the same order; Q for names we have no meaning for."""
    return "".join(_NAMES.get(str(name).lower(), "Q") for name in names)


def _letters(names: Sequence[str], shape: Sequence[int]) -> list[str]:
    """Letters of named axes; an image is never turned silently, so Y and X must be last."""
    letters = list(letters_of(names))
    if len(letters) == len(shape) and letters[-3:-1] == ["Y", "X"] and letters[-1] in "CS":
        if shape[-1] in (3, 4):
            return [*letters[:-1], "S"]
    elif not set("YX") & set(letters[:-2]):
        return letters
    raise UserError(
        f"the axes {tuple(names)} of shape {tuple(shape)} are in an order that cannot be upscaled: "
        "Y and X come last, then 3 or 4 colour samples if there are any; transpose the image"
    )


def check_axes(axes: str, shape: Sequence[int]) -> str:
    """Check axes that a user has given, and return them in capitals.

    Raises
    ------
    UserError
        If they do not fit the array or cannot be walked.
    """
    if not isinstance(axes, str):
        raise UserError(f"axes are letters such as 'ZYX'; got {axes!r}")
    axes = axes.upper()
    if len(axes) != len(shape):
        raise UserError(f"{len(axes)} axes {axes!r} for an array of shape {tuple(shape)}; name each once")
    plain = axes[:-1] if axes.endswith("S") else axes
    leading = plain[:-2]
    repeated = [letter for letter in "TZC" if leading.count(letter) > 1]
    if not plain.endswith("YX") or set(leading) - set("TZCQ") or repeated:
        raise UserError(
            f"axes {axes!r} cannot be used: any of T, Z, C, Q come first, then YX, "
            "then S for colour samples, e.g. 'TZYX', 'CYX' or 'YXS'"
        )
    if axes.endswith("S") and shape[-1] not in (3, 4):
        raise UserError(f"RGB has 3 and RGBA 4 samples; the last axis of shape {tuple(shape)} has neither")
    if len(plain) > MOST_AXES:
        raise UserError(f"an image has at most {MOST_AXES} axes besides colour; got {axes!r}")
    return axes
