"""Other people's generators as our own SRResNet, where the arithmetic is the same.

BatchNorm in evaluation mode is a scale and a shift, and becomes part of the convolution before
it; a slope for all features becomes one for each; an activation without weights is a PReLU of
known slope; a smaller kernel is a larger one with zeros around it; a depthwise convolution is
one with zeros between features.
"""

from __future__ import annotations

from dataclasses import replace
from math import isqrt, prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from napari_srgan.models.foreign.families import RELU, Family
from napari_srgan.models.foreign.layers import Layer, Layers, NotAGenerator
from napari_srgan.networks.srresnet import SRResNet, SRResNetArguments
from napari_srgan.networks.sub_pixel import UPSAMPLING_STAGES

_EPS = 1e-5
"""What PyTorch's normalisations add to the variance, unless told otherwise."""
_WIDEST = 1024
"""Features that a depthwise convolution may have; it needs their square in memory."""


def build_srresnet(layers: Layers, family: Family) -> tuple[SRResNet, dict[str, Any]]:
    """An SRResNet with the weights of these layers.

    Returns
    -------
    SRResNet
        The network in evaluation mode.
    dict
        Its keyword arguments.

    Raises
    ------
    NotAGenerator
        If there is no SRResNet that computes the same.
    """
    arguments = _arguments(layers, family)
    try:
        # Copies: what one file stores once for two layers would be trained as one.
        weights = {name: tensor.clone() for name, tensor in _weights(layers, family, arguments).items()}
        with torch.device("meta"):
            network = SRResNet(SRResNetArguments(**arguments))
        network.load_state_dict(weights, assign=True)
    except (RuntimeError, ValueError) as error:
        raise NotAGenerator(str(error).splitlines()[-1].strip()) from error
    return network.eval().requires_grad_(False), arguments


def _arguments(layers: Layers, family: Family) -> dict[str, Any]:
    kernels = [layers.head.weight.shape[-1]]
    kernels += [layers.last.weight.shape[-1]] if layers.stages else []
    return {
        "scale_factor": _factor(layers),
        "channels": layers.channels,
        "blocks": len(layers.blocks),
        "width": layers.width,
        "kernel": max(kernels),
        "normalisation": "instance" if _has_instance_norm(layers) else "none",
        "activation": _activation(layers, family),
        "upsampling": "staged" if layers.stages else "direct",
        "interpolated_skip": family.agrees_if_direct and not layers.stages,
        "back_projection": family.agrees_if_direct and not layers.stages,
        "trunk_end": "normalisation" if layers.trunk.slope is None else "activation",
        "output": family.output,
        "input_range": family.input_range,
        "output_range": family.output_range,
    }


def _activation(layers: Layers, family: Family) -> str:
    active = [layers.head, *(first for first, _ in layers.blocks), *layers.stages]
    stored = [layer.slope is not None for layer in active]
    if all(stored):
        return "prelu"
    if any(stored) or layers.trunk.slope is not None:
        raise NotAGenerator("only some of its activations have slopes")
    if isinstance(family.activation, str):
        return family.activation
    return "relu" if family.activation == RELU else "prelu"


def _factor(layers: Layers) -> int:
    width, channels = layers.width, layers.channels
    if not layers.stages:
        return isqrt(layers.last.features_out // channels)
    steps = tuple(isqrt(stage.features_out // width) for stage in layers.stages)
    factor = prod(steps)
    if UPSAMPLING_STAGES.get(factor) != steps:
        raise NotAGenerator(f"it upscales in steps of {steps}")
    return factor


def _has_instance_norm(layers: Layers) -> bool:
    """InstanceNorm has no statistics, and often nothing else that would be stored."""
    inner = [layer for pair in layers.blocks for layer in pair]
    stored = [layer.norm is not None and layer.norm.mean is None for layer in inner]
    # Nobody leaves a bias away but where a normalisation follows.
    bare = [layer.norm is None and layer.bias is None for layer in inner]
    if all(stored):
        return True
    if all(bare) and layers.head.bias is not None:
        return True
    if any(stored):
        raise NotAGenerator("only some of its layers are followed by InstanceNorm")
    return False


def _weights(layers: Layers, family: Family, arguments: dict[str, Any]) -> dict[str, Tensor]:
    """The state dict of our SRResNet."""
    width, kernel, trunk = layers.width, arguments["kernel"], len(layers.blocks)
    instance = arguments["normalisation"] == "instance"
    plain = family.activation if arguments["activation"] == "prelu" else None

    def normalised(layer: Layer) -> list[dict[str, Tensor]]:
        """A convolution ``(out, in, 3, 3)`` of the body, and what is left of its normalisation, as state
        dicts."""
        if instance:
            return [{"weight": _of_size(layer.weight, 3)}, _instance_norm(layer, width)]
        return [_convolution(layer, 3, eps=family.trunk_eps), {}]

    parts = {"head.0": _convolution(layers.head, kernel), "head.1": _slopes(layers.head, width, plain)}
    for number, pair in enumerate(layers.blocks):
        first, second = (_dense(layer, width) for layer in pair)
        block = [*normalised(first), _slopes(first, width, plain), *normalised(second)]
        parts |= {f"body.{number}.residual.{place}": part for place, part in enumerate(block)}
    if layers.trunk.slope is not None:
        end = [_convolution(layers.trunk, 3, eps=family.trunk_eps), _slopes(layers.trunk, width, plain)]
    else:
        end = normalised(layers.trunk)
    parts |= {f"body.{trunk + place}": part for place, part in enumerate(end)}
    for number, stage in enumerate(layers.stages):
        parts[f"tail.{3 * number}"] = _convolution(stage, 3, shuffled_to=width)
        parts[f"tail.{3 * number + 2}"] = _slopes(stage, width, plain)
    last = _convolution(layers.last, kernel if layers.stages else 3)
    parts[f"tail.{3 * len(layers.stages)}"] = last
    return {f"{place}.{leaf}": tensor for place, part in parts.items() for leaf, tensor in part.items()}


def _convolution(
    layer: Layer, size: int, *, shuffled_to: int | None = None, eps: float = _EPS
) -> dict[str, Tensor]:
    """Weight and bias with the normalisation in them."""
    features = layer.features_out
    bias = torch.zeros(features) if layer.bias is None else layer.bias
    weight = _of_size(layer.weight, size)
    if layer.norm is None:
        return {"weight": weight, "bias": bias}
    scale, shift = _scale_and_shift(layer, eps)
    if len(scale) == shuffled_to and shuffled_to != features:
        # It comes after the pixel shuffle, which makes one feature of neighbouring ones.
        scale, shift = (each.repeat_interleave(features // shuffled_to) for each in (scale, shift))
    if len(scale) != features:
        raise NotAGenerator(f"a normalisation of {len(scale)} features follows {features}")
    return {
        "weight": (weight.double() * scale[:, None, None, None]).float(),
        "bias": (bias.double() * scale + shift).float(),
    }


def _scale_and_shift(layer: Layer, eps: float) -> tuple[Tensor, Tensor]:
    """What BatchNorm in evaluation mode does, in float64."""
    norm = layer.norm
    if norm is None or norm.mean is None or norm.variance is None:
        raise NotAGenerator(f"{'.'.join(layer.path)} is followed by InstanceNorm, where none can be")
    scale = torch.rsqrt(norm.variance.double() + eps)
    if norm.weight is not None:
        scale = scale * norm.weight.double()
    shift = -norm.mean.double() * scale
    return scale, shift if norm.bias is None else shift + norm.bias.double()


def _instance_norm(layer: Layer, width: int) -> dict[str, Tensor]:
    norm = layer.norm
    if (norm is None and layer.bias is not None) or (norm is not None and norm.mean is not None):
        raise NotAGenerator(f"{'.'.join(layer.path)} is not followed by InstanceNorm, as others are")
    if norm is None or norm.weight is None or norm.bias is None:
        return {"weight": torch.ones(width), "bias": torch.zeros(width)}
    return {"weight": norm.weight, "bias": norm.bias}


def _slopes(layer: Layer, width: int, plain: float | str | None) -> dict[str, Tensor]:
    """One slope for each feature; nothing if the network's activation has none."""
    if plain is None:
        return {}
    slope = layer.slope if layer.slope is not None else torch.tensor([float(plain)])
    return {"weight": slope.expand(width).clone()}


def _of_size(weight: Tensor, size: int) -> Tensor:
    """A kernel with zeros around it."""
    y, x = weight.shape[-2:]
    if y != x or y % 2 == 0 or y > size:
        raise NotAGenerator(f"a kernel of {y} x {x} stands where one of {size} x {size} can")
    return F.pad(weight, ((size - y) // 2,) * 4)


def _dense(layer: Layer, width: int) -> Layer:
    """A depthwise convolution with zeros between features; any other as it is."""
    if layer.features_in == width:
        return layer
    if width > _WIDEST:
        raise NotAGenerator(
            f"its depthwise convolutions have {width} features, at most {_WIDEST} can be filled"
        )
    weight = torch.zeros(width, width, *layer.weight.shape[2:])
    each = torch.arange(width)
    weight[each, each] = layer.weight[:, 0]
    return replace(layer, weight=weight)
