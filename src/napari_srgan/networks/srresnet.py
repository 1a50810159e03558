"""SRResNet, the generator of SRGAN.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a
generative adversarial network. CVPR, arXiv 1609.04802. Section 2.1 and figure 4.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

from torch import Tensor, nn

from napari_srgan.networks.generator import BackProjection, Generator, predict_nothing_yet
from napari_srgan.networks.instance_norm import InstanceNorm2d
from napari_srgan.networks.sub_pixel import (
    Upsampling,
    check_upsampling,
    direct_tail,
    staged_tail,
    tail_radius,
)

Normalisation = Literal["batch", "instance", "none"]
Activation = Literal["prelu", "relu", "silu"]
TrunkEnd = Literal["normalisation", "activation"]
OutputLayer = Literal["linear", "tanh"]
ValueRange = Literal["unit", "signed", "imagenet"]

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's red, green and blue."""


def _normalisation(kind: Normalisation, width: int) -> nn.Module:
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm2d(width) if kind == "batch" else InstanceNorm2d(width)


def _activation(kind: Activation, width: int) -> nn.Module:
    if kind == "prelu":
        return nn.PReLU(width)
    return nn.ReLU(inplace=True) if kind == "relu" else nn.SiLU(inplace=True)


class ResidualBlock(nn.Module):
    """Convolution, normalisation, activation, convolution, normalisation, plus the input."""

    def __init__(self, width: int, normalisation: Normalisation, activation: Activation) -> None:
        super().__init__()
        # A normalisation has its own shift, which makes a bias redundant.
        bias = normalisation == "none"
        self.residual = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=bias),
            _normalisation(normalisation, width),
            _activation(activation, width),
            nn.Conv2d(width, width, 3, padding=1, bias=bias),
            _normalisation(normalisation, width),
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(N, width, Y, X)`` of a float dtype to features of the same shape and dtype."""
        residual: Tensor = self.residual(features)
        return residual.add_(features)


class SRResNet(Generator):
    """The generator of Ledig et al. 2017; its defaults are the paper's.

    Parameters
    ----------
    scale_factor
        The scale factor: 1, 2, 3, 4 or 8.
    channels
        Number of channels of the image: 1 for most microscopy, 3 for RGB, or any other number.
    blocks
        Number of residual blocks; B = 16 in the paper.
    width
        Number of features of each convolution; 64 in the paper.
    kernel
        Size of the first and the last convolution, odd; 9 in the paper.
    normalisation
        ``"batch"`` as in the paper; ``"instance"`` (Ulyanov et al. 2016, arXiv 1607.08022),
        whose statistics are those of the whole image; or ``"none"``, which trains without the
        artefacts of batch statistics (Lim et al. 2017, arXiv 1707.02921, section 3.1).
    activation
        ``"prelu"`` as in the paper, ``"relu"``, or ``"silu"`` (swish).
    interpolated_skip, back_projection
        See :class:`~napari_srgan.networks.generator.Generator`.
    upsampling
        ``"staged"`` as in the paper, the last convolution at high resolution, or
        ``"direct"``, see :mod:`~napari_srgan.networks.sub_pixel`.
    trunk_end
        What follows the last convolution of the trunk: its ``"normalisation"`` as in the
        paper, or an ``"activation"`` in its place, as some implementations have it.
    output
        ``"linear"``, or ``"tanh"`` on the prediction.
    input_range, output_range
        What the layers see and give: ``"unit"`` for 0..1, ``"signed"`` for -1..1,
        ``"imagenet"`` for RGB with ImageNet's mean at 0 and its standard deviation at 1.
        Outside of the network an image is 0..1 in any case.

    Raises
    ------
    ValueError
        If an argument is outside what is said above.
    """

    def __init__(
        self,
        scale_factor: int = 4,
        channels: int = 3,
        *,
        blocks: int = 16,
        width: int = 64,
        kernel: int = 9,
        normalisation: Normalisation = "batch",
        activation: Activation = "prelu",
        interpolated_skip: bool = False,
        upsampling: Upsampling = "staged",
        back_projection: BackProjection = False,
        trunk_end: TrunkEnd = "normalisation",
        output: OutputLayer = "linear",
        input_range: ValueRange = "unit",
        output_range: ValueRange = "unit",
    ) -> None:
        check_upsampling("SRResNet", upsampling, scale_factor)
        _check_choices(
            (normalisation, Normalisation), (activation, Activation), (trunk_end, TrunkEnd),
            (output, OutputLayer), (input_range, ValueRange), (output_range, ValueRange),
        )  # fmt: skip
        if min(channels, blocks, width) < 1 or kernel % 2 == 0:
            raise ValueError(
                "SRResNet needs at least one channel, block and feature, and an odd kernel; "
                f"got {channels}, {blocks}, {width} and {kernel}"
            )
        if "imagenet" in (input_range, output_range) and channels != 3:
            raise ValueError(f"ImageNet's mean is one of 3 channels, not of {channels}")
        super().__init__(
            scale_factor=scale_factor,
            channels=channels,
            interpolated_skip=interpolated_skip,
            back_projection=back_projection,
        )
        self._tanh = output == "tanh"
        self._input_range = input_range
        self._output_range = output_range

        self.head = nn.Sequential(
            nn.Conv2d(channels, width, kernel, padding=kernel // 2), _activation(activation, width)
        )
        ends_active = trunk_end == "activation"
        self.body = nn.Sequential(
            *(ResidualBlock(width, normalisation, activation) for _ in range(blocks)),
            nn.Conv2d(width, width, 3, padding=1, bias=normalisation == "none" or ends_active),
            _activation(activation, width) if ends_active else _normalisation(normalisation, width),
        )
        self.tail = (
            direct_tail(scale_factor, channels, width)
            if upsampling == "direct"
            else staged_tail(scale_factor, channels, width, kernel, lambda: _activation(activation, width))
        )
        self._receptive_radius = self._back_projection_radius + math.ceil(
            kernel // 2 + 2 * blocks + 1 + tail_radius(upsampling, scale_factor, kernel)
        )
        if interpolated_skip:
            predict_nothing_yet([m for m in self.tail.modules() if isinstance(m, nn.Conv2d)][-1])

    @property
    def receptive_radius(self) -> int:
        return self._receptive_radius

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``."""
        seen = _to_range(self._input_range, low).to(next(self.parameters()).dtype)
        head = self.head(seen)
        predicted: Tensor = self.tail(self.body(head) + head).float()
        if self._tanh:
            predicted = predicted.tanh()
        return self._completed(_from_range(self._output_range, predicted), low)


def _to_range(kind: ValueRange, image: Tensor) -> Tensor:
    """Values of 0..1 as the layers see them."""
    if kind == "unit":
        return image
    mean, deviation = _centre(kind, image)
    return (image - mean) / deviation


def _from_range(kind: ValueRange, predicted: Tensor) -> Tensor:
    """What the layers give as values of 0..1."""
    if kind == "unit":
        return predicted
    mean, deviation = _centre(kind, predicted)
    return predicted * deviation + mean


def _centre(kind: ValueRange, image: Tensor) -> tuple[Tensor | float, Tensor | float]:
    """What is 0 and how much is 1 in a range of values."""
    if kind == "signed":
        return 0.5, 0.5
    mean, deviation = (image.new_tensor(each)[:, None, None] for each in IMAGENET)
    return mean, deviation


def _check_choices(*chosen: tuple[str, object]) -> None:
    for value, kind in chosen:
        if value not in get_args(kind):
            raise ValueError(f"SRResNet has no {value!r} where it has {', '.join(get_args(kind))}")
