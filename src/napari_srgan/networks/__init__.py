"""Torch modules, one paper a file: tensors in, tensors out; no files, no devices."""

from napari_srgan.networks.architectures import ARCHITECTURES, build_network
from napari_srgan.networks.generator import Generator
from napari_srgan.networks.resampling import bicubic_downsample, bicubic_upsample

__all__ = [
    "ARCHITECTURES",
    "Generator",
    "bicubic_downsample",
    "bicubic_upsample",
    "build_network",
]
