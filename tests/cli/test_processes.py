"""The command as the shell starts it: help, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_srgan import upscale

COMMAND = [sys.executable, "-m", "napari_srgan"]


def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from napari_srgan.cli import main; sys.argv[1:] = ['--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('heavy:', {'torch', 'numpy', 'napari', 'zarr', 'qtpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "upscale" in done.stdout
    assert "heavy: set()" in done.stdout


def test_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("napari-srgan 0")


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so would all that is started from here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def start(source: Path, target: Path, model: Path) -> subprocess.Popen[str]:
    """Start a long run and wait until it computes."""
    arguments = ["upscale", source, target, "--model", model, "--device", "cpu", "--tile", "64"]
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not target.parent.exists() or (
        target.suffix == ".zarr" and not list(target.parent.glob(".partial-*/**/c"))
    ):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)
    return process


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_run_to_zarr_goes_on(
    tmp_path: Path, tiny_file: Path, number: int, status: int
) -> None:
    source, target = tmp_path / "x.zarr", tmp_path / "out" / "y.zarr"
    pixels = np.random.default_rng(0).integers(0, 255, (100, 120, 120), dtype=np.uint8)
    zarr.create_array(source, data=pixels, chunks=(1, 120, 120))
    process = start(source, target, tiny_file)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == status
    assert not target.exists()
    arguments = ["upscale", source, target, "--model", tiny_file, "--device", "cpu", "--tile", "64"]
    subprocess.run([*COMMAND, *map(str, arguments)], check=True, capture_output=True)
    assert [entry.name for entry in target.parent.iterdir()] == ["y.zarr"]
    np.testing.assert_array_equal(
        zarr.open(target, mode="r")[:], upscale(pixels, str(tiny_file), device="cpu", tile=64, progress=False)
    )


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize("name", ["y.zarr", "y.tif"])
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_an_interrupted_run_leaves_no_broken_file(
    tmp_path: Path, tiny_file: Path, name: str, number: int, status: int
) -> None:
    source, target = tmp_path / "x.zarr", tmp_path / "out" / name
    zarr.create_array(source, shape=(100, 500, 500), chunks=(1, 500, 500), dtype=np.uint8, fill_value=7)
    process = start(source, target, tiny_file)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == status
    assert not target.exists()
    if number != signal.SIGKILL:
        kept = [".partial-y.zarr"] if name == "y.zarr" else []  # from where it goes on
        assert [entry.name for entry in target.parent.iterdir()] == kept
        assert "Traceback" not in told
    assert len(told.splitlines()) <= 1
