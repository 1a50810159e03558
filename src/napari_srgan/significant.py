"""Numbers as people write them, for sentences that a user reads."""

from __future__ import annotations

import math


def significant(number: float, digits: int = 3, *, sign: bool = False) -> str:
    """A number with so many significant digits, in thousands and without a power of ten where that is short.

    Parameters
    ----------
    number
        Any float; what is not finite is written as ``nan`` or ``inf``.
    digits
        How many digits count, at least 1. Zeros at the end of a fraction are left out.
    sign
        Whether a number that is not negative has a plus.

    Returns
    -------
    str
        For example ``"1,280"`` or ``"0.0039"``; ``"3.4e-07"`` below a ten-thousandth and from ten million on.
    """
    plus = "+" if sign else ""
    size = abs(number)
    if not math.isfinite(number) or size >= 1e7 or 0 < size < 1e-4:
        return f"{number:{plus}.{digits}g}"
    rounded = float(f"{number:.{digits - 1}e}")
    if rounded == 0:
        return f"{plus}0"
    decimals = max(digits - 1 - math.floor(math.log10(abs(rounded))), 0)
    text = f"{rounded:{plus},.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
