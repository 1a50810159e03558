"""Which device is taken, and what is said where it is not the one that was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.choice import choose_device, choose_dtype, device_kinds, find_device
from napari_srgan.inference.engine import Engine
from upscalings import eager, image

WHEEL = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend GPUs of these compute capabilities, each with so many bytes free; the first is current."""

    def pretend(*capabilities: tuple[int, int], free: tuple[int, ...] = (), built: Any = WHEEL) -> None:
        current = [0]

        def index(device: Any = None) -> int:
            return current[0] if device is None else torch.device(device).index

        @contextmanager
        def device(chosen: Any) -> Iterator[None]:
            before, current[0] = current[0], index(chosen)
            yield
            current[0] = before

        for name, value in {
            "device_count": lambda: len(capabilities),
            "current_device": lambda: current[0],
            "device": device,
            "get_device_capability": lambda of=None: capabilities[index(of)],
            "get_device_name": lambda of=None: f"GPU {index(of)}",
            "get_arch_list": lambda: list(built),
            "is_bf16_supported": lambda _=True: capabilities[index()] >= (8, 0),
            "mem_get_info": lambda of=None: ((free or (2**33,) * 9)[index(of)], 2**33),
            "memory_reserved": lambda _=None: 0,
            "memory_allocated": lambda _=None: 0,
        }.items():
            monkeypatch.setattr(torch.cuda, name, value)

    return pretend


def test_without_a_gpu_it_is_the_cpu_and_nothing_is_said() -> None:
    assert device_kinds() == ("cpu",)
    assert find_device() == find_device("cpu")
    assert find_device().note == ""


def test_a_kind_is_the_device_that_is_current_when_it_is_chosen(gpus: Callable[..., None]) -> None:
    gpus((8, 0), (8, 0))
    assert choose_device("cuda") == choose_device() == torch.device("cuda", 0)
    with torch.cuda.device("cuda:1"):
        assert choose_device("cuda") == choose_device() == torch.device("cuda", 1)
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cuda:7", r"no device 'cuda:7' here; there is: auto, cuda:0, cuda:1, cpu"),
        ("mps", r"no device 'mps' here; there is: auto, cuda, cpu"),
        ("cuda:x", r"'cuda:x' is no device"),
        ("gpu", r"no device 'gpu' here"),
    ],
)
def test_a_device_that_is_not_there(gpus: Callable[..., None], name: str, said: str) -> None:
    gpus((8, 0), (8, 0))
    with pytest.raises(UserError, match=said):
        choose_device(name)


@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (8, 9), (9, 0), (10, 3), (12, 0), (12, 1), (13, 0)])
def test_gpus_that_the_wheel_was_built_for(gpus: Callable[..., None], capability: tuple[int, int]) -> None:
    gpus(capability)
    assert choose_device("cuda").type == "cuda"


@pytest.mark.parametrize(
    ("capability", "built"), [((6, 1), WHEEL), ((7, 0), WHEEL), ((11, 0), WHEEL), ((9, 1), ["sm_90a"])]
)
def test_gpus_that_the_wheel_was_not_built_for(
    gpus: Callable[..., None], capability: tuple[int, int], built: list[str]
) -> None:
    gpus(capability, built=built)
    number = "sm_{}{}".format(*capability)
    with pytest.raises(UserError, match=rf"not built for GPU 0 \(cuda:0, {number}\).*use the device 'cpu'"):
        choose_device("cuda")
    chosen = find_device("auto")
    assert chosen.device.type == "cpu"
    assert number in chosen.note


def test_the_second_gpu_is_taken_where_the_first_cannot_be(gpus: Callable[..., None]) -> None:
    gpus((6, 1), (8, 6))
    chosen = find_device()
    assert chosen.device == torch.device("cuda", 1)
    assert chosen.note.startswith("computed on cuda:1: this torch was not built for GPU 0")


def test_a_gpu_that_another_program_fills_is_left_to_it(gpus: Callable[..., None]) -> None:
    gpus((8, 0), free=(100 * 2**20,))
    chosen = find_device()
    assert chosen.device.type == "cpu"
    assert chosen.note == "computed on the CPU: only 100 MiB of the memory of cuda:0 are free"
    assert choose_device("cuda") == torch.device("cuda", 0)  # who asks for it gets it


def test_a_gpu_that_cannot_be_asked(gpus: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    gpus((8, 0))

    def forked() -> int:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess.\nUse spawn.")

    monkeypatch.setattr(torch.cuda, "current_device", forked)
    assert find_device().note == (
        "computed on the CPU: cuda cannot be used: Cannot re-initialize CUDA in forked subprocess."
    )
    with pytest.raises(UserError, match=r"cuda cannot be used: Cannot re-initialize.*use the device 'cpu'"):
        choose_device("cuda")


def test_the_type_is_that_of_the_chosen_device_and_not_of_the_current_one(
    gpus: Callable[..., None],
) -> None:
    gpus((7, 5), (8, 0))
    assert choose_dtype(torch.device("cuda", 0)) == torch.float16
    assert choose_dtype(torch.device("cuda", 1)) == torch.bfloat16


def test_a_result_says_why_the_gpu_was_not_used(gpus: Callable[..., None], tiny_model: Any) -> None:
    gpus((6, 1))
    assert Engine(tiny_model()).device.type == "cpu"
    (note,) = eager(image(20, 20), tiny_model(), device="auto").provenance["notes"]
    assert "sm_61" in note
