"""What lies at the name of a result already, looked at without touching it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.errors import UserError
from napari_srgan.images.reading.limits import ZARR_METADATA, read_small
from napari_srgan.images.zarr.markers import FINISHED_KEY, PROVENANCE_KEY, is_zarr
from napari_srgan.results.block_files import BlockFiles
from napari_srgan.results.shard_layout import Sides
from napari_srgan.results.store_arrays import result_image


class ExistingKind(Enum):
    """What lies there."""

    NOTHING = "nothing"
    UNFINISHED = "unfinished"
    """A store of ours, of a run that was stopped."""
    FINISHED = "finished"
    """A store of ours."""
    OTHER_ZARR = "other zarr"
    """A store of somebody else; replaced on request."""
    OTHER = "other"
    """A file, or a folder of other things; never replaced."""


@dataclass(frozen=True)
class ExistingResult:
    """What lies at the name of a result."""

    kind: ExistingKind
    made: Mapping[str, Any] = field(default_factory=dict)
    """What it is made from and how; see :class:`~napari_srgan.results.writer.RestartableStore`."""
    share: float = 0.0
    """How much of it is done, from 0 to 1."""
    taken: bool = False
    """Whether something else has the name of what is unfinished."""


def look_for_result(path: Path) -> ExistingResult:
    """Look what lies at the name of a result.

    Parameters
    ----------
    path
        The final name.
    """
    state = read_state(path)
    if state is not None:
        return ExistingResult(
            ExistingKind.UNFINISHED, state["fingerprint"], _share(path, state), path.exists()
        )
    if not path.exists():
        return ExistingResult(ExistingKind.NOTHING)
    if (made := finished_fingerprint(path)) is not None:
        return ExistingResult(ExistingKind.FINISHED, made, 1.0)
    if path.is_dir() and not any(path.iterdir()):
        return ExistingResult(ExistingKind.NOTHING)
    return ExistingResult(ExistingKind.OTHER_ZARR if is_zarr(path) else ExistingKind.OTHER)


def _share(path: Path, state: Mapping[str, Any]) -> float:
    """The share of the finest level's blocks that are done."""
    made = state["fingerprint"]
    try:
        image = result_image(path, made["shape"], made["dtype"], made["axes"], None, {}, None)
        finest = image.levels(Sides(**state["sides"]))[0]
    except (KeyError, TypeError, ValueError, UserError):  # of another version
        return 0.0
    return min(len(BlockFiles(path, image, (finest,), "").done()) / len(finest), 1.0)


def read_state(path: Path) -> dict[str, Any] | None:
    """Read how an unfinished store was begun: its ``fingerprint`` and ``sides``; None if there is none.

    Parameters
    ----------
    path
        The final name of the store.
    """
    with suppress(OSError, ValueError):
        state = json.loads((folder_of(path) / "state.json").read_bytes())
        if isinstance(state, dict) and {"fingerprint", "sides"} <= set(state):
            return state
    return None


def earlier_fingerprint(path: Path) -> dict[str, Any] | None:
    """Tell what the store of that name, unfinished or finished, is made from and how; None if there is none.

    Whoever chooses a parameter by what is free or fast at the moment asks here first, and chooses
    the same again.
    """
    state = read_state(path)
    return finished_fingerprint(path) if state is None else dict(state["fingerprint"])


def finished_fingerprint(path: Path) -> dict[str, Any] | None:
    """Tell what a finished store is made from and how; None if it is none of ours, or not finished."""
    made = attributes_of(path).get(FINISHED_KEY)
    return dict(made) if isinstance(made, Mapping) else None


def attributes_of(path: Path) -> Mapping[str, Any]:
    """What zarr 3 says of an array or a group; nothing if there is none.

    zarr itself is not needed for it, so that it costs next to nothing to ask.
    """
    try:
        said = json.loads(read_small(path / "zarr.json", ZARR_METADATA))
    except (OSError, ValueError, RecursionError):
        return {}
    attributes = said.get("attributes") if isinstance(said, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def provenance_of(path: Path) -> dict[str, Any] | None:
    """How a finished result of ours was made; None if it is none."""
    attributes = attributes_of(path)
    made = attributes.get(PROVENANCE_KEY)
    return dict(made) if isinstance(made, Mapping) and FINISHED_KEY in attributes else None
