"""`napari-srgan fine-tune` with time-lapses."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from tests.training.fine_tuning.movies import low_of, movie, temporal_model

from napari_srgan.models import load_model, save_model

from .conftest import Shell

SMALL = ("--steps", 2, "--batch", 2, "--patch", 16, "--device", "cpu", "--set", "validate_every=1")


class Files(NamedTuple):
    low: Path
    high: Path
    base: Path
    out: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A movie of 8 frames, of which one is empty, at both resolutions."""
    high = movie(9)
    high[8] = 0
    files = Files(
        *(tmp_path / name for name in ("low.tif", "high.tif", "base.safetensors", "mine.safetensors"))
    )
    for file, frames in ((files.low, low_of(high)), (files.high, high)):
        tifffile.imwrite(file, frames, ome=True, metadata={"axes": "TYX"})
    save_model(temporal_model(), files.base)
    return files


def tune(shell: Shell, files: Files, *arguments: object) -> Any:
    return shell("fine-tune", *arguments, "--base", files.base, "--out", files.out, *SMALL)


def test_a_movie_and_its_partner_become_a_model(shell: Shell, files: Files) -> None:
    done = tune(shell, files, files.low, files.high)
    assert done.exit_code == 0, done.output
    model = load_model(files.out)
    assert model.card.frames == 3
    assert "1 of 9 frames of 'low.tif and high.tif' are not learned from: they are empty" in done.stdout
    assert model.card.verdict in done.stdout


def test_low_resolution_of_a_movie_is_simulated(shell: Shell, files: Files) -> None:
    done = tune(shell, files, "--high", files.high, "--set", "noise=the same in every frame")
    assert done.exit_code == 0, done.output
    notes = load_model(files.out).card.pairs[0].notes
    assert any(note.startswith("low resolution simulated") for note in notes)


def test_time_is_named_where_the_file_does_not(shell: Shell, files: Files) -> None:
    plain = files.low.with_name("plain.tif")
    tifffile.imwrite(plain, np.delete(tifffile.imread(files.high), 8, axis=0), metadata=None)
    refused = tune(shell, files, "--high", plain)
    assert refused.exit_code == 1
    assert "'plain.tif' has no axis of time: its axes are" in refused.stderr
    assert "'TYX', or choose a base for single images" in refused.stderr
    assert tune(shell, files, "--high", plain, "--axes", "TYX").exit_code == 0
    wrong = tune(shell, files, "--high", plain, "--axes", "TY", "--overwrite")
    assert wrong.exit_code == 1
    assert "2 axes 'TY'" in wrong.stderr


def test_a_choice_that_there_is_not_is_told(shell: Shell, files: Files) -> None:
    wrong = tune(shell, files, "--high", files.high, "--set", "noise=fixed")
    assert wrong.exit_code == 1
    assert "noise" in wrong.stderr
    assert "the same in every frame" in wrong.stderr
