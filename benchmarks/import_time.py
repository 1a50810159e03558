"""How long ``import napari_srgan`` takes, which napari does at its start-up.

    python benchmarks/import_time.py

Prints the median over fresh interpreters, and the slowest modules of the last one. The
aim is less than 0.1 s.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys

REPETITIONS = 9
AIM = 0.1
"""Seconds."""
SHOWN = 8
"""Modules listed."""
LINE = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)")


def measure() -> tuple[float, dict[str, float]]:
    """Seconds for the package with all it imports, and for each module by itself."""
    command = [sys.executable, "-X", "importtime", "-c", "import napari_srgan"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    own: dict[str, float] = {}
    for itself, together, indent, module in LINE.findall(report):
        own[module] = int(itself) / 1e6
        if module == "napari_srgan":
            return int(together) / 1e6, own
        if not indent:  # what a module imports stands before it, further to the right
            own.clear()
    raise RuntimeError("the report of -X importtime has no line for napari_srgan")


def main() -> None:
    """Print the table."""
    times: list[float] = []
    own: dict[str, float] = {}
    for _ in range(REPETITIONS):
        seconds, own = measure()
        times.append(seconds)
    median = statistics.median(times)
    print(f"import napari_srgan: {median * 1000:.1f} ms, median of {REPETITIONS}; aim {AIM * 1000:.0f} ms")
    for name, seconds in sorted(own.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"{seconds * 1000:8.1f} ms  {name}")


if __name__ == "__main__":
    main()
