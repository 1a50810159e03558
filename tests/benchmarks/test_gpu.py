"""The script for a real GPU runs to its end where there is none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def output(script: str, *arguments: str) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert not ran.returncode, ran.stdout + ran.stderr
    return ran.stdout


def test_every_part_runs_on_the_cpu() -> None:
    said = output("gpu.py", "--dry")
    parts = re.split(r"^## ", said, flags=re.MULTILINE)[1:]
    assert [part.splitlines()[0] for part in parts] == [
        "Beside the CPU", "Whole images beside the CPU", "How fast", "Beside a plain loop", "Compiled",
        "A step of a training",
    ]  # fmt: skip
    assert "| microscopy-x2 | float32 | 0.0e+00 |" in parts[0]
    assert re.search(r"microscopy-x2 \| to OME-Zarr \| [\d.]+ \|", parts[2])
    assert re.search(r"ours is [\d.]+ times as fast", parts[3])
    assert "left out, there is no CUDA here" in parts[4]
    assert re.search(r"adversarial \| [\d.]+ \|", parts[5])


def test_the_host_side_is_told_apart() -> None:
    said = output("host.py", "--side", "128", "--repeat", "1")
    rows = [line.strip("| ").split(" | ") for line in said.splitlines() if line.startswith("| ")]
    assert {tuple(row[:2]) for row in rows[2:]} == {
        (image, way) for image in ("16-bit gray, x2", "8-bit RGB, x4") for way in ("in memory", "to OME-Zarr")
    }
    for row in rows[2:]:
        costs = dict(zip(rows[0][2:], map(float, row[2:]), strict=True))
        assert 0 < costs["from the network"] < costs["all"]
