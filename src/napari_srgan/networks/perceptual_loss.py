"""How far two images are apart for a network that recognises photographs.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a generative
adversarial network. CVPR, arXiv 1609.04802, eq. 5: the mean squared difference of a map.

Zhang, R. et al. (2018). The unreasonable effectiveness of deep features as a perceptual
metric. CVPR, arXiv 1801.03924, eq. 1 (LPIPS): maps of unit length at each place, their
squared difference weighted by features, averaged over places, summed over maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_srgan.networks.perceptual import FeatureMaps

SRGAN_FEATURE_SCALE = 1 / 12.75
"""The factor by which SRGAN multiplies VGG's maps (section 3.2): 0.006 on the loss."""

_EPSILON = 1e-8
"""Small number that keeps the length of a map, and its gradient, finite where all features are 0."""


def squared_distance(result: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Mean squared difference of feature maps ``(N, F, y, x)``, summed over maps: ``(N,)`` float32."""
    each = [(a.float() - b.float()).square().mean(dim=(1, 2, 3)) for a, b in zip(result, truth, strict=True)]
    return torch.stack(each).sum(dim=0)


def unit_distance(
    result: Sequence[Tensor], truth: Sequence[Tensor], heads: Sequence[Tensor] | None = None
) -> Tensor:
    """Distance of feature maps that are brought to unit length at each place (LPIPS, eq. 1).

    Parameters
    ----------
    result, truth
        Maps ``(N, F, y, x)``, of any float type; computed in float32.
    heads
        For each map the weights ``(F,)`` of its features, those of LPIPS learnt from what people saw; by
        default all weights are 1.

    Returns
    -------
    Tensor
        ``(N,)`` float32, 0 for equal maps.
    """
    total = torch.zeros((), device=result[0].device)
    for place, (a, b) in enumerate(zip(result, truth, strict=True)):
        difference = (_unit(a) - _unit(b)).square()
        if heads is not None:
            difference = difference * heads[place].view(1, -1, 1, 1)
        total = total + difference.sum(dim=1).mean(dim=(1, 2))
    return total


def _unit(features: Tensor) -> Tensor:
    features = features.float()
    return features * (features.square().sum(dim=1, keepdim=True) + _EPSILON).rsqrt()


class PerceptualLoss(nn.Module):
    """Distance of images by their feature maps, as a loss.

    Parameters
    ----------
    features
        The network, with its weights.
    unit_length
        Whether to compare maps of unit length, as LPIPS does for SqueezeNet's seven; otherwise the loss is
        their mean squared difference, as SRGAN's is for one of VGG's.
    heads
        The weights of the features of each map, for `unit_length`.
    feature_scale
        Factor by which maps are multiplied that are not of unit length: :data:`SRGAN_FEATURE_SCALE` makes the
        loss SRGAN's.

    Raises
    ------
    ValueError
        If there are heads for maps that are not of unit length.
    """

    def __init__(
        self,
        features: FeatureMaps,
        *,
        unit_length: bool,
        heads: Sequence[Tensor] | None = None,
        feature_scale: float = 1.0,
    ) -> None:
        if heads is not None and not unit_length:
            raise ValueError("heads weigh maps of unit length; ask for unit_length=True, or give no heads")
        super().__init__()
        self.features = features
        self.unit_length = unit_length
        self.feature_scale = feature_scale
        self.head_count = 0 if heads is None else len(heads)
        for place, head in enumerate(heads or ()):
            self.register_buffer(f"head{place}", head.float().flatten(), persistent=False)

    def forward(self, result: Tensor, truth: Tensor) -> Tensor:
        """Mean distance of float ``(N, 1 or 3, Y, X)`` images in 0..1: a float32 scalar.

        Gradients flow to `result` only.
        """
        return self.distances(result, truth).mean()

    def distances(self, result: Tensor, truth: Tensor) -> Tensor:
        """The distance of each pair of images, ``(N,)`` float32."""
        with torch.no_grad():
            wanted = self.features(truth)
        maps = self.features(result)
        if self.unit_length:
            return unit_distance(maps, wanted, self._heads())
        return squared_distance(maps, wanted) * self.feature_scale**2

    def _heads(self) -> list[Tensor] | None:
        heads = [self.get_buffer(f"head{place}") for place in range(self.head_count)]
        return heads or None
