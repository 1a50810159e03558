"""What sentences call an image, its channels and its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from napari_srgan.images.image import Image
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.units import UNITS
from napari_srgan.significant import significant

_UNKNOWN = Spacing()


@dataclass(frozen=True)
class Naming:
    """Names of an image and of its channels, and how large its pixels are; as far as they are known."""

    image: str = ""
    """What the image is called; empty if nobody said."""
    channels: tuple[str, ...] = ()
    """What its channels show, by number; empty texts and places that are missing are unknown."""
    y: Spacing = _UNKNOWN
    """Pixels along Y."""
    x: Spacing = _UNKNOWN
    """Pixels along X."""

    @classmethod
    def of(cls, image: Image) -> Naming:
        """What an image tells."""
        look, y = image.look, image.axes.index("Y")
        spacings = image.spacings or (_UNKNOWN,) * len(image.axes)
        names = () if look is None or "C" not in image.axes else tuple(one.name for one in look.channels)
        return cls("" if look is None else look.name, names, spacings[y], spacings[y + 1])

    def channel_name(self, number: int) -> str:
        """What a channel is called; empty if that is unknown."""
        return self.channels[number].strip() if number < len(self.channels) else ""

    def channel(self, number: int) -> str:
        """A channel as one speaks of it, beginning with a small letter: by its name, or by its number."""
        name = self.channel_name(number)
        return f"channel {name!r}" if name else f"channel {number}"

    def length(self, pixels: float, axis: str) -> str:
        """So many pixels along ``"Y"`` or ``"X"`` as a length, e.g. ``"0.43 µm"``; empty if unknown."""
        spacing = self.y if axis == "Y" else self.x
        return _length(pixels * spacing.size, spacing.unit, 2)

    def pixel(self, factor: int = 1) -> str:
        """The size of a pixel, or of the parts into which `factor` cuts it along Y and X, e.g.
        ``"0.13 x 0.13 µm"`` (Y, X); empty if it is unknown."""
        y, x = (_length(along.size / factor, along.unit, 3) for along in (self.y, self.x))
        if not y or not x:
            return ""
        return f"{y.split()[0]} x {x}" if self.y.unit == self.x.unit else f"{y} x {x}"


def _length(size: float, unit: str | None, digits: int) -> str:
    if unit not in UNITS or UNITS[unit].kind != "length" or not isfinite(size) or size <= 0:
        return ""
    return f"{significant(size, digits)} {UNITS[unit].symbol}"
