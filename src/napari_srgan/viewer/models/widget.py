"""The Models widget: what there is to choose from, and what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from weakref import ref

import napari
from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from qtpy.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_srgan.errors import UserError
from napari_srgan.models import ModelCard, ModelIndex, RemoteModel, delete_file, rename_model
from napari_srgan.progress import Progress
from napari_srgan.viewer.help_window import show_help
from napari_srgan.viewer.jobs.runner import PERCENT, Task, library_runner_of
from napari_srgan.viewer.models.buttons import ModelButtons, why_no_copy, why_no_delete, why_no_rename
from napari_srgan.viewer.models.details import ModelDetails
from napari_srgan.viewer.models.rows import ModelRow, model_rows
from napari_srgan.viewer.models.save_copy import ask_and_save_copy
from napari_srgan.viewer.models.signal import LIBRARY, look_when_entered
from napari_srgan.viewer.models.table import ModelsTable
from napari_srgan.viewer.models.tasks import Added, add_task, download_task, find_task
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.preferences import apply_folder, chosen_index
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.labels import as_sentence, tell
from napari_srgan.viewer.qt.scrolled import ScrolledPage
from napari_srgan.viewer.qt.tooltips import wrap_tooltips

_PREFERRED = QSize(430, 620)


class ModelsWidget(QWidget):
    """A table of all models, the chosen one's picture and card, and buttons.

    Parameters
    ----------
    viewer
        The viewer in whose window it lies; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        apply_folder()
        self._viewer = unwrapped(viewer)
        self._runner = library_runner_of(viewer)
        self._remote: Sequence[RemoteModel] = ()
        self._outcome: tuple[str, bool] | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self.refresh()
        if chosen_index() and self._runner.running is None:
            self._on_find()

    def _make_parts(self) -> None:
        self.table = ModelsTable()
        self.details = ModelDetails()
        self.buttons = ModelButtons()
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stops what is being added or downloaded")
        self.bar = QProgressBar()
        self.bar.setToolTip("How far it is")
        self.bar.setAccessibleName("Progress")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def _lay_out(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self.details)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 3)
        split.setChildrenCollapsible(False)
        self._under_way = QWidget()
        row = QHBoxLayout(self._under_way)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel)
        page = QWidget()
        parts = QVBoxLayout(page)
        parts.addWidget(split, 1)
        parts.addWidget(self.buttons)
        parts.addWidget(self._under_way)
        parts.addWidget(self.status)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ScrolledPage(page))
        wrap_tooltips(self)

    def _connect(self) -> None:
        self.table.chosen.connect(self._on_chosen)
        for button, action in (
            (self.buttons.add, self._on_add),
            (self.buttons.find_online, self._on_find),
            (self.buttons.download, self._on_download),
            (self.buttons.rename, self._on_rename),
            (self.buttons.delete, self._on_delete),
            (self.buttons.copy, self._on_copy),
            (self.buttons.cite, self._on_cite),
            (self.buttons.help, self._on_help),
            (self.cancel, self._runner.cancel),
        ):
            button.clicked.connect(action)
        LIBRARY.changed.connect(self.refresh)
        look_when_entered(self)
        self._runner.started.connect(self._show_started)
        self._runner.shown.connect(self._show_progress)
        self._runner.ended.connect(self._show_ended)
        self.destroyed.connect(partial(_let_go, ref(self)))

    # What is shown.

    def changeEvent(self, event: QEvent | None) -> None:
        """Tables do not follow napari's size of letters by themselves."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.status.ensurePolished()
            self.table.follow(self.status.font())

    def sizeHint(self) -> QSize:
        return _PREFERRED

    def refresh(self) -> None:
        """Read the library again."""
        self.table.set_rows(model_rows(self._remote))
        self._show_idle()

    def _on_chosen(self, row: ModelRow | None) -> None:
        self.details.show_row(row)
        self._show_idle()

    def _show_idle(self) -> None:
        running = self._runner.running is not None
        row = self.table.chosen_row()
        self._under_way.setVisible(running)
        self.buttons.allow(row, running=running)

    def _show_started(self, title: str) -> None:
        self._outcome = None
        self.bar.setRange(0, 0)  # busy, until it is known how much there is to do
        self._show_idle()
        self._say(title)

    def _show_progress(self, progress: Progress, left: str) -> None:
        if progress.done > 0:
            self.bar.setRange(0, PERCENT)
            self.bar.setValue(int(progress.fraction * PERCENT))
        self._say(f"{progress.message}: {left}" if left else progress.message)

    def _show_ended(self, cancelled: bool) -> None:
        sentence, wrong = self._outcome or ("Cancelled." if cancelled else "", False)
        self._show_idle()
        self._say(sentence, wrong=wrong)

    def _say(self, sentence: str, *, wrong: bool = False) -> None:
        tell(self.status, as_sentence(sentence), wrong=wrong)

    # What the buttons do.

    def _start(self, task: Task) -> None:
        try:
            self._runner.start([task])
        except UserError as error:
            self._say(str(error), wrong=True)

    def _complain(self, sentence: str) -> None:
        self._outcome = (sentence, True)

    def _on_add(self) -> None:
        self._add(dialogs.ask_for_model_files(self))

    def _add(self, files: Sequence[Path]) -> None:
        if files:
            self._start(add_task(files, self._on_added, self._complain))

    def _on_added(self, added: Added) -> None:
        self._outcome = (str(added), bool(added.problems))
        if added.cards:
            self.table.choose(added.cards[-1].name)

    def _on_find(self) -> None:
        self._start(find_task(self._on_found, self._complain))

    def _on_found(self, index: ModelIndex) -> None:
        self._remote = index.models
        self.refresh()
        new = sum(row.origin == "online" for row in self.table.rows())
        found = f"{new or 'No'} more model{'' if new == 1 else 's'} can be downloaded."
        self._outcome = (" ".join([found, *index.refused]), bool(index.refused))

    def _on_download(self) -> None:
        row = self.table.chosen_row()
        if row is not None and row.remote is not None:
            self._start(download_task(row.remote, self._on_downloaded, self._complain))

    def _on_downloaded(self, card: ModelCard) -> None:
        self.table.choose(card.name)
        self._outcome = (f"Downloaded {card.name}.", False)

    def _on_rename(self) -> None:
        row = self.table.chosen_row()
        if row is None:
            return
        try:
            _refuse(why_no_rename(row))
            name = dialogs.ask_for_name(self, row.name)
            if name is None:
                return
            card = rename_model(row.name, name)
        except UserError as error:
            self._say(str(error), wrong=True)
            return
        LIBRARY.tell()
        self.table.choose(card.name)
        self._say(f"Renamed {row.name} to {card.name}.")

    def _on_delete(self) -> None:
        row = self.table.chosen_row()
        if row is None:
            return
        try:
            _refuse(why_no_delete(row))
            if row.file is None or not dialogs.ask_to_delete(self, row.name):
                return
            delete_file(row.file)
        except UserError as error:
            self._say(str(error), wrong=True)
            return
        LIBRARY.tell()
        self._say(f"Deleted {row.name}.")

    def _on_copy(self) -> None:
        row = self.table.chosen_row()
        if row is None:
            return
        try:
            _refuse(why_no_copy(row))
            if sentence := ask_and_save_copy(self, row.name):
                self._say(sentence)
        except UserError as error:
            self._say(str(error), wrong=True)

    def _on_cite(self) -> None:
        row = self.table.chosen_row()
        clipboard = QApplication.clipboard()
        if row is not None and row.card is not None and clipboard is not None:
            clipboard.setText(row.card.citation)
            self._say(f"The citation of {row.name} is in the clipboard.")

    def _on_help(self) -> None:
        sentence, wrong = self._outcome or ("", False)
        show_help(self._viewer, "models.md", "the-library-of-models", error=sentence if wrong else "")

    # Keys, and files dropped from outside.

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """What the table has no use for."""
        if event is not None and event.key() == Qt.Key.Key_Delete:
            self._on_delete()
        elif event is not None and event.key() == Qt.Key.Key_F2:
            self._on_rename()
        elif event is not None and event.key() == Qt.Key.Key_Escape and self._runner.running is not None:
            self._runner.cancel()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and _files_in(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        if event is not None and (files := _files_in(event)):
            event.acceptProposedAction()
            self._add(files)


def _let_go(gone: ref[ModelsWidget]) -> None:
    """Disconnect a widget that is destroyed from what outlives it."""
    widget = gone()
    if widget is not None:
        LIBRARY.changed.disconnect(widget.refresh, missing_ok=True)
        widget._runner.started.disconnect(widget._show_started, missing_ok=True)
        widget._runner.shown.disconnect(widget._show_progress, missing_ok=True)
        widget._runner.ended.disconnect(widget._show_ended, missing_ok=True)


def _refuse(why: str) -> None:
    if why:
        raise UserError(why)


def _files_in(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []
