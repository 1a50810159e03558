"""The store of an upscaling: how it is cut, and what decides its values.

The same on one machine and on many, so that a run begun on the one can be gone on with on the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_srgan.errors import UserError
from napari_srgan.images.image import Image
from napari_srgan.images.indexing import part_of
from napari_srgan.images.lazy_array import LazyWindow
from napari_srgan.images.origins import origins_of
from napari_srgan.images.spacing import upscaled_spacings
from napari_srgan.images.upscaled import Region
from napari_srgan.images.zarr.read import open_zarr
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.tiles.grid import TilePlace
from napari_srgan.inference.tiles.tiling import Tile
from napari_srgan.models import Model
from napari_srgan.results.collision import refuse_collision
from napari_srgan.results.existing_result import earlier_fingerprint
from napari_srgan.results.input_checksum import UNSEEN, as_far_as_seen, likeness
from napari_srgan.results.shard_layout import Sides
from napari_srgan.results.writer import RestartableStore

PIXELS = "pixels_looked_at"
"""Where a fingerprint says what the input looks like."""


@dataclass(frozen=True)
class StoreRun:
    """An image that is upscaled into a zarr array or an OME-Zarr image: what, with what, how, and where to.

    It is checked where it is made, before anything is computed. The store is the same whoever computes it:
    this process (:func:`~napari_srgan.results.upscale_to_zarr.upscale_to_zarr_job`), or the workers of a
    cluster (:func:`~napari_srgan.cluster.job.upscale_on_cluster_job`).

    Raises
    ------
    UserError
        If the model or an option does not fit the image; if the result would lie on, in or around something
        it is made of.
    """

    image: Image
    """Of any size. Between blocks it is made sure that it is still there, where missing parts of it would
    pass for empty ones."""
    model: Model
    path: Path
    """A name in ``.zarr`` or ``.ome.zarr``. The store has it when it is complete."""
    options: UpscaleOptions = AS_USUAL
    notes: tuple[str, ...] = ()
    """What is to be said of the image, for the provenance."""
    overwrite: bool = False
    """Whether it replaces what has that name already, and what is unfinished of another upscaling."""
    stack: PlaneStack = field(init=False, repr=False)
    """The image for the model."""

    def __post_init__(self) -> None:
        refuse_collision(self.path, [*self.image.files, *origins_of(self.image.pixels)])
        stack = PlaneStack(self.image.pixels, self.image.axes, self.model.card, self.options)
        object.__setattr__(self, "stack", stack)

    @property
    def side(self) -> int | None:
        """Side of the tiles: that of what is there already, unless it is replaced; None if nothing says it.

        What was begun goes on with the tiles that it has. The user's choice, and what memory suffices for,
        are for a new result.
        """
        side = (earlier_fingerprint(self.path) or {}).get("tile")
        before = side if isinstance(side, int) else None
        return (self.options.tile or before) if self.overwrite else (before or self.options.tile)

    def intensities_before(self) -> dict[int, IntensityTransform] | None:
        """Those of an upscaling begun while parts of its input were damaged, and could not be seen.

        It goes on with what it began with when they are mended, or its parts would differ in brightness.
        """
        before = earlier_fingerprint(self.path) or {}
        told = before.get("intensity")
        same = (before.get("source"), before.get("source_shape")) == (self.image.name, list(self.image.shape))
        if self.overwrite or not same or not isinstance(told, list):
            return None
        if not any(channel.get("partial") for channel in told):
            return None
        return {
            channel["channel"]: IntensityTransform(
                channel["offset"], channel["span"], channel.get("partial", False)
            )
            for channel in told
        }

    def open(self, lazy: LazyUpscaling, computed_on: Mapping[str, Any] | None = None) -> RestartableStore:
        """Open the store, new or begun before.

        Parameters
        ----------
        lazy
            The upscaling of the image, of which the region is taken.
        computed_on
            What the provenance says otherwise than `lazy` would, where other machines compute.

        Raises
        ------
        UserError
            If what is to be overwritten holds the pixels of the input; and as :class:`RestartableStore`.
        """
        place = self.stack.place
        part = LazyPart(lazy, place)
        whole = ((place.y.start, place.y.stop), (place.x.start, place.x.stop))
        told = lazy.provenance | dict(computed_on or {})
        before = (earlier_fingerprint(self.path) or {}).get(PIXELS)
        seen = likeness(lazy.array, lazy.axes)
        self._refuse_same_pixels(lazy, seen)
        pixels = as_far_as_seen(before, seen)
        spacings = self.image.spacings
        return RestartableStore(
            self.path,
            shape=part.shape,
            dtype=part.dtype,
            axes=lazy.axes,
            spacings=spacings and upscaled_spacings(spacings, lazy.axes, whole, lazy.factor),
            fingerprint=_fingerprint(told, whole)
            | {"source": self.image.name, "source_shape": list(lazy.array.shape), PIXELS: pixels},
            provenance={**told, "region": whole},
            look=self.image.result_look(other_quantities=lazy.model.card.result is not None),
            sides=Sides.for_tiles(lazy.tile * lazy.factor, lazy.clip),
            overwrite=self.overwrite,
        )

    def _refuse_same_pixels(self, lazy: LazyUpscaling, seen: list[str]) -> None:
        """What is read from a server or by a stranger's array may still be what lies at the name."""
        if not self.overwrite or not self.path.exists():
            return
        try:
            with open_zarr(self.path) as image:
                there = image.data
                if (tuple(there.shape), there.dtype) != (tuple(lazy.array.shape), lazy.array.dtype):
                    return
                looks = likeness(there, lazy.axes)
        except UserError:  # no image, or a broken one
            return
        both = [(one, other) for one, other in zip(seen, looks, strict=True) if UNSEEN not in (one, other)]
        if both and all(one == other for one, other in both):
            raise UserError(
                f"{self.path} holds the pixels of the input, and the result {self.path} would overwrite the "
                "input; choose another name, or if it is only a copy, remove it first"
            )


def _fingerprint(told: Mapping[str, Any], region: Region) -> dict[str, Any]:
    """All of what is told of an upscaling that decides its values."""
    # Another version may compute something else: it says so by other weights or parameters.
    deciding = {name: value for name, value in told.items() if name not in ("note", "notes", "software")}
    return {**deciding, "region": region}


class LazyPart(LazyWindow):
    """A region of a lazy upscaling, as an array whose tiles can be computed one by one."""

    def __init__(self, lazy: LazyUpscaling, place: Tile) -> None:
        y = lazy.axes.index("Y")
        rows, columns = (
            slice(span.start * lazy.factor, span.stop * lazy.factor) for span in (place.y, place.x)
        )
        super().__init__(lazy, part_of((*[slice(None)] * y, rows, columns), lazy.shape))
        self._lazy = lazy

    def missing(self, key: tuple[slice, ...]) -> list[TilePlace]:
        """See :meth:`LazyUpscaling.missing`."""
        return self._lazy.missing(self.part.within(key).key)

    def compute(self, place: TilePlace, watch: Watch) -> None:
        """See :meth:`LazyUpscaling.compute`."""
        self._lazy.compute(place, watch)

    def stop(self) -> None:
        """End what the array waits for, if it can wait."""
        if hasattr(self._lazy.array, "stop"):
            self._lazy.array.stop()

    def forget(self) -> None:
        """See :meth:`LazyUpscaling.forget`."""
        self._lazy.forget()
