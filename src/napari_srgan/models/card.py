"""What a trained model says about itself."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_srgan.images.factor import Rival
from napari_srgan.models.error_table import ErrorTable
from napari_srgan.models.record import Blend
from napari_srgan.models.trained_input import TrainedInput, input_of_recipe
from napari_srgan.models.verdict import advice_of, beats_rivals, comparison_of
from napari_srgan.networks import ARCHITECTURES

SPANDREL = "spandrel"
"""The architecture of networks that spandrel builds from their weights."""
UNKNOWN_LICENCE = "unknown"
"""The licence on the card of a checkpoint that does not tell its own."""


class Quality(BaseModel):
    """One measured figure of a model, beside bicubic interpolation of the same images.

    At a factor of 1 there is nothing to interpolate: there, bicubic stands for the images as they went in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: str
    """Name of the images, e.g. ``"Set5"`` or the name of a source set of held-back tiles."""
    psnr: float
    """Mean peak signal-to-noise ratio in dB."""
    bicubic_psnr: float
    """Mean peak signal-to-noise ratio of bicubic interpolation in dB, on the same images."""
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
        """Decibels above bicubic, or above the input."""
        return self.psnr - self.bicubic_psnr


class HistoryPoint(BaseModel):
    """One look at how a training was doing, on what was held back from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    minutes: float
    """Spent training so far, pauses left out."""
    loss: float | None
    """Mean training loss since the point before; None at the start."""
    psnr: float
    """Mean over the pairs, in dB, on what was held back."""
    best: bool = False
    """Whether it was the best so far."""


class Baseline(BaseModel):
    """What a fine-tuned model has to beat, measured on the same held-back pixels in the same way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bicubic: float
    """PSNR of bicubic interpolation in dB, or of what `rival` says."""
    rival: Rival = "bicubic"
    """What `bicubic` was measured for: at a factor of 1 it is the image as it went in."""
    smoothed: float | None = None
    """PSNR in dB, at a factor of 1, of the input after the Gaussian blur that suits the truth best: what
    anybody has for nothing."""
    base: float | None = None
    """PSNR in dB of the model that was started from; None from scratch, or if it is for other images or
    factors."""
    base_name: str = ""


class PairRecord(BaseModel):
    """Images that a model was fine-tuned on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    """Shape of the low-resolution image, or of the high-resolution one where there was no other."""
    simulated: bool = False
    """Whether low resolution was simulated from high resolution."""
    predicted_by: str = ""
    """Name of the model that made the high-resolution image; empty for measured ones. If there is one,
    figures say how well that model is imitated."""
    shift: tuple[float, float] | None = None
    """Y and X, in low-resolution pixels: move the high-resolution image by this to lie on the other."""
    shift_corrected: bool = False
    gain: float | None = None
    """low = gain * high + offset, in grey levels."""
    offset: float | None = None
    notes: tuple[str, ...] = ()
    """What was left out, and why."""


class ResultIntensity(BaseModel):
    """The quantities of results where they are not those of the input: another modality's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offset: float
    span: float = Field(gt=0)
    """quantity = span * network + offset."""
    dtype: str = Field(pattern=r"^(bool|u?int(8|16|32|64)|float(32|64))$")
    """The dtype of the high-resolution images that were learned from."""


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
    """Times larger in Y and in X; 1 for models that denoise or deblur."""
    channels: int = Field(ge=1)
    """Channels that go in and come out: 1, or 3 for RGB."""
    frames: int = Field(default=1, ge=1)
    """Frames of a time-lapse that go in together; 1 for single images."""
    intensity: Literal["byte", "percentile"]
    """``"byte"``: 8-bit data is seen as its own 0..255; all other data as percentiles.
    ``"percentile"``: robust percentiles of the whole array are mapped to 0..1."""
    receptive_radius: int = Field(ge=0)
    """Low-resolution pixels, beyond its own, that an output pixel depends on."""
    grid: int = Field(default=1, ge=1)
    """Low-resolution pixels to multiples of which tiles are read, see
    :attr:`~napari_srgan.networks.Generator.grid`."""
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
    blended: Blend | None = None
    """What the weights are interpolated between; None if they were trained."""
    trained: str = ""
    """How long and on what the weights were trained."""
    trained_input: TrainedInput | None = None
    """How noisy and how blurred the images were that they were trained on; None if nobody said.
    :attr:`made_for` knows it of older cards, too."""
    quality: tuple[Quality, ...] = ()
    """Measured figures."""
    history: tuple[HistoryPoint, ...] = ()
    """How the training went, if the model was fine-tuned."""
    baseline: Baseline | None = None
    """What it had to beat there."""
    pairs: tuple[PairRecord, ...] = ()
    """The images that it was fine-tuned on."""
    result: ResultIntensity | None = None
    """Quantities of results; None if they are those of the input, as they should be wherever both
    images of a pair show the same brightness."""
    errors: ErrorTable | None = None
    """How wrong its results are on images of the kind it was fine-tuned on, measured on parts of them that
    were held back; None for all other models."""
    partner: str | None = None
    """Name of the model of the same shape that was trained for fidelity, and that this one,
    trained to look sharp, can be blended with."""
    citation: str = ""
    """What to cite when results are published."""
    source: str = ""
    """Where the weights came from, if they are not this project's own: a file, an address."""

    @property
    def adversarial(self) -> bool | None:
        """Whether a discriminator trained it, so that it looks sharper than it is faithful.

        None if nobody knows: a checkpoint of another project does not tell its losses.
        """
        if self.partner is not None:
            return True
        if self.blended is not None:
            return self.blended.adversarial
        return bool(self.recipe["gan"]) if "gan" in self.recipe else None

    @property
    def made_for(self) -> TrainedInput | None:
        """How noisy and how blurred an image may be; None if it is not known.

        Cards that do not say it are those of earlier versions, whose recipes tell it, and of checkpoints of
        other projects.
        """
        return self.trained_input or input_of_recipe(self.recipe)

    @property
    def verdict(self) -> str:
        """Whether a fine-tuned model beats what it had to beat, in words; empty for other models."""
        return f"{self.comparison} {self.comparison_advice}".strip()

    @property
    def comparison(self) -> str:
        """What a fine-tuned model has beside what it had to beat, without what follows from it; empty for
        other models."""
        return comparison_of(self)

    @property
    def comparison_advice(self) -> str:
        """What follows for whoever uses the model, if it does not beat that; else empty."""
        return advice_of(self)

    @property
    def beats_rivals(self) -> bool:
        """Whether a fine-tuned model is noticeably better than all it had to beat; true for other models."""
        return beats_rivals(self)

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
