"""What a training makes small: losses on pixels, and those of the two players of a GAN.

All are pure functions of tensors and give float32 scalars. Logits are a discriminator's
answers of any shape, one an image or one a patch; positive means: looks real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional as F

PixelLoss = Literal["l1", "l2", "charbonnier", "psnr"]
AdversarialLoss = Literal["standard", "least-squares", "hinge", "relativistic"]

CHARBONNIER_EPSILON = 1e-3
"""Where Charbonnier's loss turns from a parabola into a line."""
LEAST_SQUARE = 1e-5
"""Mean squared distance, 50 dB, below which an image counts hardly more in the loss ``"psnr"``."""


def pixel_loss(kind: PixelLoss, result: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of two images.

    Parameters
    ----------
    kind
        ``"l1"``; ``"l2"``, the squared distance of SRGAN's eq. 4; ``"charbonnier"``,
        ``sqrt(d**2 + epsilon**2)`` (Lai et al. 2017, arXiv 1704.03915, section 3.2);
        ``"psnr"``, the logarithm of each image's root mean squared distance, as HINet has it (Chen et al.
        2021, arXiv 2105.06086): images of few photons and clean ones count alike, and a result is the mean
        of what may have been there, as with the squared distance, not the median.
    result, truth
        Tensors of equal shape, ``(N, ...)``.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    if kind == "l1":
        return F.l1_loss(result, truth)
    if kind == "l2":
        return F.mse_loss(result, truth)
    if kind == "charbonnier":
        return ((result - truth).square() + CHARBONNIER_EPSILON**2).sqrt().mean()
    if kind == "psnr":
        return (result - truth).square().flatten(1).mean(dim=1).add(LEAST_SQUARE).log().mean() / 2
    raise ValueError(f"there is no pixel loss {kind!r}; there is: {', '.join(get_args(PixelLoss))}")


def change_loss(kind: PixelLoss, result: Tensor, truth: Tensor) -> Tensor:
    """Mean distance of what changes from frame to frame: what comes and goes in the result alone.

    With ``"l1"`` it is the flicker that ``benchmarks/flicker.py`` measures.

    Parameters
    ----------
    kind
        As in :func:`pixel_loss`.
    result, truth
        Clips ``(N, T, C, Y, X)`` of equal shape and at least two frames.
    """
    return pixel_loss(kind, result.diff(dim=1), truth.diff(dim=1))


def discriminator_loss(kind: AdversarialLoss, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator makes small.

    Parameters
    ----------
    kind
        ``"standard"`` (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1); ``"least-squares"``
        (Mao et al. 2017, arXiv 1611.04076, eq. 9); ``"hinge"`` (Lim and Ye 2017, arXiv
        1705.02894); ``"relativistic"``, the relativistic average of ESRGAN (Wang et al. 2018,
        arXiv 1809.00219, eq. 1).
    real, fake
        Logits of high-resolution and of upscaled images.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    return _players(kind)[0](real.float(), fake.float())


def generator_loss(kind: AdversarialLoss, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator makes small; `real` plays a part in ``"relativistic"`` only.

    ``"standard"`` is the form that does not saturate (SRGAN, eq. 6); ``"relativistic"`` is
    ESRGAN's eq. 2. Parameters are those of :func:`discriminator_loss`.
    """
    return _players(kind)[1](real.float(), fake.float())


def _looks(logits: Tensor, *, real: bool) -> Tensor:
    """Cross entropy of logits with one answer."""
    return F.softplus(-logits if real else logits).mean()


def _standard_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return _looks(real, real=True) + _looks(fake, real=False)


def _standard_generator(_real: Tensor, fake: Tensor) -> Tensor:
    return _looks(fake, real=True)


def _squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def _squares_generator(_real: Tensor, fake: Tensor) -> Tensor:
    return (fake - 1).square().mean() / 2


def _hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def _hinge_generator(_real: Tensor, fake: Tensor) -> Tensor:
    return -fake.mean()


def _relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return _looks(real - fake.mean(), real=True) + _looks(fake - real.mean(), real=False)


def _relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    return _looks(real - fake.mean(), real=False) + _looks(fake - real.mean(), real=True)


_Loss = Callable[[Tensor, Tensor], Tensor]
_PLAYERS: Mapping[str, tuple[_Loss, _Loss]] = {
    "standard": (_standard_discriminator, _standard_generator),
    "least-squares": (_squares_discriminator, _squares_generator),
    "hinge": (_hinge_discriminator, _hinge_generator),
    "relativistic": (_relativistic_discriminator, _relativistic_generator),
}


def _players(kind: str) -> tuple[_Loss, _Loss]:
    if kind not in _PLAYERS:
        raise ValueError(f"there is no adversarial loss {kind!r}; there is: {', '.join(_PLAYERS)}")
    return _PLAYERS[kind]
