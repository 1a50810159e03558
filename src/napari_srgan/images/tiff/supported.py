"""What of TIFF can be read here: said before anything is read, so that no whole file is called damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tifffile

from napari_srgan.images.reading.file_array import unsupported


def refuse_unsupported(path: Path, page: Any) -> None:
    """Make sure that there is a way to read the pixels of a page.

    Parameters
    ----------
    path
        The file.
    page
        A page of tifffile.

    Raises
    ------
    UserError
        If its compression, its predictor or its type of numbers is not known.
    """
    if page.dtype is None:
        raise unsupported(
            path.name, f"numbers of {page.bitspersample} bits, sample format {page.sampleformat}"
        )
    for name, known, value in (
        ("compression", tifffile.TIFF.DECOMPRESSORS, page.compression),
        ("predictor", tifffile.TIFF.UNPREDICTORS, page.predictor),
    ):
        if value == 1 or (name == "predictor" and page.compression in tifffile.TIFF.IMAGE_COMPRESSIONS):
            continue
        try:
            known[value]
        except KeyError as error:
            said = getattr(value, "name", "unknown")
            raise unsupported(path.name, f"{name} {int(value)}, {said}") from error
