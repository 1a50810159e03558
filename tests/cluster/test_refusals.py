"""What a cluster cannot do is said in a sentence, before anything is computed."""

from __future__ import annotations

import gzip
import threading
import time
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from zarr.codecs import GzipCodec

from conftest import make_tiny_model
from napari_srgan import upscale
from napari_srgan.cluster import connection, source
from napari_srgan.cluster.check_workers import WorkerInfo, check_workers
from napari_srgan.errors import UserError
from upscalings import cluster_job

IMAGE = np.zeros((70, 90), np.uint16)


class Answers:
    """A client whose workers say what a test wants."""

    def __init__(self, *said: Any) -> None:
        self.said = {f"tcp://10.0.0.{number}:1": one for number, one in enumerate(said, 1)}

    def run(self, *_: Any, **__: Any) -> dict[str, Any]:
        return self.said


def present(**changed: Any) -> WorkerInfo:
    from importlib.metadata import version

    said = {
        "host": "node1", "software": version("napari-srgan"), "device": "cpu", "precision": "float32",
        "sees": True,
    }  # fmt: skip
    return WorkerInfo(**said | changed)


@pytest.mark.parametrize(
    ("worker", "words"),
    [
        (present(software="0.0.1", host="node7"), r"1 worker \(on node7\) has 0\.0\.1 of napari-srgan"),
        (present(sees=False), "a folder that all machines share"),
        (present(complaint="there is no device 'cuda' here"), "the worker on node1: there is no device"),
        (ModuleNotFoundError("No module named 'napari_srgan'"), "install the same napari-srgan"),
    ],
)
def test_a_worker_that_cannot_take_part_is_named(tmp_path: Path, worker: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        check_workers(Answers(present(), worker), tmp_path / "x.zarr", "auto", "auto")  # type: ignore[arg-type]
    assert not list(tmp_path.glob("*x.zarr*"))


def test_machines_of_several_kinds_compute_in_float32(tmp_path: Path) -> None:
    gpu = present(device="cuda", precision="bfloat16")
    one = check_workers(Answers(gpu, gpu), tmp_path / "x.zarr", "auto", "auto")  # type: ignore[arg-type]
    assert (one.device, one.device_types, one.precision, one.mixed) == ("cuda", "cuda", "bfloat16", False)
    both = check_workers(Answers(gpu, present()), tmp_path / "x.zarr", "auto", "auto")  # type: ignore[arg-type]
    assert (both.device, both.device_types, both.precision, both.mixed) == (
        "auto",
        "cpu, cuda",
        "float32",
        True,
    )


def test_a_result_never_takes_the_place_of_its_input(tmp_path: Path) -> None:
    stored = zarr.create_array(tmp_path / "in.zarr", data=IMAGE)
    inputs = {"array": stored, "dask": dask.array.from_zarr(stored), "told": IMAGE}
    for kind, given in inputs.items():
        for out in ("in.zarr", "in.zarr/x2.zarr"):
            told = {"files": (tmp_path / "in.zarr",)} if kind == "told" else {}
            job = cluster_job(
                given,
                make_tiny_model(),
                tmp_path / out,
                None,
                overwrite=True,
                **told,  # type: ignore[arg-type]
            )
            with pytest.raises(UserError, match="would overwrite the input"):
                next(job)


@pytest.mark.parametrize("given", ["array", "file"])
def test_a_store_that_a_worker_reads_is_held_to_its_metadata(client: Any, tmp_path: Path, given: str) -> None:
    stored = zarr.create_array(tmp_path / "in.zarr", data=IMAGE + 1, chunks=(32, 32), compressors=GzipCodec())
    (tmp_path / "in.zarr/c/1/1").write_bytes(gzip.compress(bytes(2**23)))
    image: Any = stored if given == "array" else tmp_path / "in.zarr"
    options = {"axes": "YX", "out": tmp_path / "out.zarr", "cluster": client, "progress": False}
    with pytest.raises(UserError, match=r"c/1/1 of in\.zarr unpacks to more than the 2,048 bytes"):
        upscale(image, make_tiny_model(), **options)


def test_schedulers_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_PATIENCE", 0.5)
    out = tmp_path / "x.zarr"
    with pytest.raises(UserError, match=r"the scheduler at tcp://127\.0\.0\.1:9 does not answer"):
        upscale(IMAGE, make_tiny_model(), out=out, cluster="tcp://127.0.0.1:9", progress=False)
    with pytest.raises(UserError, match=r"'nowhere\.json' is no scheduler"):
        upscale(IMAGE, make_tiny_model(), out=out, cluster="nowhere.json", progress=False)
    with pytest.raises(UserError, match="or the address of a scheduler; got 8"):
        upscale(IMAGE, make_tiny_model(), out=out, cluster=8, progress=False)
    with pytest.raises(UserError, match="a cluster writes its result to a store; say where"):
        upscale(IMAGE, make_tiny_model(), cluster="tcp://127.0.0.1:9", progress=False)


def test_workers_are_waited_for_until_the_scheduler_is_gone(tmp_path: Path) -> None:
    with (
        LocalCluster(n_workers=0, dashboard_address=":0", silence_logs="CRITICAL") as cluster,
        Client(cluster, set_as_default=False, timeout=1) as client,
    ):
        job = cluster_job(IMAGE, make_tiny_model(), tmp_path / "x.zarr", client)
        assert next(job).message == next(job).message == "Waiting for workers"
        cluster.close()
        ends = time.monotonic() + 60
        with pytest.raises(UserError, match="the scheduler of the cluster cannot be reached any more"):
            all(time.monotonic() < ends for _ in job)


def test_an_array_too_large_to_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_SENT", 1000)
    job = cluster_job(IMAGE, make_tiny_model(), tmp_path / "x.zarr", None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"is too large to be sent .* write it to a \.zarr that they see"):
        next(job)


def test_an_array_that_cannot_be_sent(tmp_path: Path) -> None:
    class Locked:
        shape, dtype = IMAGE.shape, IMAGE.dtype
        lock = threading.Lock()

        def __getitem__(self, key: Any) -> np.ndarray:
            return IMAGE[key]

    job = cluster_job(Locked(), make_tiny_model(), tmp_path / "x.zarr", None)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="an array of the type Locked cannot be sent to workers"):
        next(job)
    assert not list(tmp_path.glob("*x.zarr*"))
