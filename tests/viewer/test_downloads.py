"""Models from an index, found and downloaded in the Models widget, from a server on this machine."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from model_server import index_entry, model_server
from napari_srgan.models import read_card
from napari_srgan.models.library.index import INDEX_VARIABLE
from napari_srgan.viewer.jobs.runner import library_runner_of

HALF = 40_000


@pytest.fixture
def server():
    with model_server() as running:
        yield running


@pytest.fixture
def offer(server, model_file, monkeypatch):
    """Offers a model in an index that is set; how the server answers is up to the test."""

    def offer_it(**answer):
        file = model_file("far", width=32)
        content = file.read_bytes()
        entry = index_entry(read_card(file), content, server.serve("/far.safetensors", content, **answer))
        monkeypatch.setenv(INDEX_VARIABLE, server.serve_index(entry))

    return offer_it


def names(widget):
    return [row.name for row in widget.table.rows()]


def test_model_is_found_and_downloaded(offer, open_widget, open_models, finish_library):
    offer()
    viewer, upscale = open_widget()
    _, widget = open_models(viewer)
    finish_library(viewer)
    assert widget.status.text() == "1 more model can be downloaded."
    assert widget.table.choose("far")
    assert widget.table.chosen_row().origin == "online"
    assert not widget.buttons.rename.isEnabled()
    QTest.mouseClick(widget.buttons.download, Qt.MouseButton.LeftButton)
    assert widget.cancel.isVisibleTo(widget)
    finish_library(viewer)
    assert widget.status.text() == "Downloaded far."
    assert widget.table.chosen_row().origin == "yours"
    assert names(widget).count("far") == 1
    assert "far" in upscale["models"]["model"].choices
    assert not widget.cancel.isVisibleTo(widget)


def test_stalled_download_shows_how_far_it_is_and_is_cancelled(
    offer, open_models, finish_library, qtbot, library_folder
):
    offer(stall_after=HALF)
    viewer, widget = open_models()
    finish_library(viewer)
    widget.table.choose("far")
    widget.buttons.download.click()
    qtbot.waitUntil(lambda: widget.bar.maximum() == 100 and widget.bar.value() > 0, timeout=10_000)
    assert not widget.buttons.download.isEnabled()
    QTest.mouseClick(widget.cancel, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: library_runner_of(viewer).running is None, timeout=5000)
    assert widget.status.text() == "Cancelled."
    assert not (library_folder / "far.safetensors").exists()
    assert widget.buttons.download.isEnabled()


def test_cut_off_download_is_told_and_goes_on_at_the_next_try(offer, open_models, finish_library, server):
    offer(break_after=HALF)
    viewer, widget = open_models()
    finish_library(viewer)
    widget.table.choose("far")
    widget.buttons.download.click()
    finish_library(viewer)
    assert "color" in widget.status.styleSheet()
    assert "far.safetensors" in widget.status.text()
    server.answers["/far.safetensors"].break_after = None
    widget.buttons.download.click()
    finish_library(viewer)
    assert widget.status.text() == "Downloaded far."
    path, came_from = server.asked[-1]
    assert path == "/far.safetensors"
    assert came_from.startswith("bytes=")


def test_no_index_is_a_sentence(open_models, finish_library, no_index):
    viewer, widget = open_models()
    assert widget.status.text() == ""
    QTest.mouseClick(widget.buttons.find_online, Qt.MouseButton.LeftButton)
    finish_library(viewer)
    assert "no index of models is set" in widget.status.text().lower()
    assert widget.buttons.find_online.isEnabled()


def test_silent_server_can_be_cancelled(server, open_models, qtbot, monkeypatch):
    monkeypatch.setenv(INDEX_VARIABLE, server.serve("/index.json", b"{}", stall_after=1, claimed=2))
    viewer, widget = open_models()
    qtbot.waitUntil(lambda: widget.status.text() == "Looking for models online", timeout=5000)
    widget.cancel.click()
    qtbot.waitUntil(lambda: library_runner_of(viewer).running is None, timeout=2000)
    assert widget.status.text() == "Cancelled."


def test_entries_that_cannot_be_used_are_told(server, open_models, finish_library, monkeypatch):
    monkeypatch.setenv(INDEX_VARIABLE, server.serve_index({"name": "odd"}))
    viewer, widget = open_models()
    finish_library(viewer)
    assert "No more models can be downloaded." in widget.status.text()
    assert "'odd'" in widget.status.text()


def test_window_closed_during_a_download(offer, open_models, finish_library, qtbot, capfd):
    offer(stall_after=HALF)
    viewer, widget = open_models()
    finish_library(viewer)
    widget.table.choose("far")
    widget.buttons.download.click()
    qtbot.waitUntil(lambda: widget.bar.value() > 0, timeout=10_000)
    runner = library_runner_of(viewer)
    viewer.close()
    qtbot.waitUntil(lambda: runner.running is None, timeout=5000)
    assert "Traceback" not in "".join(capfd.readouterr())
