"""Reading and writing a model as one safetensors file with its card in the header.

Other files, without a card, are read by :mod:`napari_srgan.models.foreign`, which recognises
what is in them. Nothing is ever run: a pickle can hold any code, a safetensors file cannot.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import BinaryIO

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.models.bioimageio_file import file_of_model
from napari_srgan.models.card import SPANDREL, ModelCard
from napari_srgan.models.library.existing_file import existing_file
from napari_srgan.models.memory_guard import at_most
from napari_srgan.models.model import Model
from napari_srgan.models.sentences import first_line
from napari_srgan.networks import Generator, build_network

PICKLE_ENDINGS = frozenset({".pth", ".pt", ".ckpt", ".pkl", ".bin"})
"""Endings of weights that are pickles, as a rule."""
CARD_KEY = "napari-srgan card"
"""Where the card stands in the header of the safetensors file."""
PICTURE_KEY = "napari-srgan picture"
"""Where a model's picture stands in that header: a PNG as base64."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_PICTURE = 1 << 20
"""Number of bytes that the PNG may have. Listing models reads their headers, pictures included."""
_SLACK = 1 << 20
"""Bytes that any network may have besides the weights in its file."""


def save_model(
    model: Model, path: str | os.PathLike[str], *, picture: bytes | None = None, half: bool = False
) -> Path:
    """Write a model to one ``.safetensors`` file, whole or not at all.

    Parameters
    ----------
    model
        The model to write.
    path
        The file to write; replaced if it exists.
    picture
        A PNG that shows what the model does; the picture of a file that is replaced is not kept.
    half
        Whether to write weights as float16, in half the space; they are float32 again when they are read.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UserError
        If the name does not end in ``.safetensors``, the picture is no PNG or larger than
        :data:`LARGEST_PICTURE`, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UserError(f"a model is saved as .safetensors, not as {path.name!r}; change the ending")
    header = {CARD_KEY: model.card.model_dump_json()}
    if picture is not None:
        if not picture.startswith(PNG_SIGNATURE):
            raise UserError(f"the picture of {model.name} is no PNG; convert it to PNG first")
        if len(picture) > LARGEST_PICTURE:
            raise UserError(
                f"the picture of {model.name} has {len(picture) / 1e6:.1f} MB, at most "
                f"{LARGEST_PICTURE / 1e6:.1f} MB go with a model; make it smaller"
            )
        header[PICTURE_KEY] = base64.b64encode(picture).decode()
    # Some networks use one tensor in two places, which a file cannot tell: it is written twice.
    tensors = {name: tensor.contiguous().clone() for name, tensor in model.network.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    try:
        # Not save_file, which makes a file that only its owner can read.
        content = save(tensors, metadata=header)
    except (SafetensorError, ValueError) as error:
        raise UserError(f"the model cannot be written to {path}: {first_line(error)}") from error
    save_file(path, content)
    return path


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read a model: one that :func:`save_model` wrote, in a package too, or somebody else's checkpoint.

    Parameters
    ----------
    path
        A ``.safetensors`` file; weights of PyTorch (``.pth``, ``.pt``, ``.ckpt``, ``.bin``,
        ``.pkl``) of a network that is known; or a package of bioimage.io that napari-srgan wrote, a
        ``.zip`` or a folder. What a file is, is told from its contents.

    Raises
    ------
    UserError
        If the file is missing, is cut off, is something else, could run code, is of a network
        that is not known, or its card and its weights do not belong together.
    """
    with file_of_model(Path(path)) as file:
        return _read_file(existing_file(file))


def _read_file(path: Path) -> Model:
    if not has_card(path):
        from napari_srgan.models.foreign import read_foreign

        return read_foreign(path)
    card = read_card(path)
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: _own_copy(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        network = _network(card, weights)
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"the weights in {path.name} do not fit its card ({card.architecture}): "
            f"{first_line(error)}; get the file again from where it was made"
        ) from error
    _check_weights(path, weights)
    _check_network(path, card, network)
    return Model(network.eval().requires_grad_(False), card)


def _check_weights(path: Path, weights: dict[str, Tensor]) -> None:
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise UserError(
                f"the weights in {path.name} are broken: {name} holds values that are not finite; "
                "get the file again from where it was made"
            )


def _check_network(path: Path, card: ModelCard, network: Generator) -> None:
    frames = network.frames
    if card.frames != frames:
        raise UserError(
            f"the card of {path.name} says that {card.frames} frames go in together, its network "
            f"takes {frames}; get the file again from where it was made"
        )
    if (network.scale_factor, network.channels) != (card.scale_factor, card.channels):
        raise UserError(
            f"the card of {path.name} says x{card.scale_factor} with {card.channels} channels, its "
            f"network is x{network.scale_factor} with {network.channels}; "
            "get the file again from where it was made"
        )
    if network.receptive_radius != card.receptive_radius:
        raise UserError(
            f"the card of {path.name} gives a receptive radius of {card.receptive_radius}, its network "
            f"has {network.receptive_radius}; get the file again from where it was made"
        )
    if network.grid != card.grid:
        raise UserError(
            f"the card of {path.name} says that tiles are read at multiples of {card.grid}, its network "
            f"needs {network.grid}; get the file again from where it was made"
        )


def has_card(path: Path) -> bool:
    """Whether a file is one of ours, as far as its header can be read."""
    try:
        return CARD_KEY in _header(path)
    except UserError:
        return False


def _header(path: Path) -> dict[str, str]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(
            f"{path.name} is no readable safetensors file ({first_line(error)}); "
            "it may be cut off: get it again from where it was made"
        ) from error


def _own_copy(tensor: Tensor) -> Tensor:
    # Not the file's memory, which would keep it open.
    return tensor.to(torch.float32, copy=True) if tensor.is_floating_point() else tensor.clone()


def _network(card: ModelCard, weights: dict[str, Tensor]) -> Generator:
    """The network of a card with its weights.

    Raises
    ------
    ValueError, RuntimeError
        If they do not belong together.
    """
    if card.architecture == SPANDREL:
        from napari_srgan.models.foreign import build_by_spandrel

        own = {name.removeprefix("model."): tensor for name, tensor in weights.items()}
        return build_by_spandrel(own, receptive_radius=card.receptive_radius)
    size = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    # Without memory: that is the weights' own.
    with at_most(2 * size + _SLACK), torch.device("meta"):
        network = build_network(card.architecture, card.arguments)
    network.load_state_dict(weights, assign=True)
    return network


def read_card(path: Path) -> ModelCard:
    """Read only the card of a model file; cheap, whatever the size of the weights.

    Raises
    ------
    UserError
        If the file is missing, is something else, or is cut off.
    """
    path = existing_file(path)
    if path.suffix.lower() in PICKLE_ENDINGS and not has_card(path):
        raise UserError(
            f"{path.name} may be a pickle and has no card; "
            "add it to the library, which makes a model of it if it is a known one"
        )
    header = _header(path)
    if CARD_KEY not in header:
        raise UserError(
            f"{path.name} holds weights but no napari-srgan card; "
            "add it to the library, which makes a model of it if it is a known one"
        )
    try:
        return ModelCard.model_validate(json.loads(header[CARD_KEY]))
    except (ValidationError, json.JSONDecodeError) as error:
        raise UserError(f"the card in {path.name} cannot be used: {_reason(error)}") from error


def read_picture(path: str | os.PathLike[str]) -> bytes | None:
    """Read only the picture of a model file, a PNG; None if it has none that can be shown.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    encoded = _header(existing_file(path)).get(PICTURE_KEY, "")
    if len(encoded) > 2 * LARGEST_PICTURE:
        return None
    try:
        picture = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    return picture if picture.startswith(PNG_SIGNATURE) else None


def copy_model(source: Path, target: Path, card: ModelCard) -> None:
    """Copy a model file with another card; weights and picture stay as they are, byte for byte.

    Parameters
    ----------
    source
        A file with a card; may be `target`.
    target
        The file of the copy; replaced if it exists.
    card
        The card of the copy.

    Raises
    ------
    UserError
        If the target cannot be written.
    """
    same = read_card(source) == card

    def write(file: BinaryIO) -> None:
        with source.open("rb") as given:
            if not same:
                header = json.loads(given.read(int.from_bytes(given.read(8), "little")))
                header["__metadata__"][CARD_KEY] = card.model_dump_json()
                text = json.dumps(header, separators=(",", ":")).encode()
                text += b" " * (-len(text) % 8)  # as safetensors aligns what comes after
                file.write(len(text).to_bytes(8, "little") + text)
            shutil.copyfileobj(given, file)

    save_file(target, write)


def _reason(error: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg})"
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


__all__ = ["CARD_KEY", "read_card", "read_model", "read_picture", "save_model"]


def sha256_of(path: Path) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
