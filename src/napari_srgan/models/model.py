"""A trained model: one object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from napari_srgan.models.card import HistoryPoint, ModelCard
from napari_srgan.models.record import ModelRecord
from napari_srgan.networks import Generator


@dataclass(frozen=True, eq=False)
class Model:
    """A network with its weights, and the card that says what it is.

    The network is in evaluation mode, float32, on the CPU; whoever needs it elsewhere
    or in another precision makes a copy.
    """

    network: Generator
    card: ModelCard

    def __repr__(self) -> str:
        return f"<Model {self.card.name}: {self.card.description}>"

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def scale_factor(self) -> int:
        return self.card.scale_factor

    @property
    def history(self) -> tuple[HistoryPoint, ...]:
        """How its fine-tuning went; empty for other models."""
        return self.card.history

    @property
    def record(self) -> ModelRecord:
        """What is written down with its results, so that it is found again."""
        return ModelRecord(model=self.name, weights=self.weights_hash, blended=self.card.blended)

    @cached_property
    def weights_hash(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of all weights, for provenance."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]
