"""Upscaling an array of any size: the one generator behind every entrance."""

from __future__ import annotations

from collections.abc import Iterable

from napari_srgan.errors import UserError
from napari_srgan.images.factor import doing
from napari_srgan.images.image import Image
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.in_memory import SinkFactory, memory_sink
from napari_srgan.inference.devices.memory import PROBE_SIDES
from napari_srgan.inference.devices.memory_errors import OutOfMemory
from napari_srgan.inference.engine import Engine, engine_of
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.plane_job import Steps, upscale_planes
from napari_srgan.inference.plane_work import NO_MEMORY, PlaneWork
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.provenance import provenance
from napari_srgan.inference.tiles.choice import choose_tiles
from napari_srgan.inference.tiles.tiling import Tile, plan_tiles
from napari_srgan.models import Model
from napari_srgan.progress import Job, Progress


def upscale_job(
    image: Image,
    model: Model,
    options: UpscaleOptions = AS_USUAL,
    *,
    notes: Iterable[str] = (),
    sink: SinkFactory | None = None,
) -> Job[Upscaled]:
    """Upscale an image, plane by plane and tile by tile; for a model of time-lapses clip by clip.

    Parameters
    ----------
    image
        To upscale.
    model
        To upscale with.
    options
        How.
    notes
        What is to be said of the image, for the provenance.
    sink
        Makes the array the result is written to; by default in memory.

    Yields
    ------
    Progress
        Several times a second; closing the generator stops the work within one layer
        of the network.

    Returns
    -------
    Upscaled
        The result. Pixels that were NaN or infinite are so still.

    Raises
    ------
    UserError
        If the model or an option does not fit the image, or memory is too small.
    """
    stack = PlaneStack(image.pixels, image.axes, model.card, options)
    place = stack.place
    yield Progress(0, 1, "Preparing")

    engine = _start_engine(model, options)
    result = (sink or memory_sink)(result_shape(stack, place, model.scale_factor), stack.result_dtype)
    work = PlaneWork(engine, stack, place)
    tiles = cut_into_tiles(work, place, options.tile)
    steps = Steps(
        tiles=place.pixels, measuring=work.measuring_pixels(tiles), planes=stack.planes, message=(
            f"{doing(model.scale_factor)} with {model.name} on {engine.device.type}, {engine.precision}"
            + (", in 8 orientations" if engine.passes > 1 else "")
            + (f"; {engine.device_note}" if engine.device_note else "")
        ),
    )  # fmt: skip
    try:
        yield from upscale_planes(work, tiles, steps, result)
    finally:
        engine.close()
    return Upscaled(
        data=result,
        axes=image.axes,
        region=((place.y.start, place.y.stop), (place.x.start, place.x.stop)),
        provenance=provenance(work, image.axes, options.tile, notes),
    )


def _start_engine(model: Model, options: UpscaleOptions) -> Engine:
    try:
        engine = engine_of(model, options)
        _ = engine.network  # on the device now, where it fits or does not
        return engine
    except OutOfMemory as error:
        raise UserError(
            f"the model {model.name} does not fit into the memory of {options.device}; {NO_MEMORY}"
        ) from error


def cut_into_tiles(work: PlaneWork, place: Tile, side: int | None) -> list[Tile]:
    """Cut a part of a plane into tiles.

    Parameters
    ----------
    work
        What is done to them.
    place
        The part, in pixels of the input.
    side
        Side of a tile in pixels, without its halo; None: what is fastest.
    """
    if side is not None:
        return plan_tiles(place, work.seen, side=side)
    if work.pixels_seen(place) <= PROBE_SIDES[-1] ** 2:
        return [place]  # to measure what tiles cost would take longer, and as much memory
    return choose_tiles(work.engine, work.stack.batch, place, work.seen)


def result_shape(stack: PlaneStack, place: Tile, factor: int) -> tuple[int, ...]:
    """Shape of what comes of a part of each plane: ``(..., Y * factor, X * factor[, S])``."""
    y = stack.axes.index("Y")
    shape = stack.array.shape
    return (*shape[:y], len(place.y) * factor, len(place.x) * factor, *shape[y + 2 :])
