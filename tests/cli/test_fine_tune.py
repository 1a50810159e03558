"""`napari-srgan fine-tune`: what is printed, what is written, what is refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from napari_srgan.models import load_model
from napari_srgan.training.degradation.ideal import degrade

from .conftest import Shell

SMALL = ("--steps", 6, "--batch", 4, "--patch", 16, "--device", "cpu", "--set", "validate_every=3")


class Files(NamedTuple):
    low: Path
    high: Path
    out: Path


def write_pair(low_file: Path, high_file: Path, seed: int = 0, pixel: float = 0.1) -> None:
    """Cells on a dark ground, and the same made half as large; low in micrometers, high in nanometers."""
    draw = np.random.default_rng(seed)
    blobs = gaussian_filter(draw.random((192, 192)), 3) > 0.5
    high = (gaussian_filter(blobs * 5000.0, 0.6) + draw.normal(1000, 20, blobs.shape)).astype(np.uint16)
    low, high = degrade(high[..., None], 2)
    for file, image, size, unit in ((low_file, low, 2 * pixel, "µm"), (high_file, high, 1e3 * pixel, "nm")):
        file.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            file, image[..., 0], metadata={
                "axes": "YX", "PhysicalSizeX": size, "PhysicalSizeXUnit": unit, "PhysicalSizeY": size,
                "PhysicalSizeYUnit": unit,
            }, ome=True,
        )  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(
        tmp_path / "low.ome.tif", tmp_path / "high.ome.tif", tmp_path / "models" / "mine.safetensors"
    )
    write_pair(files.low, files.high)
    return files


@pytest.fixture
def train(shell: Shell, tiny_file: Path, files: Files) -> Shell:
    """Fine-tune the tiny model for six steps."""

    def run(*arguments: object, base: object = tiny_file) -> Any:
        return shell("fine-tune", *arguments, "--base", base, "--out", files.out, *SMALL)

    return run


@pytest.mark.parametrize("with_high", [True, False])
def test_a_model_for_the_noise_of_an_image(train: Shell, files: Files, with_high: bool) -> None:
    draw = np.random.default_rng(1)
    light = np.asarray(gaussian_filter(draw.random((256, 256)), 6) > 0.5, float)
    noisy = files.low.with_name("noisy.tif")
    tifffile.imwrite(noisy, (draw.poisson(20 * light + 2) * 5 + 100).astype(np.uint16))
    done = train("--noise-of", noisy, *(("--high", files.high) if with_high else ()))
    assert done.exit_code == 0, done.output
    where = "them" if with_high else "the tiles that come with napari-srgan"
    assert f"the noise and the blur of {noisy}, simulated in {where}" in done.stdout
    assert load_model(files.out).card.made_for.photons[0] < 40


def test_noise_of_an_image_is_not_for_pairs(train: Shell, files: Files) -> None:
    done = train(files.low, files.high, "--noise-of", files.low)
    assert done.exit_code != 0
    assert "pairs have noise of their own" in done.output.replace("\n", " ")


def test_noise_of_an_image_is_not_simulated_in_the_same_image(train: Shell, files: Files) -> None:
    done = train("--high", files.high, "--noise-of", files.high)
    assert done.exit_code != 0
    assert "is given as --noise-of and as --high" in " ".join(done.output.split())


def test_a_pair_becomes_a_model(train: Shell, files: Files) -> None:
    done = train(files.low, files.high)
    assert done.exit_code == 0, done.output
    model = load_model(files.out)
    assert model.card.name == "mine"
    assert [point.step for point in model.history] == [0, 3, 6]
    lines = done.stdout.splitlines()
    assert lines[0] == f"{files.low} with {files.high}"
    assert lines[1] == "starting from tiny"
    baseline = model.card.baseline
    assert f"bicubic {baseline.bicubic:.2f} dB, tiny {baseline.base:.2f} dB" in done.stdout
    assert re.search(r"step 3, \d+\.\d min: loss \d\.\d+, \d+\.\d\d dB", done.stdout)
    assert lines[-2] == model.card.verdict
    assert lines[-1] == str(files.out)
    assert [file.name for file in files.out.parent.iterdir()] == ["mine.safetensors"]


def test_folders_are_paired_by_name(train: Shell, files: Files, tmp_path: Path) -> None:
    for seed, name in enumerate(("b.ome.tif", "a.ome.tif")):
        write_pair(tmp_path / "lows" / name, tmp_path / "highs" / f"fine-{name}", seed)
    done = train(tmp_path / "lows", tmp_path / "highs")
    assert done.exit_code == 0, done.output
    first, second = done.stdout.splitlines()[:2]
    assert first.endswith("fine-a.ome.tif")
    assert "lows/a.ome.tif" in first.replace("\\", "/")
    assert second.endswith("fine-b.ome.tif")


def test_high_resolution_alone_is_enough(train: Shell, files: Files) -> None:
    done = train("--high", files.high)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"{files.high}, its partner simulated\n")
    assert files.out.exists()


def test_a_base_is_found_for_the_factor(shell: Shell, files: Files) -> None:
    done = shell("fine-tune", files.low, files.high, "--out", files.out, *SMALL[:1], 1, *SMALL[2:])
    assert done.exit_code == 0, done.output
    assert "starting from microscopy-x2" in done.stdout


def test_other_choices_reach_the_training(train: Shell, files: Files) -> None:
    done = train(
        files.low, files.high, "--name", "cells", "--set", "width=8", "--set", "blocks=1", "--set",
        "pixel_loss=l1", base="scratch",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    card = load_model(files.out).card
    assert (card.name, card.arguments["width"], card.arguments["blocks"]) == ("cells", 8, 1)
    assert card.recipe["pixel_loss"] == "l1"


def test_a_model_is_replaced_only_if_it_is_said(train: Shell, files: Files) -> None:
    files.out.parent.mkdir()
    files.out.write_bytes(b"dear to me")
    refused = train(files.low, files.high)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.stderr
    assert files.out.read_bytes() == b"dear to me"
    assert train(files.low, files.high, "--overwrite").exit_code == 0
    assert load_model(files.out).card.name == "mine"


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, signal.Signals], None]:
    """Let a signal come while a certain step is made."""
    from napari_srgan.cli import training_run

    real = training_run.fine_tune_job

    def at(step: int, number: signal.Signals) -> None:
        def job(*arguments: Any, **keywords: Any) -> Iterator[Any]:
            inner = real(*arguments, **keywords)
            try:
                while True:
                    try:
                        progress = next(inner)
                    except StopIteration as end:
                        return end.value
                    if progress.step == step and progress.point is None:
                        signal.raise_signal(number)
                    yield progress
            finally:
                inner.close()

        monkeypatch.setattr(training_run, "fine_tune_job", job)

    return at


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_training_goes_on_where_it_was(
    train: Shell,
    files: Files,
    interrupted: Callable[[int, signal.Signals], None],
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    status: int,
) -> None:
    assert train(files.low, files.high).exit_code == 0
    undisturbed = load_model(files.out)
    files.out.unlink()
    with monkeypatch.context():
        interrupted(4, number)
        stopped = train(files.low, files.high)
    monkeypatch.undo()
    checkpoint = files.out.with_suffix(".checkpoint")
    assert stopped.exit_code == status
    assert f"stopped; {checkpoint} is kept, and the same command goes on from it" in stopped.stderr
    assert not files.out.exists()
    assert "step 6" not in stopped.stdout
    done = train(files.low, files.high)
    assert done.exit_code == 0, done.output
    assert f"going on from {checkpoint}" in done.stdout
    assert not checkpoint.exists()
    weights = load_model(files.out).network.state_dict()
    for name, tensor in undisturbed.network.state_dict().items():
        assert np.array_equal(tensor.numpy(), weights[name].numpy()), name


def test_stopped_before_the_training_says_that_nothing_is_lost(
    train: Shell, files: Files, interrupted: Callable[[int, signal.Signals], None]
) -> None:
    interrupted(0, signal.SIGINT)
    stopped = train(files.low, files.high)
    assert stopped.exit_code == 130
    assert "before anything was trained" in stopped.stderr
    assert list(files.out.parent.iterdir()) == []


def test_a_checkpoint_that_was_asked_for_stays(train: Shell, files: Files, tmp_path: Path) -> None:
    checkpoint = tmp_path / "states" / "mine.checkpoint"
    assert train(files.low, files.high, "--checkpoint", checkpoint).exit_code == 0
    assert checkpoint.exists()


def test_a_checkpoint_of_another_training_is_refused(train: Shell, files: Files, tmp_path: Path) -> None:
    checkpoint = tmp_path / "mine.checkpoint"
    assert train(files.low, files.high, "--checkpoint", checkpoint).exit_code == 0
    write_pair(files.low, files.high, seed=1)
    other_images = train(files.low, files.high, "--checkpoint", checkpoint, "--overwrite")
    assert other_images.exit_code == 1
    assert f"{checkpoint} is the checkpoint of a training on other images" in other_images.stderr
    checkpoint.write_bytes(b"no checkpoint at all")
    damaged = train(files.low, files.high, "--checkpoint", checkpoint, "--overwrite")
    assert damaged.exit_code == 1
    assert "no training has written it, or it is damaged" in damaged.stderr
    assert checkpoint.read_bytes() == b"no checkpoint at all"


def test_a_full_disk_is_told_before_anything_is_read(
    train: Shell, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage(files.low.parent))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12 - 1000, 1000))
    done = train(files.low, files.high)
    assert done.exit_code == 1
    assert "make room" in done.stderr
    assert "step" not in done.stdout


def refused(name: str, arguments: list[object], words: str) -> Any:
    return pytest.param(arguments, words, id=name)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        refused("nothing", [], "nothing to learn from"),
        refused("no partner", ["LOW"], "--high .*low.ome.tif alone"),
        refused("itself", ["LOW", "LOW"], "as LOW and as HIGH"),
        refused("both kinds", ["LOW", "HIGH", "--high", "HIGH"], "either LOW and HIGH or --high"),
        refused("missing", ["LOW", "gone.tif"], "no file gone.tif"),
        refused("exchanged", ["HIGH", "LOW"], "are no pair"),
        refused("one too many", ["LOW", "FOLDER"], "has 1 image and .* has 2 images"),
        refused("no name", ["LOW", "HIGH", "--out", "x.tif"], "ends in .safetensors"),
        refused("no folder", ["LOW", "HIGH", "--out", "LOW/x.safetensors"], "nothing can be written to"),
        refused("checkpoint", ["LOW", "HIGH", "--checkpoint", "FOLDER"], "FOLDER.* is a folder"),
        refused("base", ["LOW", "HIGH", "--base", "nobody"], "nobody"),
        refused("setting", ["LOW", "HIGH", "--set", "colour=blue"], "colour"),
        refused("no setting", ["LOW", "HIGH", "--set", "colour"], "NAME=VALUE"),
        refused("style", ["LOW", "HIGH", "--style", "lovely"], "style.*lovely"),
        refused("minutes", ["LOW", "HIGH", "--minutes", "0"], "minutes.*0"),
        refused("factor", ["LOW", "HIGH", "--factor", "3"], "3"),
        refused("device", ["LOW", "HIGH", "--device", "abacus"], "abacus"),
        refused("devices", ["LOW", "HIGH", "--device", "mps", "--devices", "2"], "only cuda and cpu"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    shell: Shell, files: Files, tiny_file: Path, tmp_path: Path, arguments: list[object], words: str
) -> None:
    folder = tmp_path / "FOLDER"
    write_pair(folder / "a.ome.tif", folder / "b.ome.tif")
    places = {"LOW": str(files.low), "HIGH": str(files.high), "FOLDER": str(folder)}
    given = [re.sub("LOW|HIGH|FOLDER", lambda found: places[found[0]], str(word)) for word in arguments]
    done = shell("fine-tune", "--out", files.out, "--base", tiny_file, *SMALL, *given)
    assert done.exit_code == 1, done.output
    assert re.search(words, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not files.out.exists()


def test_processes_of_slurm_that_know_nothing_of_each_other_are_refused(
    train: Shell, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    done = train(files.low, files.high)
    assert done.exit_code == 1
    assert "SLURM has started 4 processes" in done.stderr


def test_two_processes_print_and_make_what_one_does(train: Shell, tiny_file: Path, files: Files) -> None:
    assert train("--high", files.high).exit_code == 0
    alone = load_model(files.out)
    arguments = ["--high", files.high, "--base", tiny_file, "--out", files.out, "--overwrite", *SMALL]
    done = subprocess.run(
        [sys.executable, "-m", "napari_srgan", "fine-tune", *map(str, arguments), "--devices", "2"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "starting from tiny, in 2 processes" in done.stdout
    assert done.stdout.count("step 3,") == 1
    both = load_model(files.out)
    for one, other in zip(alone.history, both.history, strict=True):
        assert (one.step, one.loss) == (other.step, pytest.approx(other.loss, abs=1e-4))
        assert one.psnr == pytest.approx(other.psnr, abs=0.01)
    for one, other in zip(alone.network.parameters(), both.network.parameters(), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4)


def test_help_tells_what_happens_if_nothing_is_said(shell: Shell) -> None:
    told = " ".join(re.sub(r"[│\s]+", " ", shell("fine-tune", "--help").stdout).split())
    assert "[default: 10, or none with --steps]" in told
    assert "its partner is simulated" in told
