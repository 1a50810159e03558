"""The gallery: what its page shows is what is run, its pictures are small, and losing is said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from gallery import LARGEST_PICTURE, Shown, decibels, run, section
from gallery_cases import CASES, PREAMBLE, Case
from PIL import Image

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_shows_the_lines_of_every_case_in_order() -> None:
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert shown == [PREAMBLE.strip() + "\n", *(case.lines for case in CASES)]
    for case in CASES:
        assert f"## {case.title}\n" in text
        assert case.words in text
        assert case.source in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_lines_are_short_and_name_their_model(case: Case) -> None:
    ast.parse(PREAMBLE + case.lines)
    assert f'"{case.model}"' in case.lines
    assert max(map(len, case.lines.splitlines())) <= 110


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pictures_are_four_panels_and_small(case: Case) -> None:
    file = DOCS / "images" / f"gallery-{case.name}.png"
    assert file.stat().st_size < LARGEST_PICTURE
    with Image.open(file) as picture:
        assert picture.width > 4 * 250


@pytest.mark.parametrize("worse", [True, False])
def test_a_case_that_loses_to_interpolation_says_so(worse: bool) -> None:
    words = section(Shown(CASES[0], 2, bicubic=20.0, ours=19.9 if worse else 20.1, picture="x.png"))
    assert ("**worse than bicubic interpolation**" in words) == worse


@pytest.mark.parametrize("colours", [False, True])
def test_lines_are_run_measured_and_drawn(colours: bool, tmp_path: Path) -> None:
    lines = """\
truth = imread(DATA / "truth.png")
low = truth[::2, ::2]
high = truth.copy()
high[1::2] = high[::-2]
"""
    blocks = np.random.default_rng(0).integers(0, 256, (50, 50, *[3] * colours), dtype=np.uint8)
    truth = blocks.repeat(4, axis=0).repeat(4, axis=1)
    Image.fromarray(truth).save(tmp_path / "truth.png")
    shown = run(Case("x", "X", "m", lines, "", ""), tmp_path, tmp_path)
    high = truth.copy()
    high[1::2] = high[::-2]
    assert shown.factor == 2
    assert shown.ours == pytest.approx(decibels(high, truth, 2))
    with Image.open(tmp_path / shown.picture) as picture:
        assert picture.mode == ("RGB" if colours else "L")
