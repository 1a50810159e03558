"""How far from the truth a result may be, pixel by pixel: only where that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_srgan.inference.arrays import read_block
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.models.error_table import REACH, ErrorTable
from napari_srgan.reliability.maps import Float, OnTop

SAMPLED = 2**20
"""Values of a result by which it is told whether a table knows its brightness."""


@dataclass(frozen=True)
class ErrorMap:
    """Half the width of an interval around the result that holds the truth at nine of ten pixels."""

    half_width: Any
    """float32 in grey levels of the result, of its shape; numpy or dask."""
    table: ErrorTable
    outside: float
    """Part of the result that is brighter or darker than what the table was measured on."""

    @property
    def sentence(self) -> str:
        """What it says, and for what it holds."""
        table = self.table
        words = (
            f"The error map is in grey levels: {100 * table.covered:.0f} of 100 pixels of parts that were "
            f"held back lay within it, {100 * table.covered_fine:.0f} of 100 on their finest structure; it "
            "holds for this sample, microscope and settings."
        )
        if self.outside > 0.05:
            words += (
                f" {100 * self.outside:.0f} % of this result are brighter or darker than what it was "
                "measured on: there it says little."
            )
        return words

    def to_dict(self) -> dict[str, Any]:
        """Figures as plain values."""
        return {
            "level": self.table.level,
            "blocks": self.table.blocks,
            "covered": round(self.table.covered, 4),
            "covered_finest_tenth": round(self.table.covered_fine, 4),
            "outside_of_measured_brightness": round(self.outside, 4),
        }


def error_map(pair: OnTop, table: ErrorTable) -> ErrorMap:
    """Look up a table at each pixel of a result."""

    def compute(_low: Float, high: Float) -> Float:
        finite = np.isfinite(high)
        filled = (
            high
            if finite.all()
            else fill_nonfinite(high, float(high[finite].mean()) if finite.any() else 0.0)
        )
        return table.half_widths(filled)

    halo = -(-REACH // pair.factor)
    return ErrorMap(pair.map(compute, halo), table, _outside(pair, table))


def _outside(pair: OnTop, table: ErrorTable) -> float:
    shape = pair.result.shape
    step = max(int((np.prod(shape, dtype=np.float64) / SAMPLED) ** 0.5), 1)
    y = pair.axes.index("Y")
    middle = tuple(size // 2 for size in shape[:y])
    values = read_block(pair.result, (*middle, slice(None, None, step), slice(None, None, step))).astype(
        float
    )
    values = values[np.isfinite(values)]
    low, high = table.limits
    slack = 0.1 * (high - low)
    return float(np.mean((values < low - slack) | (values > high + slack))) if values.size else 0.0
