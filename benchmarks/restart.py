"""Kill copies to disk at random points and see that each ends in the store of an undisturbed one.

python benchmarks/restart.py [--kills 200] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from killed_copy import content, run_and_kill, some_point


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200, help="half of them on OME-Zarr")
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    draw = np.random.default_rng(arguments.seed)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in ("x.zarr", "x.ome.zarr"):
            failed += kill(Path(folder) / name, arguments.kills // 2, draw)
    print("all stores are those of an undisturbed run" if not failed else f"{failed} stores differ")
    raise SystemExit(failed > 0)


def kill(path: Path, kills: int, draw: np.random.Generator) -> int:
    """Kill so many times; return how many stores differ in the end."""
    began = time.perf_counter()
    undisturbed = path.parent / "undisturbed" / path.name
    calls = run_and_kill(undisturbed, 0)
    assert calls is not None
    expected = content(undisturbed)
    done = runs = failed = 0
    points: list[int] = []
    while done < kills or points:
        # After the last kill nothing disturbs any more.
        points.append(some_point(draw, calls) if done < kills else 0)
        target = path.parent / f"run-{runs}" / path.name
        if run_and_kill(target, points[-1]) is None:
            done += 1
            continue
        if content(target) != expected:
            failed += 1
            print(f"{target.name} differs after kills at {points}")
        runs, points = runs + 1, []
    seconds = time.perf_counter() - began
    print(f"{path.name}: {done} kills in {runs} stores, {calls} points to be killed at, {failed} differ; "
          f"{seconds:.0f} s")  # fmt: skip
    return failed


if __name__ == "__main__":
    main()
