"""How a store was begun that is there already, finished or not."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from napari_srgan.disk.partial_folder import folder_of
from napari_srgan.results.store_arrays import finished_fingerprint


def read_state(path: Path) -> dict[str, Any] | None:
    """How an unfinished store was begun: its ``fingerprint`` and ``sides``; None if there is none.

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
    """What the store of that name, unfinished or finished, is made from and how; None if there is none.

    Whoever chooses a parameter by what is free or fast at the moment asks here first, and chooses
    the same again.
    """
    state = read_state(path)
    return finished_fingerprint(path) if state is None else dict(state["fingerprint"])
