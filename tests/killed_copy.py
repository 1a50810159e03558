"""A copy to disk that kills its own process at a random point: a program, and what tests need of it.

    python killed_copy.py PATH CALLS

It goes on with the store at PATH, and after that many calls of functions, of whatever thread, the system ends
it without warning. With 0 calls it runs to its end, and prints how many calls that took.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

SHAPE, AXES = (2, 70, 170), "CYX"
CHUNK, SHARD = 16, 64
BLOCKS = 2 * 2 * 3
"""Of the finest level."""


class Pattern:
    """An array that is computed where it is read; part of it is empty."""

    shape = SHAPE
    dtype = np.dtype(np.uint16)

    def __getitem__(self, key: Any) -> np.ndarray:
        c, y, x = (np.arange(size)[part] for size, part in zip(SHAPE, key, strict=True))
        values = (c[:, None, None] + 1) * 7919 * (y[:, None] * 31 + x) % 60_013
        return np.where(x < 70, values, 0).astype(self.dtype)


def open_store(path: Path, **changed: Any) -> Any:
    from napari_srgan.images.look import ImageLook
    from napari_srgan.images.spacing import Spacing
    from napari_srgan.results.shard_layout import Sides
    from napari_srgan.results.writer import RestartableStore

    options: dict[str, Any] = {
        "shape": SHAPE,
        "dtype": Pattern.dtype,
        "axes": AXES,
        "spacings": (Spacing(), Spacing(0.5, "micrometer", 3.0), Spacing(0.5, "micrometer")),
        "fingerprint": {"model": "pattern"},
        "provenance": {"note": "Computed."},
        "look": ImageLook("pattern"),
        "sides": Sides(CHUNK, SHARD),
    }
    return RestartableStore(path, **options | changed)


def content(path: Path) -> dict[str, Any]:
    """All that is in a store: every file's bytes for metadata, decoded values for arrays."""
    import zarr

    found: dict[str, Any] = {
        str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("zarr.json"))
    }
    for name in found:
        node = zarr.open(path / Path(name).parent, mode="r")
        if isinstance(node, zarr.Array):
            found[name] = (found[name], node[...].tobytes())
    return found


def run_and_kill(path: Path, calls: int) -> int | None:
    """Run until that many calls; None if it was killed, else the calls it took."""
    done = subprocess.run(
        [sys.executable, __file__, str(path), str(calls)], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return int(done.stdout)
    assert done.returncode in (-signal.SIGKILL, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return None


def some_point(draw: np.random.Generator, calls: int) -> int:
    """A point to be killed at: every second time soon, where a run begins or goes on."""
    if draw.random() < 0.5:
        return int(draw.integers(1, calls // 3))
    return int(np.exp(draw.uniform(np.log(10), np.log(calls // 3))))


def _main() -> None:
    path, last = Path(sys.argv[1]), int(sys.argv[2])
    # Before the counting begins: importing is hundreds of thousands of calls.
    from napari_srgan.results.schedule import copy_job

    count = itertools.count(1)

    def count_call(*_: Any) -> None:
        if next(count) == last:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    threading.setprofile(count_call)
    sys.setprofile(count_call)
    with open_store(path) as store:
        for _ in copy_job(Pattern(), store):
            pass
    sys.setprofile(None)
    print(next(count))


if __name__ == "__main__":
    _main()
