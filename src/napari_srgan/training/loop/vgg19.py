"""VGG19's weights, which torchvision brings from the network when they are first used."""

from __future__ import annotations

import sys
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.error import HTTPError

import torch

from napari_srgan.errors import UserError, words_of
from napari_srgan.models.perceptual_files import fill
from napari_srgan.networks.perceptual import VGG19Features, VGGLayer

SIZE = "548 MB"
"""Size of the file: most of it is the classifier, which is left out once it is here."""


def load_vgg19(layer: VGGLayer = "vgg54", *, activated: bool = True) -> VGG19Features:
    """VGG19 up to one of its layers, with torchvision's weights for ImageNet.

    At first use the weights are downloaded into torch.hub's folder (``TORCH_HOME`` names
    another one), and a sentence on stderr tells size and place. A file with them that
    lacks the classifier does as well.

    Parameters
    ----------
    layer, activated
        As of :class:`~napari_srgan.networks.perceptual.VGG19Features`.

    Raises
    ------
    UserError
        If the download fails or is damaged, with the way to bring the file by hand; or if
        the file that is there cannot be used.
    """
    # It takes a second to import, and only this loss needs it.
    from torchvision.models import VGG19_Weights

    network = VGG19Features(layer, activated=activated)
    weights = VGG19_Weights.IMAGENET1K_V1
    file = Path(torch.hub.get_dir(), "checkpoints", Path(weights.url).name)
    if not file.exists():
        print(f"VGG19's weights ({SIZE}) are downloaded once, to {file}", file=sys.stderr, flush=True)
    fill(network, _state(weights, file), str(file))
    return network


def _state(weights: Any, file: Path) -> dict[str, torch.Tensor]:
    by_hand = f"download {weights.url} ({SIZE}) and put it into {file.parent} as {file.name}"
    try:
        state = weights.get_state_dict(progress=True, check_hash=True, map_location="cpu", weights_only=True)
    except (OSError, HTTPException, RuntimeError, EOFError, UnpicklingError, LookupError) as error:
        if isinstance(error, HTTPError):
            error.close()  # it is the server's answer, and holds the connection
        if file.exists():
            raise UserError(
                f"{file} does not hold VGG19's weights ({words_of(error)}); delete it and {by_hand}"
            ) from error
        raise UserError(
            f"VGG19's weights could not be downloaded ({words_of(error)}); {by_hand}, "
            "or train with SqueezeNet's features, which need no download"
        ) from error
    if not isinstance(state, dict):
        raise UserError(f"{file} does not hold VGG19's weights; delete it and {by_hand}")
    return state
