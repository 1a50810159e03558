"""Reading the weights that images are compared by: SqueezeNet's, and LPIPS's heads for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.networks.perceptual import FeatureMaps, SqueezeNetFeatures

_NOT_HEADS = (OSError, RuntimeError, EOFError, KeyError, TypeError, AttributeError, UnpicklingError)
"""What torch raises, and what other contents do, where LPIPS's heads are looked for."""


def read_squeezenet(path: str | os.PathLike[str]) -> SqueezeNetFeatures:
    """Read SqueezeNet 1.1 from an ``.npz`` with arrays by torchvision's names.

    The weights are those of the Caffe original and its Keras conversion (blue first,
    0..255), not torchvision's own.

    Raises
    ------
    UserError
        If the file is missing or unreadable, or lacks weights, or has them of other shapes.
    """
    path = _existing(path)
    try:
        # A pickle inside is refused, not run.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            weights = {name: torch.from_numpy(file[name]) for name in file.files}
    except (OSError, ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise UserError(
            f"{path.name} is no readable .npz of SqueezeNet's weights ({error}); get it again"
        ) from error
    network = SqueezeNetFeatures()
    fill(network, weights, path.name)
    return network


def read_lpips_heads(path: str | os.PathLike[str]) -> list[Tensor]:
    """Read LPIPS's weights of SqueezeNet's features, as its authors publish them (``squeeze.pth``).

    Returns
    -------
    list of Tensor
        ``(F,)`` float32 for each of the seven maps.

    Raises
    ------
    UserError
        If the file is missing or unreadable, or holds something else.
    """
    path = _existing(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        heads = [state[f"lin{place}.model.1.weight"].float().flatten() for place in range(7)]
    except _NOT_HEADS as error:
        raise UserError(
            f"{path.name} does not hold LPIPS's heads for SqueezeNet ({type(error).__name__}); "
            "get weights/v0.1/squeeze.pth of the LPIPS repository"
        ) from error
    if tuple(len(head) for head in heads) != SqueezeNetFeatures.widths:
        raise UserError(
            f"the heads in {path.name} are for maps of {', '.join(str(len(head)) for head in heads)} "
            "features, which SqueezeNet's are not; get weights/v0.1/squeeze.pth of the LPIPS repository"
        )
    return heads


def fill(network: FeatureMaps, weights: Mapping[str, Tensor], origin: str) -> None:
    """Give a network its weights; more than it has, such as a classifier's, are left out.

    Parameters
    ----------
    network
        The network, which is changed.
    weights
        Tensors by name, of the shapes that the network has and any float dtype.
    origin
        The file they come from, for messages.

    Raises
    ------
    UserError
        If some are missing, are of other shapes, or are not finite.
    """
    wanted = network.state_dict()
    for name, tensor in wanted.items():
        got = weights.get(name)
        if not isinstance(got, Tensor) or got.shape != tensor.shape:
            found = "is missing" if got is None else f"has the shape {tuple(np.shape(got))}"
            raise UserError(
                f"{name} in {origin} {found}, {tuple(tensor.shape)} is needed; "
                "the file holds another network: get the right one"
            )
        if not got.isfinite().all():
            raise UserError(f"{name} in {origin} holds values that are not finite; get the file again")
    network.load_state_dict({name: weights[name].float() for name in wanted})


def _existing(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file {path}; give the weights that images are compared by")
    return path
