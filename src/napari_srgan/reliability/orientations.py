"""Whether a model says the same of an image that is turned and mirrored: the mean and the spread of eight
results.

The eight orientations of Lim et al. (2017, arXiv 1707.02921, section 4.3). Where they differ much, detail
depends on what the network was shown by chance: on blocks of results that a discriminator sharpened, the
spread ranked errors better than any other map that knows no truth. Where they agree, nothing is said:
networks can be wrong with one voice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.image import Image
from napari_srgan.images.writing.in_memory import memory_sink
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.inference.plane_job import Steps, upscale_planes
from napari_srgan.inference.plane_work import PlaneWork
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.inference.upscale import cut_into_tiles, result_shape
from napari_srgan.models import Model
from napari_srgan.networks import Generator
from napari_srgan.networks.self_ensemble import ORIENTATIONS, oriented, oriented_back
from napari_srgan.progress import Job, Progress
from napari_srgan.reliability.naming import Naming
from napari_srgan.reliability.spread import ChannelSpread, spread_of


@dataclass(frozen=True)
class Disagreement:
    """What eight orientations of an image become."""

    mean: NDArray[np.float32]
    """In grey levels: as the result of a self-ensemble."""
    spread: NDArray[np.float32]
    """Standard deviation over the orientations in grey levels. Low does not mean right."""

    channels: dict[int, ChannelSpread]
    """How large the spread is, by channel."""

    def sentences(self, adversarial: bool | None, naming: Naming) -> list[str]:
        """What it says, and what it does not.

        Parameters
        ----------
        adversarial
            Whether a discriminator trained the model; None if nobody knows.
        naming
            What channels are called.
        """
        found = "Turned and mirrored, the image gives results that differ "
        if len(self.channels) == 1:
            (one,) = self.channels.values()
            found += one.words
        else:
            found += "; ".join(
                f"in {naming.channel(channel)} {one.words}" for channel, one in self.channels.items()
            )
        return [
            f"{found}.",
            f"{_WHAT_FOLLOWS[adversarial]}; where the results agree, they may be wrong all the same.",
        ]

    def to_list(self) -> list[dict[str, float]]:
        """Figures of each channel as plain values."""
        return [
            {
                "channel": channel,
                "typical": float(f"{one.typical:.4g}"),
                "in_twentieth_of_blocks_with_most": float(f"{one.most:.4g}"),
                "contrast": float(f"{one.contrast:.4g}"),
            }
            for channel, one in self.channels.items()
        ]


_WHAT_FOLLOWS = {
    True: "Where they differ most, detail is a matter of chance",
    False: "Errors of faithful models were about ten times as large, so that this tells little of how right "
    "detail is",
    None: "Where they differ most, detail is a matter of chance if the model was trained to look sharp",
}
"""By whether a discriminator trained the model: of sharp ones alone the spread ranked blocks as errors do."""


class _OrientedRunner(NetworkRunner):
    """Shows networks images in one orientation, and turns their answers back."""

    orientation: tuple[int, bool] = ORIENTATIONS[0]

    def _forward(self, network: Generator, low: torch.Tensor) -> torch.Tensor:
        turns, mirrored = self.orientation
        seen = oriented(low, turns, mirrored).contiguous()
        return oriented_back(super()._forward(network, seen), turns, mirrored)


class _OrientedEngine(Engine):
    """An engine whose network sees one orientation of images."""

    def _runner_on(self, device: torch.device) -> NetworkRunner:
        self.oriented = _OrientedRunner(device)
        return self.oriented


class _RunningMoments:
    """Mean and summed squared differences from it, of results that come one after the other.

    Welford, B. P. (1962). Note on a method for calculating corrected sums of squares and products.
    Technometrics 4(3), 419-420: memory does not grow with their number.
    """

    def __init__(self, mean: NDArray[np.float32], squares: NDArray[np.float32]) -> None:
        self.mean, self.squares, self.number = mean, squares, 1

    def __setitem__(self, key: Any, value: NDArray[np.float32]) -> None:
        if self.number == 1:
            self.mean[key], self.squares[key] = value, 0
            return
        before = value - self.mean[key]
        self.mean[key] += before / self.number
        self.squares[key] += before * (value - self.mean[key])


class _Floats(PlaneWork):
    """Keeps quantities as floats: a spread of less than one grey level is one, too."""

    @property
    def rounds_there(self) -> bool:
        return False

    def restored(self, values: NDArray[Any]) -> NDArray[Any]:
        return self.shaped(values.astype(np.float32))


def check_not_temporal(model: Model) -> None:
    """Refuse a model that sees several frames at once.

    Raises
    ------
    UserError
        If it does.
    """
    if model.card.frames > 1:
        raise UserError(
            f"{model.name} is for time-lapses; orientations are compared with models for single images"
        )


def disagreement_job(image: Image, model: Model, options: UpscaleOptions = AS_USUAL) -> Job[Disagreement]:
    """Upscale an image in its eight orientations, one after the other; takes eight times as long as once.

    Parameters
    ----------
    image, options
        As in :func:`~napari_srgan.inference.upscale.upscale_job`.
    model
        For single images.

    Returns
    -------
    Disagreement
        float32 arrays of the result's shape; memory for two of them is all that it takes.

    Raises
    ------
    UserError
        As in :func:`~napari_srgan.inference.upscale.upscale_job`, and for models of time-lapses.
    """
    check_not_temporal(model)
    stack = PlaneStack(image.pixels, image.axes, model.card, options)
    place = stack.place
    engine = _OrientedEngine(model, options.device, options.precision)
    shape = result_shape(stack, place, model.scale_factor)
    moments = _RunningMoments(*(memory_sink(shape, np.dtype(np.float32)) for _ in range(2)))
    work = _Floats(engine, stack, place)
    tiles = cut_into_tiles(work, place, options.tile)
    message = f"Comparing orientations with {model.name} on {engine.device.type}, {engine.precision}"
    steps = Steps(
        tiles=place.pixels,
        measuring=work.measuring_pixels(tiles),
        planes=stack.planes * len(ORIENTATIONS),
        message=message,
    )
    yield Progress(0, 1, message)
    try:
        for number, engine.oriented.orientation in enumerate(ORIENTATIONS):
            moments.number = number + 1
            tiles = yield from upscale_planes(work, tiles, steps.from_plane(number * stack.planes), moments)
    finally:
        engine.close()
    np.maximum(moments.squares, 0, out=moments.squares)
    spread = np.sqrt(moments.squares / len(ORIENTATIONS), out=moments.squares)
    return Disagreement(moments.mean, spread, spread_of(moments.mean, spread, image.axes))
