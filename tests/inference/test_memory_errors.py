"""Too little memory is known by whatever words a device says it in."""

from __future__ import annotations

import re
from typing import NoReturn

import pytest
import torch

from napari_srgan.inference.devices.memory_errors import OutOfMemory, PerhapsOutOfMemory, memory_errors_named


def said(error: Exception) -> type[Exception]:
    def call() -> NoReturn:
        raise error

    with pytest.raises(Exception, match=re.escape(str(error))) as named:
        memory_errors_named(call)
    return named.type


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: out of memory",
        "MPS backend out of memory (MPS allocated: 9 GiB)",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "Invalid buffer size: 14.24 GiB",
        "Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
    ],
)
def test_words_that_mean_nothing_else(words: str) -> None:
    assert said(RuntimeError(words)) is OutOfMemory


@pytest.mark.parametrize("error", [MemoryError("9 bytes"), torch.OutOfMemoryError("9 bytes")])
def test_errors_that_mean_nothing_else(error: Exception) -> None:
    assert said(error) is OutOfMemory


@pytest.mark.parametrize(
    "words",
    [
        "GET was unable to find an engine to execute this computation",
        "FIND was unable to find an engine to execute this computation",
        "Unable to find a valid cuDNN algorithm to run convolution",
        "Native API failed. Native API returns: 40 (UR_RESULT_ERROR_OUT_OF_RESOURCES)",
        "could not create a memory object",
    ],
)
def test_words_that_can_mean_something_else(words: str) -> None:
    assert said(RuntimeError(words)) is PerhapsOutOfMemory


@pytest.mark.parametrize(
    "words", ["CUDA error: no kernel image is available for execution on the device", "shapes do not match"]
)
def test_other_errors_stay_what_they_are(words: str) -> None:
    assert said(RuntimeError(words)) is RuntimeError
