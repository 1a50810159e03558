"""The state of a training, written so that a kill at any moment costs only minutes."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from napari_srgan.disk.atomic_write import remove_abandoned, save_file
from napari_srgan.disk.disk_space import check_space, check_writable
from napari_srgan.errors import UserError
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.recipes.recipe import Recipe

_DAMAGED = (RuntimeError, KeyError, ValueError, TypeError, OSError, EOFError, pickle.UnpicklingError)
"""What reading a file that is no such checkpoint raises."""

MAY_CHANGE = frozenset(
    (
        "steps", "minutes", "patience", "validate_every", "learning_rate", "clip", "description", "citation",
        "partner", "licence",
    )
)  # fmt: skip
"""What a recipe may say otherwise when a training goes on."""


@dataclass
class TrainingState:
    """All that changes while a training runs."""

    network: Generator
    average: Generator
    """Exponential moving average of the network's weights."""
    optimisers: list[Optimizer]
    """Optimisers of all stages, in their order."""
    draw: np.random.Generator
    """Where patches and flips are drawn from."""
    step: int = 0
    minutes: float = 0.0
    """Spent training so far, over all runs."""
    discriminator: nn.Module | None = None
    """The other player, if there is an adversarial stage."""
    adversarial_from: tuple[int, float] | None = None
    """Step and position in the training at which the adversarial stage began."""
    batch: int = 0
    """Patches in a step; less than the recipe's if memory was too small for those."""
    losses: list[float] = field(default_factory=list)
    """Losses of the steps since the last validation."""
    history: list[HeldBackScores] = field(default_factory=list)
    """All validations so far."""
    best: dict[str, Tensor] | None = None
    """The averaged weights of the best validation, where the recipe keeps those."""


COPIES = 12
"""Times the weights: network, average, best, the optimiser's moments, a second player; and the file
that is written while the one before is still there."""
_PLAIN = ("step", "minutes", "adversarial_from", "batch", "losses", "best")
"""Fields that are written as they are."""


def check_room(checkpoint: Path, network: Generator) -> None:
    """Make the folder of a checkpoint, and see whether it can be written to.

    Raises
    ------
    UserError
        If it cannot be made or written to, or the disk has too little room.
    """
    folder = checkpoint.parent
    needed = COPIES * sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
        remove_abandoned(checkpoint)
        check_space(
            folder,
            needed,
            lambda free: (
                f"the training cannot be kept: it needs {needed / 2**20:.0f} MiB and {folder} has "
                f"{free / 2**20:.0f} MiB left; make room, or choose another folder"
            ),
        )
    except OSError as error:
        raise UserError(
            f"the training cannot be kept: nothing can be written to {folder} ({error.strerror}); "
            "choose another folder"
        ) from error


def write_checkpoint(path: Path, state: TrainingState, recipe: Recipe) -> None:
    """Write a state whole: until that is done the one before stays.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    content = {name: getattr(state, name) for name in _PLAIN} | {
        "network": state.network.state_dict(),
        "average": state.average.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in state.optimisers],
        "draw": state.draw.bit_generator.state,
        # Some networks of other projects leave out layers at random while they train.
        "torch_draw": torch.get_rng_state(),
        "recipe": recipe.model_dump(mode="json"),
        "discriminator": state.discriminator.state_dict() if state.discriminator else None,
        "history": [asdict(validation) for validation in state.history],
    }
    try:
        save_file(path, lambda file: torch.save(content, file))
    except RuntimeError as error:  # torch's word for a disk that is full
        raise UserError(f"{path} cannot be written: {str(error).splitlines()[0]}") from error


def read_checkpoint(path: Path, state: TrainingState, recipe: Recipe) -> None:
    """Bring a state to where :func:`write_checkpoint` left one.

    Raises
    ------
    UserError
        If the file is not a checkpoint of this recipe.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        _check_recipe(path, saved["recipe"], recipe)
        state.network.load_state_dict(saved["network"])
        state.average.load_state_dict(saved["average"])
        if state.discriminator:
            state.discriminator.load_state_dict(saved["discriminator"])
        for optimiser, entry in zip(state.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(entry)
        state.draw.bit_generator.state = saved["draw"]
        torch.set_rng_state(saved["torch_draw"])
        for name in _PLAIN:
            setattr(state, name, saved[name])
        state.history = [HeldBackScores(**entry) for entry in saved["history"]]
    except UserError:
        raise
    except pickle.UnpicklingError as error:  # whose words are for programmers
        raise UserError(
            f"{path} is no checkpoint of this training (no training has written it, or it is damaged); "
            "delete it to begin anew"
        ) from error
    except _DAMAGED as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{path} is no checkpoint of this training ({reason}); delete it to begin anew"
        ) from error


def _check_recipe(path: Path, saved: dict[str, Any], recipe: Recipe) -> None:
    """Refuse a checkpoint of a recipe that differs in what decided the weights so far."""
    now = recipe.model_dump(mode="json")
    # How many patches fit into memory may be another number today; the checkpoint's is gone on with.
    measured = {"batch"} if recipe.data else set()
    for name in sorted((saved.keys() | now.keys()) - MAY_CHANGE - measured):
        if saved.get(name) == now.get(name):
            continue
        if name == "data" and str(saved.get(name)).split("-")[0] == str(now[name]).split("-")[0]:
            raise UserError(
                f"{path} is the checkpoint of a training on these images in which other parts were held "
                "back, or brightness or degradation was another; choose what was chosen then, or delete it "
                "to begin anew"
            )
        if name == "data":
            raise UserError(
                f"{path} is the checkpoint of a training on other images; take those again, or delete it "
                "to begin anew with these"
            )
        raise UserError(
            f"{path} is no checkpoint of this training: its recipe had {name} = {saved.get(name)!r}, "
            f"now it is {now.get(name)!r}; put that back, or delete the checkpoint to begin anew"
        )
