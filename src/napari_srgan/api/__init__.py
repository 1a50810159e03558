"""`upscale` and `fine_tune` for scripts, the console and clusters: arrays or layers, nothing else."""

from napari_srgan.api.fine_tuning import fine_tune
from napari_srgan.api.upscaling import upscale

__all__ = ["fine_tune", "upscale"]
