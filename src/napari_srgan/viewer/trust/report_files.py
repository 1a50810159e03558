"""What the files of a report are called."""

from __future__ import annotations

from pathlib import Path

from napari.layers import Image
from napari.utils.history import get_save_history

from napari_srgan.reliability import TrustReport
from napari_srgan.viewer.upscale.output_path import file_name_of, suggested_folder


def suggested_report(report: TrustReport, image: Image | None) -> Path:
    """A name for the first file of a report: that of the image and the model, beside the image's file.

    Parameters
    ----------
    report
        That is saved.
    image
        The layer that was upscaled; None if it is gone. If it has no file, or its folder cannot be written
        to, the folder is the one that was written to last.
    """
    first = f"{report.model}.trust.json"
    if image is None:
        return Path(get_save_history()[0]) / first
    return suggested_folder(image) / f"{file_name_of(image)} {first}"


def without_ending(chosen: Path) -> Path:
    """What both files begin with, whichever of them was chosen or typed."""
    name = chosen.name
    for ending in (".json", ".md", ".trust"):
        name = name.removesuffix(ending)
    return chosen.with_name(name) if name else chosen
