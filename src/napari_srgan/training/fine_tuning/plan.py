"""From the user's choices to a recipe of the one training loop."""

from __future__ import annotations

from typing import Any, Literal

from napari_srgan.models import Model
from napari_srgan.models.card import SPANDREL
from napari_srgan.networks.architectures import ARCHITECTURES
from napari_srgan.networks.generator import BackProjection
from napari_srgan.networks.temporal import TemporalGenerator
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.loop.losses import PixelLoss
from napari_srgan.training.recipes.recipe import GanStage, Recipe

_FROM_SCRATCH: dict[str, Any] = {
    "kernel": 9, "normalisation": "none", "activation": "relu", "interpolated_skip": True,
    "upsampling": "direct",
}  # fmt: skip
"""Arguments of an SRResNet from scratch, as the bundled microscopy models have them."""
USUAL_PATCH = 32
"""Low-resolution pixels. On a measured pair patches of 48 took twice the time and gained nothing."""
USUAL_RATE = {"muon": 2e-3, "adam": 2e-4}
"""Learning rates. On a measured pair 1e-3 and 8e-3 were worse than 2e-3, 4e-3 was as good."""
LEAST_PATCH = 16
WARM_UP = 50
"""Steps: short trainings must not spend their time in it."""
GAIN = (0.8, 1.25)
"""Brightness of other images differs from that of these."""
OWN_GAIN, OWN_OFFSET = (0.85, 1.15), (-0.08, 0.08)
"""Between two modalities also from place to place: out-of-focus light, labels. On a measured pair this
gained 0.1 dB on a part of the field that was not trained on."""


PIXEL_WEIGHT: dict[PixelLoss, float] = {"l1": 1.0, "charbonnier": 1.0, "l2": 20.0}
"""Weight of the pixel loss beside a discriminator. Differences are about a twentieth of the range, and
their squares accordingly smaller."""


def patch_for(settings: FineTuning, smallest: int) -> int:
    """Side of the patches: the usual one, or half of the smallest image's shorter side."""
    return settings.patch or max(min(USUAL_PATCH, smallest // 2), LEAST_PATCH)


def recipe_for(
    settings: FineTuning,
    *,
    base: Model | None,
    architecture: str,
    arguments: dict[str, Any],
    intensity: Literal["byte", "percentile"],
    back_projection: BackProjection,
    batch: int,
    patch: int,
    data: str,
    names: str,
    two_modalities: bool,
) -> Recipe:
    """The recipe of a fine-tuning.

    Parameters
    ----------
    settings
        The user's choices.
    base
        What is started from.
    architecture, arguments
        Those of the network as it is trained.
    intensity
        The intensity convention.
    back_projection
        Whether the finished model has it.
    batch, patch
        Patches in a step, and their side.
    data
        Fingerprint of the images: a checkpoint of others is refused.
    names
        Names of the images, for the description.
    two_modalities
        Whether results have the brightness of the high-resolution images.
    """
    # Nobody knows what the layers of other projects' networks are like inside.
    optimiser: Literal["adam", "muon"] = "adam" if architecture == SPANDREL else "muon"
    origin = f"fine-tuned from {base.name}" if base else "trained from scratch"
    return Recipe(
        name=settings.name,
        description=f"{names}: {origin}, {settings.style}",
        architecture=architecture,
        arguments=arguments,
        intensity=intensity,
        licence=base.card.licence if base else "unknown",
        citation=base.card.citation if base else "",
        start=base.name if base else None,
        back_projection=back_projection,
        held_back=settings.held_back,
        gain=GAIN,
        low_gain=OWN_GAIN if two_modalities else (1.0, 1.0),
        low_offset=OWN_OFFSET if two_modalities else (0.0, 0.0),
        steps=settings.steps,
        minutes=settings.minutes,
        patience=settings.patience,
        keep="best",
        batch=batch,
        patch=patch,
        optimiser=optimiser,
        learning_rate=settings.learning_rate or USUAL_RATE[optimiser],
        warm_up=WARM_UP,
        schedule="cosine",
        clip=settings.clip,
        pixel_loss=settings.pixel_loss,
        gan=_gan_stage(settings),
        validate_every=settings.validate_every,
        seed=settings.seed,
        data=data,
    )


def scratch_arguments(settings: FineTuning, *, channels: int, factor: int) -> dict[str, Any]:
    """Arguments of a network from scratch."""
    own: dict[str, Any] = {"scale_factor": factor, "channels": channels}
    kind = ARCHITECTURES.get(settings.architecture)
    if isinstance(kind, type) and issubclass(kind, TemporalGenerator):  # they are small as they are
        said = settings.model_fields_set & {"blocks", "width"}
        return own | settings.model_dump(include=said)
    if settings.architecture != "srresnet":
        return own
    return own | _FROM_SCRATCH | {"blocks": settings.blocks, "width": settings.width}


def _gan_stage(settings: FineTuning) -> GanStage | None:
    if settings.style == "faithful":
        return None
    return GanStage(
        after_part=1 - settings.sharp_part,
        discriminator=settings.discriminator,
        adversarial=settings.adversarial,
        adversarial_weight=settings.adversarial_weight,
        perceptual=settings.perceptual,
        features=settings.features,
        heads=settings.heads,
        perceptual_weight=settings.perceptual_weight if settings.perceptual != "none" else 0.0,
        pixel_weight=PIXEL_WEIGHT[settings.pixel_loss],
    )
