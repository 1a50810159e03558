"""A recipe: everything that decides what a training makes, in one TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_srgan.errors import UserError
from napari_srgan.networks import build_network
from napari_srgan.networks.architectures import spelled_out


class Recipe(BaseModel):
    """What to train, on what, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """Name of the model."""
    description: str
    """One line for someone who has to choose a model."""
    architecture: str
    """A key of :data:`napari_srgan.networks.ARCHITECTURES`."""
    arguments: dict[str, Any]
    """Keyword arguments of the architecture."""
    intensity: Literal["byte", "percentile"]
    """The intensity convention of the model's card."""
    licence: str = "BSD-3-Clause"
    """Licence of the weights."""
    start: str | None = None
    """Name or file of a model whose weights are taken where their shapes agree."""

    back_projection: bool = False
    """Whether the trained network is validated and kept with a step of back-projection
    that it was trained without (see :class:`~napari_srgan.networks.srresnet.SRResNet`)."""

    folders: tuple[str, ...] = Field(min_length=1)
    """Folders of tiles inside the data folder, each with SOURCES.tsv and LICENCES.tsv."""
    held_back: float = Field(default=0.1, gt=0, lt=1)
    """Part of each source set's images that is never trained on."""
    set_balance: float = Field(default=0.5, ge=0, le=1)
    """A set of n tiles is drawn from as n**set_balance: 1 by tile, 0 by set."""
    gain: tuple[float, float] = (1.0, 1.0)
    """Range of a random factor on intensities, after normalisation."""

    steps: int = Field(ge=1)
    """Steps of the optimiser."""
    batch: int = Field(default=16, ge=1)
    """Patches in a step."""
    patch: int = Field(default=32, ge=8)
    """Low-resolution pixels along the side of a patch."""
    optimiser: Literal["adam", "muon"] = "adam"
    """``"muon"``: orthogonalised momentum for convolutions, Adam for the rest."""
    learning_rate: float = Field(default=5e-4, gt=0)
    """At its height."""
    warm_up: int = Field(default=200, ge=0)
    """Steps over which the learning rate rises."""
    decay: float = Field(default=0.4, ge=0, le=1)
    """Last part of the steps, over which the learning rate falls to 0."""
    average: float = Field(default=0.999, ge=0, lt=1)
    """Decay of the exponential moving average of the weights, which is what is kept."""
    clip: float = Field(default=1.0, gt=0)
    """Largest norm of the gradient."""
    validate_every: int = Field(default=1000, ge=1)
    """Steps between validations and checkpoints."""
    seed: int = 0
    """Of the weights, the patches and their flips."""

    @model_validator(mode="after")
    def _network_can_be_built(self) -> Recipe:
        build_network(self.architecture, self.kept_arguments)
        missing = {"scale_factor", "channels"} - set(self.arguments)
        if missing:
            raise ValueError(f"arguments must name {' and '.join(sorted(missing))}")
        return self

    @property
    def kept_arguments(self) -> dict[str, Any]:
        """Arguments of the network that is kept."""
        spelled = spelled_out(self.architecture, self.arguments)
        return spelled | ({"back_projection": True} if self.back_projection else {})

    @property
    def scale_factor(self) -> int:
        return int(self.arguments["scale_factor"])

    @property
    def channels(self) -> int:
        return int(self.arguments["channels"])


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from a TOML file.

    Raises
    ------
    UserError
        If the file is missing, is no TOML, or is not a recipe.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"the recipe {path} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path.name} is no TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        got = f"{where}: {first['msg']}, got {first['input']!r}" if where else str(first["msg"])
        raise UserError(f"{path.name}, {got}") from error
