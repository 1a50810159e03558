"""Well-known PyTorch repositories of SRGAN generators, and what their weights do not tell.

Shapes tell blocks, widths, factors, slopes and normalisations. They do not tell the range of
values a generator was trained on, whether its last layer is followed by a tanh, or which
activation stands where no slope is stored. The repository's own test script decides that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ForeignRange = Literal["unit", "signed", "imagenet"]
RELU, LEAKY = 0.0, 0.2
"""Activations without weights of their own are PReLUs whose slope is known."""


@dataclass(frozen=True)
class Family:
    """What the checkpoints of one repository, and of those that descend from it, have in common."""

    name: str
    """The repository whose names the layers have."""
    telling: tuple[str, ...]
    """Patterns; the names of its layers match each at least once, from their beginning."""
    input_range: ForeignRange = "unit"
    """What the network was shown: 0..1, -1..1, or 0..1 standardised as for ImageNet."""
    output_range: ForeignRange = "unit"
    output: Literal["linear", "tanh"] = "linear"
    activation: float | Literal["silu"] = RELU
    """Slope of the activation where none is stored, or another activation."""
    trunk_eps: float = 1e-5
    """What normalisations in the blocks and after them add to the variance; others add 1e-5."""
    idle: str = r"(?!)"
    """Pattern of layers that are stored, but that the network does not use."""
    agrees_if_direct: bool = False
    """Whether one that upsamples directly adds its result to the interpolated image, and makes
    it agree with its input."""

    @property
    def source(self) -> str:
        """The address of the repository."""
        return f"https://github.com/{self.name}" if "/" in self.name else self.name

    def matches(self, names: Iterable[str]) -> bool:
        """Whether these can be names of its layers."""
        names = list(names)
        return all(any(re.match(pattern, name) for name in names) for pattern in self.telling)


FAMILIES: tuple[Family, ...] = (
    # This project's own, where a card was lost. All its recipes for direct upsampling do this.
    Family(
        "napari-srgan",
        (r"head\.0\.", r"body\.0\.residual\.0\.", r"tail\.0\."),
        agrees_if_direct=True,
    ),
    # The sum of tanh and 1, halved: IIM-GAN and many others descend from this one.
    Family(
        "leftthomas/SRGAN",
        (r"block1\.", r"block2\.", r"block3\."),
        output="tanh", output_range="signed",
    ),
    Family(
        "goldhuang/SRGAN-PyTorch",
        (r"conv1\.", r"residual_?1\.", r"conv2\.", r"upsample\."),
        output="tanh", output_range="signed",
    ),
    Family(
        "aitorzip/PyTorch-SRGAN",
        (r"conv1\.", r"residual_block1\.", r"conv2\.", r"upsample1\.", r"conv3\."),
        input_range="imagenet", output_range="imagenet", activation="silu",
    ),
    Family(
        "twtygqyy/pytorch-SRResNet",
        (r"conv_input\.", r"residual\.0\.", r"conv_mid\.", r"conv_output\."),
        activation=LEAKY,
    ),
    # BatchNorm2d(64, 0.8) is an eps of 0.8. Its first version had neither that nor slopes.
    Family(
        "eriklindernoren/PyTorch-GAN",
        (r"conv1\.1\.weight", r"res_blocks\.0\.conv_block", r"conv2\.0\.", r"upsampling\.0\.", r"conv3\.0\."),
        input_range="imagenet", output_range="imagenet", output="tanh", trunk_eps=0.8,
    ),
    Family(
        "eriklindernoren/PyTorch-GAN",
        (r"conv1\.0\.", r"res_blocks\.0\.conv_block", r"conv2\.0\.", r"upsampling\.0\.", r"conv3\.0\."),
        input_range="imagenet", output_range="imagenet", output="tanh",
    ),
    Family(
        "sgrvinod/a-PyTorch-Tutorial-to-Super-Resolution",
        (r"conv_block1\.conv_block\.", r"residual_blocks\.0\.", r"subpixel_convolutional_blocks\."),
        input_range="imagenet", output_range="signed", output="tanh",
    ),
    # Its versions to 2021 end in a tanh, and so in a Sequential; those since 2022 do not.
    Family(
        "Lornatang/SRGAN-PyTorch",
        (r"conv1\.0\.", r"(trunk|res(idual)?_?blocks?)\.0\.", r"conv2\.0\.", r"conv3\.0\."),
        input_range="signed", output_range="signed", output="tanh",
    ),
    Family(
        "Lornatang/SRGAN-PyTorch",
        (r"conv(_block)?1\.0\.", r"trunk\.0\.", r"conv(_block)?2\.0\.", r"conv(_block)?3\.weight"),
    ),
    # InstanceNorm without weights, or in earlier versions BatchNorm and depthwise convolutions.
    Family(
        "HasnainRaz/Fast-SRGAN",
        (r"neck\.0\.", r"stem\.0\.", r"bottleneck\.0\.", r"upsampling\.0\.", r"head\.0\."),
        input_range="signed", output_range="signed", output="tanh",
    ),
    # Every block of convolution, normalisation and PReLU has all three; some do without the last.
    Family(
        "aladdinpersson/Machine-Learning-Collection",
        (r"initial\.cnn\.", r"residuals\.0\.block1\.", r"convblock\.", r"upsamples\.0\.", r"final\."),
        output_range="signed", output="tanh", idle=r"residuals\.\d+\.block2\.act\.|convblock\.act\.",
    ),
    Family(
        "dongheehand/SRGAN-PyTorch",
        (r"conv01\.", r"body\.0\.", r"conv02\.", r"tail\.0\.", r"last_conv\."),
        input_range="signed", output_range="signed", output="tanh",
    ),
)  # fmt: skip
"""The families, the more particular ones first."""


def family_of(names: Iterable[str]) -> Family | None:
    """The family whose names these are, if any."""
    names = list(names)
    return next((family for family in FAMILIES if family.matches(names)), None)
