"""tifffile and others without their logs: what is wrong with a file is said once, by us."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(package: str = "tifffile") -> Iterator[None]:
    """Keep a package from logging meanwhile: what is wrong with a file is said once, by us.

    What it logs decides nothing here.
    """
    logger, silent = logging.getLogger(package), logging.NullHandler()
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(silent)
    try:
        yield
    finally:
        logger.removeHandler(silent)
        logger.propagate = propagated
