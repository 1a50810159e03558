"""Image files and folders of them, upscaled from the window into a folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_srgan.api import files as api_files
from napari_srgan.api.inputs import find_inputs
from napari_srgan.progress import Progress
from napari_srgan.viewer.files import job as files_job
from napari_srgan.viewer.files import widget as files_widget
from napari_srgan.viewer.jobs.runner import listing_runner_of, runner_of

CELLS = np.random.default_rng(0).integers(100, 4000, (40, 32), dtype=np.uint16)


@pytest.fixture
def open_files(make_napari_viewer: Any) -> Callable[..., Any]:
    """Opens the widget from the plugin menu, in a viewer."""

    def open_it(viewer: Any = None) -> Any:
        viewer = viewer or make_napari_viewer()
        _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Upscale files")
        return viewer, widget

    return open_it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, a text, and a folder in a folder."""
    folder = tmp_path / "plate"
    (folder / "more").mkdir(parents=True)
    for name in "abc":
        tifffile.imwrite(folder / f"{name}.tif", CELLS)
    (folder / "notes.txt").write_text("notes")
    return folder


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The answers to the questions for files and folders; filled by the test."""
    answers: dict[str, Any] = {"files": [], "folder": None}
    monkeypatch.setattr(files_widget.dialogs, "ask_for_image_files", lambda *_: answers["files"])
    monkeypatch.setattr(files_widget.dialogs, "ask_for_folder", lambda *_: answers["folder"])
    return answers


@pytest.fixture
def add(qtbot: Any, chosen: dict[str, Any]) -> Callable[..., None]:
    """Presses Files… or Folder…, and waits until the images are found."""

    def add_them(viewer: Any, widget: Any, *places: Path) -> None:
        for place in places:
            chosen.update(files=[place], folder=place)
            (widget.folder if place.is_dir() else widget.files).click()
            qtbot.waitUntil(lambda: listing_runner_of(viewer).running is None)

    return add_them


@pytest.fixture
def run_files(finish: Callable[[Any], None]) -> Callable[..., str]:
    """Presses Run, waits, and returns what the widget says in the end."""

    def run_it(viewer: Any, widget: Any) -> str:
        widget.run.click()
        finish(viewer)
        return str(widget.status.text())

    return run_it


def states(widget: Any) -> list[str]:
    return [widget.list.item(place).text() for place in range(widget.list.count())]


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


def test_a_folder_is_upscaled_file_by_file(open_files: Any, add: Any, run_files: Any, folder: Path) -> None:
    viewer, widget = open_files()
    add(viewer, widget, folder)
    assert states(widget) == ["waiting: a.tif", "waiting: b.tif", "waiting: c.tif"]
    assert "more is a folder; give it too." in widget.left_out.text()
    target = folder / "upscaled"
    assert widget.settings.request.folder == target
    assert run_files(viewer, widget) == "3 of 3 files are upscaled, in the folder upscaled."
    assert states(widget) == ["done: a.tif", "done: b.tif", "done: c.tif"]
    assert files_in(target) == ["a_x2.tif", "b_x2.tif", "c_x2.tif"]
    assert tifffile.imread(target / "a_x2.tif").shape == (80, 64)
    assert not viewer.layers


def test_a_file_that_fails_does_not_stop_the_others_and_is_told_at_the_end(
    open_files: Any, add: Any, run_files: Any, folder: Path
) -> None:
    (folder / "b.tif").write_bytes(b"II*\0b")
    viewer, widget = open_files()
    add(viewer, widget, folder)
    said = run_files(viewer, widget)
    assert said == (
        "2 of 3 files are upscaled, in the folder upscaled.\n"
        "1 could not be upscaled; the list says which and why, in red."
    )
    first, second, third = states(widget)
    assert (first, third) == ("done: a.tif", "done: c.tif")
    assert second.startswith("failed: ")
    assert "b.tif" in second
    tifffile.imwrite(folder / "b.tif", CELLS)
    written = (folder / "upscaled" / "a_x2.tif").stat().st_mtime_ns
    assert run_files(viewer, widget).startswith("3 of 3 files are upscaled")
    assert (folder / "upscaled" / "a_x2.tif").stat().st_mtime_ns == written, "done files are not done again"


def test_nothing_is_overwritten_unasked(open_files: Any, add: Any, run_files: Any, folder: Path) -> None:
    target = folder / "upscaled"
    target.mkdir()
    (target / "b_x2.tif").write_bytes(b"mine")
    viewer, widget = open_files()
    add(viewer, widget, folder)
    assert "1 could not be upscaled" in run_files(viewer, widget)
    assert f"{target / 'b_x2.tif'} exists already" in states(widget)[1]
    assert (target / "b_x2.tif").read_bytes() == b"mine"
    assert files_in(target) == ["a_x2.tif", "b_x2.tif", "c_x2.tif"]
    widget.settings["replace"].value = True
    assert run_files(viewer, widget).startswith("3 of 3")
    assert tifffile.imread(target / "b_x2.tif").shape == (80, 64)


def test_results_may_lie_beside_the_images_and_are_left_out_later(
    open_files: Any, add: Any, run_files: Any, folder: Path
) -> None:
    viewer, widget = open_files()
    add(viewer, widget, folder)
    widget.settings["target"]["folder"].value = str(folder)
    assert run_files(viewer, widget).startswith("3 of 3")
    widget.clear.click()
    assert states(widget) == []
    add(viewer, widget, folder)
    assert states(widget) == ["waiting: a.tif", "waiting: b.tif", "waiting: c.tif"]
    assert "a_x2.tif, b_x2.tif, c_x2.tif are results of napari-srgan" in widget.left_out.text()


def test_each_row_tells_how_far_it_is_and_cancel_keeps_what_is_done(
    open_files: Any, add: Any, folder: Path, finish: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()
    whole = api_files.upscale_job

    def slow(image: Any, *rest: Any, **more: Any) -> Any:
        if "b.tif" in str(image.name):
            yield Progress(37, 100, "Upscaling")
            goes_on.wait(30)
        return (yield from whole(image, *rest, **more))

    monkeypatch.setattr(api_files, "upscale_job", slow)
    viewer, widget = open_files()
    add(viewer, widget, folder)
    widget.run.click()
    qtbot.waitUntil(lambda: states(widget) == ["done: a.tif", "37 %: b.tif", "waiting: c.tif"])
    assert widget.status.text().startswith("File 2 of 3. Upscaling")
    assert widget.bar.value() == 45
    assert not widget.run.isEnabled()
    widget.cancel.click()
    goes_on.set()
    finish(viewer)
    assert states(widget) == ["done: a.tif", "stopped: b.tif", "waiting: c.tif"]
    assert widget.status.text().startswith("Cancelled; what is done is kept.\n1 of 3 files are upscaled")
    assert files_in(folder / "upscaled") == ["a_x2.tif"]
    assert not list((folder / "upscaled").glob(".partial*"))
    widget.run.click()
    finish(viewer)
    assert states(widget) == ["done: a.tif", "done: b.tif", "done: c.tif"]


def test_a_dock_that_is_opened_again_shows_the_files_and_what_came_of_them(
    open_files: Any, add: Any, run_files: Any, folder: Path, tmp_path: Path
) -> None:
    viewer, widget = open_files()
    add(viewer, widget, folder / "a.tif")
    widget.settings["target"]["folder"].value = str(tmp_path / "out")
    widget.settings["model"].value = "photo-x4"
    said = run_files(viewer, widget)
    assert said == "1 of 1 file is upscaled, in the folder out."
    viewer.window.remove_dock_widget(widget)
    _, again = open_files(viewer)
    assert states(again) == ["done: a.tif"]
    assert again.status.text() == said
    assert again.settings["model"].value == "photo-x4"
    assert again.settings.request.folder == tmp_path / "out"
    assert files_in(tmp_path / "out") == ["a_x4.tif"]


def test_all_are_done_again_with_another_model_or_folder(
    open_files: Any, add: Any, run_files: Any, folder: Path
) -> None:
    viewer, widget = open_files()
    add(viewer, widget, folder / "a.tif", folder / "b.tif")
    run_files(viewer, widget)
    assert run_files(viewer, widget).startswith("All files are upscaled already")
    widget.settings["model"].value = "photo-x4"
    assert run_files(viewer, widget).startswith("2 of 2")
    assert files_in(folder / "upscaled") == ["a_x2.tif", "a_x4.tif", "b_x2.tif", "b_x4.tif"]


def test_files_dropped_on_it_are_added_once(open_files: Any, folder: Path, qtbot: Any) -> None:
    viewer, widget = open_files()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder / "a.tif")), QUrl.fromLocalFile(str(folder))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    widget.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    qtbot.waitUntil(lambda: listing_runner_of(viewer).running is None)
    assert states(widget) == ["waiting: a.tif", "waiting: b.tif", "waiting: c.tif"]
    widget.list.item(1).setSelected(True)
    qtbot.keyClick(widget.list, Qt.Key.Key_Delete)
    assert states(widget) == ["waiting: a.tif", "waiting: c.tif"]


def test_what_is_added_while_a_folder_is_looked_through_is_not_lost(
    open_files: Any, folder: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = threading.Event()

    def slowly(places: Any) -> Any:
        looks.wait(30)
        return find_inputs(places)

    monkeypatch.setattr(files_job, "find_inputs", slowly)
    _, widget = open_files()
    widget.session.add([folder / "c.tif"])
    widget.session.add([folder / "a.tif"])
    assert widget.status.text() == "Looking for images …"
    assert not widget.run.isEnabled()
    looks.set()
    qtbot.waitUntil(lambda: len(states(widget)) == 2)
    qtbot.waitUntil(widget.run.isEnabled)
    assert states(widget) == ["waiting: c.tif", "waiting: a.tif"]


@pytest.mark.parametrize(
    ("places", "into", "words"),
    [
        ([], "/tmp", "There is no image file; press Files… or Folder… first"),
        (["a.tif"], "", "No folder is chosen for the results"),
        (["a.tif"], "here", "'here' does not say in which folder"),
        (["a.tif"], "{folder}/notes.txt", "cannot be made: "),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_told(
    open_files: Any, add: Any, run_files: Any, folder: Path, places: list[str], into: str, words: str
) -> None:
    viewer, widget = open_files()
    add(viewer, widget, *(folder / place for place in places))
    widget.settings["target"]["folder"].value = into.format(folder=folder)
    assert words in run_files(viewer, widget)
    assert runner_of(viewer).running is None


def test_a_folder_without_images_is_told(open_files: Any, add: Any, folder: Path) -> None:
    viewer, widget = open_files()
    add(viewer, widget, folder / "more")
    assert f"There is no image in the folder {folder / 'more'}" in widget.status.text()


def test_it_waits_for_an_upscaling_of_a_layer(
    open_files: Any, open_widget: Any, add: Any, folder: Path, finish: Any
) -> None:
    viewer, widget = open_files()
    _, upscale = open_widget(viewer)
    viewer.add_image(CELLS, name="cells")
    add(viewer, widget, folder)
    upscale["buttons"]["run"].native.click()
    assert not widget.run.isEnabled()
    finish(viewer)
    assert widget.run.isEnabled()
    assert states(widget) == ["waiting: a.tif", "waiting: b.tif", "waiting: c.tif"]
    assert widget.status.text() == ""


def test_upscale_opens_it_with_the_model_that_is_chosen(open_widget: Any) -> None:
    viewer, widget = open_widget()
    widget["models"]["model"].value = "photo-x4"
    widget["files"].native.click()
    files = viewer.window.dock_widgets["Upscale files (napari-srgan)"]
    assert files.settings["model"].value == "photo-x4"
