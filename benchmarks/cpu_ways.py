"""Ways to run a chain of convolutions on a CPU, and what a megapixel of an image costs in each.

    python benchmarks/cpu_ways.py [--repeat 3] [--threads 1]

The network is a compact one of 18 convolutions of 64 features, x4, as in ``realesr-animevideov3-x4.pth``;
its weights, which change no time, are drawn. What is printed are processor seconds for a megapixel that the
network sees, medians of turns, and that times what is seen for each pixel of an image of 1000 x 1000, cut
into such tiles. What a processor with AVX2 takes: ``ONEDNN_MAX_CPU_ISA=AVX2``, ``ATEN_CPU_CAPABILITY=avx2``.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from unittest.mock import patch

import torch
from host import processor
from markdown_table import markdown
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils import mkldnn

from napari_srgan.inference.tiles.tiling import BORDER
from napari_srgan.models.foreign import row_strips

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

SIDE, RADIUS, USUAL_HALO = 1000, 18, 10
WIDE, HIGH = SIDE + 2 * BORDER, 250
"""Pixels of the image with its border; and rows that are timed of one as wide."""
IN_CACHE = 2**18
"""Elements of a part of a layer's result whose activation is computed at a time."""


@dataclass(frozen=True)
class Way:
    """One way to run the network."""

    title: str
    run: Callable[[Tensor], object]
    low: Tensor
    seen: float
    """Pixels that it sees for each pixel of the image."""


class InPlace(nn.Module):
    """An activation whose result takes the place of what it is given, part by part."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, values: Tensor) -> Tensor:
        rows = max(IN_CACHE // (values.shape[1] * values.shape[3]), 1)
        for part in values.split(rows, dim=2):
            part.copy_(self.inner(part))
        return values


class Blocked(nn.Module):
    """The convolutions in oneDNN's own layout."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.body = mkldnn.to_mkldnn(nn.Sequential(*copy.deepcopy(network).body))
        self.upsampler = network.upsampler

    def forward(self, low: Tensor) -> Tensor:
        predicted: Tensor = self.upsampler(self.body(low.to_mkldnn()).to_dense())
        return predicted + F.interpolate(low, scale_factor=self.upsampler.upscale_factor)


def in_place(network: nn.Module) -> nn.Module:
    network = copy.deepcopy(network)
    for place, layer in enumerate(network.body):
        if isinstance(layer, nn.PReLU):
            network.body[place] = InPlace(layer)
    return network


def seen_in_tiles(side: int, halo: int, border: int = BORDER) -> float:
    """Pixels seen for each of the image, in tiles of about a side with their halo."""
    count = math.ceil(SIDE / (side - 2 * halo))
    return ((SIDE + 2 * halo * (count - 1) + 2 * min(halo, border)) / SIDE) ** 2


def in_strips(network: nn.Module, pixels: int) -> Callable[[Tensor], object]:
    def run(low: Tensor) -> object:
        with patch.object(row_strips, "STRIP_PIXELS", pixels), patch.object(row_strips, "LEAST_ROWS", 1):
            return row_strips.compact_in_strips(network, low)

    return run


def ways() -> list[Way]:
    torch.manual_seed(0)
    plain = SRVGGNetCompact(num_feat=64, num_conv=16, upscale=4).eval().requires_grad_(False)
    last = copy.deepcopy(plain).to(memory_format=torch.channels_last)

    def low(rows: int, columns: int, layout: torch.memory_format = torch.channels_last) -> Tensor:
        return torch.rand(1, 3, rows, columns).contiguous(memory_format=layout)

    found = [
        Way(
            f"torch's layout, tiles of 276, halo {USUAL_HALO} (the plain loop)",
            plain,
            low(276, 276, torch.contiguous_format),
            seen_in_tiles(276, USUAL_HALO, border=0),
        ),
        Way("oneDNN's layout, tiles of 286", Blocked(plain), low(286, 286), seen_in_tiles(286, RADIUS)),
    ]
    for side in (286, 370, 536):
        seen = seen_in_tiles(side, RADIUS)
        found.append(Way(f"channels last, tiles of {side}", last, low(side, side), seen))
        title = f"channels last, activations in place, tiles of {side}"
        found.append(Way(title, in_place(last), low(side, side), seen))
    whole = (WIDE / SIDE) ** 2
    for pixels in (2**12, 2**13, 2**14, 2**15):
        run = in_strips(last, pixels)
        found.append(Way(f"channels last, strips of {pixels} pixels", run, low(HIGH, WIDE), whole))
    return found


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{processor()}, {torch.backends.cpu.get_cpu_capability()}, {arguments.threads} threads\n")
    measured = ways()
    seconds: dict[str, list[float]] = {way.title: [] for way in measured}
    for turn in range(arguments.repeat + 1):
        for way in measured:
            began = time.process_time()
            way.run(way.low)
            if turn:
                seen = way.low.shape[2] * way.low.shape[3] / 1e6
                seconds[way.title].append((time.process_time() - began) / seen)
    first = measured[0]
    rows = [["way", "s for a megapixel seen", "seen for each pixel", "s for a megapixel", "times as fast"]]
    for way in measured:
        turns = zip(seconds[first.title], seconds[way.title], strict=True)
        ratio = median(theirs * first.seen / (ours * way.seen) for theirs, ours in turns)
        cost = median(seconds[way.title])
        rows.append([way.title, f"{cost:.1f}", f"{way.seen:.2f}", f"{cost * way.seen:.1f}", f"{ratio:.2f}"])
    print(markdown(rows))


if __name__ == "__main__":
    main()
