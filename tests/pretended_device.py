"""A device that is only pretended, for what no machine without a GPU could test.

Its tensors hold real values, in the memory of the host, but are strangers there: an operation that mixes
them with the host's fails, as it would on a GPU. So a job gives on it what it gives on the CPU, to the last
bit, or it says where it went wrong. What a GPU only pays for in time is counted: copies in both directions,
and every time that the host waits for the device. Streams keep a clock each, and whoever uses memory that
another stream has not provably finished with fails too. A copy down that the host does not wait for is done
when it does wait; until then NaN stand in its place.

It is of torch's kind ``privateuse1``, whose backend may be written in Python: an experimental part of torch.
Like Apple's GPUs it knows no float64.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretended"
COPIES = {"copy_", "_to_copy"}
WAITS = {"_local_scalar_dense", "equal", "nonzero", "masked_select"}
"""What gives the host a value, or a shape that depends on values."""
UNTOUCHED = {"empty", "empty_strided", "empty_like", "new_empty", "record_stream"}
"""What gives memory, and neither reads nor writes it."""


class Stream:
    """An order of work. What it knows of others is how far they were when it waited for them."""

    def __init__(self, device: Any = None) -> None:
        self.device = device
        self.seen: Counter[Stream] = Counter()
        self.late: list[Callable[[], None]] = []
        """Copies down that the host has not waited for."""

    def tick(self) -> tuple[Stream, int]:
        self.seen[self] += 1
        return self, self.seen[self]

    def knows(self, moment: tuple[Stream, int]) -> bool:
        return self.seen[moment[0]] >= moment[1]

    def wait_stream(self, other: Stream) -> None:
        self.seen |= other.seen

    def wait_event(self, event: Event) -> None:
        self.seen |= event.seen

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        DEVICE.waits += 1
        for copy in self.late:
            copy()
        self.late.clear()


class Event:
    """A moment of a stream; `DEVICE.busy` says whether such moments are still to come."""

    def __init__(self, **_: Any) -> None:
        self.seen: Counter[Stream] = Counter()

    def record(self, stream: Stream | None = None) -> None:
        self.seen = Counter((stream or DEVICE.current_stream()).seen)

    def query(self) -> bool:
        return not DEVICE.busy

    def synchronize(self) -> None:
        DEVICE.throttled += 1


class Device:
    """What torch asks of a device (``torch.get_device_module``), and what tests ask of this one."""

    Stream, Event = Stream, Event

    def __init__(self) -> None:
        self.present = False
        self.reset()

    def reset(self, total: int = 2**33) -> None:
        """Forget what was counted; `total` is the memory it has, in bytes."""
        self.total, self.live, self.peak, self.kept = total, 0, 0, 0
        self.up, self.down, self.waits, self.throttled, self.given_back = 0, 0, 0, 0, 0
        self.races: list[str] = []
        self.busy = False
        """Whether nothing that is ordered is ever finished."""
        self._default = Stream()
        self._local = threading.local()
        self.memory: dict[int, Memory] = {}

    # What torch asks.
    def is_available(self) -> bool:
        return self.present

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return int(self.present)

    def current_device(self) -> int:
        return 0

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    def manual_seed_all(self, _: int) -> None: ...

    def _is_in_bad_fork(self) -> bool:
        return False

    # What we ask.
    def current_stream(self, _: Any = None) -> Stream:
        stream: Stream = getattr(self._local, "stream", self._default)
        return stream

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        before, self._local.stream = self.current_stream(), stream
        try:
            yield
        finally:
            self._local.stream = before

    @contextmanager
    def device(self, _: Any) -> Iterator[None]:
        yield

    def synchronize(self, _: Any = None) -> None:
        self.waits += 1

    def mem_get_info(self, _: Any = None) -> tuple[int, int]:
        return self.total - self.live - self.kept, self.total

    def get_device_properties(self, _: Any = None) -> SimpleNamespace:
        return SimpleNamespace(name=NAME, total_memory=self.total)

    def memory_allocated(self, _: Any = None) -> int:
        return self.live

    def memory_reserved(self, _: Any = None) -> int:
        return self.live + self.kept

    def max_memory_allocated(self, _: Any = None) -> int:
        return self.peak

    def reset_peak_memory_stats(self, _: Any = None) -> None:
        self.peak = self.live

    def empty_cache(self) -> None:
        self.given_back += 1
        self.kept = 0


DEVICE = Device()
HERE = torch.device("cpu")
THERE: torch.device


class Memory:
    """Who has used some memory of the device, and when."""

    def __init__(self, owner: Stream, size: int) -> None:
        self.owner, self.size = owner, size
        self.written: tuple[Stream, int] | None = None
        self.read: dict[Stream, tuple[Stream, int]] = {}
        self.recorded = {owner}

    def touch(self, stream: Stream, moment: tuple[Stream, int], *, writes: bool, name: str) -> None:
        before = [self.written] if self.written else []
        before += list(self.read.values()) if writes else []
        if not all(stream.knows(each) for each in before):
            DEVICE.races.append(f"{name} does not wait for another stream")
        self.read[stream] = moment
        if writes:
            self.written, self.read = moment, {stream: moment}

    def freed(self, key: int) -> None:
        if DEVICE.memory.get(key) is not self:  # of a test before
            return
        del DEVICE.memory[key]
        DEVICE.live -= self.size
        for stream, moment in self.read.items():
            if stream not in self.recorded and not self.owner.knows(moment):
                DEVICE.races.append("memory is given back while another stream uses it: record_stream")


def memory_of(real: Tensor) -> Memory:
    storage = real.untyped_storage()
    key = storage._cdata
    if key not in DEVICE.memory:
        # On torch's own threads, which go backwards, an error of Python's would end the process.
        torchs_own = isinstance(threading.current_thread(), threading._DummyThread)
        if DEVICE.live + storage.nbytes() > DEVICE.total and not torchs_own:
            raise torch.OutOfMemoryError(f"{NAME} out of memory. Tried to allocate {storage.nbytes()} bytes.")
        memory = DEVICE.memory[key] = Memory(DEVICE.current_stream(), storage.nbytes())
        DEVICE.live += storage.nbytes()
        DEVICE.peak = max(DEVICE.peak, DEVICE.live)
        weakref.finalize(storage, memory.freed, key)
    return DEVICE.memory[key]


class Pretended(Tensor):
    """A tensor on the device; `held` is where its values are."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, real: Tensor, requires_grad: bool = False) -> Pretended:
        if real.dtype in (torch.float64, torch.complex128):
            raise TypeError(f"{NAME} does not support {real.dtype}")
        memory_of(real)
        made: Pretended = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, real.size(), strides=real.stride(), storage_offset=real.storage_offset(),
            dtype=real.dtype, device=THERE, requires_grad=requires_grad,
        )  # fmt: skip
        made.held = real
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})

    def __deepcopy__(self, memo: Any) -> Tensor:
        copied: Tensor = Pretended(self.held.detach().clone(), self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copied = torch.nn.Parameter(copied, self.requires_grad)
        memo[id(self)] = copied
        return copied

    def record_stream(self, stream: Any) -> None:
        memory_of(self.held).recorded.add(stream)

    def __repr__(self, **_: Any) -> str:
        return f"Pretended({self.held!r})"


def run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """An operator of torch on tensors of which some are on the device."""
    name = func.overloadpacket.__name__
    if func.namespace == "prim" and name == "device":
        return args[0].device
    if func.namespace != "prim" and torch._C._dispatch_has_kernel_for_dispatch_key(
        func.name(), "CompositeImplicitAutograd"
    ):
        made = func.decompose(*args, **kwargs)
        if made is not NotImplemented:
            return made
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    strangers = [each for each in tensors if isinstance(each, Pretended)]
    if name not in COPIES and strangers:
        for each in tensors:
            if not isinstance(each, Pretended) and each.ndim:
                raise RuntimeError(
                    f"Expected all tensors to be on the same device, but found {NAME}:0 and cpu (in {name})"
                )
    late = _count(name, args, kwargs)
    goes_there = _goes_there(name, args, kwargs, bool(strangers))
    if "device" in kwargs and goes_there:
        kwargs = kwargs | {"device": HERE}
    plain_args, plain = tree_map(_real, args), tree_map(_real, kwargs)
    plain.pop("pin_memory", None)
    if late:
        target, source = plain_args[:2]
        kept = source.clone()
        target.fill_(float("nan") if target.is_floating_point() else 1)
        DEVICE.current_stream().late.append(lambda: target.copy_(kept))
        _clock(name, strangers, [])
        return args[0]
    result = func(*plain_args, **plain)
    if not goes_there:
        _clock(name, strangers, [])
        return result
    if name == "_to_copy" and any(result is _real(each) for each in tensors):
        result = result.clone()
    known = {id(each.held): each for each in strangers}
    ordinary = {each.held.untyped_storage()._cdata for each in strangers if not each.is_inference()}

    def wrapped(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if id(value) in known:
            return known[id(value)]
        # A view of a tensor that autograd knows is one that it knows, in inference mode too.
        seen = value.untyped_storage()._cdata in ordinary
        with torch.inference_mode(torch.is_inference_mode_enabled() and not seen):
            return Pretended(value)

    given = tree_map(wrapped, result)
    _clock(name, strangers, [each for each in tree_leaves(given) if isinstance(each, Pretended)], args)
    if strangers and name != "_to_copy" and not torch.is_inference_mode_enabled():  # no autograd to tell
        return return_and_correct_aliasing(func, args, kwargs, given)
    return given


def _real(value: Any) -> Any:
    return value.held if isinstance(value, Pretended) else value


def _goes_there(name: str, args: Any, kwargs: dict[str, Any], strangers: bool) -> bool:
    if name == "copy_":
        return isinstance(args[0], Pretended)
    if kwargs.get("device") is not None:
        return torch.device(kwargs["device"]).type == NAME
    return strangers


def _count(name: str, args: Any, kwargs: dict[str, Any]) -> bool:
    """Count copies and waits; whether it is a copy down that the host does not wait for."""
    if name in WAITS:
        DEVICE.waits += 1
    if name not in COPIES:
        return False
    to = _goes_there(name, args, kwargs, isinstance(args[0], Pretended))
    source = args[1] if name == "copy_" else args[0]
    if to == isinstance(source, Pretended):
        return False
    DEVICE.up += to
    DEVICE.down += not to
    goes_on = kwargs.get("non_blocking") or (name == "copy_" and len(args) > 2 and args[2])
    # Copies from memory that is not pinned are waited for, whatever is said.
    if not goes_on or (to and not getattr(source, "pinned", False)):
        DEVICE.waits += 1
    return bool(goes_on) and not to and name == "copy_"


def _clock(name: str, read: list[Pretended], given: list[Pretended], args: Any = ()) -> None:
    """Note who uses which memory when."""
    if name in UNTOUCHED:
        return
    stream = DEVICE.current_stream()
    moment = stream.tick()
    changed = name.endswith("_") and not name.startswith("_")
    written = {id(memory_of(each.held)) for each in read[:1]} if changed else set()
    old = {id(memory_of(each.held)) for each in read}
    written |= {id(memory_of(each.held)) for each in given} - old
    for memory in {id(m): m for each in (*read, *given) for m in (memory_of(each.held),)}.values():
        memory.touch(stream, moment, writes=id(memory) in written, name=name)


def _pinned(tensor: Tensor) -> Tensor:
    copied = tensor.clone()
    copied.pinned = True  # type: ignore[attr-defined]
    return copied


_registered: list[Any] = []


def register() -> torch.device:
    """Tell torch of the device, once a process."""
    global THERE
    if not _registered:
        backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=DEVICE)
        every = torch.library.Library("_", "IMPL")
        every.fallback(lambda func, *args, **kwargs: run(func, args, kwargs), "PrivateUse1")
        _registered.append(every)
        THERE = torch.device(NAME, 0)
    return THERE


# Torch counts the devices that gradients can be computed on once, at the first backward pass of a process.
register()


@contextmanager
def pretended() -> Iterator[Device]:
    """The device, while there is one."""
    DEVICE.reset()
    DEVICE.present = True
    empty, tensor_of = torch.empty, torch.tensor
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "pin_memory", lambda tensor, *_: _pinned(tensor))
        patch.setattr(torch, "empty", lambda *size, pin_memory=False, **rest: empty(*size, **rest))
        # torch's own takes a way on which no backend in Python is asked.
        patch.setattr(torch, "tensor", lambda data, device=HERE, **rest: tensor_of(data, **rest).to(device))
        swaps = torch.__future__.get_swap_module_params_on_conversion()
        torch.__future__.set_swap_module_params_on_conversion(True)
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield DEVICE
        finally:
            torch.set_num_threads(threads)
            torch.__future__.set_swap_module_params_on_conversion(swaps)
            DEVICE.present = False
