"""What can be chosen about a fine-tuning; everything has a default that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_srgan.errors import UserError
from napari_srgan.training.degradation.settings import Degradation, Noise
from napari_srgan.training.loop.losses import AdversarialLoss, PixelLoss

Style = Literal["faithful", "sharp"]
Brightness = Literal["auto", "low", "high"]
USUAL_MINUTES = 10.0


class FineTuning(BaseModel):
    """Choices of a fine-tuning."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(default="fine-tuned", pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    """Name of the model that is made."""
    style: Style = "faithful"
    """``"faithful"``: a pixel loss alone, right on average. ``"sharp"``: after it a discriminator and a
    perceptual loss, which look sharper than they are faithful."""
    minutes: float | None = Field(default=None, gt=0)
    """Stop after so many minutes of training; None: 10, or by `steps` if those are said."""
    steps: int | None = Field(default=None, ge=1)
    """Stop after so many steps; with `minutes` too, whichever comes first."""
    patience: int = Field(default=0, ge=0)
    """Stop when so many validations in a row were no better than the best; 0: never. Not for sharp trainings,
    whose second part makes PSNR lower."""
    seed: int = 0
    """Seed of patches, noise and fresh weights. On a CPU the same seed and steps give the same weights."""

    factor: int | None = Field(default=None, ge=1, le=8)
    """Scale factor of the model; 1: it denoises or deblurs, and leaves the size as it is. None: that of the
    pairs. Must be said where it is above 1 and differs from the base's."""
    despite_check: bool = False
    """Train on pairs that the check calls wrong, e.g. to learn fluorescence from phase contrast."""
    predictions_as_truth: bool = False
    """Learn from high-resolution images that a model made, e.g. to imitate a slow model by a fast one. What
    the model invented counts as truth then; the card says so."""
    correct_shift: bool = True
    """Move high-resolution images onto their partners by whole pixels before learning."""
    brightness: Brightness = "auto"
    """Whose brightness results have: the low-resolution image's, or, for another modality, that of the
    high-resolution images. ``"auto"``: the former if the latter's brightest pixels fit into its type."""
    held_back: float = Field(default=0.15, ge=0.02, le=0.5)
    """Part of the area that the model is judged on and never learns from."""
    hold_back: Literal["blocks", "frames", "images"] = "blocks"
    """``"blocks"``: the same place of all planes, of a time-lapse of all frames. ``"frames"``: the last time
    points or depths.
    ``"images"``: some of several images or pairs, whole; for images of different fields, of which nothing
    is lost to guard bands."""
    degradation: Degradation | None = None
    """How low resolution is simulated from images that have no partner; None: as measured in them. Pairs
    have no need of it."""
    noise: Noise | None = None
    """Noise of simulated frames of a time-lapse: ``"independent"``, drawn anew for every frame, or ``"the
    same in every frame"``, a fixed pattern; None: as `degradation` says, or independent."""

    batch: int | None = Field(default=None, ge=1)
    """Patches in a step; None: 16, or 4 clips of a time-lapse, or as many as memory allows."""
    patch: int | None = Field(default=None, ge=8)
    """Low-resolution pixels along the side of a patch; None: 32, or less in small images."""
    learning_rate: float | None = Field(default=None, gt=0)
    """At its height; None: 2e-3, or 2e-4 for networks of other projects."""
    pixel_loss: PixelLoss = "l2"
    """See :func:`~napari_srgan.training.loop.losses.pixel_loss`. The squared distance makes results right on
    average, also where bright spots are sparse; others make those darker than they are."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    validate_every: int = Field(default=100, ge=1)
    """Steps between validations and checkpoints."""
    architecture: str = "srresnet"
    """Architecture of a network from scratch; a base has its own. A key of
    :data:`napari_srgan.networks.ARCHITECTURES`; ``"early-fusion"``, ``"slow-fusion"`` and ``"recurrent"``
    learn from time-lapses."""
    width: int = Field(default=32, ge=4)
    """Features of a network from scratch."""
    blocks: int = Field(default=16, ge=1)
    """Its residual blocks; of networks for time-lapses as many as is usual for them, unless it is said."""

    sharp_part: float = Field(default=0.5, gt=0, lt=1)
    """Last part of a sharp training in which the discriminator plays."""
    discriminator: Literal["vgg", "patch"] = "patch"
    """SRGAN's, or PatchGAN."""
    adversarial: AdversarialLoss = "least-squares"
    """See :func:`~napari_srgan.training.loop.losses.discriminator_loss`."""
    adversarial_weight: float = Field(default=5e-3, ge=0)
    perceptual: Literal["none", "vgg22", "vgg54", "squeezenet"] = "none"
    """Whose feature maps are compared: VGG19's are downloaded (548 MB); SqueezeNet's come from `features`."""
    features: str | None = None
    """File of SqueezeNet's weights."""
    heads: str | None = None
    """File of LPIPS's heads, if there is one."""
    perceptual_weight: float = Field(default=0.1, ge=0)
    device: str = "auto"
    """``"auto"``, ``"cuda"``, ``"mps"``, ``"xpu"`` or ``"cpu"``."""

    @model_validator(mode="before")
    @classmethod
    def _ten_minutes_if_nothing_is_said(cls, chosen: dict[str, Any]) -> dict[str, Any]:
        return chosen if "minutes" in chosen or chosen.get("steps") else chosen | {"minutes": USUAL_MINUTES}

    @model_validator(mode="after")
    def _ends_some_time(self) -> FineTuning:
        if self.minutes is None and self.steps is None:
            raise ValueError("a training needs minutes, steps or both")
        if self.perceptual == "squeezenet" and self.features is None:
            raise ValueError("perceptual = 'squeezenet' needs features, a file of its weights")
        if self.perceptual != "squeezenet" and (self.features or self.heads):
            raise ValueError(f"features and heads are for 'squeezenet', not for {self.perceptual!r}")
        return self


def check_settings(chosen: Mapping[str, object]) -> FineTuning:
    """Settings as they were chosen, by name; all others are as usual.

    Raises
    ------
    UserError
        If one is unknown or outside its range.
    """
    try:
        return FineTuning.model_validate(chosen)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{where}: {first['msg']}, got {first['input']!r}" if where else first["msg"]
        ) from error
