"""Trainings that were interrupted, and models that could not be written."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from fake_training import ENDLESS
from napari_srgan.errors import UserError
from napari_srgan.models import load_model
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.viewer.fine_tuning import save_model as fine_tune_result
from napari_srgan.viewer.fine_tuning import saved_run as fine_tune_plan
from napari_srgan.viewer.fine_tuning.saved_run import (
    CHECKPOINT,
    PLAN,
    LayerNames,
    SavedRun,
    begin_run,
    interrupted,
)
from napari_srgan.viewer.qt.labels import ERROR_STYLE

HIGH = np.random.default_rng(0).integers(100, 4000, (80, 64), dtype=np.uint16)
LOW = HIGH[::2, ::2]
NAMES = LayerNames(low="cells", high="fine cells", low_shape=LOW.shape, high_shape=HIGH.shape)
PLAN_OF_CELLS = SavedRun(pairs=(NAMES,), base="microscopy-x2", settings=FineTuning(name="mine", steps=30))


def add_layers(viewer):
    viewer.add_image(LOW, name="cells", scale=(2, 2), translate=(0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")


@pytest.fixture
def kept():
    """A training that was interrupted."""
    kept = begin_run(PLAN_OF_CELLS)
    kept.checkpoint.write_bytes(b"what was learned")
    return kept


@pytest.fixture
def opened(open_fine_tune, fake_training):
    viewer, widget = open_fine_tune()
    add_layers(viewer)
    return viewer, widget


def test_an_interrupted_training_goes_on(kept, opened, fake_training, finish_training):
    viewer, widget = opened
    assert "mine was interrupted. It learns from cells, fine cells" in widget.banner.text.text()
    widget.banner.go_on.click()
    assert not widget.banner.isVisibleTo(widget)
    finish_training(viewer)
    (call,) = fake_training.calls
    assert (call["checkpoint"], call["base"]) == (kept.checkpoint, "microscopy-x2")
    assert call["settings"] == PLAN_OF_CELLS.settings
    assert load_model("mine").name == "mine"
    assert not kept.folder.exists()
    assert interrupted() == []


def test_without_its_layers_it_says_which(kept, open_fine_tune, fake_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(HIGH, name="fine cells")
    widget.banner.go_on.click()
    assert "there is no layer 'cells' now" in widget.status.text().lower()
    assert widget.status.styleSheet() == ERROR_STYLE
    assert fake_training.calls == []
    assert kept.checkpoint.exists()


def test_layers_of_other_sizes_are_others(kept, open_fine_tune, fake_training):
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW[:20], name="cells", scale=(2, 2), translate=(0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    widget.banner.go_on.click()
    assert "have other sizes than when the training began" in widget.status.text()
    assert fake_training.calls == []


def test_it_can_be_discarded(kept, opened):
    _, widget = opened
    widget.banner.discard.click()
    assert not kept.folder.exists()
    assert not widget.banner.isVisibleTo(widget)


def test_cancel_keeps_what_was_learned(opened, fake_training, qtbot, finish_training):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 5)
    widget.controls.cancel.click()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("Cancelled. What was learned so far is kept")
    assert widget.banner.isVisibleTo(widget)
    fake_training.steps = 10
    widget.banner.go_on.click()
    finish_training(viewer)
    assert fake_training.calls[0]["checkpoint"] == fake_training.calls[1]["checkpoint"]
    assert fake_training.calls[0]["settings"] == fake_training.calls[1]["settings"]


def test_cancelled_before_anything_was_learned_nothing_is_kept(
    opened, fake_training, qtbot, finish_training, trainings_folder
):
    viewer, widget = opened
    fake_training.reading = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: "Reading" in widget.status.text())
    widget.controls.cancel.click()
    finish_training(viewer)
    assert widget.progress.verdict.text() == "Cancelled."
    assert list(trainings_folder.iterdir()) == []


def test_a_running_training_is_not_offered(kept):
    with kept.mine():
        assert interrupted() == []
        with pytest.raises(UserError, match="another window of napari"), kept.mine():
            pass
    assert [found.folder for found in interrupted()] == [kept.folder]


def test_the_latest_is_offered_first(kept):
    later = begin_run(PLAN_OF_CELLS)
    later.checkpoint.write_bytes(b"more")
    os.utime(kept.checkpoint, (1, 1))
    assert [found.folder for found in interrupted()] == [later.folder, kept.folder]


def test_rubbish_is_not_offered(trainings_folder):
    for name, plan in (("a", b"{}"), ("b", b"\xff")):
        (trainings_folder / name).mkdir(parents=True)
        (trainings_folder / name / PLAN).write_bytes(plan)
        (trainings_folder / name / CHECKPOINT).write_bytes(b"")
    assert interrupted() == []


def test_a_folder_without_a_checkpoint_goes_after_a_day():
    kept = begin_run(PLAN_OF_CELLS)
    assert interrupted() == []
    assert kept.folder.exists()
    long_ago = time.time() - 2 * fine_tune_plan.A_DAY
    os.utime(kept.folder / PLAN, (long_ago, long_ago))
    assert interrupted() == []
    assert not kept.folder.exists()


def test_a_folder_that_cannot_be_made_is_said_before_the_training(
    opened, fake_training, tmp_path, monkeypatch
):
    _, widget = opened
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NAPARI_SRGAN_TRAININGS", str(tmp_path / "file"))
    widget.controls.start.click()
    assert "The training cannot be kept in" in widget.status.text()
    assert widget.status.styleSheet() == ERROR_STYLE
    assert fake_training.calls == []


def test_a_full_disk_is_said_before_the_training(opened, fake_training, monkeypatch, trainings_folder):
    _, widget = opened
    monkeypatch.setattr(fine_tune_plan, "ROOM", 10**18)
    widget.controls.start.click()
    assert "is nearly full" in widget.status.text()
    assert fake_training.calls == []
    assert list(trainings_folder.iterdir()) == []


def test_a_model_that_cannot_be_written_is_not_lost(opened, fake_training, finish_training, monkeypatch):
    viewer, widget = opened

    def full(*_, **__):
        raise UserError("mine.safetensors cannot be written: No space left on device")

    widget.choices.name.value = "mine"
    with monkeypatch.context() as disk:
        disk.setattr(fine_tune_result, "save_model", full)
        widget.controls.start.click()
        finish_training(viewer)
        assert "not in the library: mine.safetensors cannot be written" in widget.progress.verdict.text()
        assert widget.progress.verdict.styleSheet() == ERROR_STYLE
        widget.progress.save_again.click()
        assert "not in the library" in widget.progress.verdict.text()
    widget.progress.save_again.click()
    assert widget.progress.verdict.text().startswith("The model mine is in the library")
    assert not widget.progress.save_again.isVisibleTo(widget)
    assert len(load_model("mine").history) == 4
    assert interrupted() == []
