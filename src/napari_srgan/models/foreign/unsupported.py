"""What weights are that cannot be used for upscaling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from napari_srgan.models.foreign.layers import State
from napari_srgan.models.foreign.unwrapping import is_optimiser

CLASSIFIERS = (
    (r"layer1\.0\.conv1\.weight|layer1\.0\.0?\.?conv1\.weight", "a classifier (ResNet)"),
    (r"features\.\d+(\.\d+)*\.weight", "a classifier or feature extractor (VGG, AlexNet, DenseNet or alike)"),
    (r"_blocks\.\d+\._depthwise_conv", "a classifier (EfficientNet)"),
    (r"Mixed_\w+\.", "a classifier (Inception)"),
)
"""Names that only they have, beside layers that end in classes."""


def kind_of_contents(contents: Any) -> str:
    """What a file holds in which there is no state dict, in words that follow its name."""
    if is_optimiser(contents) or (
        isinstance(contents, Mapping) and any(map(is_optimiser, contents.values()))
    ):
        return "holds the state of an optimiser and no weights; use the file with the generator's weights"
    if isinstance(contents, Tensor):
        return "holds a single tensor and no network; use the file with the generator's weights"
    if isinstance(contents, Mapping) and not contents:
        return "holds nothing; get it again from where it came from"
    return (
        f"holds no weights that can be recognised (a {type(contents).__name__}); "
        "use a file with the state dict of a generator"
    )


def kind_of_network(state: State) -> str | None:
    """What a network is that does not upscale, in words that follow a file's name; else None."""
    if _is_discriminator(state):
        return "holds a discriminator, which judges images and makes none"
    for pattern, kind in CLASSIFIERS:
        if any(re.match(pattern, name) for name in state) and _makes_no_images(state):
            return f"holds {kind}, which makes no images"
    return None


def _makes_no_images(state: State) -> bool:
    """Whether no convolution leads back to an image."""
    kernels = [tensor for tensor in state.values() if tensor.ndim == 4]
    return bool(kernels) and all(tensor.shape[0] > 4 for tensor in kernels)


def _is_discriminator(state: State) -> bool:
    """Convolutions from an image to ever more features, and at the end one number."""
    weights = [tensor for tensor in state.values() if tensor.ndim >= 2]
    kernels = [tensor for tensor in weights if tensor.ndim == 4]
    wide = any(tensor.shape[0] > 6 for tensor in kernels)
    if len(kernels) < 3 or not wide or any(tensor.ndim not in (2, 4) for tensor in weights):
        return False
    widest = max(tensor.shape[0] for tensor in kernels)
    sees_images = min(tensor.shape[1] for tensor in kernels) <= 6
    grows = widest >= 4 * min(tensor.shape[0] for tensor in kernels if tensor.shape[0] > 6)
    # A generator of one channel ends in one feature too, but comes to it from fewer.
    judges = any(w.shape[0] == 1 and (w.ndim == 2 or w.shape[1] >= widest) for w in weights)
    shuffles = any(k.shape[0] in (4 * k.shape[1], 9 * k.shape[1]) for k in kernels if k.shape[1] > 8)
    return sees_images and grows and judges and not shuffles
