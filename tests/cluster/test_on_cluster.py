"""Upscaling on worker processes: the same store, whoever computes it and whatever happens to them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster
from typer.testing import CliRunner

from cluster_arrays import Deadly, Slow
from conftest import make_tiny_model
from killed_copy import content
from napari_srgan import save_model, upscale
from napari_srgan.cli import app
from napari_srgan.errors import UserError
from napari_srgan.images import arrays
from napari_srgan.models import Model
from timelapses import make_temporal_model, moving_spots
from upscalings import cluster_job, zarr_job

IMAGE = np.random.default_rng(0).integers(100, 4000, (4, 70, 90), dtype=np.uint16)
OPTIONS: dict[str, Any] = {"axes": "TYX", "device": "cpu", "precision": "float32", "tile": 32}
LONG = 60.0
"""Seconds after which a test that waits has failed."""


@pytest.fixture(scope="module")
def model() -> Model:
    return make_tiny_model()


@pytest.fixture(scope="module")
def alone(model: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What is in the store that this process makes of the image."""
    return content(run(zarr_job(IMAGE, model, tmp_path_factory.mktemp("alone") / "x.ome.zarr", **OPTIONS)))


def run(job: Any, enough: Any = None) -> Any:
    """Run a job to its end, or until there is enough."""
    ends = time.monotonic() + LONG
    while time.monotonic() < ends:
        try:
            progress = next(job)
        except StopIteration as end:
            return end.value
        if enough is not None and enough(progress):
            return progress
    raise AssertionError("it takes too long")


def on_cluster(array: Any, model: Model, out: Path, client: Any, **options: Any) -> Any:
    return cluster_job(array, model, out, client, **(OPTIONS | options))


def some_done(out: Path) -> Any:
    """What tells whether a block of an unfinished store is done."""
    content = out.parent / f".partial-{out.name}" / out.name
    return lambda _: any(file.is_file() for file in content.rglob("c/**/*"))


def opened(progress: Any) -> bool:
    """Whether a job has come to its blocks."""
    return bool(progress.total > 1)


@pytest.mark.parametrize("kind", ["numpy", "dask", "zarr"])
def test_arrays_are_sent_and_the_store_is_that_of_one_process(
    client: Client,
    model: Model,
    alone: dict[str, Any],
    tmp_path: Path,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array: Any = IMAGE
    if kind == "dask":
        array = da.from_array(IMAGE, chunks=(1, 50, 50))
    elif kind == "zarr":
        monkeypatch.chdir(tmp_path)  # where the workers are not
        array = zarr.create_array("in.zarr", data=IMAGE, chunks=(1, 50, 50))
    out = tmp_path / "x.ome.zarr"
    assert run(on_cluster(array, model, out, client)) == out
    assert content(out) == alone
    assert not list(tmp_path.glob(".partial*"))


def test_a_worker_killed_in_the_middle_loses_nothing(
    client: Client, model: Model, alone: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "x.ome.zarr"
    job = on_cluster(Slow(IMAGE, 0.1), model, out, client)
    run(job, some_done(out))
    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
    run(job)
    assert content(out) == alone


def test_begun_on_a_cluster_and_gone_on_with_alone(
    client: Client, cluster: LocalCluster, model: Model, alone: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "x.ome.zarr"
    job = on_cluster(Slow(IMAGE, 0.1), model, out, client)
    run(job, some_done(out))
    job.close()
    ends = time.monotonic() + LONG
    while cluster.scheduler.tasks and time.monotonic() < ends:
        time.sleep(0.05)
    assert not cluster.scheduler.tasks
    rest = zarr_job(IMAGE, model, out, **OPTIONS)
    assert run(rest, opened).done > 0
    run(rest)
    assert content(out) == alone


def test_begun_alone_and_gone_on_with_on_a_cluster(
    client: Client, model: Model, alone: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "x.ome.zarr"
    job = zarr_job(Slow(IMAGE, 0.1), model, out, **OPTIONS)
    run(job, some_done(out))
    job.close()
    rest = on_cluster(IMAGE, model, out, client)
    assert run(rest, opened).done > 0
    run(rest)
    assert content(out) == alone


def test_a_chunk_that_does_not_decode_is_named_and_done_when_mended(
    cluster: LocalCluster, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "WHOLE_SAMPLE", 0)  # as of a large image
    monkeypatch.setattr(arrays, "SAMPLE_BLOCKS", 2)
    source, out = tmp_path / "in.zarr", tmp_path / "x.ome.zarr"
    zarr.create_array(source, data=IMAGE, chunks=(1, 70, 90), dimension_names=["t", "y", "x"])
    broken = source / "c" / "3" / "0" / "0"
    kept = tmp_path / "kept"
    shutil.copy(broken, kept)
    broken.write_bytes(b"no chunk")
    save_model(model, tmp_path / "tiny.safetensors")
    command = ["upscale", str(source), str(out), "--scheduler", cluster.scheduler_address, "--device", "cpu"]
    command += ["--model", str(tmp_path / "tiny.safetensors"), "--precision", "float32", "--tile", "32"]
    failed = CliRunner().invoke(app, command)
    assert failed.exit_code == 1
    assert "1 of 4 parts" in " ".join(failed.output.split())
    assert "3:4, 0:140, 0:180" in " ".join(failed.output.split())
    shutil.copy(kept, broken)
    mended = CliRunner().invoke(app, command)
    assert mended.exit_code == 0, mended.output
    expected = upscale(IMAGE, model, progress=False, **OPTIONS)
    np.testing.assert_array_equal(zarr.open(out / "0", mode="r")[:], expected)


def test_a_block_that_kills_its_workers_is_named(
    client: Client, cluster: LocalCluster, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    trap, out = tmp_path / "trap", tmp_path / "x.ome.zarr"
    trap.touch()
    array = Deadly(IMAGE, trap)
    with pytest.raises(UserError, match=r"of 4 parts .*3:4, .* \(the workers that tried it died"):
        run(on_cluster(array, model, out, client))


def test_folders_that_workers_do_not_see(
    client: Client, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = Path("/proc/self/cwd")  # another folder in each process
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match="no way to write to /proc/self/cwd; put the result into a folder"):
        run(on_cluster(IMAGE, model, mine / "x.zarr", client))
    assert sorted(tmp_path.iterdir()) == before
    zarr.create_array(tmp_path / "in.zarr", data=IMAGE, chunks=(1, 50, 50))
    unseen = da.from_zarr(mine / "in.zarr")
    with pytest.raises(UserError, match="reads other values from the input"):
        run(on_cluster(unseen, model, tmp_path / "x.zarr", client))


def test_an_active_client_is_used_unless_told_otherwise(
    cluster: LocalCluster, model: Model, tmp_path: Path
) -> None:
    options = OPTIONS | {"progress": False}
    with Client(cluster):
        before = cluster.scheduler.transition_counter
        alone = upscale(IMAGE, model, out=tmp_path / "alone.zarr", cluster=None, **options)
        assert cluster.scheduler.transition_counter == before
        shared = upscale(IMAGE, model, out=tmp_path / "shared.zarr", **options)
        assert cluster.scheduler.transition_counter > before
        np.testing.assert_array_equal(shared[:], alone[:])
        lazy = upscale(da.from_array(IMAGE, chunks=(1, 50, 50)), model, lazy=True, **OPTIONS)
        np.testing.assert_array_equal(lazy.compute(), alone[:])
        np.testing.assert_array_equal(lazy[2, 30:90, ::3].compute(), alone[2, 30:90, ::3])


def test_a_movie_is_made_clip_by_clip(client: Client, tmp_path: Path) -> None:
    temporal, movie = make_temporal_model(), moving_spots(9, 70, 50)
    expected = content(run(zarr_job(movie, temporal, tmp_path / "alone.ome.zarr", **OPTIONS)))
    made = run(on_cluster(movie, temporal, tmp_path / "x.ome.zarr", client))
    found = content(made)
    assert {name: found[name] for name in found if name.startswith("0/c")} == {
        name: expected[name] for name in expected if name.startswith("0/c")
    }
