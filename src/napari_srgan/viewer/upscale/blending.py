"""Two models that can be blended, and a blend of them that is made when it is needed."""

from __future__ import annotations

from dataclasses import dataclass

from napari_srgan.models import Library, Model, ModelCard, blend, partner_of
from napari_srgan.models.blend import blended_name


@dataclass(frozen=True)
class Pair:
    """Two models of the same shape, by their names in the library."""

    faithful: str
    """Trained to be right on average."""
    sharp: str
    """Trained on from it, to look real."""


@dataclass(frozen=True)
class Blending:
    """A model between the two of a pair."""

    pair: Pair
    amount: float
    """0 is the faithful model, 1 the sharp one."""

    def __str__(self) -> str:
        return f"{self.amount:.0%} of the way from {self.pair.faithful} to {self.pair.sharp}"

    @property
    def name(self) -> str:
        """What the model is called, once it is made."""
        return blended_name(self.pair.faithful, self.pair.sharp, self.amount)

    def load(self) -> Model:
        """Read both models and interpolate their weights."""
        return blend(self.pair.faithful, self.pair.sharp, self.amount)


def pair_of(card: ModelCard, library: Library) -> Pair | None:
    """The pair that a model belongs to; None if the library has nothing to blend it with."""
    partner = partner_of(card, library.cards)
    if partner is None:
        return None
    # The sharp one is the one whose card names the other.
    return Pair(partner, card.name) if card.partner == partner else Pair(card.name, partner)
