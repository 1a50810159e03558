"""Reading and writing a model as one safetensors file with its card in the header.

Other files, without a card, are read by :mod:`napari_srgan.models.foreign`, which recognises
what is in them. Nothing is ever run: a pickle can hold any code, a safetensors file cannot.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.models.card import SPANDREL, ModelCard
from napari_srgan.models.model import Model
from napari_srgan.networks import Generator, build_network

PICKLE_ENDINGS = frozenset({".pth", ".pt", ".ckpt", ".pkl", ".bin"})
"""Endings of weights that are pickles, as a rule."""
CARD_KEY = "napari-srgan card"
"""Where the card stands in the header of the safetensors file."""
PICTURE_KEY = "napari-srgan picture"
"""Where a model's picture stands there: a PNG as base64."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def save_model(
    model: Model, path: str | os.PathLike[str], *, picture: bytes | None = None, half: bool = False
) -> Path:
    """Write a model to one ``.safetensors`` file, whole or not at all.

    Parameters
    ----------
    model
        The model to write.
    path
        Its file; replaced if it exists.
    picture
        A PNG that shows what the model does; the picture of a file that is replaced is not kept.
    half
        Write weights as float16, in half the space; they are float32 again when they are read.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    UserError
        If the name does not end in ``.safetensors``, the picture is no PNG or the file cannot
        be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UserError(f"a model is saved as .safetensors, not as {path.name!r}; change the ending")
    header = {CARD_KEY: model.card.model_dump_json()}
    if picture is not None:
        if not picture.startswith(PNG_SIGNATURE):
            raise UserError(f"the picture of {model.name} is no PNG; convert it to PNG first")
        header[PICTURE_KEY] = base64.b64encode(picture).decode()
    # Some networks use one tensor in two places, which a file cannot tell: it is written twice.
    tensors = {name: tensor.contiguous().clone() for name, tensor in model.network.state_dict().items()}
    if half:
        tensors = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        # Not save_file, which makes a file that only its owner can read.
        partial.write_bytes(save(tensors, metadata=header))
        partial.replace(path)
    except (OSError, SafetensorError) as error:
        raise UserError(f"the model cannot be written to {path}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read a model: one that :func:`save_model` wrote, or somebody else's checkpoint.

    Parameters
    ----------
    path
        A ``.safetensors`` file, or weights of PyTorch (``.pth``, ``.pt``, ``.ckpt``, ``.bin``,
        ``.pkl``) of a network that is known; what a file is, is told from its contents.

    Raises
    ------
    UserError
        If the file is missing, is cut off, is something else, could run code, is of a network
        that is not known, or its card and its weights do not belong together.
    """
    path = Path(path)
    if not _has_card(path):
        from napari_srgan.models.foreign import read_foreign

        return read_foreign(path)
    card = read_card(path)
    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: _as_float32(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        network = _network(card, weights)
    except (ValueError, RuntimeError, SafetensorError) as error:
        raise UserError(
            f"the weights in {path.name} do not fit its card ({card.architecture}): "
            f"{_first_line(error)}; get the file again from where it was made"
        ) from error
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
    return Model(network.eval().requires_grad_(False), card)


def _has_card(path: Path) -> bool:
    """Whether a file is one of ours, as far as its header can be read."""
    try:
        with safe_open(path, framework="pt") as file:
            return CARD_KEY in (file.metadata() or {})
    except (OSError, SafetensorError):
        return False


def _as_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


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
    network = build_network(card.architecture, card.arguments)
    network.load_state_dict(weights)
    return network


def read_card(path: Path) -> ModelCard:
    """Read only the card of a model file; cheap, whatever the size of the weights.

    Raises
    ------
    UserError
        If the file is missing, is something else, or is cut off.
    """
    _refuse_other_files(path)
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path.name} is no readable safetensors file ({_first_line(error)}); "
            "it may be cut off: get it again from where it was made"
        ) from error
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
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no model file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            encoded = (file.metadata() or {}).get(PICTURE_KEY, "")
        picture = base64.b64decode(encoded, validate=True)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"{path.name} is no readable safetensors file ({_first_line(error)}); "
            "it may be cut off: get it again from where it was made"
        ) from error
    except ValueError:
        return None
    return picture if picture.startswith(PNG_SIGNATURE) else None


def _refuse_other_files(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"there is no model file {path}")
    if path.suffix in PICKLE_ENDINGS:
        raise UserError(
            f"{path.name} may be a pickle and has no card; "
            "add it to the library, which makes a model of it if it is a known one"
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].strip().rstrip(":.") if str(error) else repr(error)


def _reason(error: ValidationError | json.JSONDecodeError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON ({error.msg})"
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


__all__ = ["CARD_KEY", "read_card", "read_model", "read_picture", "save_model"]
