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
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QSlider,
    QWidget,
)

from napari_srgan.viewer.qt.scrolled import ScrolledPage
from napari_srgan.viewer.qt.whole_names import shown_text

WIDGETS = ("Upscale", "Fine-tune", "Trust", "Models")
ALL = (*WIDGETS, "Upscale files")
SCREEN = (1024, 700)
NARROW = 260
LETTERS = 8
"""Of a long name that are shown at least."""
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


@pytest.mark.parametrize("name", ALL)
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


def is_whole(part: QLabel | QAbstractButton) -> bool:
    """Whether all of the text of a label or a button is shown."""
    room, metrics = part.contentsRect(), part.fontMetrics()
    if isinstance(part, QLabel) and part.wordWrap():
        return part.height() >= part.heightForWidth(part.width())
    if part.minimumHeight() <= metrics.height():  # one line
        return room.width() >= metrics.horizontalAdvance(part.text())
    tick = part.sizeHint().width() - metrics.horizontalAdvance(part.text())
    room.setWidth(room.width() - (tick if isinstance(part, QCheckBox) else 0))
    needed = metrics.boundingRect(room, Qt.TextFlag.TextWordWrap, part.text())
    return needed.width() <= room.width() and needed.height() <= room.height()


def assert_readable(native: QWidget) -> None:
    """All texts are whole, what is chosen can be read, and nothing goes beyond the right side."""
    page: Any = scroll_of(native).widget()
    assert page.width() <= scroll_of(native).viewport().width(), "nothing is cut at the right"
    assert page.minimumSizeHint().width() <= page.width()
    parts = [*native.findChildren(QLabel), *native.findChildren(QPushButton), *native.findChildren(QCheckBox)]
    shown = [part for part in parts if part.isVisible() and part.text().strip()]
    assert len(shown) > 3
    assert [part.text() for part in shown if not is_whole(part)] == []
    boxes = [box for box in native.findChildren(QComboBox) if box.isVisible()]
    cut = [shown_text(box) for box in boxes if shown_text(box) != box.currentText()]
    assert [text for text in cut if len(text.replace("…", "")) < LETTERS] == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("name", ALL)
def test_a_narrow_dock_can_be_read_in_any_font(
    small_window: Any, qtbot: Any, font_of: Callable[[int], None], name: str, theme: str
) -> None:
    small_window.theme = theme
    dock, native = opened(small_window, name)
    window = small_window.window._qt_window
    window.resize(ROOM, 800)
    for size in (9, 14, 16):
        font_of(size)
        qtbot.wait(100)
        window.resizeDocks([dock], [NARROW], Qt.Orientation.Horizontal)
        qtbot.wait(200)
        assert dock.width() <= NARROW
        assert_readable(native)


def test_what_is_unfolded_in_a_narrow_dock_can_be_read(
    small_window: Any, qtbot: Any, font_of: Callable[[int], None]
) -> None:
    dock, widget = small_window.window.add_plugin_dock_widget("napari-srgan", "Upscale")
    window = small_window.window._qt_window
    window.resize(ROOM, 800)
    font_of(16)
    widget["result"].value = "disk"
    widget["advanced"].native.click()
    widget["self_ensemble"].value = True
    widget["device"].value = "cpu"
    qtbot.wait(100)
    window.resizeDocks([dock], [NARROW], Qt.Orientation.Horizontal)
    qtbot.wait(200)
    assert dock.width() <= NARROW
    assert_readable(widget.native)


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


@pytest.mark.parametrize("name", ALL)
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
