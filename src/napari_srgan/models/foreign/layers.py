"""The layers of a residual super-resolution generator, found in its state dict.

Repositories name the same layers in many ways. What they have in common are the shapes:
one convolution from the image to the features, residual blocks of two convolutions each,
one more convolution (the trunk's last), sub-pixel convolutions and one back to the image.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isqrt

from torch import Tensor

Path = tuple[str, ...]
State = Mapping[str, Tensor]


class NotAGenerator(Exception):
    """The layers are not those of a residual super-resolution generator; says what is odd."""


@dataclass(frozen=True)
class Norm:
    """A normalisation of features; without statistics of its own it is an InstanceNorm."""

    weight: Tensor | None
    bias: Tensor | None
    mean: Tensor | None
    variance: Tensor | None


@dataclass
class Layer:
    """A convolution, and what comes between it and the next one."""

    path: Path
    weight: Tensor
    """``(out, in / groups, Y, X)``."""
    bias: Tensor | None
    norm: Norm | None = None
    slope: Tensor | None = None
    """Slope of a PReLU, ``(1,)`` for all features or ``(out,)``; None if no slope is stored."""

    @property
    def features_out(self) -> int:
        return self.weight.shape[0]

    @property
    def features_in(self) -> int:
        return self.weight.shape[1]


@dataclass(frozen=True)
class Layers:
    """The layers of a generator by what they do."""

    head: Layer
    blocks: list[tuple[Layer, Layer]]
    trunk: Layer
    stages: list[Layer]
    """Sub-pixel convolutions that are followed by another convolution."""
    last: Layer
    """The convolution to the image; if there are no stages, to the image's sub-pixels."""

    @property
    def width(self) -> int:
        return self.head.features_out

    @property
    def channels(self) -> int:
        return self.head.features_in


def find_layers(state: State) -> Layers:
    """Tell the layers of a generator from names and shapes.

    Parameters
    ----------
    state
        Tensors of any shape by name.

    Raises
    ------
    NotAGenerator
        If they are something else.
    """
    convolutions, norms, slopes = _modules(state)
    layers = _by_shape(convolutions)
    blocks = {pair[0].path[: layers.depth]: pair for pair in layers.blocks}
    for path, norm in norms.items():
        _attach_norm(path, norm, layers, blocks)
    for path, slope in slopes.items():
        _attach_slope(path, slope, layers, blocks)
    return Layers(layers.head, layers.blocks, layers.trunk, layers.stages, layers.last)


@dataclass(frozen=True)
class _Shapes(Layers):
    depth: int
    """Parts of a name that say in which block a layer is."""

    @property
    def outside(self) -> list[Layer]:
        return [self.head, self.trunk, *self.stages, self.last]


def _modules(state: State) -> tuple[list[Layer], dict[Path, Norm], dict[Path, Tensor]]:
    """Convolutions, normalisations and slopes by their place, in natural order."""
    parts: dict[Path, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        *place, leaf = name.split(".")
        parts.setdefault(tuple(place), {})[leaf] = tensor
    convolutions: list[Layer] = []
    norms: dict[Path, Norm] = {}
    slopes: dict[Path, Tensor] = {}
    for path in sorted(parts, key=_natural):
        part = parts[path]
        weight = part.get("weight")
        if any(0 in tensor.shape for tensor in part.values()):
            raise NotAGenerator(f"{'.'.join(path)} holds nothing")
        if set(part) <= {"num_batches_tracked"}:
            continue
        if set(part) <= {"weight", "bias"} and weight is not None and weight.ndim == 4:
            convolutions.append(Layer(path, weight, part.get("bias")))
        elif set(part) == {"weight"} and weight is not None and weight.ndim <= 1:
            slopes[path] = weight.reshape(-1)
        elif _is_norm(part):
            norms[path] = Norm(weight, part.get("bias"), part.get("running_mean"), part.get("running_var"))
        else:
            raise NotAGenerator(f"{'.'.join(path)} is neither convolution, normalisation nor PReLU")
    return convolutions, norms, slopes


def _is_norm(part: Mapping[str, Tensor]) -> bool:
    values = [tensor for leaf, tensor in part.items() if leaf != "num_batches_tracked"]
    return (
        set(part) <= {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
        and (("running_mean" in part) == ("running_var" in part))
        and (("weight" in part) == ("bias" in part))
        and len({tuple(tensor.shape) for tensor in values}) == 1
        and values[0].ndim == 1
    )


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Numbers in names count as numbers: block10 comes after block9."""
    tokens = re.findall(r"\d+|\D+", ".".join(path))
    return [(0, int(token), "") if token.isdigit() else (1, 0, token) for token in tokens]


def _by_shape(convolutions: list[Layer]) -> _Shapes:
    width = _width(convolutions)
    inner = [c for c in convolutions if c.features_out == width and c.features_in in (1, width)]
    # From a one-channel image to the features it has the shape of a depthwise convolution.
    heads = [c for c in convolutions if c.features_out == width and c.features_in not in (1, width)]
    if not heads:
        heads = _outside_blocks([c for c in inner if c.features_in == 1], inner)
    if len(heads) != 1:
        raise NotAGenerator(f"{len(heads)} layers lead from an image to {width} features")
    (head,) = heads
    inner = [c for c in inner if c is not head]
    rest = [c for c in convolutions if c is not head and not any(c is i for i in inner)]
    stages = [c for c in rest if _shuffle(c, width) > 1]
    ends = [c for c in rest if not any(c is s for s in stages)]
    if any(c.features_in != width for c in rest) or len(ends) != 1:
        raise NotAGenerator(f"{len(ends)} layers lead from {width} features to an image")
    channels = head.features_in
    factor = _shuffle(ends[0], channels)
    if factor == 0 or (factor == 1) != bool(stages):
        raise NotAGenerator(f"{channels} channels become {ends[0].features_out}")
    depth, blocks, trunk = _blocks(inner)
    return _Shapes(head, blocks, trunk, stages, ends[0], depth)


def _width(convolutions: list[Layer]) -> int:
    square = Counter(c.features_out for c in convolutions if c.features_out == c.features_in)
    if not square:
        raise NotAGenerator("no convolution has as many features going in as coming out")
    return square.most_common(1)[0][0]


def _outside_blocks(candidates: list[Layer], inner: list[Layer]) -> list[Layer]:
    """Keep the layers that stand alone: a depthwise convolution stands in a block beside another one."""
    return [
        c for c in candidates
        if not any(o is not c and len(c.path) > 1 and o.path[:-1] == c.path[:-1] for o in inner)
    ]  # fmt: skip


def _shuffle(layer: Layer, features: int) -> int:
    """The factor of a pixel shuffle to so many features after this layer; 0 if there is none."""
    ratio, left = divmod(layer.features_out, features)
    factor = isqrt(ratio)
    return factor if left == 0 and factor**2 == ratio else 0


def _blocks(inner: list[Layer]) -> tuple[int, list[tuple[Layer, Layer]], Layer]:
    """Pairs that share the beginning of their names, and the one that stands alone."""
    for depth in range(1, max((len(c.path) for c in inner), default=0) + 1):
        groups: dict[Path, list[Layer]] = {}
        for layer in inner:
            groups.setdefault(layer.path[:depth], []).append(layer)
        sizes = Counter(len(group) for group in groups.values())
        if sizes[1] == 1 and sizes[2] == len(groups) - 1 >= 1:
            pairs = [(g[0], g[1]) for g in groups.values() if len(g) == 2]
            return depth, pairs, next(g[0] for g in groups.values() if len(g) == 1)
    raise NotAGenerator("its layers are no residual blocks of two convolutions and one after them")


def _attach_norm(path: Path, norm: Norm, layers: _Shapes, blocks: Mapping[Path, tuple[Layer, Layer]]) -> None:
    size = next(t.shape[0] for t in (norm.weight, norm.mean) if t is not None)
    pair = blocks.get(path[: layers.depth])
    if pair:
        layer = next((one for one in pair if one.norm is None), None)
    else:
        fitting = [c for c in layers.outside if size in (c.features_out, layers.width)]
        layer = _nearest(path, fitting, otherwise=layers.trunk)
    if layer is None or layer.norm is not None or layer is layers.last:
        raise NotAGenerator(f"the normalisation {'.'.join(path)} belongs to no layer")
    layer.norm = norm


def _attach_slope(
    path: Path, slope: Tensor, layers: _Shapes, blocks: Mapping[Path, tuple[Layer, Layer]]
) -> None:
    pair = blocks.get(path[: layers.depth])
    layer = pair[0] if pair else _nearest(path, layers.outside, otherwise=layers.head)
    if layer.slope is not None or layer is layers.last or len(slope) not in (1, layers.width):
        raise NotAGenerator(f"the PReLU {'.'.join(path)} belongs to no layer")
    layer.slope = slope


def _nearest(path: Path, layers: Iterable[Layer], *, otherwise: Layer) -> Layer:
    """The layer with most of the name in common; of several the last one before it."""
    shared = [(_in_common(path, layer.path), layer) for layer in layers]
    most = max((count for count, _ in shared), default=0)
    if most == 0:
        return otherwise
    nearest = [layer for count, layer in shared if count == most]
    before = [layer for layer in nearest if _natural(layer.path) < _natural(path)]
    return before[-1] if before else nearest[0]


def _in_common(one: Path, other: Path) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count
