"""What an image tells of how it was taken: its photons, its noise, its blur."""

from napari_srgan.acquisition.look import Acquisition, look_at

__all__ = ["Acquisition", "look_at"]
