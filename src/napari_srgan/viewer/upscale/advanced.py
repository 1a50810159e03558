"""Fields that need no answer, folded away under one line that says what is set in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from magicgui.widgets import CheckBox, ComboBox, PushButton

from napari_srgan.viewer.qt.collapsible import CLOSED, FLAT, OPEN


class Advanced:
    """A heading that shows and hides fields, and tells which of them are not as they are by default.

    Parameters
    ----------
    fields
        Lists and ticks; each keeps its value while it is hidden.
    """

    def __init__(self, fields: Sequence[ComboBox | CheckBox]) -> None:
        self._fields = fields
        self._usual = [field.value for field in fields]
        self._opened = False
        self.heading = PushButton(
            name="advanced", label=" ", tooltip="Where and how it is computed; nothing here needs an answer"
        )
        self.heading.native.setStyleSheet(FLAT)
        self.heading.changed.connect(self._on_heading)
        self.restore = PushButton(
            name="restore_defaults", text="Restore defaults",
            tooltip="Sets all fields but the image to what they are at first",
        )  # fmt: skip
        for field in fields:
            field.changed.connect(self._tell)
        self.show(False)

    @property
    def rows(self) -> list[Any]:
        """The heading, the fields, and a button to restore them; to be put into a form."""
        return [self.heading, *self._fields, self.restore]

    def show(self, opened: bool) -> None:
        """Show the fields, or hide them."""
        self._opened = opened
        for row in (*self._fields, self.restore):
            row.visible = opened
        self._tell()

    def restore_defaults(self) -> None:
        """Set the fields to what they were at first."""
        for field, usual in zip(self._fields, self._usual, strict=True):
            field.value = usual

    def _on_heading(self) -> None:
        self.show(not self._opened)

    def _tell(self) -> None:
        chosen = [
            _in_words(field)
            for field, usual in zip(self._fields, self._usual, strict=True)
            if field.value != usual
        ]
        arrow = OPEN if self._opened else CLOSED
        self.heading.text = f"{arrow} Advanced: {', '.join(chosen) or 'all automatic'}"


def _in_words(field: ComboBox | CheckBox) -> str:
    """What is chosen, as a part of a sentence."""
    return field.label.split(" (")[0].lower() if isinstance(field, CheckBox) else str(field.current_choice)
