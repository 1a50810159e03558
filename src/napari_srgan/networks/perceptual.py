"""Feature maps of networks trained to recognise photographs, to compare images by.

Simonyan, K. and Zisserman, A. (2014). Very deep convolutional networks for large-scale
image recognition. arXiv 1409.1556, table 1, column E (VGG19).

Iandola, F. N. et al. (2016). SqueezeNet: AlexNet-level accuracy with 50x fewer parameters
and <0.5MB model size. arXiv 1602.07360; version 1.1 of its authors' repository.

Both take images as the generators make them, ``(N, C, Y, X)`` with values in 0..1, and do
inside what their weights were trained with. Their weights are frozen; gradients reach the
image. Names of weights are torchvision's.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

VGGLayer = Literal["vgg22", "vgg54"]

_VGG19_LAYERS: dict[VGGLayer, tuple[int | Literal["pool"], ...]] = {
    "vgg22": (64, 64, "pool", 128, 128),
    "vgg54": (64, 64, "pool", 128, 128, "pool", *[256] * 4, "pool", *[512] * 4, "pool", *[512] * 4),
}
"""Numbers of features of the convolutions up to the named one, and the poolings between them."""


class FeatureMaps(nn.Module):
    """What both networks share: the image's three channels, shifted and scaled, and no training."""

    smallest: int
    """Pixels an image has at least in Y and in X."""

    def __init__(self, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        super().__init__()
        # Not among the weights of the file.
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.mean: Tensor
        self.std: Tensor

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map float ``(N, 1 or 3, Y, X)`` in 0..1 to feature maps ``(N, features, y, x)``.

        One channel is taken for three equal ones.

        Raises
        ------
        ValueError
            If the image has another number of channels, or is too small for the network.
        """
        _, channels, y, x = image.shape
        if channels not in (1, 3) or min(y, x) < self.smallest:
            raise ValueError(
                f"{type(self).__name__} sees images of 1 or 3 channels and at least {self.smallest} x "
                f"{self.smallest} pixels, not {channels} of {y} x {x}; crop larger pieces"
            )
        return self._maps((image.float().expand(-1, 3, -1, -1) - self.mean) / self.std)

    def _maps(self, image: Tensor) -> list[Tensor]:
        raise NotImplementedError

    def _freeze(self) -> None:
        self.eval().requires_grad_(False)


class VGG19Features(FeatureMaps):
    """One feature map of VGG19.

    Parameters
    ----------
    layer
        ``"vgg22"`` or ``"vgg54"``: phi_i,j of SRGAN (Ledig et al. 2017, section 2.2.1), the
        j-th convolution before the i-th pooling.
    activated
        Whether the map is that after the activation, as in SRGAN, or before it, as in ESRGAN (Wang et al.
        2018, arXiv 1809.00219, section 3.3), where more of the map is left.

    Raises
    ------
    ValueError
        If there is no such layer.
    """

    def __init__(self, layer: VGGLayer = "vgg54", *, activated: bool = True) -> None:
        if layer not in _VGG19_LAYERS:
            raise ValueError(f"VGG19 is used up to {' or '.join(_VGG19_LAYERS)}, not {layer!r}")
        super().__init__(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
        modules: list[nn.Module] = []
        width = 3
        for step in _VGG19_LAYERS[layer]:
            if step == "pool":
                modules.append(nn.MaxPool2d(2))
            else:
                modules += [nn.Conv2d(width, step, 3, padding=1), nn.ReLU(inplace=True)]
                width = step
        self.features = nn.Sequential(*(modules if activated else modules[:-1]))
        self.smallest = 2 ** _VGG19_LAYERS[layer].count("pool")
        self._freeze()

    def _maps(self, image: Tensor) -> list[Tensor]:
        return [self.features(image)]


class SqueezeNetFeatures(FeatureMaps):
    """Seven feature maps of SqueezeNet 1.1, those that LPIPS compares (Zhang et al. 2018).

    The weights are those of the Caffe original: blue comes first, values are 0..255, and the
    mean colour is taken off.
    """

    smallest = 17
    tapped = (1, 4, 7, 9, 10, 11, 12)
    """Layers whose output is a feature map, by their place in `features`."""
    widths = (64, 128, 256, 384, 384, 512, 512)
    """Features of each map."""

    def __init__(self) -> None:
        blue, green, red = 104 / 255, 117 / 255, 123 / 255
        super().__init__(mean=(red, green, blue), std=(1 / 255, 1 / 255, 1 / 255))
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, stride=2), nn.ReLU(inplace=True),
            _pool(), Fire(64, 16, 64), Fire(128, 16, 64),
            _pool(), Fire(128, 32, 128), Fire(256, 32, 128),
            _pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
        )  # fmt: skip
        self._freeze()

    def _maps(self, image: Tensor) -> list[Tensor]:
        maps = []
        features = image.flip(1)
        for place, layer in enumerate(self.features):
            features = layer(features)
            if place in self.tapped:
                maps.append(features)
        return maps


class Fire(nn.Module):
    """SqueezeNet's block: few features, then many, half of them from 1x1 kernels (figure 1)."""

    def __init__(self, width: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(width, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, width, Y, X)`` of a float dtype to ``(N, 2 * expanded, Y, X)`` of the same."""
        squeezed = self.squeeze(features).relu_()
        return torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], dim=1).relu_()


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
