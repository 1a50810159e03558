"""Names, tooltips, help and the keyboard: in all widgets alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QProgressBar,
    QSlider,
    QTableView,
    QTextEdit,
    QWidget,
)

from napari_srgan.viewer.help_window import HelpWindow, anchor_of, docs_folder
from napari_srgan.viewer.jobs.runner import runner_of

WIDGETS = ("Upscale", "Fine-tune", "Trust", "Models")
FIELDS = (
    QComboBox, QAbstractSpinBox, QLineEdit, QAbstractButton, QSlider, QTableView, QTextEdit, QProgressBar,
)  # fmt: skip
PARTS_OF_QT = (QAbstractSpinBox, QComboBox, QHeaderView)


@pytest.fixture
def window(make_napari_viewer: Any) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((40, 32), np.uint16), name="cells", contrast_limits=(0, 1))
    return viewer


def opened(viewer: Any, name: str) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-srgan", name)[1]


def native_of(widget: Any) -> QWidget:
    return getattr(widget, "native", widget)


def fields_of(native: QWidget) -> list[Any]:
    found = [field for kind in FIELDS for field in native.findChildren(kind)]
    return [
        field
        for field in found
        if not isinstance(field.parent(), PARTS_OF_QT) and not field.objectName().startswith("qt_")
    ]


@pytest.mark.parametrize("name", WIDGETS)
def test_every_field_has_a_tooltip_and_a_name(window: Any, name: str) -> None:
    fields = fields_of(native_of(opened(window, name)))
    assert len(fields) > 5
    for field in fields:
        text = field.text() if isinstance(field, QAbstractButton) else ""
        assert field.toolTip(), (field, text)
        assert field.accessibleName() or any(map(str.isalpha, text)), field


def test_a_name_follows_its_label(window: Any) -> None:
    widget = opened(window, "Upscale")
    widget["image"].value = window.add_image(np.zeros((30, 40, 32), np.uint16), name="stack")
    assert widget["axis_0"].native.accessibleName() == "Axis -3 (30)"
    assert widget["image"].native.accessibleName() == "Image"
    assert "image layer" in widget["image"].native.accessibleDescription()


# Help.


@pytest.mark.parametrize(
    ("name", "page", "heading"),
    [
        ("Upscale", "napari.md", "One image, one click"),
        ("Fine-tune", "fine-tuning.md", "In napari, step by step"),
        ("Trust", "trust.md", "What it tells"),
        ("Models", "models.md", "The library of models"),
    ],
)
def test_the_question_mark_opens_the_right_page(window: Any, name: str, page: str, heading: str) -> None:
    native = native_of(opened(window, name))
    (button,) = [b for b in native.findChildren(QAbstractButton) if b.text() == "?"]
    button.click()
    (shown,) = window.window._qt_window.findChildren(HelpWindow)
    assert (shown.page, shown.heading) == (page, heading)
    button.click()
    assert len(window.window._qt_window.findChildren(HelpWindow)) == 1
    shown.close()


def test_links_between_pages_are_followed(window: Any, qtbot: Any) -> None:
    shown = HelpWindow(None)
    qtbot.addWidget(shown)
    shown.show_page("napari.md")
    from qtpy.QtCore import QUrl

    shown.text.anchorClicked.emit(QUrl("trust.md#what-it-tells"))
    assert (shown.page, shown.heading) == ("trust.md", "What it tells")
    shown.text.anchorClicked.emit(QUrl("#what-it-tells"))
    assert shown.page == "trust.md"
    shown.text.anchorClicked.emit(QUrl("elsewhere.md"))
    assert shown.page == "trust.md", "a page that did not come with the package"


def test_anchors_are_those_of_the_documents() -> None:
    assert anchor_of("What the image is like") == "what-the-image-is-like"
    assert "(#" + anchor_of("Faithful or sharp") in (docs_folder() / "napari.md").read_text()


def test_an_error_is_copied_with_versions(open_widget: Any, run: Any, make_napari_viewer: Any) -> None:
    viewer, widget = open_widget()
    said = run(viewer, widget)
    widget["buttons"]["help"].native.click()
    (shown,) = viewer.window._qt_window.findChildren(HelpWindow)
    shown.copy.click()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    copied = clipboard.text()
    assert copied.startswith(said)
    assert "napari-srgan " in copied
    assert "torch " in copied
    flags = widget["status"].native.textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse
    shown.close()


# Keys.


def test_enter_runs_and_escape_cancels(window: Any, qtbot: Any) -> None:
    widget = opened(window, "Upscale")
    long = window.add_image(np.zeros((4000, 64, 64), np.uint8), name="long", contrast_limits=(0, 255))
    field = widget["image"].native
    widget["image"].value = long
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert runner_of(window).running == "Upscaling long"
    qtbot.keyClick(field, Qt.Key.Key_Return)  # nothing more
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: runner_of(window).running is None, timeout=10_000)
    assert widget["status"].value == "Cancelled."


def test_enter_in_a_number_starts_no_training(window: Any, qtbot: Any, monkeypatch: Any) -> None:
    widget = opened(window, "Fine-tune")
    clicked: list[bool] = []
    widget.controls.start.clicked.connect(clicked.append)
    minutes = widget.choices._fields["minutes"].widget.native
    window.window._qt_window.activateWindow()
    minutes.setFocus()
    qtbot.waitUntil(minutes.hasFocus, timeout=3000)
    qtbot.keyClick(minutes, Qt.Key.Key_Return)
    assert not clicked


def in_tab_order(native: QWidget) -> list[QWidget]:
    """The fields that can be seen, as Tab goes through them."""
    fields = [f for f in fields_of(native) if f.isVisible() and f.focusPolicy() & Qt.FocusPolicy.TabFocus]
    order, at = [], native.nextInFocusChain()
    while at is not None and at is not native:
        if at in fields:
            order.append(at)
        at = at.nextInFocusChain()
    assert set(order) == set(fields)
    return order


@pytest.mark.parametrize("name", WIDGETS)
def test_tab_goes_from_top_to_bottom(window: Any, qtbot: Any, name: str) -> None:
    native = native_of(opened(window, name))
    whole = window.window._qt_window
    whole.resize(1200, 1000)

    def is_in_order() -> bool:
        places = [field.mapTo(whole, field.rect().topLeft()) for field in in_tab_order(native)]
        rows = [(place.y() // 12, place.x()) for place in places]
        return len(rows) > 3 and rows == sorted(rows)

    qtbot.waitUntil(is_in_order, timeout=5000)
