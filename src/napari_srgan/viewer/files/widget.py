"""The Upscale files widget: what is to be upscaled, into which folder, and how each file fares."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

import napari
from napari.utils.history import get_open_history, update_open_history, update_save_history
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_srgan.errors import UserError
from napari_srgan.progress import Progress
from napari_srgan.viewer.files.file_list import FileList
from napari_srgan.viewer.files.session import files_of
from napari_srgan.viewer.files.settings import FilesSettings
from napari_srgan.viewer.help_window import show_help
from napari_srgan.viewer.jobs.runner import PERCENT
from napari_srgan.viewer.models.signal import LIBRARY, look_when_entered
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.preferences import apply_folder
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.help_button import help_button
from napari_srgan.viewer.qt.keyboard import RunKeys
from napari_srgan.viewer.qt.labels import as_sentence, tell
from napari_srgan.viewer.qt.scrolled import ScrolledPage
from napari_srgan.viewer.qt.tooltips import wrap_tooltips
from napari_srgan.viewer.qt.wrapped_texts import wrap_texts

_PREFERRED = QSize(320, 560)
_MARGINS = (6, 6, 6, 0)
"""Pixels left, above, right and below of fields."""


class FilesWidget(QWidget):
    """A list of files with their states, the settings, and buttons.

    Parameters
    ----------
    viewer
        In whose window it is; given by napari.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        apply_folder()
        self._viewer = unwrapped(viewer)
        self.session = files_of(self._viewer)
        self._wrong = ""
        self._make_parts()
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        if self.session.request is not None:
            self.settings.show_request(self.session.request)
        self._show_list()
        self._show_idle()
        if not self.session.running:
            self._say(*self.session.outcome)

    def _make_parts(self) -> None:
        self.files = _button("Files…", "Adds image files to the list; files can be dropped on it, too")
        self.folder = _button("Folder…", "Adds the images in a folder, without results of napari-srgan")
        self.clear = _button("Clear list", "Takes all files out of the list; the files themselves stay")
        self.list = FileList()
        self.left_out = _line()
        self.settings = FilesSettings()
        self.run = _button("Run", "Upscales the files that are not done yet, one after the other")
        self.cancel = _button("Cancel", "Stops after the tile that is being computed; what is done is kept")
        self.help = help_button()
        self.bar = QProgressBar()
        self.bar.setToolTip("How many files are done")
        self.bar.setAccessibleName("Progress")
        self.status = _line()

    def _lay_out(self) -> None:
        page = QWidget()
        parts = QVBoxLayout(page)
        parts.setContentsMargins(*_MARGINS)
        parts.addLayout(_row(self.files, self.folder))
        parts.addWidget(self.list, 1)
        parts.addWidget(self.clear)
        parts.addWidget(self.left_out)
        parts.addWidget(self.settings.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 6)
        layout.addWidget(ScrolledPage(page), 1)
        always = QVBoxLayout()  # in sight
        always.setContentsMargins(*_MARGINS)
        always.addLayout(_row(self.run, self.cancel, self.help))
        always.addWidget(self.bar)
        always.addWidget(self.status)
        layout.addLayout(always)
        wrap_texts(self)
        wrap_tooltips(self)

    def _connect(self) -> None:
        session = self.session
        for button, action in (
            (self.files, self._on_files), (self.folder, self._on_folder), (self.clear, self._on_clear),
            (self.run, self._on_run), (self.cancel, session.runner.cancel), (self.help, self._on_help),
        ):  # fmt: skip
            button.clicked.connect(action)
        self.list.removal_wanted.connect(session.remove)
        RunKeys(self, self.run, self.cancel)
        session.listed.connect(self._show_list)
        session.row_changed.connect(self._show_row)
        session.lister.started.connect(self._show_idle)
        session.lister.ended.connect(self._show_idle)
        session.runner.started.connect(self._show_idle)
        session.runner.shown.connect(self._show_progress)
        session.runner.ended.connect(self._show_idle)
        session.finished.connect(self._show_outcome)
        LIBRARY.changed.connect(self.settings.look_again)
        look_when_entered(self)
        self.destroyed.connect(partial(_let_go, ref(self), self.settings.look_again))

    def sizeHint(self) -> QSize:
        return _PREFERRED

    def choose_model(self, name: str | None) -> None:
        """Choose a model, if it is there and no run is under way."""
        if not self.session.running:
            self.settings.choose_model(name)

    # What is chosen.

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        if event is not None and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        if event is not None:
            self._add(_dropped(event))

    def _on_files(self) -> None:
        self._add(dialogs.ask_for_image_files(self, Path(get_open_history()[0])))

    def _on_folder(self) -> None:
        chosen = dialogs.ask_for_folder(self, "Folder of images to upscale", Path(get_open_history()[0]))
        self._add([] if chosen is None else [chosen])

    def _add(self, places: list[Path]) -> None:
        if places:
            update_open_history(str(places[0]))
            self._say("", False)
            self.session.add(places)

    def _on_clear(self) -> None:
        self._say("", False)
        self.session.remove(range(len(self.session.rows)))

    def _on_run(self) -> None:
        try:
            request = self.settings.request
            self.session.start(request)
            update_save_history(str(request.folder))
        except UserError as error:
            self._say(as_sentence(str(error)), True)
        self.settings.look_again()

    def _on_help(self) -> None:
        show_help(self._viewer, "napari.md", "files-and-folders", error=self._wrong)

    # What is shown.

    def _show_list(self) -> None:
        session = self.session
        self.list.show_rows(session.rows)
        self.clear.setVisible(bool(session.rows))
        tell(self.left_out, "\n".join(f"{as_sentence(note)}." for note in session.left_out))
        self.left_out.setVisible(bool(session.left_out))
        self.settings.suggest(session.folder)
        if session.problem:
            self._say(as_sentence(session.problem), True)

    def _show_row(self, place: int) -> None:
        self.list.show_row(place, self.session.rows[place])

    def _show_progress(self, progress: Progress, left: str) -> None:
        session = self.session
        if not session.running:
            return
        done, among = session.position
        self.bar.setValue(int(PERCENT * (done + progress.fraction) / among))
        message = f"{progress.message}: {left}" if left else progress.message
        self._say(f"File {done + 1} of {among}. {message}", False)

    def _show_outcome(self) -> None:
        self._say(*self.session.outcome)
        self.list.go_to_failed()
        self.settings.look_again()

    def _show_idle(self, *_: Any) -> None:
        session = self.session
        looking, busy = session.lister.running is not None, session.runner.running is not None
        self.run.setEnabled(not busy and not looking)
        self.cancel.setEnabled(busy)
        self.bar.setVisible(session.running)
        if looking:
            self._say("Looking for images …", False)
        elif self.status.text() == "Looking for images …":
            self._say("", False)

    def _say(self, sentence: str, wrong: bool) -> None:
        self._wrong = sentence if wrong else ""
        tell(self.status, sentence, wrong=wrong)
        self.status.setToolTip(sentence)
        self.status.setVisible(bool(sentence))


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button


def _line() -> QLabel:
    line = QLabel()
    line.setWordWrap(True)
    line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)  # paths are long words
    line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return line


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def _dropped(event: QDropEvent) -> list[Path]:
    data = event.mimeData()
    urls = data.urls() if data is not None and data.hasUrls() else []
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


def _let_go(widget: ref[FilesWidget], look_again: Callable[[], None]) -> None:
    """Let go of what outlives a widget that is closed."""
    LIBRARY.changed.disconnect(look_again, missing_ok=True)
    if (gone := widget()) is None:
        return
    session = gone.session
    for signal, slot in (
        (session.listed, gone._show_list), (session.row_changed, gone._show_row),
        (session.lister.started, gone._show_idle), (session.lister.ended, gone._show_idle),
        (session.runner.started, gone._show_idle), (session.runner.shown, gone._show_progress),
        (session.runner.ended, gone._show_idle), (session.finished, gone._show_outcome),
    ):  # fmt: skip
        signal.disconnect(slot, missing_ok=True)
