"""What a training tells while it runs, and how it can end otherwise than planned."""

from __future__ import annotations

from collections.abc import Generator as Iteration
from dataclasses import dataclass

from napari_srgan.errors import UserError
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.loop.validation_times import NextValidation


@dataclass(frozen=True)
class StepDone:
    """One step has been made."""

    step: int
    """Steps so far."""
    loss: float
    position: float
    """Part of the training that is over, by steps or by the clock, 0 to 1."""
    minutes: float
    """Spent training so far, over all runs, pauses left out."""
    note: str = ""
    """What went otherwise than planned, in a sentence."""
    next_validation: NextValidation | None = None
    """When it is measured again how good the network is."""


@dataclass(frozen=True)
class ValidationBegins:
    """What is held back will be judged now, which may take as long as some steps."""

    step: int
    position: float
    minutes: float


@dataclass(frozen=True)
class Resumed:
    """The training goes on from a checkpoint."""

    history: tuple[HeldBackScores, ...]
    """The validations before."""
    position: float
    minutes: float


Event = StepDone | ValidationBegins | HeldBackScores | Resumed
Training = Iteration[Event, Request | None, Generator]
"""Yields steps and validations, can be sent an order, returns the trained network."""


class TrainingDiverged(UserError):
    """A loss became infinite or NaN.

    Parameters
    ----------
    sentence
        What happened.
    network
        The averaged weights of the last good step, in evaluation mode on the CPU.
    validation
        How they do.
    """

    def __init__(self, sentence: str, network: Generator, validation: HeldBackScores) -> None:
        super().__init__(sentence)
        self.network = network
        self.validation = validation
