"""PatchGAN, the discriminator of pix2pix.

Isola, P. et al. (2017). Image-to-image translation with conditional adversarial
networks. CVPR, arXiv 1611.07004. Section 3.2.2 and appendices 6.1.2 and 6.2.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from napari_srgan.networks.instance_norm import InstanceNorm2d

_SLOPE = 0.2
"""Slope of the leaky rectifiers below 0."""
_KERNEL = 4
INITIAL_DEVIATION = 0.02
"""Standard deviation of the weights, which begin around 0 (appendix 6.2)."""
MOST_DOUBLINGS = 3
"""How often the features double at most: they grow to eight times the width, not further."""


class PatchDiscriminator(nn.Module):
    """Tells real from upscaled patches, one answer for each place of an image of any size.

    Parameters
    ----------
    channels
        Number of channels of the image.
    halvings
        Number of convolutions of stride 2: 3 for patches of 70 x 70 pixels as in the paper, 2 for 34 x 34, 1
        for 16 x 16.
    width
        Number of features of the first convolution; 64 in the paper.
    normalisation
        ``"instance"``, or ``"none"``; never on the first and last convolution.
    spectral
        Whether to normalise each convolution by its spectral norm (Miyato et al. 2018, arXiv 1802.05957).

    Raises
    ------
    ValueError
        If an argument is outside what is said above.
    """

    def __init__(
        self,
        channels: int = 3,
        *,
        halvings: int = 3,
        width: int = 64,
        normalisation: Literal["instance", "none"] = "instance",
        spectral: bool = False,
    ) -> None:
        if min(channels, halvings, width) < 1:
            raise ValueError(
                "PatchGAN needs at least one channel, halving and feature; "
                f"got {channels}, {halvings} and {width}"
            )
        if normalisation not in ("instance", "none"):
            raise ValueError(f"PatchGAN has no normalisation {normalisation!r}; it has: instance, none")
        super().__init__()
        widths = [width * 2 ** min(n, MOST_DOUBLINGS) for n in range(halvings + 1)]
        strides = [2] * halvings + [1]
        layers: list[nn.Module] = []
        seen = channels
        for place, (given, stride) in enumerate(zip(widths, strides, strict=True)):
            normalised = normalisation == "instance" and place > 0
            layers.append(_convolution(seen, given, stride, bias=not normalised, spectral=spectral))
            layers += [InstanceNorm2d(given)] if normalised else []
            layers.append(nn.LeakyReLU(_SLOPE))
            seen = given
        layers.append(_convolution(seen, 1, 1, bias=True, spectral=spectral))
        self.layers = nn.Sequential(*layers)
        self.halvings = halvings

    @property
    def receptive_field(self) -> int:
        """Pixels along the side of the patch that one answer is about."""
        field = 1
        for stride in [1, 1] + [2] * self.halvings:
            field = field * stride + _KERNEL - stride
        return field

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``(N, 1, y, x)`` for images ``(N, C, Y, X)``; positive: looks real."""
        logits: Tensor = self.layers(image)
        return logits


def _convolution(seen: int, given: int, stride: int, *, bias: bool, spectral: bool) -> nn.Module:
    convolution = nn.Conv2d(seen, given, _KERNEL, stride=stride, padding=1, bias=bias)
    nn.init.normal_(convolution.weight, std=INITIAL_DEVIATION)
    return nn.utils.parametrizations.spectral_norm(convolution) if spectral else convolution
