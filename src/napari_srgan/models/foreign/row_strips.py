"""A chain of convolutions, worked through in strips of rows: nothing is computed twice, and little is kept.

From one strip to the next each convolution keeps the last rows that it was given, which the first rows of
the next strip depend on. So an image costs what it costs whole, its halo once and not once a tile, while what
lies between two layers stays as small as a strip: in a processor's cache, and in memory that the system need
not hand out anew for each layer. Results are those of the whole image.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STRIP_PIXELS, LEAST_ROWS = 2**15, 8
"""Number of pixels of a strip, 8 MiB of float32 for 64 features; and least number of its rows."""


def compact_in_strips(model: Any, low: Tensor) -> Tensor:
    """Run a compact network as it runs itself, in strips where that is faster: on a CPU, to use it only.

    Parameters
    ----------
    model
        spandrel's ``SRVGGNetCompact``: convolutions of 3 x 3 with activations in between, a pixel shuffle,
        and the nearest pixels of the input added. Whoever watches its convolutions is told of each once.
    low
        ``(N, C, Y, X)`` of the dtype of its weights.
    """
    if low.device.type != "cpu" or not torch.is_inference_mode_enabled():  # trained, or exported
        result: Tensor = model(low)
        return result
    layers = _layers(model.body)
    strips = _strips(low.shape[2], low.shape[3], len(layers))
    factor: int = model.upscale
    sides = low.shape[2] * factor, low.shape[3] * factor
    high = torch.empty(
        (low.shape[0], model.num_out_ch, *sides), dtype=low.dtype, memory_format=torch.channels_last
    )
    kept: list[Tensor | None] = [None] * len(layers)
    done = 0
    for number, (start, stop) in enumerate(strips):
        rows, last = low[:, :, start:stop], stop == low.shape[2]
        for place, (convolution, activation) in enumerate(layers):
            seen = _continued(rows, kept[place], last=last)
            kept[place] = seen[:, :, -2:].clone(memory_format=torch.channels_last)
            if place * len(strips) // len(layers) == number:  # its turn to be seen by who watches
                rows = convolution(seen)[:, :, 1:-1]
            else:
                rows = F.conv2d(seen, convolution.weight, convolution.bias, padding=(0, 1))
            rows = rows if activation is None else activation(rows)
        there = low[:, :, done : done + rows.shape[2]]
        strip = model.upsampler(rows)
        strip += F.interpolate(there, scale_factor=factor, mode="nearest")
        high[:, :, done * factor : done * factor + strip.shape[2]] = strip
        done += rows.shape[2]
    return high


def _layers(body: nn.ModuleList) -> list[tuple[nn.Conv2d, nn.Module | None]]:
    """Convolutions, each with the activation after it."""
    layers: list[tuple[nn.Conv2d, nn.Module | None]] = []
    for layer in body:
        if isinstance(layer, nn.Conv2d):
            layers.append((layer, None))
        else:
            layers[-1] = (layers[-1][0], layer)
    return layers


def _strips(height: int, width: int, layers: int) -> list[tuple[int, int]]:
    """First rows of strips, and those after their last. The first is higher: each layer takes a row of it."""
    rows = max(STRIP_PIXELS // width, LEAST_ROWS)
    starts = [0, *range(rows + layers, height, rows)]
    return list(zip(starts, [*starts[1:], height], strict=True))


def _continued(rows: Tensor, kept: Tensor | None, *, last: bool) -> Tensor:
    """New rows below those that were kept, with the zeros above and below the image that belong to it."""
    seen = F.pad(rows, (0, 0, 1, 0)) if kept is None else torch.cat([kept, rows], dim=2)
    return F.pad(seen, (0, 0, 0, 1)) if last else seen
