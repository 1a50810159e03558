"""Checkpoints that were not made here: read safely, recognised, brought into our own form."""

from napari_srgan.models.foreign.checkpoint import read_contents
from napari_srgan.models.foreign.recognition import read_foreign
from napari_srgan.models.foreign.spandrel_generator import SpandrelGenerator, build_by_spandrel

__all__ = ["SpandrelGenerator", "build_by_spandrel", "read_contents", "read_foreign"]
