"""Names of fields for those who do not see where they stand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from magicgui.widgets import Container
from qtpy.QtWidgets import QWidget


def name_fields(container: Any) -> None:
    """Give all fields of a magicgui container the names that stand before them, and their tooltips.

    Parameters
    ----------
    container
        Whose fields are named; those of containers in it too. Buttons and ticks are named by their texts.
    """
    for field in _fields(container):
        native = field.native
        if not native.accessibleName() and not hasattr(field, "text"):
            native.setAccessibleName(field.label.strip() or field.name.replace("_", " "))
            field.label_changed.connect(partial(_rename, native))
        native.setAccessibleDescription(field.tooltip or "")
        if isinstance(field, Container):
            continue
        for part in native.findChildren(QWidget):  # e.g. the number beside a slider
            part.setToolTip(part.toolTip() or field.tooltip or "")
            part.setAccessibleName(native.accessibleName())


def name_row(label: str, field: QWidget) -> None:
    """Give the field of a form, or the fields in it, the name that stands before it."""
    within = [part for part in field.children() if isinstance(part, QWidget)] if field.layout() else []
    for part in within or [field]:
        part.setAccessibleName(label)
        part.setAccessibleDescription(part.toolTip())


def _fields(container: Any) -> Iterator[Any]:
    for field in container:
        if isinstance(field, Container):
            yield from _fields(field)
        yield field


def _rename(native: QWidget, label: str) -> None:
    native.setAccessibleName(label)
