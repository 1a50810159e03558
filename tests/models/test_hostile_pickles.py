"""Pickles that build arrays on memory of their own choice get a sentence, in a process of their own."""

from __future__ import annotations

import argparse
import io
import math
import pickle
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from napari_srgan.errors import UserError
from napari_srgan.models import read_model
from napari_srgan.models.foreign.checkpoint import read_contents


class Name:
    """A global of a pickle by its name: what the file asks for, whatever it is here."""

    def __init__(self, name: str) -> None:
        self.module, self.name = name.rsplit(".", 1)


class Call:
    """A call in a pickle, and the state that is set on what it gives."""

    def __init__(self, what: str, *arguments: Any, state: Any = None) -> None:
        self.what, self.arguments, self.state = Name(what), arguments, state


class Storage:
    """Bytes of the file that tensors lie on."""

    def __init__(self, count: int) -> None:
        self.count = count


def pickled(value: Any) -> bytes:
    """A pickle of protocol 2, in the few codes that PyTorch's restricted unpickler reads."""
    match value:
        case Name():
            return f"c{value.module}\n{value.name}\n".encode()
        case Call():
            made = pickled(value.what) + pickled(value.arguments) + b"R"
            return made + (pickled(value.state) + b"b" if value.state is not None else b"")
        case Storage():
            return pickled(("storage", Name("torch.FloatStorage"), "0", "cpu", value.count)) + b"Q"
        case bool():
            return b"\x88" if value else b"\x89"
        case None:
            return b"N"
        case int():
            content = pickle.encode_long(value)
            return b"\x8a" + bytes([len(content)]) + content
        case str():
            content = value.encode()
            return b"X" + struct.pack("<I", len(content)) + content
        case bytes():
            return pickled(Call("_codecs.encode", value.decode("latin-1"), "latin1"))
        case tuple():
            return b"(" + b"".join(map(pickled, value)) + b"t"
        case dict():
            return b"}(" + b"".join(pickled(k) + pickled(v) for k, v in value.items()) + b"u"
    raise TypeError(value)


def checkpoint(value: Any) -> bytes:
    """A file as ``torch.save`` makes it, with four floats in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + pickled(value) + b".")
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
        archive.writestr("archive/data/0", bytes(16))
    return file.getvalue()


def dtype(kind: str, order: str = "<", names: Any = None, fields: Any = None, sub: Any = None) -> Call:
    return Call("numpy.dtype", kind, False, True, state=(3, order, sub, names, fields, -1, -1, 0))


def array(core: str = "core", *, of: Any = None, shape: Any = (2,), content: Any = bytes(16)) -> Call:
    of = dtype("f8") if of is None else of
    empty = (Name("numpy.ndarray"), (0,), b"b")
    return Call(f"numpy.{core}.multiarray._reconstruct", *empty, state=(1, shape, of, False, content))


def scalar(of: Any, content: Any, core: str = "core") -> Call:
    return Call(f"numpy.{core}.multiarray.scalar", of, content)


OBJECT = dtype("O8", "|")
POINTER = struct.pack("<q", 0x1000)
HOSTILE: dict[str, Any] = {
    "object array by ndarray": Call("numpy.ndarray", (1,), OBJECT, POINTER),
    "float array by ndarray": Call("numpy.ndarray", (1,), dtype("f8"), POINTER),
    "strides out of bounds": Call("numpy.ndarray", (9,), dtype("f8"), POINTER, 0, (2**40,)),
    "negative strides": Call("numpy.ndarray", (9,), dtype("f8"), bytes(80), 0, (-8,)),
    "offset out of bounds": Call("numpy.ndarray", (1,), dtype("f8"), POINTER, 2**40),
    "no memory of its own": Call("numpy.ndarray", (2**20,)),
    "object array by _reconstruct": array(of=OBJECT, shape=(1,), content=POINTER),
    "object array, new name": array("_core", of=OBJECT, shape=(1,), content=POINTER),
    "_reconstruct with a size": Call("numpy.core.multiarray._reconstruct", Name("numpy.ndarray"), (9,), b"O"),
    "_reconstruct of a tensor": Call("numpy.core.multiarray._reconstruct", Name("torch.Tensor"), (0,), b"b"),
    "object scalar": scalar(OBJECT, POINTER),
    "object scalar, new name": scalar(OBJECT, POINTER, "_core"),
    "structured scalar": scalar(dtype("V8", "|", ("a",), {"a": (OBJECT, 0)}), POINTER),
    "text": scalar(dtype("U2"), POINTER),
    "void": scalar(dtype("V8", "|"), POINTER),
    "structure set on a float": scalar(dtype("f8", "|", ("a",), {"a": (OBJECT, 0)}), POINTER),
    "sub-array set on a float": scalar(dtype("f8", "|", sub=(OBJECT, (1,))), POINTER),
    "byte order of no kind": scalar(dtype("f8", "O"), POINTER),
    "short state": scalar(Call("numpy.dtype", "f8", state=(3, "<")), POINTER),
    "state with flags": scalar(Call("numpy.dtype", "f8", state=(4, "|", None, (), {}, 8, 1, 63)), POINTER),
    "state with metadata": scalar(
        Call("numpy.dtype", "f8", state=(4, "<", None, None, None, -1, -1, 0, {"a": 1})), POINTER
    ),
    "dtype of a list of fields": Call("numpy.dtype", (("a", "O"),)),
    "dtype of an object": Call("numpy.dtype", Name("collections.OrderedDict")),
    "negative shape": array(shape=(-1,)),
    "negative pair": array(shape=(-2, -1)),
    "huge shape": array(shape=(2**40,)),
    "shape beyond 64 bits": array(shape=(2**70, 2**70)),
    "wraps around to the right size": array(shape=(2**62, 4, 2)),
    "truth as a size": array(shape=(True, 2)),
    "shape of floats": array(shape=("2",)),
    "too many axes": array(shape=(1,) * 100, content=bytes(8)),
    "too few bytes": array(content=bytes(15)),
    "too many bytes": array(content=bytes(17)),
    "text for bytes": array(content="\0" * 16),
    "list state of an array": array(of=OBJECT, shape=(1,), content=(1,)),
    "dtype by its class": Call("numpy.dtypes.ObjectDType"),
    "flags of an array": Call("numpy.core.multiarray.flagsobj"),
    "frombuffer": Call("numpy.core.numeric._frombuffer", POINTER, OBJECT, (1,), "C"),
    "three gigabytes of zeros": Call("builtins.bytearray", 3 * 10**9),
    "layout by the file": Call("torch._utils._rebuild_nested_tensor", 0, 0, 0, 0),
    "tensor without memory": Call("torch._utils._rebuild_wrapper_subclass", Name("torch.Tensor")),
    "tensor on an array": Call("torch._utils._rebuild_device_tensor_from_numpy", array(), "cpu", False),
    "tensor after the end": {
        "a.w": Call("torch._utils._rebuild_tensor_v2", Storage(4), 0, (9000,), (1,), False, {}),
        "b.w": Call("torch._utils._rebuild_tensor_v2", Storage(4), 0, (4,), (1,), False, {}),
        "c.w": Call("torch._utils._rebuild_tensor_v2", Storage(4), 0, (4,), (1,), False, {}),
    },
    "tensor before the start": Call("torch._utils._rebuild_tensor_v2", Storage(4), -5, (4,), (1,), False, {}),
}  # fmt: skip
WORDS = {
    "dtype by its class": "whole Python object",
    "flags of an array": "holds code besides weights",
    "frombuffer": "holds code besides weights",
    "three gigabytes of zeros": "holds code besides weights",
    "layout by the file": "holds code besides weights",
    "tensor without memory": "holds code besides weights",
    "tensor on an array": "holds code besides weights",
    "tensor after the end": "damaged",
    "tensor before the start": "damaged",
}
"""What is said of those that never come to our stand-ins."""
READ = """
import os, sys
from pathlib import Path
from napari_srgan.errors import UserError
from napari_srgan.models import read_model
for file in sorted(Path(sys.argv[1]).glob("*.pth")):
    child = os.fork()
    if not child:
        try:
            read_model(file)
        except UserError as error:
            print(file.stem, "|", error, flush=True)
            os._exit(0)
        os._exit(1)
    status = os.waitpid(child, 0)[1]
    if status:
        print(file.stem, "| ended with", status, flush=True)
"""


def test_hostile_arrays_get_a_sentence(tmp_path: Path) -> None:
    """Each in a process of its own, begun as a copy of one that has imported what is needed."""
    for name, value in HOSTILE.items():
        (tmp_path / f"{name}.pth").write_bytes(checkpoint(value))
    done = subprocess.run([sys.executable, "-c", READ, tmp_path], capture_output=True, text=True)
    sentences = dict(line.split(" | ", 1) for line in done.stdout.splitlines())
    assert set(sentences) == set(HOSTILE), done.stderr
    for name, sentence in sentences.items():
        assert re.search(WORDS.get(name, "could be used to run code"), sentence), name


def test_weights_that_end_after_their_values_are_refused(tmp_path: Path) -> None:
    """In the format before PyTorch 1.6, whose storages would grow with uncleared memory."""
    file = tmp_path / "found.pth"
    torch.save({f"{name}.w": torch.ones(4) for name in "abc"}, file, _use_new_zipfile_serialization=False)
    whole = file.read_bytes()
    assert set(read_contents(file)) == {"a.w", "b.w", "c.w"}
    assert whole.count(b"QK\x00K\x04\x85q") == 3
    file.write_bytes(whole.replace(b"QK\x00K\x04\x85q", b"QK\x00M\x00\x90\x85q"))
    with pytest.raises(UserError, match="damaged or cut off"):
        read_model(file)


SCALARS: list[Callable[[float], Any]] = [
    np.float64, np.float32, np.int64, lambda number: np.bool_(number > 0), lambda number: np.uint8(number),
]  # fmt: skip


@pytest.mark.parametrize("zipped", [True, False])
def test_numbers_and_arrays_of_numpy_are_kept(tmp_path: Path, zipped: bool) -> None:
    file = tmp_path / "old.pth"
    arrays = [np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6, dtype=">i2").reshape(2, 3))]
    saved = {"best": [make(3) for make in SCALARS], "arrays": arrays, "empty": np.zeros((0, 4), "f4")}
    saved |= {"args": argparse.Namespace(lr=1e-4), "w": torch.ones(2)}
    torch.save(saved, file, _use_new_zipfile_serialization=zipped)
    found = read_contents(file)
    assert found["best"] == [3, 3, 3, True, 3]
    for got, array in zip([*found["arrays"], found["empty"]], [*arrays, saved["empty"]], strict=True):
        np.testing.assert_array_equal(got.values, array)


@given(shape=st.lists(st.integers(-3, 5) | st.integers(2**31, 2**65), max_size=4), count=st.integers(0, 130))
@example(shape=[0, 2**31, 2**32], count=0)
@example(shape=[0, 2**31, 2**31], count=0)
def test_an_array_has_as_many_bytes_as_its_shape_needs(
    shape: list[int], count: int, tmp_path_factory: Any
) -> None:
    file = tmp_path_factory.mktemp("pickles") / "found.pth"
    file.write_bytes(checkpoint(array(of=dtype("u1", "|"), shape=tuple(shape), content=bytes(count))))
    extent = math.prod(size for size in shape if size)
    if min(shape, default=0) >= 0 and math.prod(shape) == count and extent <= sys.maxsize:
        assert read_contents(file).values.shape == tuple(shape)
    else:
        with pytest.raises(UserError, match="could be used to run code"):
            read_contents(file)


def test_what_others_allow_in_this_process_is_not_allowed_to_files(tmp_path: Path) -> None:
    file = tmp_path / "found.pth"
    file.write_bytes(checkpoint(HOSTILE["float array by ndarray"]))
    with torch.serialization.safe_globals([np.ndarray, np.dtype]):
        with pytest.raises(UserError, match="memory of its own choice"):
            read_contents(file)
        assert {np.ndarray, np.dtype} <= set(torch.serialization.get_safe_globals())


def test_what_is_not_allowed_here_is_allowed_elsewhere_as_before(tmp_path: Path) -> None:
    file = tmp_path / "found.pth"
    torch.save({"raw": bytearray(3)}, file)
    with pytest.raises(UserError, match="code besides weights"):
        read_contents(file)
    assert torch.load(file, weights_only=True) == {"raw": bytearray(3)}
