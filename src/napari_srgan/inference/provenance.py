"""Where a result came from, told in the result."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from napari_srgan.inference.engine import Engine
from napari_srgan.inference.intensity import IntensityTransform

NOTE = "Predicted by a neural network from lower resolution; not a measurement."


def provenance(
    engine: Engine, transforms: dict[int, IntensityTransform], axes: str, tile: int | None
) -> dict[str, Any]:
    """What went into a result, as plain values that JSON can hold."""
    return {
        "note": NOTE,
        "software": f"napari-srgan {version('napari-srgan')}",
        "model": engine.model.name,
        "weights": engine.model.weights_hash,
        "scale_factor": engine.model.scale_factor,
        "axes": axes,
        "device": engine.device.type,
        "precision": engine.precision,
        "tile": tile or "automatic",
        "intensity": [
            {"channel": channel, "offset": transform.offset, "span": transform.span}
            for channel, transform in transforms.items()
        ],
    }
