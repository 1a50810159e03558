"""What is chosen can be read in a dock of 260 pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QComboBox, QLabel, QToolTip, QWidget

from napari_srgan.viewer.qt.whole_names import show_whole_names, shown_text

NAME = "microscopy-x4-gan"


@pytest.fixture
def box(qtbot: Any) -> Iterator[QComboBox]:
    around = QWidget()
    qtbot.addWidget(around)
    box = QComboBox(around)
    box.addItem(f"{NAME}  (x4)", NAME)
    box.addItem("good images of one kind", "single")
    box.setToolTip("The models that fit")
    box.setMinimumWidth(20)
    show_whole_names(around)
    around.resize(600, 40)
    around.show()
    yield box
    around.hide()


def shown_from_wide_to_narrow(box: QComboBox) -> list[str]:
    """What is shown of the chosen name, each once."""
    shown: dict[str, None] = {}
    for width in range(400, 60, -1):
        box.resize(width, 30)
        shown[shown_text(box)] = None
    return list(shown)


def test_a_name_stays_whole_as_long_as_it_can(box: QComboBox) -> None:
    whole, alone, *shorter = shown_from_wide_to_narrow(box)
    assert (whole, alone) == (f"{NAME}  (x4)", NAME)
    assert shorter[0].startswith("micro")
    assert shorter[0].endswith("-gan")


def test_words_lose_their_end(box: QComboBox) -> None:
    box.setCurrentIndex(1)
    whole, *shorter = shown_from_wide_to_narrow(box)
    assert whole == "good images of one kind"
    assert all(whole.startswith(words.rstrip("…").rstrip()) for words in shorter)


def test_the_tooltip_has_the_whole_name(box: QComboBox) -> None:
    box.resize(100, 30)
    at = QPoint(5, 5)
    QApplication.sendEvent(box, QHelpEvent(QHelpEvent.Type.ToolTip, at, box.mapToGlobal(at)))
    assert QToolTip.text() == f"<qt>{NAME}  (x4)<br>The models that fit</qt>"
    QToolTip.hideText()


def test_of_a_result_the_model_can_be_read_and_its_image_loses_the_middle(box: QComboBox) -> None:
    layer = object()
    box.addItem("mitochondria of cell 17, second day x4 (microscopy-x4-gan)", layer)
    box.setCurrentIndex(2)
    whole, *shorter = shown_from_wide_to_narrow(box)
    assert whole == box.currentText()
    assert len(shorter) > 10
    fits = [one for one in shorter if not one.startswith("…")]
    assert all(one.startswith("m") and one.endswith(" (microscopy-x4-gan)") for one in fits)
    assert any("…" in one and one.split("…")[1].startswith(("y x4 (", " x4 (", "x4 (")) for one in fits)
    assert all(one == "…" or one.endswith(")") for one in shorter), "with less room its end is seen"


def test_an_open_list_is_as_wide_as_its_names(box: QComboBox, qtbot: Any) -> None:
    box.resize(100, 30)
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton)
    view: Any = box.view()
    assert view.width() >= box.fontMetrics().horizontalAdvance(f"{NAME}  (x4)")
    box.hidePopup()


def test_the_name_of_a_model_in_a_narrow_dock(
    make_napari_viewer: Any, open_widget: Callable[..., Any], qtbot: Any
) -> None:
    viewer, widget = open_widget(make_napari_viewer(show=True))
    viewer.add_image(np.zeros((40, 40), np.uint16), name="cells")
    dock = widget.native
    while dock is not None and type(dock).__name__ != "QtViewerDockWidget":
        dock = dock.parentWidget()
    window = viewer.window._qt_window
    window.resize(1200, 800)
    model, add = (widget["models"][name].native for name in ("model", "add_model"))
    window.resizeDocks([dock], [260], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: add.y() > model.y())
    assert shown_text(model) == "microscopy-x2"
    window.resizeDocks([dock], [600], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: add.y() == model.y())
    assert shown_text(model).startswith("microscopy-x2 ")


@pytest.mark.parametrize("kind", ["Upscale", "Trust"])
def test_labels_are_whole_in_any_font(make_napari_viewer: Any, qtbot: Any, kind: str) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((8, 8)))
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", kind)
    appearance = get_settings().appearance
    before = appearance.font_size
    try:
        for size in (before, 14, 18):
            appearance.font_size = size
            qtbot.wait(200)
            labels = [label for label in widget.native.findChildren(QLabel) if not label.wordWrap()]
            shown = [label for label in labels if label.isVisible() and label.text().strip()]
            assert shown
            for label in shown:
                assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
    finally:
        appearance.font_size = before
