"""How far from the truth a result may be, pixel by pixel: only where that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from napari_srgan.acquisition.windows import channels_looked_at, window_keys
from napari_srgan.images.arrays import read_block
from napari_srgan.inference.nonfinite import fill_nonfinite
from napari_srgan.models.error_table import STRUCTURE_REACH, ErrorTable, brightness_and_structure
from napari_srgan.progress import Job
from napari_srgan.reliability.maps import Float, OnTop

OUTSIDE = 0.05
"""Part of a map that is empty, from which on that is said."""


@dataclass(frozen=True)
class ErrorMap:
    """Half the width of an interval around the result that holds the truth at nine of ten pixels."""

    half_width: Any
    """float32 in grey levels of the result, of its shape; numpy or dask. NaN where the result is brighter or
    darker than what the table was measured on: there nothing is known."""
    table: ErrorTable
    outside: float
    """Part of the map that is empty for that."""

    @property
    def sentence(self) -> str:
        """What it says, and for what it holds."""
        table = self.table
        words = (
            f"The error map is in grey levels: {100 * table.covered:.0f} of 100 pixels of parts that were "
            f"held back lay within it, {100 * table.covered_fine:.0f} of 100 on their finest structure; it "
            "holds for this sample, microscope and settings."
        )
        if self.outside > OUTSIDE:
            words += (
                f" {100 * self.outside:.0f} % of this result are brighter or darker than what it was "
                "measured on: there it is empty."
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


def error_map_job(pair: OnTop, table: ErrorTable) -> Job[ErrorMap]:
    """Look up a table at each pixel of a result."""

    def compute(_low: Float, high: Float) -> Float:
        brightness, structure = brightness_and_structure(fill_nonfinite(high))
        return np.where(table.knows(brightness), table.at(brightness, structure), np.nan)

    halo = -(-STRUCTURE_REACH // pair.factor)
    half_width = yield from pair.map_job(compute, halo, "Looking up errors")
    return ErrorMap(half_width, table, _empty_part(pair, half_width))


def _empty_part(pair: OnTop, half_width: Any) -> float:
    """Part of the finite values of a few windows of a result at which its map is empty."""
    empty, count = 0, 0
    places = SimpleNamespace(shape=half_width.shape)  # the same in memory and on disk
    for channel in channels_looked_at(half_width, pair.axes):
        for key in window_keys(places, pair.axes, channel):
            finite = np.isfinite(read_block(pair.result, key))
            empty += int(np.isnan(read_block(half_width, key)[finite]).sum())
            count += int(finite.sum())
    return empty / count if count else 0.0
