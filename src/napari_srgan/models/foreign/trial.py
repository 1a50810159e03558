"""Ranges of a generator whose repository is not known, found by trying.

A trained generator keeps the brightness of an image: what it gives, made small again, is what
it was given. With a wrong range it does not.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import torch
from skimage.io import imread
from torch import Tensor

from napari_srgan.models.foreign.families import Family
from napari_srgan.models.foreign.layers import Layers, NotAGenerator
from napari_srgan.models.foreign.onto_srresnet import build_srresnet
from napari_srgan.networks import Generator, bicubic_downsample
from napari_srgan.samples import sample_path

AGREES = 0.1
"""Root mean square of the difference, as a fraction of the range, up to which an image counts as kept."""
_SIDE = 48


def family_by_trial(layers: Layers) -> tuple[Family, str]:
    """Conventions under which a generator keeps an image, and a sentence on how they were found.

    Parameters
    ----------
    layers
        The layers of a generator whose activations have slopes, or whose blocks have normalisations.

    Raises
    ------
    NotAGenerator
        If too little is stored to tell it from networks of another kind.
    """
    first = [layer for layer, _ in layers.blocks]
    if layers.head.slope is None and any(layer.norm is None for layer in first):
        raise NotAGenerator("neither names nor slopes nor normalisations tell its activations")
    ranges = ("unit", "signed", "imagenet") if layers.channels == 3 else ("unit", "signed")
    ends = [("unit", "linear"), ("signed", "tanh"), ("signed", "linear")]
    ends += [("imagenet", "linear")] if layers.channels == 3 else []
    image = _image(layers.channels)
    found: list[tuple[float, int, Family]] = []
    for seen, (given, output) in product(ranges, ends):
        family = Family("", (), input_range=seen, output_range=given, output=output)  # type: ignore[arg-type]
        found.append((_difference(build_srresnet(layers, family)[0], image), len(found), family))
    difference, _, best = min(found)
    if difference > AGREES:
        return Family("", ()), "ranges assumed: 0..1 in and out, as nothing tells them"
    words = {"unit": "0..1", "signed": "-1..1", "imagenet": "ImageNet's"}
    how = f"ranges found by trying: {words[best.input_range]} in, {words[best.output_range]} out"
    return best, how + (", after a tanh" if best.output == "tanh" else "")


def _image(channels: int) -> Tensor:
    """A part of the bundled photo of tissue, ``(1, channels, Y, X)``."""
    whole = imread(sample_path("tissue"))
    y, x = (side // 2 for side in whole.shape[:2])
    part = whole[y : y + _SIDE, x : x + _SIDE].astype(np.float32) / 255
    colours = torch.from_numpy(part).permute(2, 0, 1)[None]
    return colours if channels == 3 else colours.mean(1, keepdim=True).expand(-1, channels, -1, -1)


@torch.inference_mode()
def _difference(network: Generator, image: Tensor) -> float:
    margin = 4
    again = bicubic_downsample(network(image).clamp(-1, 2), network.scale_factor)
    difference = (again - image)[..., margin:-margin, margin:-margin]
    return float(difference.square().mean().sqrt())
