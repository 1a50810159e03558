"""Upscale a large 16-bit image from zarr to zarr and print the peak of memory.

python benchmarks/memory.py [--side 10000] [--model microscopy-x2]
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import zarr

import napari_srgan

BAND = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--model", default="microscopy-x2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = zarr.create_array(
            Path(folder) / "in.zarr", shape=(arguments.side,) * 2, chunks=(1000, 1000), dtype=np.uint16
        )
        draw = np.random.default_rng(0)
        for y in range(0, arguments.side, BAND):
            band = draw.integers(0, 60_000, (BAND, arguments.side), dtype=np.uint16)
            source[y : y + BAND] = band
        began = time.perf_counter()
        result = napari_srgan.upscale(source, arguments.model, out=Path(folder) / "out.zarr")
        seconds = time.perf_counter() - began
        # Kilobytes on Linux, bytes on macOS.
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        print(
            f"{source.shape[0]} x {source.shape[1]} {source.dtype} to {result.shape[0]} x {result.shape[1]} "
            f"with {arguments.model}: {seconds:.0f} s, peak {peak / 2**30:.2f} GiB"
        )


if __name__ == "__main__":
    main()
