"""Generators with the layers and names of well-known repositories, and with random weights.

Written from the published structure, as small as can be. Each is used as its repository uses
it: `as_used` maps an image of 0..1 to one of 0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Conv, Norm = nn.Conv2d, nn.BatchNorm2d
STEPS = {2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
DEVIATION = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def same(size_in: int, size_out: int, kernel: int = 3, **arguments: Any) -> nn.Conv2d:
    return Conv(size_in, size_out, kernel, padding=kernel // 2, **arguments)


class Named(nn.Module):
    """Modules under names, run by a function."""

    def __init__(self, run: Callable[[Any, Tensor], Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def stages(width: int, factor: int, make: Callable[[int, int], nn.Module]) -> Iterator[nn.Module]:
    for step in STEPS[factor]:
        yield make(width, step)


def with_halves(x: Tensor) -> Tensor:
    return (torch.tanh(x) + 1) / 2


class BlockN(nn.Module):
    """block1 ... blockN of leftthomas/SRGAN; the trunk ends in a PReLU or in BatchNorm."""

    def __init__(self, blocks: int, width: int, factor: int, channels: int, end: str = "prelu") -> None:
        super().__init__()

        def residual() -> Named:
            return Named(
                lambda m, x: x + m.bn2(m.conv2(m.prelu(m.bn1(m.conv1(x))))),
                conv1=same(width, width), bn1=Norm(width), prelu=nn.PReLU(),
                conv2=same(width, width), bn2=Norm(width),
            )  # fmt: skip

        def stage(width: int, step: int) -> Named:
            return Named(
                lambda m, x: m.prelu(F.pixel_shuffle(m.conv(x), step)),
                conv=same(width, width * step**2), prelu=nn.PReLU(),
            )  # fmt: skip

        self.block1 = nn.Sequential(same(channels, width, 9), nn.PReLU())
        self.residuals = [f"block{number + 2}" for number in range(blocks)]
        for name in self.residuals:
            self.add_module(name, residual())
        after = nn.PReLU() if end == "prelu" else Norm(width)
        self.trunk, self.tail = f"block{blocks + 2}", f"block{blocks + 3}"
        self.add_module(self.trunk, nn.Sequential(same(width, width), after))
        self.add_module(self.tail, nn.Sequential(*stages(width, factor, stage), same(width, channels, 9)))

    def forward(self, x: Tensor) -> Tensor:
        first = features = self.block1(x)
        for name in [*self.residuals, self.trunk]:
            features = self.get_submodule(name)(features)
        return with_halves(self.get_submodule(self.tail)(first + features))

    as_used = forward


class ResidualN(nn.Module):
    """conv1, residual1 ... residualN, conv2, upsample of goldhuang/SRGAN-PyTorch."""

    def __init__(self, blocks: int, width: int, factor: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(same(channels, width, 9), nn.PReLU())
        self.names = [f"residual{number + 1}" for number in range(blocks)]
        for name in self.names:
            net = nn.Sequential(same(width, width), Norm(width), nn.PReLU(), same(width, width), Norm(width))
            self.add_module(name, Named(lambda m, x: x + m.net(x), net=net))
        self.conv2 = nn.Sequential(same(width, width), nn.PReLU())
        self.upsample = nn.Sequential(*stages(width, factor, self.stage), same(width, channels, 9))

    @staticmethod
    def stage(width: int, step: int) -> nn.Module:
        net = nn.Sequential(same(width, width * step**2), nn.PixelShuffle(step), nn.PReLU())
        return Named(lambda m, x: m.net(x), net=net)

    def forward(self, x: Tensor) -> Tensor:
        first = features = self.conv1(x)
        for name in self.names:
            features = self.get_submodule(name)(features)
        return with_halves(self.upsample(self.conv2(features) + first))

    as_used = forward


class ResidualBlockN(nn.Module):
    """conv1, residual_block1 ..., conv2, upsample1 ..., conv3 of aitorzip/PyTorch-SRGAN, with swish."""

    def __init__(self, blocks: int, width: int, factor: int, channels: int) -> None:
        super().__init__()
        self.conv1 = same(channels, width, 9)
        self.names = [f"residual_block{number + 1}" for number in range(blocks)]
        for name in self.names:
            self.add_module(
                name,
                Named(
                    lambda m, x: x + m.bn2(m.conv2(F.silu(m.bn1(m.conv1(x))))),
                    conv1=same(width, width), bn1=Norm(width), conv2=same(width, width), bn2=Norm(width),
                ),
            )  # fmt: skip
        self.conv2 = same(width, width)
        self.steps = STEPS[factor]
        for number, step in enumerate(self.steps):
            self.add_module(
                f"upsample{number + 1}", Named(lambda m, x: m.conv(x), conv=same(width, width * step**2))
            )
        self.conv3 = same(width, channels, 9)

    def forward(self, x: Tensor) -> Tensor:
        first = features = F.silu(self.conv1(x))
        for name in self.names:
            features = self.get_submodule(name)(features)
        features = self.conv2(features) + first
        for number, step in enumerate(self.steps):
            conv = self.get_submodule(f"upsample{number + 1}")
            features = F.silu(F.pixel_shuffle(conv(features), step))
        return self.conv3(features)

    def as_used(self, x: Tensor) -> Tensor:
        return self((x - MEAN) / DEVIATION) * DEVIATION + MEAN


class ConvInput(nn.Module):
    """conv_input, residual, conv_mid, upscale4x, conv_output of twtygqyy/pytorch-SRResNet."""

    def __init__(self, blocks: int, width: int, factor: int, channels: int) -> None:
        super().__init__()
        bare = {"bias": False}
        self.conv_input = same(channels, width, 9, **bare)
        self.residual = nn.Sequential(
            *(
                Named(
                    lambda m, x: m.bn2(m.conv2(F.leaky_relu(m.bn1(m.conv1(x)), 0.2))) + x,
                    conv1=same(width, width, **bare), bn1=Norm(width),
                    conv2=same(width, width, **bare), bn2=Norm(width),
                )
                for _ in range(blocks)
            )
        )  # fmt: skip
        self.conv_mid = same(width, width, **bare)
        self.bn_mid = Norm(width)
        layers: list[nn.Module] = []
        for step in STEPS[factor]:
            layers += [same(width, width * step**2, **bare), nn.PixelShuffle(step), nn.LeakyReLU(0.2)]
        self.upscale4x = nn.Sequential(*layers)
        self.conv_output = same(width, channels, 9, **bare)

    def forward(self, x: Tensor) -> Tensor:
        first = F.leaky_relu(self.conv_input(x), 0.2)
        return self.conv_output(self.upscale4x(self.bn_mid(self.conv_mid(self.residual(first))) + first))

    as_used = forward


class Trunk(nn.Module):
    """head, residual blocks in a Sequential, conv, upsampling, last convolution, under any names."""

    def __init__(
        self,
        parts: dict[str, nn.Module],
        output: Callable[[Tensor], Tensor] = lambda x: x,
    ) -> None:
        super().__init__()
        self.names = list(parts)
        self.output = output
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Tensor) -> Tensor:
        head, blocks, trunk, tail, last = (self.get_submodule(name) for name in self.names)
        first = head(x)
        return self.output(last(tail(trunk(blocks(first)) + first)))

    def as_used(self, x: Tensor) -> Tensor:
        return self(x)


class Signed(Trunk):
    """Used on -1..1."""

    def as_used(self, x: Tensor) -> Tensor:
        return (self(2 * x - 1) + 1) / 2


class SignedOut(Trunk):
    """Gives -1..1."""

    def as_used(self, x: Tensor) -> Tensor:
        return (self(x) + 1) / 2


class Standardised(Trunk):
    """Used on standardised colours."""

    def as_used(self, x: Tensor) -> Tensor:
        return self((x - MEAN) / DEVIATION) * DEVIATION + MEAN


class StandardisedIn(Trunk):
    """Sees standardised colours and gives -1..1."""

    def as_used(self, x: Tensor) -> Tensor:
        return (self((x - MEAN) / DEVIATION) + 1) / 2


def eriklindernoren(
    blocks: int, width: int, factor: int, channels: int, eps: float = 0.8, act: type[nn.Module] = nn.PReLU
) -> Trunk:
    """BatchNorm before the pixel shuffle; ``BatchNorm2d(64, 0.8)``, which is its eps, everywhere else.

    The first version had ReLU and the usual eps.
    """

    def trunk_norm() -> nn.Module:
        return nn.BatchNorm2d(width, eps)

    def block() -> nn.Module:
        conv_block = nn.Sequential(same(width, width), trunk_norm(), act(), same(width, width), trunk_norm())
        return Named(lambda m, x: x + m.conv_block(x), conv_block=conv_block)

    layers: list[nn.Module] = []
    for step in STEPS[factor]:
        size = width * step**2
        layers += [same(width, size), Norm(size), nn.PixelShuffle(step), act()]
    return Standardised(
        {
            "conv1": nn.Sequential(same(channels, width, 9), act()),
            "res_blocks": nn.Sequential(*(block() for _ in range(blocks))),
            "conv2": nn.Sequential(same(width, width), trunk_norm()),
            "upsampling": nn.Sequential(*layers),
            "conv3": nn.Sequential(same(width, channels, 9), nn.Tanh()),
        }
    )


def lornatang(
    blocks: int, width: int, factor: int, channels: int, prefix: str = "conv", *, old: bool = False
) -> Trunk:
    """rcb blocks without biases; versions before 2022 end in a tanh and are used on -1..1."""

    def block() -> nn.Module:
        rcb = nn.Sequential(
            same(width, width, bias=False), Norm(width), nn.PReLU(),
            same(width, width, bias=False), Norm(width),
        )  # fmt: skip
        return Named(lambda m, x: x + m.rcb(x), rcb=rcb)

    def stage(width: int, step: int) -> nn.Module:
        upsample_block = nn.Sequential(same(width, width * step**2), nn.PixelShuffle(step), nn.PReLU())
        return Named(lambda m, x: m.upsample_block(x), upsample_block=upsample_block)

    last = same(width, channels, 9)
    return (Signed if old else Trunk)(
        {
            f"{prefix}1": nn.Sequential(same(channels, width, 9), nn.PReLU()),
            "trunk": nn.Sequential(*(block() for _ in range(blocks))),
            f"{prefix}2": nn.Sequential(same(width, width, bias=False), Norm(width)),
            "subpixel_conv" if old else "upsampling": nn.Sequential(*stages(width, factor, stage)),
            f"{prefix}3": nn.Sequential(last, nn.Tanh()) if old else last,
        }
    )


def sgrvinod(blocks: int, width: int, factor: int, channels: int) -> Trunk:
    """Every convolution in a Sequential of its own; tanh at the end."""

    def layer(sizes: tuple[int, int, int], *after: nn.Module) -> nn.Module:
        return Named(lambda m, x: m.conv_block(x), conv_block=nn.Sequential(same(*sizes), *after))

    def block() -> nn.Module:
        return Named(
            lambda m, x: x + m.conv_block2(m.conv_block1(x)),
            conv_block1=layer((width, width, 3), Norm(width), nn.PReLU()),
            conv_block2=layer((width, width, 3), Norm(width)),
        )

    def stage(width: int, step: int) -> nn.Module:
        return Named(
            lambda m, x: m.prelu(F.pixel_shuffle(m.conv(x), step)),
            conv=same(width, width * step**2), prelu=nn.PReLU(),
        )  # fmt: skip

    return StandardisedIn(
        {
            "conv_block1": layer((channels, width, 9), nn.PReLU()),
            "residual_blocks": nn.Sequential(*(block() for _ in range(blocks))),
            "conv_block2": layer((width, width, 3), Norm(width)),
            "subpixel_convolutional_blocks": nn.Sequential(*stages(width, factor, stage)),
            "conv_block3": layer((width, channels, 9), nn.Tanh()),
        }
    )


def fast_srgan(blocks: int, width: int, factor: int, channels: int, kind: str = "instance") -> Trunk:
    """neck, stem, bottleneck, upsampling, head of HasnainRaz/Fast-SRGAN.

    InstanceNorm that stores nothing, or with weights ("affine"), or an earlier version's
    BatchNorm after depthwise convolutions ("depthwise").
    """

    def norm() -> nn.Module:
        return Norm(width) if kind == "depthwise" else nn.InstanceNorm2d(width, affine=kind == "affine")

    def block() -> nn.Module:
        second = 1 if kind == "depthwise" else 3
        groups = {"groups": width} if kind == "depthwise" else {}
        return Named(
            lambda m, x: m.bn2(m.conv2(m.relu1(m.bn1(m.conv1(x))))) + x,
            conv1=same(width, width, bias=False, **groups), bn1=norm(), relu1=nn.PReLU(),
            conv2=same(width, width, second, bias=False), bn2=norm(),
        )  # fmt: skip

    def stage(width: int, step: int) -> nn.Module:
        return Named(
            lambda m, x: m.relu(F.pixel_shuffle(m.conv(x), step)),
            conv=same(width, width * step**2), relu=nn.PReLU(),
        )  # fmt: skip

    return Signed(
        {
            "neck": nn.Sequential(same(channels, width), nn.PReLU()),
            "stem": nn.Sequential(*(block() for _ in range(blocks))),
            "bottleneck": nn.Sequential(same(width, width, bias=False), norm()),
            "upsampling": nn.Sequential(*stages(width, factor, stage)),
            "head": nn.Sequential(same(width, channels), nn.Tanh()),
        }
    )


def aladdinpersson(blocks: int, width: int, factor: int, channels: int) -> Trunk:
    """Slopes for each feature; those after the second convolutions are stored and not used."""

    def layer(size_in: int, kernel: int, *, norm: bool = True, active: bool = True) -> nn.Module:
        return Named(
            lambda m, x: m.act(m.bn(m.cnn(x))) if active else m.bn(m.cnn(x)),
            cnn=same(size_in, width, kernel, bias=not norm),
            bn=Norm(width) if norm else nn.Identity(),
            act=nn.PReLU(width),
        )

    def block() -> nn.Module:
        return Named(
            lambda m, x: x + m.block2(m.block1(x)),
            block1=layer(width, 3), block2=layer(width, 3, active=False),
        )  # fmt: skip

    def stage(width: int, step: int) -> nn.Module:
        return Named(
            lambda m, x: m.act(F.pixel_shuffle(m.conv(x), step)),
            conv=same(width, width * step**2), act=nn.PReLU(width),
        )  # fmt: skip

    return SignedOut(
        {
            "initial": layer(channels, 9, norm=False),
            "residuals": nn.Sequential(*(block() for _ in range(blocks))),
            "convblock": layer(width, 3, active=False),
            "upsamples": nn.Sequential(*stages(width, factor, stage)),
            "final": same(width, channels, 9),
        },
        output=torch.tanh,
    )


def dongheehand(blocks: int, width: int, factor: int, channels: int) -> Trunk:
    """One PReLU in all places, stored in each; a small last kernel."""
    act = nn.PReLU()

    def layer(sizes: tuple[int, int, int], *after: nn.Module) -> nn.Module:
        return Named(lambda m, x: m.body(x), body=nn.Sequential(same(*sizes), *after))

    def block() -> nn.Module:
        body = nn.Sequential(
            layer((width, width, 3), Norm(width), act), layer((width, width, 3), Norm(width))
        )
        return Named(lambda m, x: x + m.body(x), body=body)

    def stage(width: int, step: int) -> nn.Module:
        body = nn.Sequential(layer((width, width * step**2, 3)), nn.PixelShuffle(step), act)
        return Named(lambda m, x: m.body(x), body=body)

    return Signed(
        {
            "conv01": layer((channels, width, 9), act),
            "body": nn.Sequential(*(block() for _ in range(blocks))),
            "conv02": layer((width, width, 3), Norm(width)),
            "tail": nn.Sequential(*stages(width, factor, stage)),
            "last_conv": layer((width, channels, 3), nn.Tanh()),
        }
    )


PUBLISHED: dict[str, Callable[..., Any]] = {
    "block1, PReLU": BlockN,
    "block1, BatchNorm": lambda *sizes: BlockN(*sizes, end="batch"),
    "residual1": ResidualN,
    "residual_block1": ResidualBlockN,
    "conv_input": ConvInput,
    "res_blocks": eriklindernoren,
    "res_blocks, ReLU": lambda *sizes: eriklindernoren(*sizes, eps=1e-5, act=nn.ReLU),
    "trunk, conv1": lornatang,
    "trunk, conv_block1": lambda *sizes: lornatang(*sizes, prefix="conv_block"),
    "trunk, tanh": lambda *sizes: lornatang(*sizes, old=True),
    "residual_blocks": sgrvinod,
    "neck, InstanceNorm": fast_srgan,
    "neck, affine": lambda *sizes: fast_srgan(*sizes, kind="affine"),
    "neck, depthwise": lambda *sizes: fast_srgan(*sizes, kind="depthwise"),
    "initial": aladdinpersson,
    "conv01": dongheehand,
}
"""By what their names begin with."""


def made(
    kind: str, blocks: int = 3, width: int = 8, factor: int = 2, channels: int = 3, seed: int = 0
) -> Any:
    """A generator of that kind in evaluation mode, nothing in it left as it was initialised."""
    torch.manual_seed(seed)
    module = PUBLISHED[kind](blocks, width, factor, channels)
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_(std=0.3)
                part.running_var.uniform_(0.3, 2)
            if isinstance(part, nn.BatchNorm2d | nn.InstanceNorm2d) and part.weight is not None:
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(std=0.3)
            if isinstance(part, nn.PReLU):
                part.weight.uniform_(-0.2, 0.6)
    return module.eval().requires_grad_(False)
