"""Pictures of a check, as plain arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_srgan.training.pairs.report import PairReport


def overlay(report: PairReport, plane: tuple[int, ...] | None = None) -> NDArray[np.float32]:
    """The low image in red and the downsampled high image in green: ``(Y, X, 3)``, 0 to 1."""
    raise NotImplementedError


def arrows(report: PairReport, enlarged: float = 10.0) -> NDArray[Any]:
    """Shifts of good blocks: ``(N, 2, 2)``, start and direction in low-resolution pixels."""
    raise NotImplementedError
