"""Which axis of a layer is time, for models whose frames help each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.viewer.layers.upscale_layer import finest_data, layer_axes

_NAMES = {"T": "time", "Z": "depth"}


@dataclass(frozen=True)
class TimeAxis:
    """An axis that can be time."""

    place: int
    """Its number in the data."""
    letter: str
    """Its letter so far."""
    size: int
    """Number of frames along it."""
    name: str = ""
    """What napari calls it at its slider; by default its number."""

    @property
    def label(self) -> str:
        """What it is called for someone who has to choose, e.g. ``"Axis t, time (51)"``."""
        kind = f", {_NAMES[self.letter]}" if self.letter in _NAMES else ""
        return f"Axis {self.name or self.place}{kind} ({self.size})"


def time_axes(axes: str, shape: Sequence[int], names: Sequence[str] = ()) -> list[TimeAxis]:
    """The axes that can be time: the one that is, unnamed ones, and depth if somebody wants it so.

    Parameters
    ----------
    axes
        One letter for each axis, see :mod:`napari_srgan.images.axes`.
    shape
        Shape of the data. An axis that has no name and a size of 1 is not time.
    names
        What napari calls the axes.
    """
    leading = axes[: axes.index("Y")]
    return [
        TimeAxis(place, letter, size, names[place] if names else "")
        for place, (letter, size) in enumerate(zip(leading, shape, strict=False))
        if letter == "T" or (letter in "QZ" and size > 1)
    ]


def likeliest_time(found: Sequence[TimeAxis]) -> int | None:
    """Number of the axis that is time; None if a person has to say it.

    It is the one that is called so, or else the only one without a name: depth is never taken for time
    unasked.

    Parameters
    ----------
    found
        The axes that can be time.
    """
    for letter in "TQ":
        places = [axis.place for axis in found if axis.letter == letter]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def with_time(axes: str, place: int) -> str:
    """Give the same axes with time in another place; what was called time is left without a name.

    Parameters
    ----------
    axes
        One letter for each axis.
    place
        Number of the axis that is time.
    """
    return axes[:place].replace("T", "Q") + "T" + axes[place + 1 :].replace("T", "Q")


def times_of(layer: Image) -> list[TimeAxis]:
    """The axes of a layer that can be time."""
    try:
        return time_axes(layer_axes(layer), finest_data(layer).shape, layer.axis_labels)
    except UserError:  # too few axes or too many; told when it is run
        return []


def movie_axes(layer: Image, model: str) -> str:
    """Letters for the axes of a layer as a model for time-lapses is to see them.

    Parameters
    ----------
    layer
        A movie.
    model
        Name of the model, for errors.

    Raises
    ------
    UserError
        If no axis can be time, or it is not clear which one is.
    """
    place = likeliest_time(times_of(layer))
    if place is None:
        raise UserError(no_time(layer, model))
    return with_time(layer_axes(layer), place)


def no_time(layer: Image, model: str, *, field: bool = False) -> str:
    """Why a model for time-lapses cannot be used yet, and what to do.

    Parameters
    ----------
    layer
        The layer that has no time axis, or of which it is not clear which axis that is.
    model
        Name of the model.
    field
        Whether there is a field to choose the time axis with.
    """
    if not times_of(layer):
        return (
            f"{model} is for time-lapses, and {layer.name!r} has no axis that can be time; "
            "choose a model for single images"
        )
    chosen = "choose the Time axis" if field else "name it 't' in layer.axis_labels"
    return f"{model} is for time-lapses, and nothing says which axis of {layer.name!r} is time; {chosen}"
