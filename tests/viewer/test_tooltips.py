"""Tooltips wrap in all widgets, also those of what comes later."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QPushButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from napari_srgan.viewer.qt.tooltips import as_rich_text, wrap_tooltips

LONG = "A sentence of many words that would run across the whole screen if nothing broke it, " * 3


@pytest.fixture(autouse=True)
def no_tooltip_stays() -> Iterator[None]:
    yield
    QToolTip.hideText()


def shown_tooltip(widget: QWidget) -> str:
    """What is shown where the mouse rests on a widget."""
    at = QPoint(3, 3)
    QApplication.sendEvent(widget, QHelpEvent(QHelpEvent.Type.ToolTip, at, widget.mapToGlobal(at)))
    return QToolTip.text()


@pytest.mark.parametrize("name", ["Upscale", "Upscale files", "Fine-tune", "Trust", "Models"])
def test_every_tooltip_of_a_widget_wraps(make_napari_viewer: Any, name: str) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((40, 32), np.uint16), name="cells", contrast_limits=(0, 1))
    widget = viewer.window.add_plugin_dock_widget("napari-srgan", name)[1]
    native = getattr(widget, "native", widget)
    told = [part for part in native.findChildren(QWidget) if part.toolTip() and part.isVisibleTo(native)]
    assert len(told) > 5
    for part in told:
        plain = part.toolTip()
        assert not plain.startswith("<"), "it is read aloud as it is"
        shown = shown_tooltip(part)
        assert shown.startswith("<qt>"), (part, shown)
        if not isinstance(part, QComboBox):  # they say the whole name before
            assert unescape(shown[4:-5]).replace("<br>", "\n") == plain


def test_a_long_tooltip_is_no_wider_than_half_a_screen(qtbot: Any) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    layout = QVBoxLayout(around)
    first = QPushButton("first")
    first.setToolTip(LONG)
    layout.addWidget(first)
    wrap_tooltips(around)
    around.show()
    shown_tooltip(first)
    (label,) = [one for one in QApplication.topLevelWidgets() if one.objectName() == "qtooltip_label"]
    assert label.sizeHint().width() < 640
    assert label.sizeHint().width() < label.fontMetrics().horizontalAdvance(LONG) / 2


def test_what_comes_later_or_changes_wraps_too(qtbot: Any) -> None:
    around = QWidget()
    qtbot.addWidget(around)
    layout = QVBoxLayout(around)
    wrap_tooltips(around)
    around.show()
    inner = QWidget()
    later: QAbstractButton = QPushButton("later", inner)
    layout.addWidget(inner)
    inner.show()
    qtbot.wait(20)
    later.setToolTip("Is 1 < 2?\nYes")
    assert shown_tooltip(later) == "<qt>Is 1 &lt; 2?<br>Yes</qt>"
    combo = QComboBox()
    layout.addWidget(combo)
    combo.show()
    qtbot.wait(20)
    combo.setToolTip(LONG)
    assert shown_tooltip(combo) == as_rich_text(LONG)


def test_a_text_that_is_rich_already_stays() -> None:
    assert as_rich_text("<p>rich</p>") == "<p>rich</p>"
    assert as_rich_text("") == ""


def test_the_finding_of_upscale_says_photons_of_what_and_blur_as_what(open_widget: Any) -> None:
    _, widget = open_widget()
    tooltip = widget["taken"].native.toolTip()
    assert "brightest places" in tooltip
    assert "Gaussian" in tooltip
    assert "sigma" in tooltip
