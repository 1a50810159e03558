"""A training that is killed goes on from its last checkpoint, to the same curve and the same weights."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_srgan.models import Model, read_model, save_model
from napari_srgan.training.fine_tuning.job import fine_tune_job
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.pairs.source import SourceImage

from .conftest import cells

STEPS, EVERY = 12, 4
HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training.test_kill import job_of

for progress in job_of(*map(Path, sys.argv[2:])):
    if progress.step == 6:
        print("at step 6", flush=True)
        time.sleep(600)
"""
END = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from training.test_kill import first_step, job_of, run
from napari_srgan.models import save_model

model, told = run(job_of(*map(Path, sys.argv[2:5])))
save_model(model, Path(sys.argv[5]))
print(first_step(told))
"""


def job_of(image: Path, base: Path, checkpoint: Path | None, **settings: Any) -> Any:
    """A small training of everything that is random: patches, their turns, simulated noise."""
    from napari_srgan.models import load_model

    small = {
        "minutes": None, "steps": STEPS, "batch": 4, "patch": 16, "validate_every": EVERY, "device": "cpu"
    }  # fmt: skip
    source = SourceImage("cells", np.load(image), "YX")
    return fine_tune_job(
        [source], base=load_model(base), settings=FineTuning(**small | settings), checkpoint=checkpoint
    )


def run(job: Any) -> tuple[Model, list[TrainingProgress]]:
    """A job to its end, with all that it told."""
    told = []
    while True:
        try:
            told.append(next(job))
        except StopIteration as end:
            return end.value, told


def first_step(told: list[TrainingProgress]) -> int:
    """The first step that was made; points of the curve before it are only told again."""
    return min(progress.step for progress in told if progress.loss is not None)


def curve(model: Model) -> list[tuple[Any, ...]]:
    """The curve without the clock."""
    return [(point.step, point.loss, point.psnr, point.best) for point in model.history]


def assert_same(one: Model, other: Model) -> None:
    assert curve(one) == curve(other)
    weights = other.network.state_dict()
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, weights[name]), name


@pytest.fixture
def image(tmp_path: Path) -> Path:
    np.save(tmp_path / "cells.npy", cells(0, 192))
    return tmp_path / "cells.npy"


@pytest.fixture
def base(tiny_model: Any, tmp_path: Path) -> Path:
    return save_model(tiny_model(), tmp_path / "tiny.safetensors")


@pytest.fixture
def undisturbed(image: Path, base: Path, tmp_path: Path) -> Model:
    return run(job_of(image, base, tmp_path / "undisturbed.checkpoint"))[0]


def test_the_same_seed_gives_the_same_weights(image: Path, base: Path, undisturbed: Model) -> None:
    assert len(curve(undisturbed)) == 1 + STEPS // EVERY
    assert_same(undisturbed, run(job_of(image, base, None))[0])


def test_another_seed_gives_other_weights(image: Path, base: Path, undisturbed: Model) -> None:
    assert curve(undisturbed) != curve(run(job_of(image, base, None, seed=1))[0])


def test_after_kill_it_goes_on_from_the_last_checkpoint(image: Path, base: Path, tmp_path: Path) -> None:
    # Each in a process of its own: in one that has run other tests, sums may be rounded in another order.
    checkpoint = tmp_path / "killed.checkpoint"
    with subprocess.Popen(
        command(HOLD, image, base, checkpoint), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at step 6\n"
        process.kill()
    assert process.returncode in (-signal.SIGKILL, 1)
    first, resumed = to_the_end(image, base, checkpoint)
    assert first == EVERY + 1
    assert_same(to_the_end(image, base, tmp_path / "undisturbed.checkpoint")[1], resumed)


def command(script: str, *files: Path) -> list[str]:
    return [sys.executable, "-c", script, str(Path(__file__).parents[1]), *map(str, files)]


def to_the_end(image: Path, base: Path, checkpoint: Path) -> tuple[int, Model]:
    """The first step of a training in a process of its own, and its model."""
    out = checkpoint.with_suffix(".safetensors")
    said = subprocess.run(
        command(END, image, base, checkpoint, out), capture_output=True, text=True, check=True
    )
    return int(said.stdout), read_model(out)


class Killed(BaseException):
    """What kill -9 is, in a test: nothing tidies up after it."""


@pytest.mark.parametrize(
    ("style", "whole", "written"),
    [("faithful", 2, 0), ("faithful", 2, 1000), ("sharp", 3, 1000)],
)
def test_killed_while_a_checkpoint_is_written_it_has_the_one_before(
    image: Path,
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    style: str,
    whole: int,
    written: int,
) -> None:
    checkpoint = tmp_path / "killed.checkpoint"
    real, files = torch.save, itertools.count()

    def save(content: Any, file: Any) -> None:
        if next(files) < whole:
            real(content, file)
            return
        file.write(b"x" * written)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(torch, "save", save)
        # Nobody takes away what has been written of the file.
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            run(job_of(image, base, checkpoint, style=style))
    model, told = run(job_of(image, base, checkpoint, style=style))
    assert first_step(told) == (whole - 1) * EVERY + 1
    assert_same(run(job_of(image, base, None, style=style))[0], model)
