"""Upscaling into a store: the same as in memory, and it goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan import upscale
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.inference.devices import memory
from napari_srgan.inference.engine import Engine
from napari_srgan.models import Model
from napari_srgan.results.existing_result import read_state
from napari_srgan.results.input_checksum import UNSEEN, as_far_as_seen, likeness
from timelapses import KINDS, make_temporal_model, moving_spots
from upscalings import zarr_job

IMAGE = np.random.default_rng(0).integers(100, 4000, (3, 150, 130), dtype=np.uint16)
EXACT: dict[str, Any] = {"device": "cpu", "precision": "float32"}


@pytest.fixture
def model(tiny_model: Any) -> Model:
    made: Model = tiny_model()
    return made


def to_zarr(image: Any, model: Model, out: Path, **options: Any) -> np.ndarray:
    result: np.ndarray = upscale(image, model, out=out, progress=False, **(EXACT | options))[:]
    return result


@pytest.mark.parametrize("region", [None, ((11, 90), (7, 130))])
def test_the_result_is_the_one_in_memory(model: Model, tmp_path: Path, region: Any) -> None:
    expected = upscale(IMAGE, model, axes="TYX", tile=32, progress=False, **EXACT)
    if region:
        (top, bottom), (left, right) = np.multiply(region, model.scale_factor)
        expected = expected[:, top:bottom, left:right]
    got = to_zarr(IMAGE, model, tmp_path / "out.zarr", axes="TYX", tile=32, region=region)
    np.testing.assert_array_equal(got, expected)


def test_a_result_of_the_same_size(tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model(1)
    source = tmp_path / "x.ome.tif"
    size = {"PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.4, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(source, IMAGE, metadata={"axes": "ZYX", **size})
    got = to_zarr(source, model, tmp_path / "y.ome.zarr", tile=32)
    np.testing.assert_array_equal(got, upscale(IMAGE, model, axes="ZYX", tile=32, progress=False, **EXACT))
    with open_image(source) as given, open_image(tmp_path / "y.ome.zarr") as made:
        assert made.data.shape == given.data.shape
        assert made.spacings == given.spacings


def test_colours(model: Model, tmp_path: Path) -> None:
    picture = IMAGE.transpose(1, 2, 0).astype(np.uint8)
    got = to_zarr(picture, model, tmp_path / "out.ome.zarr", tile=32)
    expected = upscale(picture, model, tile=32, progress=False, **EXACT)
    np.testing.assert_array_equal(got, expected.transpose(2, 0, 1))


def test_a_file_becomes_a_store_in_the_same_place(model: Model, tmp_path: Path) -> None:
    source = tmp_path / "x.ome.tif"
    size = {"PhysicalSizeX": 0.2, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.4, "PhysicalSizeYUnit": "µm"}
    tifffile.imwrite(source, IMAGE, metadata={"axes": "ZYX", **size})
    upscale(source, model, out=tmp_path / "y.ome.zarr", progress=False)
    with open_image(tmp_path / "y.ome.zarr") as image:
        assert image.axes == "ZYX"
        assert [spacing.size for spacing in image.spacings[1:]] == pytest.approx([0.2, 0.1])
        # The centre of the first fine pixel lies a quarter of a coarse one before that one's.
        assert [spacing.origin for spacing in image.spacings[1:]] == pytest.approx([-0.1, -0.05])


def test_a_path_without_a_place_for_the_result_is_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"x\.tif' is a path; say where the result goes"):
        upscale(tmp_path / "x.tif", model, progress=False)


def stopped_after(steps: int, image: Any, model: Model, out: Path, **options: Any) -> None:
    job = zarr_job(image, model, out, **(EXACT | options))
    for _ in range(steps):
        next(job)
    job.close()


def test_a_stopped_run_goes_on_with_its_own_tiles(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.zarr"
    expected = to_zarr(IMAGE, model, tmp_path / "undisturbed.zarr", axes="TYX")
    stopped_after(3, IMAGE, model, out, axes="TYX")
    state = read_state(out)
    assert state is not None
    # Much less memory than before.
    monkeypatch.setattr(memory, "HOST_BUDGET", 1)
    np.testing.assert_array_equal(to_zarr(IMAGE, model, out, axes="TYX"), expected)
    assert zarr.open(out, mode="r").attrs["napari-srgan"]["tile"] == state["fingerprint"]["tile"]


def test_another_upscaling_does_not_go_on_with_it(model: Model, tmp_path: Path) -> None:
    out = tmp_path / "out.zarr"
    stopped_after(3, IMAGE, model, out, axes="TYX", tile=32)
    with pytest.raises(UserError, match=r"was begun otherwise .*self_ensemble: False, now True"):
        to_zarr(IMAGE, model, out, axes="TYX", tile=32, self_ensemble=True)
    brighter = IMAGE + 100
    with pytest.raises(UserError, match=r"was begun otherwise .*intensity"):
        to_zarr(brighter, model, out, axes="TYX", tile=32)
    got = to_zarr(brighter, model, out, axes="TYX", tile=32, overwrite=True)
    np.testing.assert_array_equal(got, upscale(brighter, model, axes="TYX", tile=32, progress=False, **EXACT))


def test_another_image_of_the_same_name_does_not_pass_for_it(tiny_model: Any, tmp_path: Path) -> None:
    model, source, out = tiny_model(channels=3, intensity="byte"), tmp_path / "x.tif", tmp_path / "out.zarr"
    picture = np.tile(IMAGE[0, :, :, None], 3).astype(np.uint8)
    tifffile.imwrite(source, picture, photometric="rgb")
    to_zarr(source, model, out)
    tifffile.imwrite(source, np.flip(picture, 0), photometric="rgb")
    with pytest.raises(UserError, match=r"exists already and was made otherwise \(pixels_looked_at"):
        to_zarr(source, model, out)


def test_an_image_is_known_again_when_its_damaged_part_is_mended() -> None:
    class Damaged:
        shape, dtype = IMAGE.shape, IMAGE.dtype

        def __getitem__(self, key: Any) -> np.ndarray:
            if key[0] == 1:
                raise UserError("it is damaged")
            return IMAGE[key]

    whole, damaged = likeness(IMAGE, "TYX"), likeness(Damaged(), "TYX")  # type: ignore[arg-type]
    other = likeness(IMAGE + 1, "TYX")
    assert 0 < damaged.count(UNSEEN) < len(damaged)
    assert as_far_as_seen(damaged, whole) == damaged
    assert as_far_as_seen(whole, damaged) == whole
    assert as_far_as_seen(damaged, other) != damaged
    assert as_far_as_seen(None, damaged) == damaged


def test_a_finished_result_is_not_computed_again(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.zarr"
    first = to_zarr(IMAGE, model, out, axes="TYX")
    before = (out / "zarr.json").stat().st_mtime_ns
    monkeypatch.setattr(memory, "HOST_BUDGET", 1)
    np.testing.assert_array_equal(to_zarr(IMAGE, model, out, axes="TYX"), first)
    assert (out / "zarr.json").stat().st_mtime_ns == before


def test_an_input_that_disappears_is_told_and_what_is_done_is_kept(model: Model, tmp_path: Path) -> None:
    source, out = tmp_path / "x.zarr", tmp_path / "out.zarr"
    zarr.create_array(source, data=IMAGE, chunks=(1, 150, 130))
    with open_image(source) as image:
        job = zarr_job(image.data, model, out, axes="TYX", still_there=image.still_there, **EXACT)
        next(job)
        source.rename(tmp_path / "moved.zarr")
        with pytest.raises(UserError, match=r"x\.zarr has disappeared"):
            list(job)
    assert read_state(out) is not None


# --- Time-lapses -----------------------------------------------------------------------------

MOVIE = moving_spots(9, 66, 50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["out.zarr", "out.ome.zarr"])
def test_a_movie_is_the_one_in_memory(kind: str, name: str, tmp_path: Path) -> None:
    temporal = make_temporal_model(kind)
    expected = upscale(MOVIE, temporal, axes="TYX", tile=32, progress=False, **EXACT)
    got = to_zarr(MOVIE, temporal, tmp_path / name, axes="TYX", tile=32)
    np.testing.assert_array_equal(got, expected)


def test_a_clip_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, run = [], Engine.compute

    def counted(self: Engine, made: Any, *rest: Any) -> Any:
        runs.append(made)
        return run(self, made, *rest)

    monkeypatch.setattr(Engine, "compute", counted)
    channels = np.stack([MOVIE, MOVIE[:, ::-1]], axis=1)
    got = to_zarr(channels, make_temporal_model(), tmp_path / "out.ome.zarr", axes="TCYX", tile=32)
    # Clips of 4 frames, each of 3 x 2 tiles, of both channels.
    assert (len(runs), got.shape) == (3 * 6 * 2, (9, 2, 132, 100))


def test_a_stopped_movie_goes_on(tmp_path: Path) -> None:
    temporal = make_temporal_model()
    expected = to_zarr(MOVIE, temporal, tmp_path / "undisturbed.ome.zarr", axes="TYX", tile=16)
    out = tmp_path / "out.ome.zarr"
    stopped_after(3, MOVIE, temporal, out, axes="TYX", tile=16)
    with pytest.raises(UserError, match=r"was begun otherwise .*time: "):
        to_zarr(MOVIE, make_temporal_model(clip=3), out, axes="TYX", tile=16)
    np.testing.assert_array_equal(to_zarr(MOVIE, temporal, out, axes="TYX", tile=16), expected)


def test_one_frame_of_a_movie_is_read_alone(tmp_path: Path) -> None:
    out = tmp_path / "out.zarr"
    to_zarr(MOVIE, make_temporal_model(), out, axes="TYX", tile=32)
    stored = zarr.open_array(out, mode="r")
    assert (stored.chunks[0], stored.shards and stored.shards[0]) == (1, 4)
