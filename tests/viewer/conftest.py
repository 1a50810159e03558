"""A viewer, and small models under the names of the default ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_training import FakeTraining
from napari_srgan.models import Model, TrainedInput, save_model
from napari_srgan.models.library import library
from napari_srgan.viewer.fine_tuning import session as fine_tune_state
from napari_srgan.viewer.jobs.runner import library_runner_of, runner_of, training_runner_of
from napari_srgan.viewer.qt import dialogs
from timelapses import make_temporal_model


@pytest.fixture(autouse=True)
def bundled_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any) -> Path:
    """Untrained models in place of the bundled ones: these tests are about the viewer."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    for name, channels in (("microscopy-x2", 1), ("photo-x4", 3)):
        model = tiny_model(scale_factor=int(name[-1]), channels=channels, name=name)
        save_model(model, folder / f"{name}.safetensors")
    monkeypatch.setattr(library, "bundled_folder", lambda: folder)
    return folder


@pytest.fixture
def open_widget(make_napari_viewer: Any) -> Callable[..., Any]:
    """Opens the widget as a user does: from the plugin menu, in a viewer."""

    def open_it(viewer: Any = None) -> Any:
        viewer = viewer or make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale")
        return viewer, widget

    return open_it


@pytest.fixture
def finish(qtbot: Any) -> Callable[[Any], None]:
    """Keeps the event loop turning until nothing runs in a viewer."""

    def finish_it(viewer: Any) -> None:
        qtbot.waitUntil(lambda: runner_of(viewer).running is None, timeout=60_000)

    return finish_it


@pytest.fixture
def run(finish: Callable[[Any], None]) -> Callable[..., str]:
    """Clicks Run, waits, and returns what the widget says in the end."""

    def run_it(viewer: Any, widget: Any) -> str:
        widget["buttons"]["run"].native.click()
        finish(viewer)
        return str(widget["status"].value)

    return run_it


@pytest.fixture
def open_models(make_napari_viewer: Any) -> Callable[..., Any]:
    """Opens the Models widget from the plugin menu, in a viewer."""

    def open_it(viewer: Any = None) -> Any:
        viewer = viewer or make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Models")
        return viewer, widget

    return open_it


@pytest.fixture
def finish_library(qtbot: Any) -> Callable[[Any], None]:
    """Keeps the event loop turning until nothing is done to the library from a viewer."""

    def finish_it(viewer: Any) -> None:
        qtbot.waitUntil(lambda: library_runner_of(viewer).running is None, timeout=60_000)

    return finish_it


@pytest.fixture
def files_chosen(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The answer to whichever file dialog is opened; filled by the test."""
    answer: list[Path] = []
    monkeypatch.setattr(dialogs, "ask_for_model_files", lambda parent: list(answer))
    return answer


@pytest.fixture
def model_file(tmp_path: Path, tiny_model: Any) -> Callable[..., Path]:
    """Writes a small model into a folder that is not the library's."""

    def write_it(
        name: str, picture: bytes | None = None, card: dict[str, Any] | None = None, **of: Any
    ) -> Path:
        model = tiny_model(name=name, **of)
        model = replace(model, card=model.card.model_copy(update=card or {}))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return save_model(model, elsewhere / f"{name}.safetensors", picture=picture)

    return write_it


@pytest.fixture(autouse=True)
def trainings_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where trainings are kept until they are done; empty at the start of each test."""
    folder = tmp_path / "trainings"
    monkeypatch.setenv("NAPARI_SRGAN_TRAININGS", str(folder))
    return folder


@pytest.fixture(autouse=True)
def choices_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where what was chosen last is kept; nothing was at the start of each test."""
    file = tmp_path / "choices" / "choices.json"
    monkeypatch.setenv("NAPARI_SRGAN_CHOICES", str(file))
    return file


@pytest.fixture
def open_fine_tune(make_napari_viewer: Any) -> Callable[..., Any]:
    """Opens the Fine-tune widget from the plugin menu, in a viewer."""

    def open_it(viewer: Any = None) -> Any:
        viewer = viewer or make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
        return viewer, widget

    return open_it


@pytest.fixture
def fake_training(monkeypatch: pytest.MonkeyPatch, tiny_model: Any) -> FakeTraining:
    """Takes the place of the training: these tests are about the viewer."""
    fake = FakeTraining(tiny_model)
    monkeypatch.setattr(fine_tune_state, "fine_tune_job", fake)
    return fake


@pytest.fixture
def finish_training(qtbot: Any) -> Callable[[Any], None]:
    """Keeps the event loop turning until no training runs in a viewer."""

    def finish_it(viewer: Any) -> None:
        qtbot.waitUntil(lambda: training_runner_of(viewer).running is None, timeout=60_000)

    return finish_it


@pytest.fixture
def make_movie_model(library_folder: Path) -> Callable[..., Model]:
    """Puts an untrained model for time-lapses into the user's library."""

    def make_it(name: str, kind: str = "early-fusion", **arguments: Any) -> Model:
        model = make_temporal_model(kind, **{"frames": 5, "clip": 3} | arguments)
        model = replace(model, card=model.card.model_copy(update={"name": name}))
        save_model(model, library_folder / f"{name}.safetensors")
        return model

    return make_it


@pytest.fixture
def ideal_model(bundled_models: Path, tiny_model: Any) -> None:
    """The default model is a tiny one that was trained without noise."""
    model = tiny_model(name="microscopy-x2")
    told = model.card.model_copy(update={"trained_input": TrainedInput()})
    save_model(replace(model, card=told), bundled_models / "microscopy-x2.safetensors")
