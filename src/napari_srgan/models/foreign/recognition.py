"""Which model is in a file that somebody else made."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.models.card import UNKNOWN_LICENCE, ModelCard
from napari_srgan.models.foreign.checkpoint import check_tensor_claims, read_contents
from napari_srgan.models.foreign.families import Family, family_of
from napari_srgan.models.foreign.layers import NotAGenerator, State, find_layers
from napari_srgan.models.foreign.onto_srresnet import build_srresnet
from napari_srgan.models.foreign.spandrel_generator import NotKnown, OfNoUse, build_by_spandrel
from napari_srgan.models.foreign.trial import family_by_trial
from napari_srgan.models.foreign.unsupported import kind_of_contents, kind_of_network
from napari_srgan.models.foreign.unwrapping import find_state, without_prefixes
from napari_srgan.models.model import Model
from napari_srgan.networks import Generator


def read_foreign(path: Path) -> Model:
    """Read the generator in somebody else's file.

    Parameters
    ----------
    path
        A state dict, alone or in the checkpoint of a training, as ``torch.save`` or
        safetensors wrote it.

    Raises
    ------
    UserError
        If there is no generator in it that is known, or it cannot be read without running code.
    """
    contents = read_contents(path)
    found = find_state(contents)
    if found is None:
        raise UserError(f"{path.name} {kind_of_contents(contents)}")
    check_tensor_claims(path, found)
    state = _plain_tensors(path, found)
    variants = list(without_prefixes(state))
    reason = ""
    for variant in variants:
        family = family_of(variant)
        if family is None:
            continue
        try:
            return _srresnet(path, variant, family)
        except NotAGenerator as error:
            reason = f"the layers of {family.name} and cannot be used: {error}"
    kind = kind_of_network(variants[-1])
    # Networks that spandrel knows can look like a discriminator.
    for variant in variants:
        try:
            return _by_spandrel(path, variant)
        except OfNoUse as error:
            raise UserError(f"{path.name} {error}; use a model for super-resolution") from error
        except NotKnown:
            continue
    if kind is None and not reason:
        with suppress(NotAGenerator):
            return _srresnet(path, variants[-1], None)
    raise UserError(_sentence(path, variants[-1], kind, reason))


def _sentence(path: Path, state: State, kind: str | None, reason: str) -> str:
    """Why there is no model in a file."""
    if kind:
        return f"{path.name} {kind}; use the weights of a super-resolution network (a generator)"
    if reason:
        return f"{path.name} has {reason}; get the file again, or use another one"
    names = ", ".join(list(state)[:3])
    return (
        f"{path.name} holds weights of a network that is not known here ({len(state)} tensors: "
        f"{names}, ...); known are SRGAN's generators and what spandrel knows"
    )


def _plain_tensors(path: Path, state: State) -> dict[str, Tensor]:
    """The tensors as float32, none of them broken."""
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.is_meta:
            raise UserError(
                f"{path.name} says which weights there are ({name}) and holds none; get the file again"
            )
        if tensor.is_complex() or tensor.is_quantized or tensor.is_nested or tensor.layout != torch.strided:
            raise UserError(
                f"{path.name} holds numbers of a kind that is not computed with here "
                f"({name}: {tensor.dtype}); use the weights in float32 or float16"
            )
        plain[name] = tensor.float() if tensor.is_floating_point() else tensor
        if tensor.is_floating_point() and not torch.isfinite(plain[name]).all():
            raise UserError(
                f"the weights in {path.name} are broken: {name} holds values that are not finite; "
                "get the file again, or an earlier one of the training"
            )
    return plain


def _srresnet(path: Path, state: State, family: Family | None) -> Model:
    """An SRResNet with these weights; without a family its ranges are found by trying."""
    idle = re.compile(family.idle if family else r"(?!)")
    layers = find_layers({name: tensor for name, tensor in state.items() if not idle.match(name)})
    if family is None:
        family, how = family_by_trial(layers)
    else:
        how = f"ranges and activations as in {family.name}"
    network, arguments = build_srresnet(layers, family)
    description = (
        f"SRGAN's generator, x{network.scale_factor}, {arguments['blocks']} blocks of "
        f"{arguments['width']} features; {how}"
    )
    return Model(network, _card(path, network, "srresnet", arguments, description, family))


def _by_spandrel(path: Path, state: State) -> Model:
    network = build_by_spandrel(state)
    kind = f"x{network.scale_factor}" if network.scale_factor > 1 else "restores without enlarging"
    description = f"{network.title}, {kind}, through spandrel"
    arguments = {"title": network.title, "receptive_radius": network.receptive_radius}
    return Model(network, _card(path, network, "spandrel", arguments, description, None))


def _card(
    path: Path,
    network: Generator,
    architecture: str,
    arguments: dict[str, Any],
    description: str,
    family: Family | None,
) -> ModelCard:
    known = f", of the family of {family.source}" if family and family.name else ""
    return ModelCard(
        name=re.sub(r"[^A-Za-z0-9._+-]+", "-", path.stem).lstrip("._+-") or "model",
        description=description,
        architecture=architecture,
        arguments=arguments,
        scale_factor=network.scale_factor,
        channels=network.channels,
        intensity="byte",
        receptive_radius=network.receptive_radius,
        border=0,
        licence=UNKNOWN_LICENCE,
        source=f"{path.name}{known}",
    )
