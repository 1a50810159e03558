"""The few things about looks that magicgui and napari have no one word for."""

from __future__ import annotations

from typing import Any

import numpy as np
from magicgui.widgets import Label
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QLabel, QSizePolicy, QSlider, QWidget

from napari_srgan.viewer.qt.narrow_rows import lay_out_rows
from napari_srgan.viewer.qt.tooltips import wrap_tooltips
from napari_srgan.viewer.qt.whole_names import show_whole_names
from napari_srgan.viewer.qt.wrapped_texts import wrap_texts

ERROR_COLOR = "#e8554e"
"""Readable on napari's dark and light themes."""
ERROR_STYLE = f"color: {ERROR_COLOR}"
_NARROWEST = 120
"""Narrowest width in pixels; a label that was not laid out yet has a width of its own fancy."""
NARROWEST_FIELD = 90
"""Narrowest width in pixels; a field need not show all letters of what is chosen, nor the largest number that
it can hold."""


def make_elastic(label: Label) -> None:
    """Wrap the label's text, and never let it widen the widget."""
    native = label.native
    native.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    native.setSizePolicy(policy)
    native.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    native.installEventFilter(_Resized(native))


# A label knows of another font only after it was told: when it is painted.
_NEW_HEIGHTS = (QEvent.Type.Resize, QEvent.Type.Polish, QEvent.Type.Show, QEvent.Type.Paint)


class _Resized(QObject):
    """Gives a label the height that its text needs at another width, or in another font."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in _NEW_HEIGHTS and isinstance(watched, QLabel):
            _fit_height(watched)
        return False


_NEW_WIDTHS = (
    QEvent.Type.Polish, QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.Show, QEvent.Type.Hide,
)  # fmt: skip


def fit_into_dock(widget: QWidget) -> None:
    """Let lists of choices and numbers in a widget be narrow in a narrow dock, and the wheel pass them by.

    Whoever scrolls chooses nothing: only a field that was clicked turns with the wheel. Tooltips wrap.
    """
    wrap_tooltips(widget)
    show_whole_names(widget)
    wrap_texts(widget)
    _WholeLabels(widget)
    unclicked = _Unclicked(widget)
    for kind in (QComboBox, QAbstractSpinBox, QSlider):
        for child in widget.findChildren(kind):
            child.setMinimumWidth(NARROWEST_FIELD)
            child.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            child.installEventFilter(unclicked)


class _WholeLabels(QObject):
    """Keeps the labels of a magicgui container as wide as their text is in the font that they have by now.

    magicgui measures them once, in the font of the application; napari's own, larger one comes with its style
    when the widget is put into the window.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        fields = getattr(widget, "_magic_widget", ())
        labeled = [one for field in fields if (one := field._labeled_widget()) is not None]
        self._widget = widget
        self._labels: list[QLabel] = [one._label_widget.native for one in labeled]
        lay_out_rows(widget, [(one.native, one._label_widget.native) for one in labeled])
        for label in self._labels:
            label.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if watched in self._labels and event is not None and event.type() in _NEW_WIDTHS:
            # Those of hidden rows count when they are shown: a narrow dock has no room for them before.
            shown = [label for label in self._labels if label.isVisibleTo(self._widget)] or self._labels
            widest = max(label.sizeHint().width() for label in shown)  # with the margins of the style
            for label in self._labels:
                if label.minimumWidth() != widest:
                    label.setMinimumWidth(widest)
        return False


def fill_the_rest(field: Any) -> None:
    """Give a field of a magicgui container the whole width and all height that is left, without a label."""
    labeled = field._labeled_widget()
    labeled._label_widget.native.hide()
    # napari pushes a widget up only where nothing in it takes the height.
    labeled.native.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)


class _Unclicked(QObject):
    """Hands the wheel on from fields that do not have the focus, to what scrolls them."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel or not isinstance(watched, QWidget):
            return False
        if watched.hasFocus():
            return False
        event.ignore()
        return True


def say(label: Label, text: str, *, wrong: bool = False) -> None:
    """Show a text of any length in an elastic label, in red if it tells of an error."""
    tell(label.native, text, wrong=wrong)
    _fit_height(label.native)


def _fit_height(label: QLabel) -> None:
    # magicgui's rows do not pass on that a narrower text is a higher one, and would give it as many lines as
    # it has at a width of its own fancy. Without text it has no height for any width.
    before = label.minimumHeight()
    label.setMinimumHeight(0)  # or no text would need less than the one before
    height = max(label.heightForWidth(max(label.width(), _NARROWEST)), 0)
    label.setMinimumHeight(before)
    if (label.minimumHeight(), label.maximumHeight()) != (height, height):
        label.setFixedHeight(height)


def tell(label: QLabel, text: str, *, wrong: bool = False) -> None:
    """Show a sentence, in red if it tells of an error. It is text, whatever stands in it."""
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setStyleSheet(ERROR_STYLE if wrong else "")


def as_sentence(text: str) -> str:
    """A message with a capital letter, unless it begins with a name, which has its own spelling."""
    first = text.split(" ", 1)[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text


def in_full(text: str) -> str:
    """A message as a whole sentence, which others can follow: with a capital letter and a full stop."""
    sentence = as_sentence(text.rstrip())
    return sentence if not sentence or sentence[-1] in ".!?…" else f"{sentence}."


def grid_of(viewer: Any) -> Any:
    """The viewer's grid, which napari 0.9 moved to the canvas."""
    return getattr(viewer, "canvas", viewer).grid


def camera_of(viewer: Any) -> Any:
    """The viewer's camera, which napari 0.9 moved to the scene."""
    return getattr(viewer, "scene", viewer).camera


def view_size(viewer: Any) -> NDArray[np.float64]:
    """Height and width of the canvas, or of a cell of its grid, in pixels of the screen."""
    canvas = getattr(viewer, "canvas", None)  # napari 0.9
    size = viewer._canvas_size if canvas is None else canvas.size
    cell: NDArray[np.float64] = np.asarray(size, np.float64) / grid_of(viewer).actual_shape(viewer.layers)
    return cell
