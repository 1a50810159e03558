"""Print how near our low-resolution images are to the published ones.

    python benchmarks/degradation.py DATA

DATA holds ``eval/Set5/x2`` and so on, with ``NNN_hr.png`` and the ``NNN_lr.png`` that
MATLAB's ``imresize`` made of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from skimage.io import imread

from napari_srgan.training.degradation.ideal import degrade


def table(data: Path) -> str:
    """A row for each set and factor."""
    rows = ["| images | factor | pixels equal | largest difference |", "| --- | --- | --- | --- |"]
    for images in ("Set5", "Set14"):
        for factor in (2, 4):
            differences = []
            for file in sorted((data / "eval" / images / f"x{factor}").glob("*_hr.png")):
                high = imread(file)
                low, _ = degrade(high if high.ndim == 3 else high[..., None], factor)
                published = imread(file.with_name(file.name.replace("_hr", "_lr")))
                differences.append(np.abs(low.astype(int).ravel() - published.astype(int).ravel()))
            every = np.concatenate(differences)
            rows.append(f"| {images} | x{factor} | {np.mean(every == 0):.3%} | {every.max()} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    print(table(parser.parse_args().data))


if __name__ == "__main__":
    main()
