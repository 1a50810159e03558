"""SRResNet, the generator of SRGAN.

Ledig, C. et al. (2017). Photo-realistic single image super-resolution using a
generative adversarial network. CVPR, arXiv 1609.04802. Section 2.1 and figure 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal, get_args

from torch import Tensor, nn

from napari_srgan.networks.generator import Generator, GeneratorArguments, predict_nothing_yet
from napari_srgan.networks.instance_norm import InstanceNorm2d
from napari_srgan.networks.sub_pixel import (
    UPSAMPLING_STAGES,
    Upsampling,
    check_upsampling,
    tail_radius,
    upsampling_tail,
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


@dataclass(frozen=True)
class SRResNetArguments(GeneratorArguments):
    """What can be chosen of SRResNet; the defaults are those of the paper."""

    title = "SRResNet"
    factors = tuple(UPSAMPLING_STAGES)
    counted: ClassVar[Mapping[str, str]] = {"channels": "channel", "blocks": "block", "width": "feature"}

    _: KW_ONLY
    blocks: int = 16
    """Number of residual blocks; B = 16 in the paper."""
    width: int = 64
    """Number of features of each convolution; 64 in the paper."""
    kernel: int = 9
    """Size of the first and the last convolution, odd; 9 in the paper."""
    normalisation: Normalisation = "batch"
    """``"batch"`` as in the paper; ``"instance"`` (Ulyanov et al. 2016, arXiv 1607.08022), whose statistics
    are those of the whole image; or ``"none"``, which trains without the artefacts of batch statistics (Lim
    et al. 2017, arXiv 1707.02921, section 3.1)."""
    activation: Activation = "prelu"
    """``"prelu"`` as in the paper, ``"relu"``, or ``"silu"`` (swish)."""
    upsampling: Upsampling = "staged"
    """``"staged"`` as in the paper, the last convolution at high resolution, or ``"direct"``, see
    :mod:`~napari_srgan.networks.sub_pixel`."""
    trunk_end: TrunkEnd = "normalisation"
    """What follows the last convolution of the trunk: its ``"normalisation"`` as in the paper, or an
    ``"activation"`` in its place, as some implementations have it."""
    output: OutputLayer = "linear"
    """``"linear"``, or ``"tanh"`` on the prediction."""
    input_range: ValueRange = "unit"
    """What the layers see: ``"unit"`` for 0..1, ``"signed"`` for -1..1, ``"imagenet"`` for RGB with
    ImageNet's mean at 0 and its standard deviation at 1. Outside of the network an image is 0..1 in any
    case."""
    output_range: ValueRange = "unit"
    """What they give, in the same words."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_upsampling(self.title, self.upsampling)
        _check_choices(
            (self.normalisation, Normalisation), (self.activation, Activation), (self.trunk_end, TrunkEnd),
            (self.output, OutputLayer), (self.input_range, ValueRange), (self.output_range, ValueRange),
        )  # fmt: skip
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"SRResNet has an odd kernel; got {self.kernel}")
        if "imagenet" in (self.input_range, self.output_range) and self.channels != 3:
            raise ValueError(f"ImageNet's mean is one of 3 channels, not of {self.channels}")


class SRResNet(Generator):
    """The generator of Ledig et al. 2017."""

    arguments_type = SRResNetArguments

    def __init__(self, arguments: SRResNetArguments) -> None:
        super().__init__(arguments)
        factor, channels, width = arguments.scale_factor, arguments.channels, arguments.width
        normalisation, kernel, upsampling = arguments.normalisation, arguments.kernel, arguments.upsampling

        def activation() -> nn.Module:
            return _activation(arguments.activation, width)

        self._tanh = arguments.output == "tanh"
        self._input_range = arguments.input_range
        self._output_range = arguments.output_range
        self.head = nn.Sequential(nn.Conv2d(channels, width, kernel, padding=kernel // 2), activation())
        ends_active = arguments.trunk_end == "activation"
        self.body = nn.Sequential(
            *(ResidualBlock(width, normalisation, arguments.activation) for _ in range(arguments.blocks)),
            nn.Conv2d(width, width, 3, padding=1, bias=normalisation == "none" or ends_active),
            activation() if ends_active else _normalisation(normalisation, width),
        )
        self.tail = upsampling_tail(upsampling, factor, channels, width, kernel, activation)
        self._receptive_radius = self._back_projection_radius + math.ceil(
            kernel // 2 + 2 * arguments.blocks + 1 + tail_radius(upsampling, factor, kernel)
        )
        if self.interpolated_skip:
            predict_nothing_yet(self.tail)

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
