"""Every architecture that spandrel knows, as a generator.

spandrel (https://github.com/chaiNNer-org/spandrel) recognises some forty architectures from
their state dicts. It is imported when it is needed, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from napari_srgan.models.foreign.process_wide import process_wide
from napari_srgan.models.foreign.radius import measure_radius
from napari_srgan.models.foreign.row_strips import compact_in_strips
from napari_srgan.models.foreign.without_triton import without_triton
from napari_srgan.models.memory_guard import at_most
from napari_srgan.models.sentences import first_line
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import GeneratorArguments

_SLACK = 2**28
"""Bytes that spandrel may need besides the weights, for masks and the like."""


class NotKnown(ValueError):
    """spandrel does not know these weights, or they are of no use here; says why."""


class SpandrelGenerator(Generator):
    """A network that spandrel has built.

    Parameters
    ----------
    model
        The network.
    call
        A function that runs it on ``(N, C, Y, X)``.
    title
        Name of its architecture.
    scale_factor, channels
        See :class:`~napari_srgan.networks.generator.GeneratorArguments`.
    multiple, smallest
        The sides of what the network takes are multiples of this, and no smaller than that.
    halves
        The small float types it can compute in.
    receptive_radius
        Its receptive radius in low-resolution pixels; measured by default.
    """

    def __init__(
        self,
        model: nn.Module,
        call: Callable[[nn.Module, Tensor], Tensor],
        *,
        title: str,
        scale_factor: int,
        channels: int,
        multiple: int = 1,
        smallest: int = 1,
        halves: frozenset[torch.dtype] = frozenset(),
        receptive_radius: int | None = None,
    ) -> None:
        super().__init__(GeneratorArguments(scale_factor, channels))
        self.model = model
        self.title = title
        self._call = call
        self._multiple, self._smallest = multiple, smallest
        self._halves = halves
        self.eval()
        self._takes_batches = _takes_batches(lambda low: call(model, low), channels, self._to_fit(1))
        self._radius = measure_radius(self) if receptive_radius is None else receptive_radius

    @property
    def receptive_radius(self) -> int:
        return self._radius

    @property
    def in_strips(self) -> bool:
        return self._call is compact_in_strips

    @property
    def half_precisions(self) -> frozenset[torch.dtype]:
        return self._halves

    def forward(self, low: Tensor) -> Tensor:
        """Map float32 ``(N, C, Y, X)`` to float32 ``(N, C, Y * factor, X * factor)``; any size will do."""
        y, x = low.shape[-2:]
        seen = low.to(next(self.parameters()).dtype)
        if self._to_fit(1) > 1:
            seen = continued(seen, self._to_fit(y), self._to_fit(x))
        # What is taken apart has a batch of its own in ONNX, and cannot have another.
        parts = (seen,) if self._takes_batches else torch.split(seen, 1)
        high = torch.cat([self._call(self.model, part) for part in parts]).float()
        return high[..., : y * self.scale_factor, : x * self.scale_factor]

    def _to_fit(self, side: int) -> int:
        side_needed = max(side, self._smallest)
        return -(-side_needed // self._multiple) * self._multiple


@torch.inference_mode()
def _takes_batches(call: Callable[[Tensor], Tensor], channels: int, side: int) -> bool:
    """Whether a network makes of two images at a time what it makes of each."""
    noise = torch.Generator().manual_seed(0)
    low = torch.rand(2, channels, max(side, 8 // side * side), side, generator=noise)
    try:
        together, apart = call(low), torch.cat([call(one) for one in torch.split(low, 1)])
    except Exception:  # whatever its layers bring about
        return False
    return together.shape == apart.shape and torch.allclose(together, apart, rtol=1e-3, atol=1e-4)


def continued(image: Tensor, y: int, x: int) -> Tensor:
    """Continue an image ``(..., Y, X)`` of any float dtype by reflection to ``(..., y, x)``, to and fro if it
    is small."""
    while image.shape[-2] < y or image.shape[-1] < x:
        more = [max(0, wanted - have) for wanted, have in zip((x, y), image.shape[:-3:-1], strict=True)]
        # A reflection is as long as the image less its edge; an image of one pixel is repeated.
        right, down = (min(m, have - 1) for m, have in zip(more, image.shape[:-3:-1], strict=True))
        if right == down == 0:
            return F.pad(image, (0, more[0], 0, more[1]), mode="replicate")
        image = F.pad(image, (0, right, 0, down), mode="reflect")
    return image


def build_by_spandrel(
    state: Mapping[str, Tensor], *, receptive_radius: int | None = None
) -> SpandrelGenerator:
    """The network that spandrel recognises in a state dict.

    Parameters
    ----------
    state
        Tensors of any shape by name.
    receptive_radius
        Receptive radius of the network in low-resolution pixels, if it is known; measuring it takes seconds.

    Raises
    ------
    NotKnown
        If it recognises none, or one that does not make one image larger or better.
    """
    _check_numbers(state)
    size = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    with process_wide():
        with without_triton():
            from spandrel import ImageModelDescriptor, MaskedImageModelDescriptor, ModelLoader

        try:
            with at_most(4 * size + _SLACK):
                found = ModelLoader().load_from_state_dict(dict(state))
        except Exception as error:  # it looks into names and shapes as they come
            raise NotKnown(first_line(error)) from error
    title = found.architecture.name
    if isinstance(found, MaskedImageModelDescriptor) or not isinstance(found, ImageModelDescriptor):
        raise OfNoUse(f"holds a network ({title}) that fills in masked parts of photos")
    if found.purpose == "FaceSR" or found.size_requirements.square:
        raise OfNoUse(f"holds a network ({title}) that restores portraits of one size")
    if found.input_channels != found.output_channels:
        raise OfNoUse(
            f"holds a network ({title}) that takes {found.input_channels} channels and gives "
            f"{found.output_channels}"
        )
    halves = {torch.float16: found.supports_half, torch.bfloat16: found.supports_bfloat16}
    try:
        network = SpandrelGenerator(
            found.model.float(),
            _call_of(found),
            title=title,
            scale_factor=found.scale,
            channels=found.input_channels,
            multiple=found.size_requirements.multiple_of,
            smallest=max(found.size_requirements.minimum, 1),
            halves=frozenset(dtype for dtype, supported in halves.items() if supported),
            receptive_radius=receptive_radius,
        )
    except Exception as error:  # of weights that are loaded, but do not fit together
        raise NotKnown(first_line(error)) from error
    return network.requires_grad_(False)


def _check_numbers(state: Mapping[str, Tensor]) -> None:
    """Refuse numbers in names that are far beyond what is there: as many layers would be built."""
    most = 8 * len(state) + 64
    for name in state:
        if any(part.isdecimal() and int(part[:18]) > most for part in name.split(".")):
            raise NotKnown(f"{name} is one of {len(state)} tensors")


class OfNoUse(NotKnown):
    """spandrel knows the network, but it does not upscale or restore one image."""


def _call_of(found: Any) -> Callable[[nn.Module, Tensor], Tensor]:
    if found.architecture.id == "Compact":
        return compact_in_strips
    # Calling the descriptor itself clips to 0..1, where 16-bit data have values outside.
    call: Callable[[nn.Module, Tensor], Tensor] = found._call_fn
    return call
