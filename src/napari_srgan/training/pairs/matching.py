"""Which pixel of the high-resolution image belongs to which of the low-resolution one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from napari_srgan.errors import UserError
from napari_srgan.images.upscaled import Region
from napari_srgan.training.pairs.common_part import common_part
from napari_srgan.training.pairs.scale_factor import find_factor
from napari_srgan.training.pairs.source import SourceImage

__all__ = ["MatchedPair", "match"]


@dataclass(frozen=True)
class MatchedPair:
    """Two images whose axes, scale factor and common part are known."""

    low: SourceImage
    high: SourceImage
    factor: int
    """How many times finer `high` is."""
    low_region: Region
    """The part that both show, in pixels of `low`."""
    high_region: Region
    """The part that both show, in pixels of `high`: `factor` times as large."""
    high_axes: tuple[int | None, ...] = ()
    """For each leading axis of `high` the number of that axis in `low`; None if it has one entry."""

    @property
    def name(self) -> str:
        """Names of both images, for sentences."""
        return f"{self.low.name} and {self.high.name}"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what both show, in low-resolution pixels."""
        (top, bottom), (left, right) = self.low_region
        return bottom - top, right - left

    def planes(self) -> tuple[tuple[int, ...], ...]:
        """Places of all planes along the leading axes of `low`."""
        return tuple(product(*(range(size) for _, size in self.low.leading)))

    def high_index(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Place along the leading axes of `high` of a plane of `low`."""
        return tuple(0 if axis is None else index[axis] for axis in self.high_axes)

    def channel_of(self, index: tuple[int, ...]) -> int:
        """Channel of a plane: 0 where there is no C axis."""
        return index[self.low.axes.index("C")] if "C" in self.low.axes else 0


def match(low: SourceImage, high: SourceImage, factor: int | None = None) -> MatchedPair:
    """Find factor, axes and common part of two images; no pixel is read.

    The factor is that of the pixel sizes, if both are known and differ, and else that of the
    shapes; 1 for images of equal pixel sizes whose shapes tell no factor. Axes are matched by their
    letters, in any order, unnamed ones (Q) by their order; one of a single entry may be missing. What
    only one of them shows is left out: by world coordinates where pixel sizes are known, and else at the
    end of each axis, as first pixels then have a common corner.

    Parameters
    ----------
    low, high
        The two images.
    factor
        How many times finer `high` is; found from the images by default.

    Raises
    ------
    UserError
        If an image cannot be read, both show different colours or axes, the factor is none of 1 to 8, they
        are exchanged or turned by their shape, or what both show is too small; with the pair's name.
    """
    try:
        low, high = low.checked(), high.checked()
        _check_colours(low, high)
        high_axes = _match_axes(low, high)
        found = find_factor(low, high, factor)
        low_region, high_region = common_part(low, high, found)
    except UserError as error:
        raise UserError(f"{low.name} and {high.name} are no pair: {error}") from error
    return MatchedPair(low, high, found.factor, low_region, high_region, high_axes)


def _check_colours(low: SourceImage, high: SourceImage) -> None:
    if low.rgb != high.rgb:
        rgb, gray = (low, high) if low.rgb else (high, low)
        raise UserError(
            f"{rgb.name!r} is RGB and {gray.name!r} is grayscale; "
            "convert the first to grayscale, or choose two of one kind"
        )


def _match_axes(low: SourceImage, high: SourceImage) -> tuple[int | None, ...]:
    """Give for each leading axis of `high` that of `low`, both walked where they have several entries."""
    theirs = {place: axis for place, axis in enumerate(low.leading) if axis[1] > 1}
    found: dict[int, int] = {}
    ours = {place: axis for place, axis in enumerate(high.leading) if axis[1] > 1}
    for place, (letter, _) in ours.items():
        same = [other for other, axis in theirs.items() if axis[0] == letter and letter != "Q"]
        if same:
            found[place] = same[0]
    rest = [place for place in ours if place not in found]
    others = [place for place in theirs if place not in found.values()]
    unnamed = all("Q" in (ours[a][0], theirs[b][0]) for a, b in zip(rest, others, strict=False))
    found.update(zip(rest, others, strict=False))
    fit = len(rest) == len(others) and all(ours[a][1] == theirs[b][1] for a, b in found.items())
    if not (fit and unnamed):
        raise UserError(
            f"their axes do not match: {_told(low)} against {_told(high)}; "
            "every axis besides Y and X needs the same letter and as many entries in both"
        )
    return tuple(found.get(place) for place in range(len(high.leading)))


def _told(image: SourceImage) -> str:
    sizes = " x ".join(map(str, image.data.shape))
    return f"{image.name!r} has axes {image.axes} of {sizes}"
