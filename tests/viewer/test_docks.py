"""Docks on a small screen: nothing is pushed beyond it, cut off, or changed by scrolling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from napari.settings import get_settings
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QScrollArea,
    QSlider,
    QWidget,
)

from napari_srgan.viewer.qt.scrolled import ScrolledPage

WIDGETS = ("Upscale", "Fine-tune", "Trust", "Models")
SCREEN = (1024, 700)
NARROW = 260
ROOM = 1100
"""Width of a window in which there is room for a dock of any width."""


@pytest.fixture
def small_window(make_napari_viewer: Any) -> Any:
    """A viewer with an image, as high as a small screen."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((64, 64), np.uint16), name="cells")
    viewer.window._qt_window.resize(*SCREEN)
    return viewer


@pytest.fixture
def font_of() -> Iterator[Callable[[int], None]]:
    """Sets the size of napari's font until the test ends."""
    appearance = get_settings().appearance
    before = appearance.font_size

    def set_size(size: int) -> None:
        appearance.font_size = size

    yield set_size
    appearance.font_size = before


def scroll_of(native: QWidget) -> QScrollArea:
    """What scrolls in a dock: the outermost one."""
    scroll = native if isinstance(native, QScrollArea) else native.findChild(ScrolledPage)
    assert isinstance(scroll, QScrollArea)
    return scroll


def opened(viewer: Any, name: str) -> tuple[Any, QWidget]:
    dock, widget = viewer.window.add_plugin_dock_widget("napari-srgan", name)
    return dock, getattr(widget, "native", widget)


@pytest.mark.parametrize("left_out", WIDGETS)
def test_three_docks_stay_on_a_small_screen(small_window: Any, qtbot: Any, left_out: str) -> None:
    docks = [opened(small_window, name)[0] for name in WIDGETS if name != left_out]
    qtbot.wait(300)
    window = small_window.window._qt_window
    assert (window.width(), window.height()) == SCREEN
    assert window.minimumSizeHint().height() <= SCREEN[1]
    for dock in docks:
        assert dock.geometry().bottom() <= SCREEN[1]


@pytest.mark.parametrize("name", WIDGETS)
def test_what_is_hidden_in_a_low_dock_is_reached_by_scrolling(
    small_window: Any, qtbot: Any, name: str
) -> None:
    dock, native = opened(small_window, name)
    other, _ = opened(small_window, "Models" if name != "Models" else "Trust")
    qtbot.wait(200)
    small_window.window._qt_window.resizeDocks([dock, other], [100, 500], Qt.Orientation.Vertical)
    scroll = scroll_of(native)
    bar: Any = scroll.verticalScrollBar()
    page: Any = scroll.widget()
    viewport: Any = scroll.viewport()
    qtbot.waitUntil(lambda: viewport.height() < page.height())
    assert bar.maximum() == page.height() - viewport.height()


@pytest.mark.parametrize("name", WIDGETS)
def test_a_narrow_dock_shows_whole_labels_in_any_font(
    small_window: Any, qtbot: Any, font_of: Callable[[int], None], name: str
) -> None:
    dock, native = opened(small_window, name)
    window = small_window.window._qt_window
    window.resize(ROOM, 800)
    for size in (9, 14, 16):
        font_of(size)
        qtbot.wait(100)
        window.resizeDocks([dock], [NARROW], Qt.Orientation.Horizontal)
        qtbot.wait(200)
        assert dock.width() <= NARROW or size > 9
        found = native.findChildren(QLabel)
        for label in (label for label in found if label.isVisible() and label.text().strip()):
            if label.wordWrap():
                assert label.height() >= label.heightForWidth(label.width()), label.text()
            else:
                assert label.width() >= label.fontMetrics().horizontalAdvance(label.text()), label.text()
        scroll = scroll_of(native)
        page: Any = scroll.widget()
        viewport: Any = scroll.viewport()
        assert page.width() <= viewport.width(), "nothing is cut at the right"


def _turn_the_wheel(field: QWidget) -> None:
    middle = QPointF(field.rect().center())
    turned = QWheelEvent(
        middle, QPointF(field.mapToGlobal(field.rect().center())), QPoint(0, 0), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, turned)


def _state(field: Any) -> Any:
    if isinstance(field, QComboBox):
        return field.currentIndex()
    return field.isChecked() if isinstance(field, QCheckBox) else field.value()


@pytest.mark.parametrize("name", WIDGETS)
def test_the_wheel_over_any_field_changes_nothing(small_window: Any, qtbot: Any, name: str) -> None:
    _, native = opened(small_window, name)
    qtbot.wait(100)
    native.setFocus()
    kinds = (QComboBox, QAbstractSpinBox, QSlider, QCheckBox)
    fields: list[Any] = [field for kind in kinds for field in native.findChildren(kind)]
    assert fields or name == "Models"
    before = [_state(field) for field in fields]
    for field in fields:
        _turn_the_wheel(field)
    assert [_state(field) for field in fields] == before
