"""What a training was asked to do, and where it is kept until it is done.

A training has a folder of its own: the plan as JSON, and the checkpoint beside it. The folder
goes when the model is in the library; what is there otherwise was interrupted and can go on.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from napari.layers import Image
from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_srgan.disk.atomic_write import save_file
from napari_srgan.disk.disk_space import check_space, check_writable
from napari_srgan.disk.file_lock import locked
from napari_srgan.errors import UserError
from napari_srgan.models.library.user_models import own_file
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers
from napari_srgan.viewer.layers.upscale_layer import finest_data

FOLDER_VARIABLE = "NAPARI_SRGAN_TRAININGS"
"""Names another folder for what trainings keep."""
A_DAY = 24 * 60 * 60
ROOM = 200 * 2**20
"""Bytes that a checkpoint and a model need on the disk."""
PLAN, CHECKPOINT, LOCK = "plan.json", "checkpoint", "lock.busy.part"


class LayerNames(BaseModel):
    """The layers of a pair, to be found again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: str | None
    """None: low resolution is simulated."""
    high: str
    low_shape: tuple[int, ...] | None
    high_shape: tuple[int, ...]

    @staticmethod
    def of(pair: PairOfLayers) -> LayerNames:
        """Names and shapes of layers as they are now."""
        return LayerNames(
            low=None if pair.low is None else pair.low.name,
            high=pair.high.name,
            low_shape=None if pair.low is None else tuple(finest_data(pair.low).shape),
            high_shape=tuple(finest_data(pair.high).shape),
        )

    def check(self, pair: PairOfLayers) -> None:
        """Refuse layers of the same names that are others.

        Raises
        ------
        UserError
            If they have other shapes.
        """
        now = LayerNames.of(pair)
        if (self.low_shape, self.high_shape) != (now.low_shape, now.high_shape):
            raise UserError(
                f"{pair.name} have other sizes than when the training began; open the images that "
                "it learned from under these names, or discard it"
            )


class NoisyLayer(BaseModel):
    """The layer whose noise is meant, to be found again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]

    @staticmethod
    def of(layer: Image) -> NoisyLayer:
        """Name and shape of a layer as they are now."""
        return NoisyLayer(name=layer.name, shape=tuple(finest_data(layer).shape))

    def check(self, layer: Image) -> None:
        """Refuse a layer of the same name that is another one.

        Raises
        ------
        UserError
            If it has another shape.
        """
        if self != NoisyLayer.of(layer):
            raise UserError(
                f"{layer.name!r} has another size than when the training began; open the image whose noise "
                "it is for under this name, or discard it"
            )


class SavedRun(BaseModel):
    """A training as it was asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pairs: tuple[LayerNames, ...]
    """Without any, the tiles that come with the package are learned from."""
    noise_of: NoisyLayer | None = None
    """The layer whose noise is simulated in images that have no partner."""
    base: str | None
    """Name of a model; None: from scratch."""
    settings: FineTuning


@dataclass(frozen=True)
class KeptTraining:
    """The folder of a training that is not done."""

    folder: Path
    plan: SavedRun

    @property
    def checkpoint(self) -> Path:
        return self.folder / CHECKPOINT

    def mine(self) -> AbstractContextManager[None]:
        """Keep the training to oneself, among windows and processes.

        Raises
        ------
        UserError
            If it is going on elsewhere.
        """
        return locked(self.folder / LOCK, "this training is going on in another window of napari")

    def forget(self) -> None:
        """Delete what was kept."""
        shutil.rmtree(self.folder, ignore_errors=True)


def trainings_folder() -> Path:
    """Folder of what trainings keep; ``NAPARI_SRGAN_TRAININGS`` names another one."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return user_state_path("napari-srgan", appauthor=False) / "trainings"


def begin_run(plan: SavedRun) -> KeptTraining:
    """Make a folder for a training, and look whether there is room for what it will write.

    Raises
    ------
    UserError
        If a folder cannot be written, or the disk is full.
    """
    folder = trainings_folder() / uuid.uuid4().hex[:12]
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UserError(
            f"the training cannot be kept in {folder.parent}: {error.strerror or error}; make the folder "
            f"writable, or name another one by the environment variable {FOLDER_VARIABLE}"
        ) from error
    kept = KeptTraining(folder, plan)
    try:
        _check_folder(folder)
        _check_folder(own_file(plan.settings.name).parent)
        save_file(folder / PLAN, plan.model_dump_json(indent=1).encode())
    except UserError:
        kept.forget()
        raise
    return kept


def _check_folder(folder: Path) -> None:
    """Look whether a folder can be written and its disk has room, before hours of training.

    Raises
    ------
    UserError
        If not.
    """
    try:
        check_writable(folder)
        check_space(
            folder,
            ROOM,
            lambda free: (
                f"the disk of {folder} is nearly full: {free / 2**20:.0f} MB are free, a training "
                f"needs {ROOM / 2**20:.0f} MB; delete something first"
            ),
        )
    except OSError as error:
        raise UserError(f"nothing can be written into {folder}: {error.strerror or error}") from error


def interrupted() -> Sequence[KeptTraining]:
    """Trainings that can go on, the latest first; none that is running, here or in another process."""
    found = []
    for file in trainings_folder().glob(f"*/{PLAN}"):
        kept = _read(file)
        if kept is None or _is_busy(kept):
            continue
        if not kept.checkpoint.is_file():
            _forget_if_old(kept)
            continue
        with suppress(OSError):
            found.append((kept.checkpoint.stat().st_mtime, kept))
    return [kept for _, kept in sorted(found, key=lambda item: -item[0])]


def _read(file: Path) -> KeptTraining | None:
    try:
        return KeptTraining(file.parent, SavedRun.model_validate_json(file.read_bytes()))
    except (OSError, ValidationError):  # of another version, or half gone
        return None


def _forget_if_old(kept: KeptTraining) -> None:
    """Delete a folder without a checkpoint, unless its training may be about to begin."""
    with suppress(OSError):
        if time.time() - (kept.folder / PLAN).stat().st_mtime > A_DAY:
            kept.forget()


def _is_busy(kept: KeptTraining) -> bool:
    try:
        with kept.mine():
            return False
    except UserError:
        return True
