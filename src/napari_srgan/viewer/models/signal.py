"""One signal: the library of models is not what it was."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_srgan.models.library import library

_Stamp = tuple[str, int, int]


class LibraryChanges:
    """Tells every widget that shows models when it has to look again."""

    changed = Signal()
    """A model was added, renamed or deleted; emitted on the main thread."""

    def __init__(self) -> None:
        self._last: frozenset[_Stamp] | None = None

    def tell(self) -> None:
        """The library was changed from here."""
        self._last = _stamps()
        self.changed.emit()

    def look(self) -> None:
        """Tell if the library was changed by others since the last look: a script, the shell."""
        stamps = _stamps()
        before, self._last = self._last, stamps
        if before is not None and before != stamps:
            self.changed.emit()


LIBRARY = LibraryChanges()
"""The one library, and so the one signal."""


def look_when_entered(widget: QWidget) -> None:
    """Look at the library's folders whenever the mouse comes into a widget, or its window to the front."""
    widget.installEventFilter(_Entering(widget))
    LIBRARY.look()


class _Entering(QObject):
    def eventFilter(self, _watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() in (QEvent.Type.Enter, QEvent.Type.WindowActivate):
            LIBRARY.look()
        return False


def _stamps() -> frozenset[_Stamp]:
    found = set()
    for file in library.model_files():
        try:
            stat = file.stat()
        except OSError:  # it went away just now
            continue
        found.add((str(file), stat.st_mtime_ns, stat.st_size))
    return frozenset(found)
