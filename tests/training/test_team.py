"""Several processes train as one does."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from napari_srgan.errors import UserError
from napari_srgan.training.loop.fabric_group import FabricTeam
from napari_srgan.training.loop.process_group import SingleProcess, share_of, whole_shares

TOY = '''
import json, sys
import torch
from torch import nn

def curve(team, batch=8, steps=12):
    """Losses of a toy network; every process begins from weights of its own."""
    torch.manual_seed(team.rank)
    network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.PReLU(), nn.Conv2d(8, 1, 3))
    unused = nn.Parameter(torch.zeros(3))
    team.same(network)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    draw = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(steps):
        patches = torch.rand(batch, 1, 12, 12, generator=draw)[team.share(batch)]
        loss = (network(patches) - patches[..., 2:-2, 2:-2].sqrt()).abs().mean()
        loss.backward()
        team.average_gradients([*network.parameters(), unused])
        nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(team.mean(loss)))
    return losses

if __name__ == "__main__":
    from napari_srgan.training.loop.fabric_group import FabricTeam
    from napari_srgan.training.loop.process_group import ProcessLost

    team = FabricTeam(2, accelerator="cpu")
    counted = nn.BatchNorm2d(2)  # has a whole number among its buffers
    counted.num_batches_tracked += 7 + team.rank
    team.same(counted)
    said = {
        "losses": curve(team), "rank": team.rank, "size": team.size,
        "counted": int(counted.num_batches_tracked), "number": team.agree(team.rank + 0.1),
        "order": team.agree(team.rank == 0),
    }
    team.barrier()
    print(json.dumps(said) + "\\n", end="", flush=True)  # one write: both processes have one pipe
    if team.rank == 0:
        team.close()
    else:
        try:
            team.barrier()
        except ProcessLost as error:
            print(json.dumps({"lost": str(error)}) + "\\n", end="", flush=True)
'''


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("team") / "toy.py"
    file.write_text(TOY)
    return file


@pytest.fixture(scope="module")
def told(toy: Path) -> list[dict[str, Any]]:
    """What two processes print."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(toy)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_two_processes_have_the_curve_of_one(toy: Path, told: list[dict[str, Any]]) -> None:
    alone = runpy.run_path(str(toy))["curve"](SingleProcess())
    assert alone[-1] < 0.7 * alone[0]
    both = [said["losses"] for said in told if "losses" in said]
    assert len(both) == 2
    for losses in both:
        assert losses == pytest.approx(alone, abs=1e-4)


def test_all_have_what_the_first_one_has(told: list[dict[str, Any]]) -> None:
    first, second = sorted((said for said in told if "rank" in said), key=lambda said: said["rank"])
    assert (first["rank"], second["rank"]) == (0, 1)
    for said in (first, second):
        assert (said["size"], said["number"], said["order"], said["counted"]) == (2, 0.1, True, 7)


def test_one_that_is_left_alone_says_so(told: list[dict[str, Any]]) -> None:
    lost = [said["lost"] for said in told if "lost" in said]
    assert len(lost) == 1
    assert "process 1 of 2 has lost the others" in lost[0]


def test_one_process_is_a_team_of_its_own() -> None:
    team, network = SingleProcess(), nn.Linear(2, 2)
    network(torch.ones(1, 2)).sum().backward()
    before = network.weight.grad.clone()  # type: ignore[union-attr]
    team.average_gradients(network.parameters())
    assert torch.equal(before, network.weight.grad)  # type: ignore[arg-type]
    assert team.share(7) == slice(0, 7)
    assert team.agree(3.5) == 3.5
    assert (team.rank, team.size, team.device) == (0, 1, torch.device("cpu"))


def test_shares_are_the_batch() -> None:
    batch = list(range(12))
    assert [place for rank in range(3) for place in batch[share_of(12, rank, 3)]] == batch
    assert [whole_shares(batch, 4) for batch in (1, 4, 5, 16)] == [4, 4, 8, 16]


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(UserError, match=r"10 patches cannot be shared equally by 4.*e\.g\. 12"):
        share_of(10, 0, 4)


@pytest.mark.parametrize(
    ("devices", "accelerator", "words"),
    [(2, "mps", "only cuda and cpu"), (0, "cpu", "at least 1 device"), (99, "cuda", "99 CUDA devices")],
)
def test_a_team_that_cannot_be_is_refused(devices: int, accelerator: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        FabricTeam(devices, accelerator=accelerator)


def test_without_fabric_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    with pytest.raises(UserError, match=r"napari-srgan\[cluster\]"):
        FabricTeam(2, accelerator="cpu")
