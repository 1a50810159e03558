"""A team of several processes, on one machine or more, under Lightning Fabric.

Fabric starts the processes (or finds those that SLURM, torchrun or MPI have started), tells
each its place and device, and connects them; see https://lightning.ai/docs/fabric. It is imported
only when a team is asked for.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, distributed, nn

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.choice import choose_device
from napari_srgan.training.loop.process_group import ProcessGroup, ProcessLost, Said, SingleProcess, share_of

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def join_team(devices: int | None, nodes: int | None, device: str) -> ProcessGroup:
    """The team that a command asks for, or that a scheduler has started.

    Parameters
    ----------
    devices, nodes
        Processes on each machine, and machines; None: as torchrun has started them, or one.
    device
        ``"auto"``, ``"cuda"``, ``"mps"``, ``"xpu"`` or ``"cpu"``.

    Raises
    ------
    UserError
        As :class:`FabricTeam`; if there is no such device; or if SLURM has started several processes
        that would know nothing of each other.
    """
    on_each = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if devices is None:
        devices = on_each
        nodes = nodes or int(os.environ.get("WORLD_SIZE", 1)) // on_each if on_each > 1 else nodes
    nodes = nodes or 1
    if devices == nodes == 1:
        tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1))
        if tasks > 1:
            raise UserError(
                f"SLURM has started {tasks} processes, which would all train the same model; say how they "
                "work together: --devices, as many as tasks on each machine, and --nodes"
            )
        return SingleProcess(choose_device(device))
    return FabricTeam(devices, nodes, device)


CARRIED = {torch.bool: torch.uint8}
"""Types that cannot be sent as they are."""


class FabricTeam:
    """Connect this process with the others of its team, after starting them if nobody else has.

    Unless a scheduler has started them, the other processes on this machine are started here, by the
    command that this one was started with; they come to this line too and are given their numbers.

    Parameters
    ----------
    devices
        Processes on each machine, one for each GPU.
    nodes
        Machines.
    accelerator
        ``"cuda"``, ``"cpu"``, or ``"auto"``: CUDA if there is any. CPUs speak by gloo, GPUs by NCCL.

    Raises
    ------
    UserError
        If Lightning Fabric is not installed, there are not as many devices, what a scheduler has
        started does not agree, or a process does not come.
    """

    def __init__(self, devices: int, nodes: int = 1, accelerator: str = "auto") -> None:
        kind = _accelerator(accelerator, devices)
        if devices < 1 or nodes < 1:
            raise UserError(f"a team has at least 1 device on 1 machine; got {devices} on {nodes}")
        fabric = _fabric()
        try:
            self._fabric: Fabric = fabric(accelerator=kind, devices=devices, num_nodes=nodes, strategy="ddp")
            self._fabric.launch()
        except (RuntimeError, ValueError, TypeError) as error:
            raise UserError(
                f"{devices * nodes} processes could not be connected: {str(error).splitlines()[0]}"
            ) from error
        self.rank = int(self._fabric.global_rank)
        self.size = int(self._fabric.world_size)
        self.device: torch.device = self._fabric.device

    def share(self, batch: int) -> slice:
        return share_of(batch, self.rank, self.size)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """All gradients travel in one flat buffer, in float32: many small ones would wait for each other."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        flat = self.mean(torch.cat([gradient.reshape(-1).float() for gradient in gradients]))
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view(gradient.shape))

    def mean(self, value: Tensor) -> Tensor:
        total = value.detach().to(self.device, copy=True)
        self._speak(distributed.all_reduce, total)
        return total / self.size

    def same(self, network: nn.Module) -> None:
        with torch.no_grad():
            for tensor in network.state_dict().values():
                sent = tensor.to(CARRIED.get(tensor.dtype, tensor.dtype)).contiguous()
                self._speak(distributed.broadcast, sent, 0)
                tensor.copy_(sent)

    def agree(self, value: Said) -> Said:
        said = torch.tensor([value], dtype=torch.float64, device=self.device)
        self._speak(distributed.broadcast, said, 0)
        return type(value)(said.item())

    def barrier(self) -> None:
        self._speak(self._fabric.barrier)

    def close(self) -> None:
        """Leave the team: those who still wait for this process are told that it is gone."""
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def _speak(self, call: Callable[..., Any], *arguments: Any) -> None:
        try:
            call(*arguments)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise ProcessLost(
                f"process {self.rank} of {self.size} has lost the others: one of them has ended; "
                "look for what it said last"
            ) from error


def _accelerator(name: str, devices: int) -> str:
    """What Fabric is asked for.

    Raises
    ------
    UserError
        If devices of that kind cannot work together, or there are not as many.
    """
    if name not in ("auto", "cuda", "cpu"):
        raise UserError(
            f"only cuda and cpu can train together, not {name!r}; leave out devices to train alone"
        )
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return "cpu"
    found = torch.cuda.device_count()
    if devices > found:
        raise UserError(
            f"{devices} CUDA devices were asked for, this machine has {found}; ask for fewer, or for cpu"
        )
    return "cuda"


def _fabric() -> type[Fabric]:
    try:
        from lightning_fabric import Fabric
    except ImportError as error:
        raise UserError(
            "training in several processes needs Lightning Fabric: pip install 'napari-srgan[cluster]'"
        ) from error
    # It tells every process's number; who trains is told by whoever shows the training.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    return Fabric
