"""An upscaled image, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Region = tuple[tuple[int, int], tuple[int, int]]
"""``((y_start, y_stop), (x_start, x_stop))`` in pixels of the input."""


@dataclass(frozen=True)
class Upscaled:
    """What came of an upscaling."""

    data: Any
    """The sink: ``(..., Y * factor, X * factor[, S])`` of the input's dtype."""
    axes: str
    """One letter for each axis."""
    region: Region
    """Pixels of the input that were upscaled."""
    provenance: dict[str, Any]
    """Model, weights, version, parameters; goes with the result wherever it goes."""
