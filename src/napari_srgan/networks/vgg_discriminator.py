"""SRGAN's discriminator.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a
generative adversarial network. CVPR, arXiv 1609.04802. Section 2.1 and figure 4.
"""

from __future__ import annotations

from torch import Tensor, nn

_SLOPE = 0.2
"""Slope of the leaky rectifiers below 0."""
HALVINGS = 4
"""Number of convolutions of stride 2."""
DENSE_WIDTHS = 16
"""Multiple of the width that the dense layer has: 1024 features in the paper."""


class VGGDiscriminator(nn.Module):
    """Tells high-resolution images from upscaled ones, one answer an image.

    Eight convolutions of 3 x 3, their features doubled three times, every second of stride
    2; two dense layers. The sigmoid belongs to the loss.

    Parameters
    ----------
    channels
        Number of channels of the image.
    patch
        Side of the images in pixels, a multiple of 16; 96 in the paper.
    width
        Number of features of the first convolution; 64 in the paper.

    Raises
    ------
    ValueError
        If `patch` is no multiple of 16, or a number is below 1.
    """

    def __init__(self, channels: int = 3, *, patch: int = 96, width: int = 64) -> None:
        if patch < 1 or patch % 2**HALVINGS:
            raise ValueError(f"the VGG discriminator sees patches of a multiple of 16 pixels, not {patch}")
        if min(channels, width) < 1:
            raise ValueError(f"it needs at least one channel and feature; got {channels} and {width}")
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 3, padding=1), nn.LeakyReLU(_SLOPE)]
        seen = width
        for doubling in range(HALVINGS):
            given = width * 2**doubling
            if doubling:
                layers += _normalised(seen, given, stride=1)
            layers += _normalised(given, given, stride=2)
            seen = given
        self.features = nn.Sequential(*layers)
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(seen * (patch // 2**HALVINGS) ** 2, DENSE_WIDTHS * width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(DENSE_WIDTHS * width, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``(N, 1)`` for images ``(N, C, patch, patch)``; positive: looks real."""
        logits: Tensor = self.dense(self.features(image))
        return logits


def _normalised(seen: int, given: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(seen, given, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(given),
        nn.LeakyReLU(_SLOPE),
    ]
