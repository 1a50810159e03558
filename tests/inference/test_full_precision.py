"""float32 is float32 on CUDA, whatever the process around allows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from napari_srgan.inference.devices.full_precision import full_precision
from napari_srgan.inference.engine import Engine

CUDA = torch.device("cuda")


def settings() -> tuple[bool, str]:
    return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()


@pytest.fixture(autouse=True)
def shorter_products() -> Iterator[None]:
    before = settings()
    torch.backends.cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision("high")
    yield
    torch.backends.cudnn.allow_tf32 = before[0]
    torch.set_float32_matmul_precision(before[1])


def test_settings_are_put_back_by_the_last_run() -> None:
    with full_precision(CUDA, torch.float32):
        assert settings() == (False, "highest")
        with pytest.raises(ValueError, match="inside"), full_precision(CUDA, torch.float32):
            raise ValueError("inside")
        assert settings() == (False, "highest")
    assert settings() == (True, "high")


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float32), ("cuda", torch.bfloat16)])
def test_other_runs_change_nothing(device: str, dtype: torch.dtype) -> None:
    with full_precision(torch.device(device), dtype):
        assert settings() == (True, "high")


def test_settings_by_their_newer_names_are_put_back_too() -> None:
    conv: Any = getattr(torch.backends.cudnn, "conv", None)
    if conv is None:  # an older torch has no newer names
        return
    torch.backends.cudnn.allow_tf32 = False
    conv.fp32_precision = "tf32"
    with full_precision(CUDA, torch.float32):
        assert conv.fp32_precision == "ieee"
    assert conv.fp32_precision == "tf32"


def test_a_setting_for_all_libraries_is_no_hindrance() -> None:
    """Torch then refuses to tell the precision of matrices by its older name."""
    in_another_process = """
import torch
from napari_srgan.inference.devices.full_precision import full_precision
torch.backends.fp32_precision = "tf32"
cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn.conv
before = cuda.fp32_precision, cudnn.fp32_precision
for _ in range(2):
    with full_precision(torch.device("cuda"), torch.float32):
        print(cuda.fp32_precision, cudnn.fp32_precision)
    assert (cuda.fp32_precision, cudnn.fp32_precision) == before
"""
    told = subprocess.run(
        [sys.executable, "-c", in_another_process], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["ieee"] * 4


def test_kernels_are_not_tried_on_every_shape_of_a_tile() -> None:
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
    try:
        for dtype in (torch.float32, torch.bfloat16):
            with full_precision(CUDA, dtype):
                assert not torch.backends.cudnn.benchmark
            assert torch.backends.cudnn.benchmark
    finally:
        torch.backends.cudnn.benchmark = before


@pytest.mark.gpu
def test_float32_on_cuda_is_as_exact_as_on_the_cpu(tiny_model: Any) -> None:
    model = tiny_model(blocks=8, width=64)
    low = np.random.default_rng(0).random((1, 1, 96, 96), np.float32)
    exact = Engine(model, "cpu", "float32").run(low)
    np.testing.assert_allclose(Engine(model, "cuda", "float32").run(low), exact, atol=2e-5 * np.ptp(exact))
    assert settings() == (True, "high")
