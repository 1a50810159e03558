"""What scripts, the console and clusters call: arrays or layers, nothing else."""

from napari_srgan.api.fine_tuning import fine_tune
from napari_srgan.api.reliability import project_back, trust, validate
from napari_srgan.api.upscaling import upscale

__all__ = ["fine_tune", "project_back", "trust", "upscale", "validate"]
