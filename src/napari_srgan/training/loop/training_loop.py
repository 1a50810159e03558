"""The loop of a training: it can be shown, paused, stopped and resumed."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from collections.abc import Generator as Iteration
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.images.factor import rival
from napari_srgan.inference.devices.copies import copied_to
from napari_srgan.inference.devices.device_memory import give_back
from napari_srgan.inference.devices.memory_errors import OutOfMemory, memory_errors_named
from napari_srgan.models.card import SPANDREL
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import layout_of
from napari_srgan.networks.sub_pixel import remove_checkerboard
from napari_srgan.training.dataset.dataset import Dataset
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.loop.checkpoint import TrainingState, read_checkpoint, write_checkpoint
from napari_srgan.training.loop.ema import ExponentialMovingAverage
from napari_srgan.training.loop.events import (
    Event,
    Resumed,
    StepDone,
    Training,
    TrainingDiverged,
    ValidationBegins,
)
from napari_srgan.training.loop.process_group import ProcessGroup, SingleProcess
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.loop.update import LossNotFinite
from napari_srgan.training.loop.validation_times import ValidationTimes
from napari_srgan.training.recipes.recipe import Recipe
from napari_srgan.training.recipes.stages import Stages
from napari_srgan.training.recipes.start import kept_network, start_network

LEAST_GAIN = 1e-3
"""Decibels by which a validation must be better than all before to be the best."""


def train(
    recipe: Recipe,
    material: Dataset,
    checkpoint: Path | None,
    *,
    features: Path = Path(),
    network: Generator | None = None,
    team: ProcessGroup | None = None,
    compiled: bool = False,
) -> Training:
    """Train a generator by its recipe: the pixel stage, then the adversarial one if it has one.

    Goes on from `checkpoint` if it exists, and writes it at each validation and when the
    iterator is closed, which stops the training there.

    Parameters
    ----------
    recipe
        What to do.
    material
        What to learn from.
    checkpoint
        File to resume from and to write to; None: nothing is written.
    features
        Folder in which the recipe's files of features lie.
    network
        What to train; None: made by the recipe.
    team
        The processes that train it together, and their devices; None: this one alone, on the CPU.
    compiled
        Compile the network first; pays for itself in a few minutes of training.

    Yields
    ------
    News
        First that it goes on, if it does; then steps, and a validation at the start, at the end, every
        ``recipe.validate_every`` steps and, where ``recipe.minutes`` end it, several times
        by the clock. Before each it is told that it begins.

    Returns
    -------
    Generator
        The averaged weights of the last step, or of the best validation, as the recipe says, in
        evaluation mode on the CPU.

    Raises
    ------
    TrainingDiverged
        If a loss is no longer finite; the checkpoint of the last validation stays.
    UserError
        If the checkpoint, the starting model or a file of features cannot be used, or a single
        patch needs more memory than there is.
    """
    team = team or SingleProcess()
    try:
        run = memory_errors_named(
            lambda: _Run(recipe, material, checkpoint, features, network, team, compiled)
        )
    except OutOfMemory as error:
        raise UserError(
            f"the networks of {recipe.name} do not fit into the memory of {team.device} ({error}); "
            "close other programs, or choose smaller networks, smaller patches or another device"
        ) from error
    try:
        yield from run.all()
        return run.result()
    except GeneratorExit:
        run.save()
        raise
    finally:
        del run
        give_back(team.device)


class _Run:
    """One run of a training."""

    def __init__(
        self,
        recipe: Recipe,
        material: Dataset,
        checkpoint: Path | None,
        features: Path,
        network: Generator | None,
        team: ProcessGroup,
        compiled: bool,
    ) -> None:
        torch.manual_seed(recipe.seed)
        self._recipe, self._material, self._checkpoint, self._team = recipe, material, checkpoint, team
        network = (network or start_network(recipe)).to(team.device)
        network = network.to(memory_format=layout_of(4, team.device))
        team.same(network)
        self._stages = Stages(recipe, network, features, team)
        self._state = state = TrainingState(
            network=network,
            average=kept_network(recipe, network),
            discriminator=self._stages.discriminator,
            optimisers=[optimiser for stage in self._stages for optimiser in stage.optimisers],
            draw=np.random.default_rng(recipe.seed),
            batch=recipe.batch,
        )
        if state.discriminator is not None:
            team.same(state.discriminator)
        self._finished = False
        # All or none, or they would wait for each other at different steps.
        self._resumed = team.agree(checkpoint is not None and checkpoint.exists())
        if checkpoint is not None and self._resumed:
            read_checkpoint(checkpoint, state, recipe)
        self._forward: Callable[[Tensor], Tensor] = torch.compile(network) if compiled else network
        self._averaging = ExponentialMovingAverage(state.network, state.average, recipe.average)
        self._sampler = material.sampler(recipe, state.draw)
        self._since = time.monotonic()
        self._note = ""
        self._judges_on = team.device
        self._times = ValidationTimes(recipe.validate_every, recipe.steps, recipe.minutes)
        self._cost = 0.0
        """Minutes that a validation takes; the first one of a run is slower than others."""

    def all(self) -> Iteration[Event, Request | None, None]:
        """Train to the end."""
        state = self._state
        if self._resumed:
            yield from self._told(Resumed(tuple(state.history), self._position(), state.minutes))
        while True:
            position = self._position()
            over = position >= 1 or self._finished or self._out_of_patience()
            if self._due(over):
                yield from self._told(ValidationBegins(state.step, position, self._minutes()))
                seen = self._validate()
                yield from self._told(seen)
                over = over or self._finished or self._out_of_patience()
            if over:
                return
            loss = self._step(position)
            if self._recipe.architecture != SPANDREL:  # others keep what they have learnt around it
                remove_checkerboard(state.network)
            state.losses.append(loss)
            state.step += 1
            self._averaging.update(state.step)
            yield from self._told(self._step_done(loss))

    def _step_done(self, loss: float) -> StepDone:
        step, minutes = self._state.step, self._minutes()
        note, self._note = self._note, ""
        planned = self._times.next_after(step, minutes, self._last_validation(), self._cost)
        return StepDone(step, loss, self._position(), minutes, note, planned)

    def _last_validation(self) -> tuple[int, float] | None:
        history = self._state.history
        return (history[-1].step, history[-1].minutes) if history else None

    def result(self) -> Generator:
        """The network that is kept."""
        state = self._state
        if self._recipe.keep == "best" and state.best is not None and state.adversarial_from is None:
            state.average.load_state_dict(state.best)
        return state.average.cpu().to(memory_format=torch.contiguous_format).eval()

    def save(self) -> None:
        """Write the checkpoint; a disk that is full ends no training, but is told."""
        if self._checkpoint is None or self._team.rank:
            return
        self._state.minutes = self._minutes()
        self._since = time.monotonic()
        try:
            write_checkpoint(self._checkpoint, self._state, self._recipe)
        except UserError as error:
            self._note = f"{error}; the training goes on without"

    def _told(self, news: Event) -> Iteration[Event, Request | None, None]:
        """Say something; the clock stands until the answer."""
        self._state.minutes = self._minutes()
        try:
            order = yield news
        finally:
            self._since = time.monotonic()
        finish = order is Request.FINISH
        self._finished |= self._team.agree(finish) if self._team.size > 1 else finish

    def _minutes(self) -> float:
        return self._state.minutes + (time.monotonic() - self._since) / 60

    def _position(self) -> float:
        recipe = self._recipe
        by_steps = self._state.step / recipe.steps if recipe.steps else 0.0
        if recipe.minutes is None:
            return by_steps
        # Clocks differ between machines, and all must stop at the same step.
        return max(by_steps, self._team.agree(min(self._minutes() / recipe.minutes, 1.0)))

    def _due(self, over: bool) -> bool:
        """Whether to validate now: at intervals, at the end, and never twice at one step."""
        step, last = self._state.step, self._last_validation()
        if last is not None and last[0] == step:
            return False
        if over or last is None or self._times.due_by_steps(step):
            return True
        if self._recipe.minutes is None:
            return False
        # Clocks differ between machines, and all must validate at the same step.
        return self._team.agree(self._times.due_by_clock(self._minutes(), last[1], self._cost))

    def _out_of_patience(self) -> bool:
        patience = self._recipe.patience
        if not patience or self._recipe.gan:
            return False
        since_best = 0
        for validation in reversed(self._state.history):
            if validation.best:
                break
            since_best += 1
        return since_best >= patience

    def _validate(self) -> HeldBackScores:
        state = self._state
        began = time.monotonic()
        seen = self._looked_at()
        cost = (time.monotonic() - began) / 60
        self._cost = min(self._cost or cost, cost)
        state.history.append(seen)
        state.losses.clear()
        if seen.best and self._recipe.keep == "best":
            state.best = {
                name: tensor.detach().cpu().clone() for name, tensor in state.average.state_dict().items()
            }
        self.save()
        return seen

    def _looked_at(self) -> HeldBackScores:
        """How the averaged weights do now."""
        state = self._state
        psnr = self._judged()
        seen = HeldBackScores(
            step=state.step,
            loss=sum(state.losses) / len(state.losses) if state.losses else float("nan"),
            minutes=self._minutes(),
            psnr=psnr,
            bicubic=self._material.bicubic,
            rival=rival(self._recipe.scale_factor),
        )
        before = max((v.mean_psnr for v in state.history if v.best), default=-float("inf"))
        return replace(seen, best=self._team.agree(seen.mean_psnr >= before + LEAST_GAIN))

    def _judged(self) -> dict[str, float]:
        """How well the averaged weights do on what was held back, and a look at it.

        That is larger than a patch: from when the device has no room for it, on the CPU.
        """
        average = self._state.average
        if self._judges_on == self._team.device:
            try:
                return memory_errors_named(lambda: self._material.validate(average, self._judges_on))
            except OutOfMemory as error:
                reason = str(error)
            if self._judges_on.type == "cpu":
                raise UserError(
                    f"there is not enough memory to upscale what is held back ({reason}); close other "
                    "programs, or choose a smaller network"
                )
            give_back(self._judges_on)
            self._note = f"memory of {self._judges_on} is too small for what is held back: judged on the CPU"
            self._judges_on = torch.device("cpu")
        return self._material.validate(copy.deepcopy(average).cpu(), self._judges_on)

    def _step(self, position: float) -> float:
        """One update, with a smaller batch if memory is too small for this one."""
        while True:
            low, high = self._sampler.batch(self._state.batch)
            share = self._team.share(self._state.batch)
            try:
                return self._team_step(low[share], high[share], position)
            except LossNotFinite as error:
                # The step has begun: normalisations and the other player have seen it. What is whole
                # is the average, and the last checkpoint.
                last = self._looked_at()
                raise TrainingDiverged(f"at step {self._state.step} {error}", self.result(), last) from error
            except OutOfMemory as error:
                reason = str(error)
            # Outside of the handler, whose error holds what the step had taken.
            self._stages.forget_gradients()
            give_back(self._team.device)
            self._halve_batch(reason)

    def _team_step(self, low: Tensor, high: Tensor, position: float) -> float:
        device = self._team.device
        loss = memory_errors_named(
            lambda: self._stages.step(
                self._forward,
                copied_to(device, low),
                copied_to(device, high),
                self._state,
                position,
            )
        )
        return float(self._team.mean(loss))

    def _halve_batch(self, reason: str) -> None:
        before = self._state.batch
        if before <= self._team.size or self._team.size > 1:
            raise UserError(
                f"there is not enough memory to train with {before} patches of {self._recipe.patch} x "
                f"{self._recipe.patch} pixels ({reason}); choose a smaller batch, smaller patches or a "
                "smaller network"
            )
        self._state.batch = before // 2
        self._note = f"memory is too small for {before} patches in a step; going on with {before // 2}"
