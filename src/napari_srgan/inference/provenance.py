"""Where a result came from, told in the result."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from napari_srgan.inference.plane_work import PlaneWork

NOTE = "Predicted by a neural network from lower resolution; not a measurement."
NOTE_OF_SAME_SIZE = "Predicted by a neural network from an image of the same size; not a measurement."
"""The same for a model that restores without enlarging."""


def provenance(work: PlaneWork, axes: str, tile: int | None, notes: Iterable[str] = ()) -> dict[str, Any]:
    """What went into a result, as plain values that JSON can hold.

    Parameters
    ----------
    work
        What was done.
    axes
        One letter for each axis.
    tile
        The side that was asked for.
    notes
        What else is to be said of the image, besides what its time axis has to say.
    """
    engine = work.engine
    blended = engine.model.card.blended
    told: dict[str, Any] = {
        "note": NOTE if engine.model.scale_factor > 1 else NOTE_OF_SAME_SIZE,
        "software": f"napari-srgan {version('napari-srgan')}",
        "model": engine.model.name,
        "weights": engine.model.weights_hash,
        **({"blended": blended.model_dump(mode="json", exclude_none=True)} if blended else {}),
        "scale_factor": engine.model.scale_factor,
        "axes": axes,
        "device": engine.device.type,
        "precision": engine.precision,
        "tile": "automatic" if tile is None else int(tile),
        "self_ensemble": engine.passes > 1,
        "intensity": [
            {"channel": channel, "offset": transform.offset, "span": transform.span}
            | ({"partial": True} if transform.partial else {})
            for channel, transform in work.transforms.items()
        ],
    }
    if work.stack.time is not None:
        timing = engine.timing
        if (align := work.stack.options.align) is not None:
            told["align"] = align
        told["time"] = {"clip": timing.clip, "frames_before": timing.before, "frames_after": timing.after}
    said = [*work.notes, *notes, *([engine.device_note] if engine.device_note else [])]
    if said or work.stack.time is not None:
        told["notes"] = said
    if engine.model.card.result is not None:
        told["quantities"] = "those of the high-resolution images that the model was trained on"
    if work.fades and work.cut:
        told["halo"] = f"{work.halo} of {work.radius} pixels, cross-faded"
    if engine.needs_plane_statistics:
        told["statistics"] = str(work.sample) if work.sample else "whole plane"
    return told
