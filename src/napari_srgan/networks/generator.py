"""What every generator tells about itself, so that its callers need not know it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from napari_srgan.networks.brightness import BRIGHTNESS_REACH, keep_brightness
from napari_srgan.networks.instance_norm import normalises_over_image
from napari_srgan.networks.resampling import BACK_PROJECTION_RADIUS, back_project, bicubic_upsample

BackProjection = bool | Literal["brightness"]
"""Whether and how a result is made to agree with its input."""


@dataclass(frozen=True)
class GeneratorArguments:
    """What can be chosen of every generator; each has a class of these with more. Cards keep them by name.

    Raises
    ------
    ValueError
        If one is not among what is said here, or there is no such scale factor.
    """

    title: ClassVar[str] = "a generator"
    """What it is called in messages."""
    factors: ClassVar[Collection[int]] = ()
    """Scale factors that there are; any, if none are given."""
    counted: ClassVar[Mapping[str, str]] = {}
    """Arguments that are 1 or more, and what they count."""

    scale_factor: int = 4
    """How many times larger the output is in Y and in X; 1 for networks that denoise or deblur an image and
    leave its size as it is."""
    channels: int = 3
    """Number of channels of the input and of the output: 1 for most microscopy, 3 for RGB."""
    _: KW_ONLY
    interpolated_skip: bool = False
    """Whether to predict only what bicubic interpolation lacks: the interpolated input is added to the
    output in float32, so that 16-bit data is not banded by faster types. At a factor of 1 it is the input
    itself, and the network predicts noise, as DnCNN does (Zhang, K. et al. (2017). IEEE Trans. Image
    Processing 26(7), arXiv 1608.03981, eq. 1)."""
    back_projection: BackProjection = False
    """Whether to make the result agree with its input: downsampled again it is the input but for rounding,
    so that no brightness is invented, not even in noise. It has no weights. True is only for results that
    are larger than the input: one of its size would have to be the input. ``"brightness"`` is for noisy
    images, whose noise is not to be put back: over some pixels only, at every factor, see
    :func:`~napari_srgan.networks.brightness.keep_brightness`."""

    def __post_init__(self) -> None:
        if self.factors and self.scale_factor not in self.factors:
            known = ", ".join(map(str, self.factors))
            raise ValueError(f"{self.title} upscales by one of {known}, not by {self.scale_factor!r}")
        if any(getattr(self, name) < 1 for name in self.counted):
            *others, last = dict.fromkeys(self.counted.values())
            got = ", ".join(f"{name} = {getattr(self, name)}" for name in self.counted)
            raise ValueError(f"{self.title} needs at least one {', '.join(others)} and {last}; got {got}")
        if self.back_projection not in (False, True, "brightness"):
            raise ValueError(f"back_projection is false, true or 'brightness'; got {self.back_projection!r}")
        if self.back_projection is True and self.scale_factor == 1:
            raise ValueError("back_projection at a scale factor of 1 would only give the input back")


class Generator(nn.Module, ABC):
    """A network from a low-resolution image to a high-resolution one, or to a better one of the same size.

    Parameters
    ----------
    arguments
        What was chosen of it.
    """

    arguments_type: ClassVar[type[GeneratorArguments]] = GeneratorArguments
    """What can be chosen of it."""

    def __init__(self, arguments: GeneratorArguments) -> None:
        super().__init__()
        self.scale_factor = arguments.scale_factor
        self.channels = arguments.channels
        self.interpolated_skip = arguments.interpolated_skip
        self.back_projection = arguments.back_projection

    @property
    @abstractmethod
    def receptive_radius(self) -> int:
        """Low-resolution pixels, beyond its own, that an output pixel depends on."""

    @property
    def frames_before(self) -> int:
        """Frames before its own that a result frame depends on; 0 for single images."""
        return 0

    @property
    def frames_after(self) -> int:
        """Frames after its own that a result frame depends on; 0 for single images."""
        return 0

    @property
    def frames(self) -> int:
        """Frames of a time-lapse that a result frame is made from; 1 for single images."""
        return self.frames_before + 1 + self.frames_after

    @property
    def clip(self) -> int:
        """Frames of a time-lapse that are best made in one go; 1 for single images."""
        return 1

    @property
    def grid(self) -> int:
        """Low-resolution pixels along the side of what is one place deep inside the network; 1 for most.

        Windows of an image that begin and end at multiples of it give what the whole image gives.
        """
        return 1

    @property
    def in_strips(self) -> bool:
        """Whether it works through an image strip by strip on a CPU, so that a pixel of a large tile takes no
        longer than one of a small tile."""
        return False

    @property
    def needs_plane_statistics(self) -> bool:
        """Whether every pixel depends on the whole image, by way of its mean and variance."""
        return normalises_over_image(self)

    @property
    def half_precisions(self) -> frozenset[torch.dtype]:
        """The small float types its weights may have; in any other it runs as float32."""
        return frozenset({torch.bfloat16, torch.float16})

    @abstractmethod
    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``.

        The weights may be of a smaller float type: the generator casts its own
        activations, and whatever passes straight from input to output stays float32.
        """

    def _completed(self, predicted: Tensor, low: Tensor) -> Tensor:
        """What the layers predict, with the skip and the back-projection, in float32."""
        high = predicted.float()
        if self.interpolated_skip:
            high = high + bicubic_upsample(low, self.scale_factor)
        if not self.back_projection:
            return high
        agree = keep_brightness if self.back_projection == "brightness" else back_project
        return agree(high, low, self.scale_factor)

    @property
    def _back_projection_radius(self) -> int:
        if not self.back_projection:
            return 0
        return BRIGHTNESS_REACH if self.back_projection == "brightness" else BACK_PROJECTION_RADIUS


def layout_of(axes: int, device: torch.device) -> torch.memory_format:
    """How images ``(N, C, Y, X)`` lie in memory so that layers read them fast; clips have one axis more.

    On Apple's GPUs as torch lays them by itself: layers there have given silently wrong results for parts of
    images whose channels come last (pytorch/pytorch issues 174345 and 180984).
    """
    return torch.channels_last if axes == 4 and device.type != "mps" else torch.contiguous_format


def predict_nothing_yet(layers: nn.Module) -> None:
    """Zero the last convolution, so that training starts from interpolation instead of from noise."""
    *_, last = (layer for layer in layers.modules() if isinstance(layer, nn.Conv2d))
    nn.init.zeros_(last.weight)
    if last.bias is not None:
        nn.init.zeros_(last.bias)
