"""The one way to run a job in the viewer.

A job is a generator; here it is driven on a thread of its own, shown in napari's activity
dock, and stopped when it is cancelled or the window is closed. Everything that touches the
viewer happens on the main thread, in the slots of the worker's signals.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from napari import Viewer
from napari.qt.threading import create_worker
from napari.utils.notifications import notification_manager
from napari.utils.progress import cancelable_progress
from psygnal import Signal
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

from napari_srgan.errors import UserError
from napari_srgan.progress import Job, Progress
from napari_srgan.viewer.jobs.eta import TimeLeft, in_words
from napari_srgan.viewer.jobs.worker import Failure, JobWorker, Titled, steps_of
from napari_srgan.viewer.one_per_viewer import one_per_viewer

PERCENT = 100
SHOWN_EVERY, SELDOM = 500, 2000
"""Milliseconds from one look at how far a job is to the next: at first, and after some minutes. Whatever is
painted anywhere in the window makes Qt compose the whole of it anew, because there is OpenGL in it: tens of
milliseconds of a processor, if OpenGL is software, that are the job's."""

CALM = 5
"""Percent of its speed at which napari's spinner turns in a window with a runner. At its own, 33 pictures a
second, it takes a third of a processor where OpenGL is software, and nearly all of one that is busy."""


@dataclass(frozen=True)
class Task:
    """A job and what becomes of its result."""

    title: str
    """What is done to what, in words, e.g. ``"Upscaling cells"``."""
    job: Job[Any]
    deliver: Callable[[Any], None]
    """Takes the result, on the main thread; not called after a cancel or an error."""
    complain: Callable[[str], None]
    """Takes what went wrong as a sentence, on the main thread."""
    cancelled: Callable[[Any], None] | None = None
    """Told on the main thread when the job has stopped after a cancel: with the result if there was one all
    the same, else with None."""


class JobRunner:
    """Runs tasks one after the other, for one viewer, and tells how they fare.

    One run at a time: :meth:`start` refuses a second one.
    """

    started = Signal(str)
    """A task has begun: its title."""
    progressed = Signal(object, str)
    """The task has come so far: a :class:`Progress`, and the time left in words. Every one that the job tells
    is passed on."""
    shown = Signal(object, str)
    """The task has come so far, as often as is worth painting; the last one always."""
    paused = Signal(bool)
    """The task waits, or goes on again."""
    ended = Signal(bool)
    """All tasks are over, and a new run can be started; whether it was cancelled."""

    def __init__(self) -> None:
        self._waiting: deque[Task] = deque()
        self._run: _Run | None = None
        self._closed = False

    @property
    def running(self) -> str | None:
        """Title of the task that is running."""
        return self._run.task.title if self._run else None

    def start(self, tasks: Sequence[Task]) -> None:
        """Start a run.

        Raises
        ------
        UserError
            If another run is under way.
        """
        if self._run is not None:
            raise UserError(f"{self.running} is still running: wait until it is done, or cancel it first")
        self._waiting = deque(tasks)
        self._next()

    def cancel(self) -> None:
        """Stop the run; what was delivered stays."""
        self._waiting.clear()
        if self._run is not None:
            self._run.cancel()

    @property
    def is_paused(self) -> bool:
        """Whether the task waits, or will as soon as it can."""
        return self._run is not None and self._run.waits

    def pause(self) -> None:
        """Let the task wait where it is; it keeps its memory."""
        self._wait(True)

    def resume(self) -> None:
        """Let a task that waits go on."""
        self._wait(False)

    def order(self, order: object) -> None:
        """Send something into the job in place of the next ``None``; one that waits goes on."""
        if self._run is not None:
            self._run.send(order)
            self.resume()

    def _wait(self, waits: bool) -> None:
        if self._run is not None and self._run.waits != waits:
            self._run.wait(waits)
            self.paused.emit(waits)

    def close(self) -> None:
        """Stop the run, and touch nothing that is shown any more."""
        self._closed = True
        self.cancel()

    def _next(self) -> None:
        if not self._waiting or self._closed:
            return
        task = self._waiting.popleft()
        self._run = _Run(task, self._on_progress, self._on_shown, self._on_result, self._on_finished)
        self.started.emit(task.title)
        self._run.start()

    def _on_progress(self, progress: Progress, left: str) -> None:
        if not self._closed:
            self.progressed.emit(progress, left)

    def _on_shown(self, progress: Progress, left: str) -> None:
        if not self._closed:
            self.shown.emit(progress, left)

    def _on_result(self, task: Task, result: Any) -> None:
        if self._closed:
            return
        try:
            if isinstance(result, Failure):
                raise result.error
            task.deliver(result)
        except UserError as error:
            task.complain(str(error))
        except Exception as error:
            task.complain(f"something went wrong that should not have ({type(error).__name__}: {error})")
            # With its traceback, for a report.
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _on_finished(self) -> None:
        run, self._run = self._run, None
        cancelled = run is not None and run.cancelled
        if cancelled:
            self._waiting.clear()
        if self._closed:
            return
        if run is not None and cancelled and run.task.cancelled is not None:
            run.task.cancelled(run.result_too_late)
        self._next()
        if self._run is None:
            self.ended.emit(cancelled)


class _Run:
    """One task on its thread, with its bar in the activity dock."""

    def __init__(
        self,
        task: Task,
        on_progress: Callable[[Progress, str], None],
        on_shown: Callable[[Progress, str], None],
        on_result: Callable[[Task, Any], None],
        on_finished: Callable[[], None],
    ) -> None:
        self.task = task
        self.cancelled = False
        self.result_too_late: Any = None
        """What the job returned although it was cancelled."""
        self._time_left = TimeLeft()
        self._on_progress = on_progress
        self._on_shown = on_shown
        self._on_result = on_result
        self._on_finished = on_finished
        self._telling = False
        self._untold: deque[Progress] = deque()
        self._unshown: tuple[Progress, str] | None = None
        self._rest = QTimer()
        self._rest.setSingleShot(True)
        self._began = time.monotonic()
        self._rest.timeout.connect(self._show)
        self.waits = False
        """Whether it has been told to wait."""
        self._order: object = None
        self._has_begun = False
        """Whether it has yielded: a generator takes nothing before."""
        self._bar = cancelable_progress(
            total=PERCENT, desc=task.title, bar_format="{desc}|{bar}| {remaining} left"
        )
        self._worker = create_worker(
            Titled(steps_of, task.title), task.job, _start_thread=False, _worker_class=JobWorker
        )
        self._worker.yielded.connect(self._yielded)
        self._worker.returned.connect(self._returned)
        self._worker.finished.connect(self._finished)
        self._worker.paused.connect(self._settle)
        self._worker.resumed.connect(self._settle)

    def start(self) -> None:
        self._worker.start()

    def cancel(self) -> None:
        self.cancelled = True
        self._worker.quit()

    def wait(self, waits: bool) -> None:
        """Pause, or go on."""
        self.waits = waits
        self._time_left.hold(time.monotonic()) if waits else self._time_left.go_on(time.monotonic())
        self._settle()

    def send(self, order: object) -> None:
        """Send something into the job, which must have begun."""
        self._order = order
        if self._has_begun:
            self._worker.send(order)

    def _settle(self) -> None:
        """Ask the worker for what was wanted last: it forgets a wish to go on before it has paused."""
        self._worker.pause() if self.waits else self._worker.resume()

    def _yielded(self, progress: Progress) -> None:
        if not self._has_begun:
            self._has_begun = True
            if self._order is not None:
                self._worker.send(self._order)
        self._untold.append(progress)
        self._tell_next()

    def _tell_next(self) -> None:
        # napari's bar processes events while it is drawn, which brings us here again.
        if self._telling or self.cancelled or not self._untold:
            return
        if self._bar.is_canceled:  # its Cancel button only sets this
            self.cancel()
            return
        self._telling = True
        try:
            self._tell(self._untold.popleft())
            if not self._rest.isActive():
                self._show()
        finally:
            self._telling = False
        if self._untold:  # after everything else that waits
            QTimer.singleShot(0, self._tell_next)

    def _tell(self, progress: Progress) -> None:
        left = in_words(self._time_left.update(progress, time.monotonic()))
        self._unshown = progress, left
        self._on_progress(progress, left)

    def _show(self) -> None:
        if self._unshown is None or self.cancelled:
            return
        progress = self._unshown[0]
        # What lasts long need not be looked at as often. Before anything that may process events.
        lasted = 1000 * (time.monotonic() - self._began)
        self._rest.start(int(min(max(lasted / 50, SHOWN_EVERY), SELDOM)))
        self._show_last()
        self._bar.update(int(progress.fraction * PERCENT) - self._bar.n)

    def _show_last(self) -> None:
        if self._unshown is not None:
            shown, self._unshown = self._unshown, None
            self._on_shown(*shown)

    def _returned(self, result: Any) -> None:
        while self._untold and not self.cancelled:  # what was told before comes before
            self._tell(self._untold.popleft())
        if not self.cancelled:  # without the bar, whose events would bring the end before the result
            self._show_last()
        if not self.cancelled:
            self._on_result(self.task, result)
        elif not isinstance(result, Failure):
            self.result_too_late = result

    def _finished(self) -> None:
        self._rest.stop()
        self._bar.close()
        self._on_finished()


@one_per_viewer
def runner_of(viewer: Viewer) -> JobRunner:
    """The runner of a viewer; the same for all widgets and menu items of its window."""
    return _runner_in(viewer)


@one_per_viewer
def library_runner_of(viewer: Viewer) -> JobRunner:
    """Another runner of a viewer, for its library of models: a download need not wait for an image."""
    return _runner_in(viewer)


@one_per_viewer
def training_runner_of(viewer: Viewer) -> JobRunner:
    """A third one, for a training: images can be upscaled while it runs."""
    return _runner_in(viewer)


@one_per_viewer
def listing_runner_of(viewer: Viewer) -> JobRunner:
    """A fourth one, that looks for images in folders: that takes long on a slow disk, and nothing waits."""
    return _runner_in(viewer)


def _runner_in(viewer: Viewer) -> JobRunner:
    runner = JobRunner()
    # There is no public event for it.
    window = viewer.window._qt_window
    window.destroyed.connect(runner.close)
    for label in window.statusBar().findChildren(QLabel):
        if label.movie() is not None:
            label.movie().setSpeed(CALM)
    return runner
