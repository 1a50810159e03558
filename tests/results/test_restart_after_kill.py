"""A copy that is killed at any point goes on, and the store is that of an undisturbed one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from killed_copy import content, run_and_kill, some_point

KILLS = 10
"""Of each kind of store."""


@pytest.mark.parametrize("name", ["x.zarr", "x.ome.zarr"])
def test_killed_at_random_points(tmp_path: Path, name: str) -> None:
    undisturbed, killed = tmp_path / "undisturbed" / name, tmp_path / "killed" / name
    calls = run_and_kill(undisturbed, 0)
    assert calls is not None
    expected = content(undisturbed)
    draw = np.random.default_rng()
    points: list[int] = []
    while len(points) < KILLS:
        points.append(some_point(draw, calls))
        if run_and_kill(killed, points[-1]) is not None:
            assert content(killed) == expected, points
            killed = killed.parents[1] / f"killed-{len(points)}" / name
    run_and_kill(killed, 0)
    assert content(killed) == expected, points
    assert [entry.name for entry in killed.parent.iterdir()] == [name]
