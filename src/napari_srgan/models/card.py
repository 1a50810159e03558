"""What a trained model says about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_srgan.networks import ARCHITECTURES

SPANDREL = "spandrel"
"""The architecture of networks that spandrel builds from their weights."""
UNKNOWN_LICENCE = "unknown"
"""The licence on the card of a checkpoint that does not tell its own."""


class Quality(BaseModel):
    """One measured figure of a model, beside bicubic interpolation of the same images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: str
    """Which images, e.g. ``"Set5"`` or the name of a source set of held-back tiles."""
    psnr: float
    """Mean peak signal-to-noise ratio in dB."""
    bicubic_psnr: float
    """The same of bicubic interpolation, in dB."""
    protocol: str
    """How it was measured, e.g. ``"Y channel, 4-pixel border"``."""
    ssim: float | None = None
    """Mean structural similarity of the same pixels."""
    bicubic_ssim: float | None = None
    lpips_like: float | None = None
    """Mean LPIPS-like distance: how different results look from the truth; less is better."""
    bicubic_lpips_like: float | None = None

    @property
    def gain(self) -> float:
        """Decibels above bicubic."""
        return self.psnr - self.bicubic_psnr


class ModelCard(BaseModel):
    """Everything about a model but its weights; stored with them in one file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    """Short name, usable as a file name."""
    description: str
    """One line for someone who has to choose a model."""
    architecture: str
    """A key of :data:`napari_srgan.networks.ARCHITECTURES`, or :data:`SPANDREL`."""
    arguments: dict[str, Any]
    """Keyword arguments of the architecture."""
    scale_factor: int = Field(ge=1)
    """Times larger in Y and in X."""
    channels: int = Field(ge=1)
    """Channels that go in and come out: 1, or 3 for RGB."""
    frames: int = Field(default=1, ge=1)
    """Frames of a time-lapse that go in together; 1 for single images."""
    intensity: Literal["byte", "percentile"]
    """``"byte"``: 8-bit data is seen as its own 0..255; all other data as percentiles.
    ``"percentile"``: robust percentiles of the whole array are mapped to 0..1."""
    receptive_radius: int = Field(ge=0)
    """Low-resolution pixels, beyond its own, that an output pixel depends on."""
    border: int | None = Field(default=None, ge=0)
    """Pixels by which an image is continued by reflection at its edges, so that the network's
    zero padding stays away from it. None for the usual; 0 for networks whose published results
    depend on their padding."""
    licence: str
    """Licence of the weights."""
    attribution: tuple[str, ...] = ()
    """Data the weights were trained on, with source and licence, one a line."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """The recipe that made the weights."""
    trained: str = ""
    """How long and on what the weights were trained."""
    quality: tuple[Quality, ...] = ()
    """Measured figures."""
    partner: str | None = None
    """Name of the model of the same shape that was trained for fidelity, and that this one,
    trained to look sharp, can be blended with."""
    citation: str = ""
    """What to cite when results are published."""
    source: str = ""
    """Where the weights came from, if they are not this project's own: a file, an address."""

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator trained it, so that it looks sharper than it is faithful."""
        return bool(self.recipe.get("gan"))

    @property
    def quality_by_protocol(self) -> dict[str, list[Quality]]:
        """Measured figures, those that can be compared together; in their order on the card."""
        grouped: dict[str, list[Quality]] = {}
        for figure in self.quality:
            grouped.setdefault(figure.protocol, []).append(figure)
        return grouped

    @model_validator(mode="after")
    def _architecture_is_known(self) -> ModelCard:
        if self.architecture not in (*ARCHITECTURES, SPANDREL):
            known = ", ".join((*ARCHITECTURES, SPANDREL))
            raise ValueError(f"no architecture {self.architecture!r}; this version knows: {known}")
        return self
