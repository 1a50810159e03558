"""Formats of images that are not read here by ourselves, and what to do with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_srgan.images.microscopes.package import what_to_install

FOREIGN = {
    ".czi": "Zeiss CZI", ".zvi": "Zeiss ZVI", ".nd2": "Nikon ND2", ".lif": "Leica LIF", ".lof": "Leica LOF",
    ".xlef": "Leica XLEF", ".oib": "Olympus OIB", ".oif": "Olympus OIF", ".oir": "Olympus OIR",
    ".vsi": "Olympus VSI", ".ims": "Imaris", ".dv": "DeltaVision", ".r3d": "DeltaVision",
    ".mrxs": "3DHISTECH MIRAX", ".sld": "SlideBook", ".sldy": "SlideBook", ".ics": "ICS", ".ids": "ICS",
    ".dcm": "DICOM", ".mrc": "MRC", ".nii": "NIfTI", ".nii.gz": "NIfTI", ".nrrd": "NRRD", ".mha": "MetaImage",
    ".mhd": "MetaImage", ".h5": "HDF5", ".hdf5": "HDF5", ".n5": "N5", ".npy": "NumPy", ".fits": "FITS",
    ".dm3": "Gatan", ".dm4": "Gatan", ".klb": "KLB", ".jp2": "JPEG 2000", ".j2k": "JPEG 2000",
    ".heic": "HEIF", ".avif": "AVIF", ".jxl": "JPEG XL", ".bmp": "BMP", ".pgm": "Netpbm", ".ppm": "Netpbm",
}  # fmt: skip
"""Name of the format by the ending of the file, in small letters."""
HINT = (
    "convert it to OME-TIFF or OME-Zarr first, e.g. with Fiji (Plugins > Bio-Formats > Bio-Formats "
    "Exporter), bfconvert or bioformats2raw"
)


def foreign_format(path: Path) -> str:
    """Name of the image format a file name stands for that we do not read; empty if it is none."""
    name = path.name.lower()
    return next((told for ending, told in FOREIGN.items() if name.endswith(ending)), "")


def how_to_read(paths: Sequence[Path]) -> str:
    """What a user can do to have files read whose formats we do not know.

    Parameters
    ----------
    paths
        One or several files.
    """
    commands = list(dict.fromkeys(filter(None, map(what_to_install, paths))))
    hint = HINT if len(paths) == 1 else HINT.replace("convert it", "convert them")
    if not commands:
        return f"{hint}, or install a reader of bioio that reads such files (docs/scripting.md)"
    return f"install what reads such files: {', '.join(commands)}; or {hint}"
