"""What is asked for by an index: the ``[...]`` of an array that is read, or computed, where it is indexed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from operator import index
from types import EllipsisType
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """Places along every axis of an array."""

    ranges: tuple[range, ...]
    """Places along each axis, rising."""
    dropped: tuple[int, ...]
    """Axes of which one place was asked for: the answer is without them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the answer with its dropped axes still in it."""
        return tuple(map(len, self.ranges))

    @property
    def answer_shape(self) -> tuple[int, ...]:
        """Shape of the answer without its dropped axes."""
        return tuple(len(along) for axis, along in enumerate(self.ranges) if axis not in self.dropped)

    @property
    def slices(self) -> tuple[slice, ...]:
        """The same as an index that drops no axis; only where the part is not empty."""
        return tuple(slice(along.start, along.stop, along.step) for along in self.ranges)

    @property
    def key(self) -> tuple[int | slice, ...]:
        """The same as an index: a place for each dropped axis, a slice for each other one."""
        return tuple(one.start if axis in self.dropped else one for axis, one in enumerate(self.slices))

    @property
    def box(self) -> tuple[slice, ...]:
        """All places from the first to the last, along each axis."""
        return tuple(slice(along.start, along[-1] + 1) if along else slice(0, 0) for along in self.ranges)

    @property
    def steps(self) -> tuple[slice, ...]:
        """An index of the box that gives the part."""
        return tuple(slice(None, None, along.step) for along in self.ranges)

    def within(self, key: Any) -> Part:
        """A part of this part.

        Raises
        ------
        IndexError
            As :func:`part_of`.
        """
        inner = part_of(key, self.answer_shape)
        kept = [axis for axis in range(len(self.ranges)) if axis not in self.dropped]
        ranges = list(self.ranges)
        for axis, along in zip(kept, inner.ranges, strict=True):
            ranges[axis] = ranges[axis][along.start : along.stop : along.step]
        dropped = {*self.dropped, *(kept[axis] for axis in inner.dropped)}
        return Part(tuple(ranges), tuple(sorted(dropped)))

    def leading(self, axes: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Places along the first axes: in the answer, and in the array."""
        for places in product(*(enumerate(along) for along in self.ranges[:axes])):
            yield tuple(n for n, _ in places), tuple(at for _, at in places)

    def answer(self, values: NDArray[Any]) -> NDArray[Any]:
        """Take the dropped axes off values of :attr:`shape`, whatever their dtype; the result is a view."""
        return values[tuple(0 if axis in self.dropped else slice(None) for axis in range(values.ndim))]


def part_of(key: Any, shape: tuple[int, ...]) -> Part:
    """Understand an index.

    Parameters
    ----------
    key
        Whole numbers, slices with steps above 0, and ``...``, as numpy understands them.
    shape
        Shape of the array.

    Raises
    ------
    IndexError
        If it is anything else, or lies outside.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    gaps = [place for place, one in enumerate(keys) if isinstance(one, EllipsisType)]
    given = len(keys) - len(gaps)
    if len(gaps) > 1 or given > len(shape):
        raise IndexError(f"{key!r} is no index of an array of {len(shape)} axes")
    at = gaps[0] if gaps else len(keys)
    keys[at : at + 1] = [slice(None)] * (len(shape) - given)
    pairs = list(zip(keys, shape, strict=True))
    dropped = tuple(axis for axis, (one, _) in enumerate(pairs) if not isinstance(one, slice))
    return Part(tuple(_along(one, size) for one, size in pairs), dropped)


def common_box(box: Sequence[slice], other: Sequence[slice]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What two boxes of an array that meet have in common, as an index of the first and one of the second.

    Parameters
    ----------
    box, other
        A slice for each axis, with a start, a stop and no step.
    """
    first, second = [], []
    for a, b in zip(box, other, strict=True):
        start, stop = max(a.start, b.start), min(a.stop, b.stop)
        first.append(slice(start - a.start, stop - a.start))
        second.append(slice(start - b.start, stop - b.start))
    return tuple(first), tuple(second)


def _along(key: Any, size: int) -> range:
    """Places along one axis."""
    if isinstance(key, slice):
        along = range(*key.indices(size))
        if along.step < 1:
            raise IndexError(f"steps are above 0 here; got {key}; turn the result instead")
        return along
    try:
        at = index(key)
    except TypeError as error:
        raise IndexError(f"an index is whole numbers, slices and ... here; got {key!r}") from error
    if not -size <= at < size:
        raise IndexError(f"the index {at} is outside of an axis of {size} pixels")
    return range(at % size, at % size + 1)
