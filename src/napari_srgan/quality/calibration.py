"""Makes an error table from results and their truth, so that it holds on images of the same kind.

Widths are quantiles of the errors of each class: of all such tables that hold at nine of ten pixels in all,
and in each class at three of four or more, the one that is narrowest on average (Sadinle, M., Lei, J. and
Wasserman, L. (2019). Least ambiguous set-valued classifiers with bounded error levels. JASA 114(525),
223-234, section 2; what are sets of labels there are intervals here). A factor on all of them is then chosen
so that blocks that did not make the table are covered: conformal risk control (Angelopoulos, A. N. et al.
(2024). Conformal risk control. ICLR, arXiv 2208.02814, eq. 4), after the quantiles of images of Angelopoulos
et al. (2022). Image-to-image regression with distribution-free uncertainty quantification and applications in
imaging. ICML, arXiv 2202.05265.
What is exchanged are blocks, not pixels, whose neighbours err alike. The factor is chosen in folds and
the table then made of all blocks, so that the bound of the paper, which is for a table made apart, holds
nearly. Blocks that lie together are not exchanged freely either: what folds differ by is added, one standard
error as the central limit theorem has it (Bates, S. et al. (2021). Distribution-free, risk-controlling
prediction sets. J. ACM 68(6), arXiv 2101.02703, section 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from napari_srgan.models.error_table import ErrorTable, brightness_and_structure

_LEVEL = 0.9
LEAST_SHARE = 0.75
"""Part of the pixels of each class at which the interval holds at least: where errors are large, as on fine
structure, it would else be bought with many misses that it is narrow."""
SHARES = np.linspace(LEAST_SHARE, 0.99, 25)
"""Parts of a class's pixels that its interval may cover."""
CLASSES = 8
"""Classes of brightness, and of structure in each."""
_BLOCK = 48
"""Pixels of the result along the side of a block. Misses of the interval are correlated by 0.1 at pixels that
are 16 apart, by 0.05 at 32 and by 0.02 or less at 48 (x4, two pairs of widefield and STORM)."""
_LEAST_BLOCKS = 20
"""Blocks without which nine of ten cannot be promised: of fewer, one alone would be a twentieth."""
LEAST_PIXELS = 50
"""Pixels of a class without which it has the widths of its row."""
FACTORS = np.geomspace(0.25, 8, 121)
"""Factors that are tried on all widths."""
FOLDS = 4
PRICES = 60
"""Halvings after which a price is found to the last digit."""
_FINE = 0.1
"""Part of the pixels that has most structure."""


@dataclass(frozen=True)
class BlockErrors:
    """Pixels of one place that count together."""

    brightness: NDArray[np.float64]
    structure: NDArray[np.float64]
    error: NDArray[np.float64]
    """Absolute, in grey levels of the result."""


def blocks_of(
    result: NDArray[np.float64], truth: NDArray[np.float64], counted: NDArray[np.bool_] | None = None
) -> list[BlockErrors]:
    """A result and its truth in blocks.

    Parameters
    ----------
    result, truth
        ``(Y, X)`` of one shape, finite, in the same grey levels.
    counted
        ``(Y, X)``: which pixels count; all by default.
    """
    counted = np.ones(result.shape, bool) if counted is None else counted
    brightness, structure = brightness_and_structure(result)
    error = np.abs(result - truth)
    parts = [max(round(size / _BLOCK), 1) for size in result.shape]
    found = []
    for rows in np.array_split(np.arange(result.shape[0]), parts[0]):
        for columns in np.array_split(np.arange(result.shape[1]), parts[1]):
            place = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            inside = counted[place]
            if inside.sum() >= _BLOCK**2 / 8:
                found.append(
                    BlockErrors(*(values[place][inside] for values in (brightness, structure, error)))
                )
    return found


def calibrate(blocks: Sequence[BlockErrors]) -> ErrorTable | None:
    """Make a table.

    Parameters
    ----------
    blocks
        Errors in parts of images that no training has seen.

    Returns
    -------
    ErrorTable or None
        The table; None if there are fewer blocks than :data:`_LEAST_BLOCKS`, or if no factor on the widths
        covers enough of them.
    """
    if len(blocks) < _LEAST_BLOCKS:
        return None
    fold = _folds(len(blocks))  # neighbours err alike: a table is judged away from the blocks that made it
    covered = np.zeros((len(blocks), len(FACTORS)))
    fine = np.zeros((len(blocks), len(FACTORS)))
    for left_out in range(FOLDS):
        table = _table([block for block, number in zip(blocks, fold, strict=True) if number != left_out])
        limit = np.quantile(np.concatenate([block.structure for block in blocks]), 1 - _FINE)
        for place in np.flatnonzero(fold == left_out).tolist():
            block = blocks[place]
            ratio = block.error / np.maximum(table.at(block.brightness, block.structure), 1e-12)
            covered[place] = _shares_below(ratio, FACTORS)
            some = ratio[block.structure >= limit]
            fine[place] = _shares_below(some, FACTORS) if some.size else np.nan
    factor = _least_factor(1 - covered)
    if factor is None:
        return None
    table = _table(blocks)
    errors = np.concatenate([block.error for block in blocks])
    constant = _least_factor(
        1 - np.array([_shares_below(block.error, FACTORS * np.quantile(errors, _LEVEL)) for block in blocks])
    )
    at = int(np.flatnonzero(factor == FACTORS)[0])
    return table.model_copy(
        update={
            "width": tuple(tuple(width * factor for width in row) for row in table.width),
            "constant": float(np.quantile(errors, _LEVEL)) * (constant or factor),
            "covered": float(covered[:, at].mean()),
            "covered_fine": float(np.nan_to_num(np.nanmean(fine[:, at])))
            if np.isfinite(fine[:, at]).any()
            else 0.0,
        }
    )


def _shares_below(values: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.searchsorted(np.sort(values), limits, side="right") / max(values.size, 1)


def _least_factor(missed: NDArray[np.float64]) -> float | None:
    """The smallest factor at which blocks ``(N, factors)`` miss little enough.

    Little enough with one more block counted as all wrong, and with the standard error of the mean added, as
    the folds show it: blocks of one place err alike, so that N of them tell less than N would.
    """
    folds = [missed[_folds(len(missed)) == fold].mean(axis=0) for fold in range(FOLDS)]
    mean = missed.mean(axis=0)
    one_more = (mean * len(missed) + 1) / (len(missed) + 1)
    risk = np.maximum(one_more, mean + np.std(folds, axis=0, ddof=1) / np.sqrt(FOLDS))
    enough = np.flatnonzero(risk <= 1 - _LEVEL)
    return float(FACTORS[enough[0]]) if enough.size else None


def _folds(count: int) -> NDArray[np.int_]:
    """The fold of each of so many blocks; those of one fold lie together."""
    return np.arange(count) * FOLDS // count


def _table(blocks: Sequence[BlockErrors]) -> ErrorTable:
    """The narrowest table that holds on the blocks that it is made of."""
    brightness, structure, error = (
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("brightness", "structure", "error")
    )
    rows = _limits(brightness)
    row = np.searchsorted(rows, brightness, side="right")
    limits: list[tuple[float, ...]] = []
    counts: list[int] = []
    quantiles: list[NDArray[np.float64]] = []
    for number in range(len(rows) + 1):
        of_row = row == number
        columns = _limits(structure[of_row])
        column = np.searchsorted(columns, structure[of_row], side="right")
        typical = np.quantile(error[of_row], SHARES)
        of_column = [error[of_row][column == at] for at in range(len(columns) + 1)]
        limits.append(columns)
        counts += [e.size for e in of_column]
        quantiles += [np.quantile(e, SHARES) if e.size >= LEAST_PIXELS else typical for e in of_column]
    widths = iter(map(float, _narrowest(np.array(quantiles), np.array(counts))))
    return ErrorTable(
        level=_LEVEL, brightness=rows, structure=tuple(limits),
        width=tuple(tuple(islice(widths, len(columns) + 1)) for columns in limits),
        constant=0.0, blocks=len(blocks), covered=0.0, covered_fine=0.0,
        limits=(float(np.quantile(brightness, 0.001)), float(np.quantile(brightness, 0.999))),
    )  # fmt: skip


def _limits(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Limits between :data:`CLASSES` of equally many values; fewer where many values are one."""
    limits = np.unique(np.quantile(values, np.linspace(0, 1, CLASSES + 1)[1:-1]))
    return tuple(map(float, limits[limits > values.min()]))


def _narrowest(quantiles: NDArray[np.float64], counts: NDArray[np.int_]) -> NDArray[np.float64]:
    """A width of each class, whose mean over all pixels is least while :data:`_LEVEL` of them are covered.

    A price is put on every pixel that is covered, and each class takes the share that is worth most to it
    (Lagrange); the price is halved between too little and too much until just enough is covered.

    Parameters
    ----------
    quantiles
        ``(classes, shares)``: errors at :data:`SHARES` of each class.
    counts
        ``(classes,)``: its pixels.
    """
    classes = np.arange(len(quantiles))
    # From the highest price on, the largest share is worth its width in every class.
    low, high = 0.0, 2 * float(np.ptp(quantiles)) / float(SHARES[1] - SHARES[0])
    for _ in range(PRICES):
        price = (low + high) / 2
        taken = (price * SHARES - quantiles).argmax(axis=1)
        enough = SHARES[taken] @ counts >= _LEVEL * counts.sum()
        low, high = (low, price) if enough else (price, high)
    taken = (high * SHARES - quantiles).argmax(axis=1)
    return np.asarray(quantiles[classes, taken])
