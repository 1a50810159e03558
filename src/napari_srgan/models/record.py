"""Which model it was: what is written down with a result, so that the model is found again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ModelRecord(BaseModel):
    """A model by its name and its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    """Its name."""
    weights: str = ""
    """Its :attr:`~napari_srgan.models.model.Model.weights_hash`; empty if that was not written down."""
    blended: Blend | None = None
    """What it was interpolated between; None for a model that was trained."""

    @property
    def words(self) -> str:
        """Name and weights, e.g. ``"microscopy-x4 (weights 0123456789abcdef)"``."""
        return f"{self.model} (weights {self.weights})" if self.weights else self.model


class Blend(BaseModel):
    """Two models, and the place between them of one whose weights are interpolated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    a: ModelRecord
    b: ModelRecord
    amount: float = Field(ge=0, le=1)
    """How much of `b`: 0 is `a`, 1 is `b`."""
    adversarial: bool | None = None
    """Whether a discriminator trained one of those that it has weights of; None if nobody knows."""

    @property
    def words(self) -> str:
        """How it was made, e.g. ``"interpolated between a and b, with 30 % of b"``."""
        return (
            f"interpolated between {self.a.words} and {self.b.words}, with {100 * self.amount:g} % of "
            f"{self.b.model}"
        )


ModelRecord.model_rebuild()
