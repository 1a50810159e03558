"""Models between a faithful and a sharp one: their weights, interpolated.

Wang, X. et al. (2018). ESRGAN: Enhanced super-resolution generative adversarial
networks. ECCV workshops, arXiv 1809.00219. Section 3.4, equation 4:
``weights = (1 - amount) * faithful + amount * sharp``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import fields
from numbers import Real
from typing import Any, TypeVar

import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.models.card import ModelCard
from napari_srgan.models.library.library import list_models, load_model
from napari_srgan.models.model import Model
from napari_srgan.models.record import Blend
from napari_srgan.networks import ARCHITECTURES

_Side = TypeVar("_Side")
_FIELDS = ("architecture", "scale_factor", "channels", "frames", "intensity")
"""Fields of a card in which two models that are blended agree."""


def blend(a: Model | str, b: Model | str, amount: float) -> Model:
    """Blend two models of one shape into one.

    Parameters
    ----------
    a, b
        Models or names in the library, as a rule one trained for fidelity and one trained,
        from its weights, to look sharp.
    amount
        How much of `b`: 0 is `a`, 1 is `b`.

    Returns
    -------
    Model
        A model of the same shape, which agrees with its input as the nearer of the two does
        (``back_projection``). Its card names both, and the faithful one as its partner if it has anything
        of a sharp one; it has no measured quality, for nobody has measured it.

    Raises
    ------
    UserError
        If the models are not of one shape, or the amount is not from 0 to 1.

    Examples
    --------
    >>> import napari_srgan
    >>> napari_srgan.blend("photo-x4", "photo-x4-gan", 0.3)  # doctest: +SKIP
    <Model photo-x4+photo-x4-gan-0.30: ...>
    """
    if not isinstance(amount, Real) or not 0 <= amount <= 1:
        raise UserError(f"the amount of a blend is from 0 to 1, not {amount!r}")
    amount = float(amount)
    a, b = (model if isinstance(model, Model) else load_model(model) for model in (a, b))
    difference = shape_difference(a.card, b.card) or _weights_difference(a, b)
    if difference:
        raise UserError(
            f"{a.name} and {b.name} cannot be blended: {difference}; choose two models of the same shape"
        )
    # Where it was measured, the radius is that of the one that was seen to look farther.
    wider = max(a, b, key=lambda model: model.network.receptive_radius)
    network = copy.deepcopy(wider.network)
    theirs = b.network.state_dict()
    network.load_state_dict(
        {key: _between(mine, theirs[key], amount) for key, mine in a.network.state_dict().items()}
    )
    nearer = _nearer(a, b, amount)
    network.back_projection = nearer.network.back_projection
    card = _blended_card(a, b, amount)
    arguments = {**card.arguments, **_back_projection(nearer.card)}
    return Model(network.eval().requires_grad_(False), card.model_copy(update={"arguments": arguments}))


def shape_difference(a: ModelCard, b: ModelCard) -> str | None:
    """Say in what two models differ too much to be blended; None if they do not."""
    mine, theirs = _shape(a), _shape(b)
    for field in {**mine, **theirs}:
        here, there = mine.get(field, "not given"), theirs.get(field, "not given")
        if here != there:
            return f"{field.replace('_', ' ')} is {here} in {a.name} and {there} in {b.name}"
    return None


def _shape(card: ModelCard) -> dict[str, Any]:
    """What decides whether weights fit: fields of the card and every argument, said or not."""
    shape = {field: getattr(card, field) for field in _FIELDS}
    if card.architecture not in ARCHITECTURES:
        # Built from its weights; what else is in the arguments was measured.
        return shape | {"title": card.arguments.get("title")}
    shape |= {one.name: one.default for one in fields(ARCHITECTURES[card.architecture].arguments_type)}
    shape |= card.arguments
    # It follows the weights, and has none.
    shape.pop("back_projection", None)
    return shape


def _back_projection(card: ModelCard) -> dict[str, Any]:
    return {key: value for key, value in card.arguments.items() if key == "back_projection"}


def partner_of(card: ModelCard, among: Iterable[ModelCard] | None = None) -> str | None:
    """Name of the model in the library that this one can be blended with.

    The sharp one of the two is the one whose card names a partner.

    Parameters
    ----------
    card
        The card of the model.
    among
        The cards of the models that are looked through; all of the library by default.
    """
    others = [other for other in (list_models() if among is None else among) if other.name != card.name]
    # The one it names itself comes before those that name it.
    others.sort(key=lambda other: other.name != card.partner)
    for other in others:
        named = card.name == other.partner or other.name == card.partner
        if named and shape_difference(card, other) is None:
            return other.name
    return None


def _weights_difference(a: Model, b: Model) -> str | None:
    mine, theirs = a.network.state_dict(), b.network.state_dict()
    for key in {**mine, **theirs}:
        if key not in mine or key not in theirs:
            return f"{key} is only in {(a if key in mine else b).name}"
        if mine[key].shape != theirs[key].shape:
            return f"{key} has shape {tuple(mine[key].shape)} and {tuple(theirs[key].shape)}"
    return None


def _nearer(a: _Side, b: _Side, amount: float) -> _Side:
    return a if amount < 0.5 else b


def _between(a: Tensor, b: Tensor, amount: float) -> Tensor:
    # The ends are exact, signs of zeros included. Counters are not interpolated.
    if amount in (0, 1) or not a.is_floating_point():
        return _nearer(a, b, amount).clone()
    return torch.add((1 - amount) * a, b, alpha=amount)


def _adversarial(a: ModelCard, b: ModelCard, amount: float) -> bool | None:
    """Whether a discriminator trained any of the weights that are in a blend; None if nobody knows."""
    inside = {card.adversarial for card, share in ((a, 1 - amount), (b, amount)) if share > 0}
    return True if True in inside else None if None in inside else False


def _faithful(a: ModelCard, b: ModelCard) -> str | None:
    """Name of the model of this shape that was trained for fidelity: one of the two, or their partner."""
    named = [card.name for card in (a, b) if card.adversarial is False] + [a.partner, b.partner]
    return next(filter(None, named), None)


def blended_name(a: str, b: str, amount: float) -> str:
    """What a blend of two models is called, e.g. ``"photo-x4+photo-x4-gan-0.50"``."""
    shown = f"{amount:.2f}" if round(amount, 2) == amount else f"{amount:g}"
    return f"{a}+{b}-{shown}"


def _blended_card(a: Model, b: Model, amount: float) -> ModelCard:
    licences = list(dict.fromkeys((a.card.licence, b.card.licence)))
    adversarial = _adversarial(a.card, b.card, amount)
    return a.card.model_copy(
        update={
            "name": blended_name(a.name, b.name, amount),
            "description": f"{a.name} with {amount:.0%} of {b.name}, weights interpolated",
            "licence": " and ".join(licences),
            "attribution": tuple(dict.fromkeys(a.card.attribution + b.card.attribution)),
            "recipe": {},
            "blended": Blend(a=a.record, b=b.record, amount=amount, adversarial=adversarial),
            "trained": "not trained: interpolated between two trained models",
            "trained_input": a.card.made_for if a.card.made_for == b.card.made_for else None,
            "receptive_radius": max(a.card.receptive_radius, b.card.receptive_radius),
            "quality": (),
            "partner": _faithful(a.card, b.card) if adversarial else None,
            "citation": "\n".join(dict.fromkeys(filter(None, (a.card.citation, b.card.citation)))),
            "source": "\n".join(dict.fromkeys(filter(None, (a.card.source, b.card.source)))),
        }
    )
