"""tifffile without its log: what is wrong with a file is said once, by us."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Keep tifffile from logging meanwhile: what is wrong with a file is said once, by us.

    What it logs decides nothing here.
    """
    logger, silent = logging.getLogger("tifffile"), logging.NullHandler()
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
        logger.propagate = propagated
