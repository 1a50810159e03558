"""A viewer's list of image files, and what became of each.

It belongs to the viewer, not to a widget: a dock that is closed and opened again shows the run that goes on,
and what came of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from napari import Viewer
from psygnal import Signal

from napari_srgan.api.batch import Batch
from napari_srgan.api.targets import Target
from napari_srgan.errors import UserError
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.progress import Progress
from napari_srgan.viewer.files.job import Found, Upscaled, find_images_job, upscale_image_job
from napari_srgan.viewer.files.row import FileRow, State
from napari_srgan.viewer.jobs.runner import PERCENT, Task, listing_runner_of, runner_of
from napari_srgan.viewer.one_per_viewer import one_per_viewer

FOLDER = "upscaled"
"""What the folder of the results is called at first, in that of the first image."""


@dataclass(frozen=True)
class FilesRequest:
    """How the files are upscaled, and where to."""

    folder: Path
    model: str | None = None
    """Name of the model; None: the default for the kind of each image."""
    options: UpscaleOptions = AS_USUAL
    replaces: bool = False
    """Whether results replace what has their names already."""


class FilesSession:
    """Lists image files, and upscales those that are not done yet.

    Parameters
    ----------
    viewer
        In whose window it is.
    """

    listed = Signal()
    """There are other rows, or other sentences about them."""
    row_changed = Signal(int)
    """A row has another state."""
    finished = Signal()
    """A run of files has ended; see :attr:`outcome`."""

    def __init__(self, viewer: Viewer) -> None:
        self.runner = runner_of(viewer)
        self.lister = listing_runner_of(viewer)
        self.rows: list[FileRow] = []
        self.left_out: list[str] = []
        """Sentences about what was not taken."""
        self.problem = ""
        """Why nothing was taken of what was given last; empty if something was."""
        self.outcome: tuple[str, bool] = ("", False)
        """What came of the last run, and whether something went wrong."""
        self.request: FilesRequest | None = None
        """How the last run was asked for."""
        self.running = False
        """Whether files are being upscaled."""
        self._given: list[Path] = []
        self._beside: list[Path] = []
        self._queue: deque[FileRow] = deque()
        self._current: FileRow | None = None
        self._count = 0
        self.lister.ended.connect(self._on_listed)
        self.runner.started.connect(self._on_started)
        self.runner.shown.connect(self._on_shown)
        self.runner.ended.connect(self._on_ended)

    @property
    def folder(self) -> Path | None:
        """A folder for the results, of which nobody need think: beside the first image."""
        return Path(str(self.rows[0].series.place)).absolute().parent / FOLDER if self.rows else None

    @property
    def position(self) -> tuple[int, int]:
        """How many files of the run are over, and how many there are."""
        return self._count - len(self._queue) - 1, self._count

    # The list.

    def add(self, places: Iterable[Path]) -> None:
        """Add files, and the images in folders; they are looked for in the background."""
        self._given += places
        self._look()

    def remove(self, places: Iterable[int]) -> None:
        """Take rows out of the list, but for one that is being computed or waits to be."""
        kept = [self._current, *self._queue]
        gone = [row for row in (self.rows[place] for place in places) if row not in kept]
        self.rows = [row for row in self.rows if row not in gone]
        self.left_out = self.left_out if self.rows else []
        self.problem = ""
        self.listed.emit()

    def _look(self) -> None:
        if not self._given or self.lister.running is not None:
            return
        given, self._given = self._given, []
        # All of them anew, as one may belong to an image that is there already.
        known = [Path(str(row.series.place)) for row in self.rows]
        task = Task("Looking for images", find_images_job([*known, *given]), self._take, self._complain)
        self.lister.start([task])

    def _take(self, found: Found) -> None:
        before = {row.series: row for row in self.rows}
        self.rows = [before.get(one) or FileRow(one) for one in found.images]
        self._beside = list(dict.fromkeys([*self._beside, *found.inputs.beside]))
        self.left_out = list(dict.fromkeys([*self.left_out, *found.inputs.notes]))
        self.problem = ""
        self.listed.emit()

    def _complain(self, sentence: str) -> None:
        self.problem = sentence
        self.listed.emit()

    def _on_listed(self, _cancelled: bool) -> None:
        self._look()  # at what was given meanwhile

    # The run.

    def start(self, request: FilesRequest) -> None:
        """Upscale the files that are not done yet; all of them, if they are to be upscaled otherwise.

        One that fails does not stop those after it.

        Raises
        ------
        UserError
            If there is nothing to do, something else runs, or the folder cannot be made.
        """
        rows = self._to_do(request)
        batch = Batch(
            [row.series for row in self.rows], Target(request.folder, is_folder=True), self._beside,
            options=request.options, overwrite=request.replaces,
        )  # fmt: skip
        tasks = [self._task(batch, row, request.model) for row in rows]
        if self.runner.running is None:
            _make_folder(request.folder)
            self.request, self.running, self._queue = request, True, deque(rows)
            self._count = len(rows)
            for row in rows:
                row.set(State.WAITING)
            self.listed.emit()
        self.runner.start(tasks)

    def _to_do(self, request: FilesRequest) -> list[FileRow]:
        if self.lister.running is not None:
            raise UserError("the images are still being looked for; wait a moment")
        if not self.rows:
            raise UserError("there is no image file; press Files… or Folder… first")
        if request != self.request or request.replaces:
            return list(self.rows)
        rows = [row for row in self.rows if row.state is not State.DONE]
        if not rows:
            raise UserError(
                f"all files are upscaled already, into {request.folder}; add others, or choose another model "
                "or folder"
            )
        return rows

    def _task(self, batch: Batch, row: FileRow, model: str | None) -> Task:
        job = upscale_image_job(batch, row.series, model)
        return Task(
            f"Upscaling {row.series.title}", job, partial(self._done, row), partial(self._failed, row)
        )

    def _done(self, row: FileRow, made: Upscaled) -> None:
        self._show(row, partial(row.set, State.DONE, "; ".join(made.notes)))

    def _failed(self, row: FileRow, sentence: str) -> None:
        self._show(row, partial(row.set, State.FAILED, sentence))

    def _on_started(self, _title: str) -> None:
        if self._queue:
            self._current = self._queue.popleft()
            self._show(self._current, partial(self._current.set, State.COMPUTING))

    def _on_shown(self, progress: Progress, _left: str) -> None:
        row = self._current
        if row is not None and row.state is State.COMPUTING:
            percent = int(progress.fraction * PERCENT)
            self._show(row, partial(row.set, State.COMPUTING, percent=percent))

    def _on_ended(self, cancelled: bool) -> None:
        if not self.running:
            return
        row, self._current = self._current, None
        self._queue.clear()
        if row is not None and row.state is State.COMPUTING:
            self._show(row, partial(row.set, State.STOPPED))
        self.running = False
        assert self.request is not None
        self.outcome = _outcome(self.rows, self.request.folder, cancelled=cancelled)
        self.finished.emit()

    def _show(self, row: FileRow, change: Callable[[], None]) -> None:
        change()
        self.row_changed.emit(self.rows.index(row))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder {folder} cannot be made: {error.strerror or error}; choose another one"
        ) from error


def _outcome(rows: Sequence[FileRow], folder: Path, *, cancelled: bool) -> tuple[str, bool]:
    """Say how many files are done, which failed and why, and whether any did."""
    done = sum(row.state is State.DONE for row in rows)
    failed = [row for row in rows if row.state is State.FAILED]
    files = "file is" if len(rows) == 1 else "files are"
    said = [f"{done} of {len(rows)} {files} upscaled, in the folder {folder.name}."]
    if cancelled:
        said.insert(0, "Cancelled; what is done is kept.")
    if failed:
        said.append(f"{len(failed)} could not be upscaled; the list says which and why, in red.")
    return "\n".join(said), bool(failed)


@one_per_viewer
def files_of(viewer: Viewer) -> FilesSession:
    """The list of files of a viewer; the same for all widgets of its window."""
    return FilesSession(viewer)
