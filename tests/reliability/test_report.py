"""What a report says of a result, and that no forgery makes it say better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dask import array as da
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import napari_srgan as sr
from napari_srgan import TrustReport, UserError
from napari_srgan.images.image import Image
from napari_srgan.models.card import ResultIntensity
from napari_srgan.networks import bicubic_upsample
from napari_srgan.quality.calibration import blocks_of, calibrate
from napari_srgan.reliability import TrustOptions, maps, trust_job
from napari_srgan.reliability.self_test import without_unclear

X2 = "microscopy-x2"


def cells(noise: float = 5.0, blur: float = 1.0, side: int = 128) -> NDArray[np.uint16]:
    draw = np.random.default_rng(3)
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side))
    for _ in range(40):
        at, radius = draw.uniform(0, side, 2), draw.uniform(3, 9)
        image += draw.uniform(200, 800) * (np.hypot(y - at[0], x - at[1]) < radius)
    return (gaussian_filter(image, blur) + 300 + draw.normal(0, noise, image.shape)).clip(0).astype(np.uint16)


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint16]:
    return cells()


@pytest.fixture(scope="module")
def result(image: NDArray[np.uint16]) -> NDArray[np.uint16]:
    made: NDArray[np.uint16] = sr.upscale(image, X2, progress=False)
    return made


def report(image: Any, result: Any, model: Any = X2, **options: Any) -> TrustReport:
    return sr.trust(image, result, model, progress=False, **options)


def test_it_says_what_it_found(image: Any, result: Any) -> None:
    told = report(image, result)
    assert told.sentences[0].startswith("The image carries detail to ")
    assert told.to_dict()["made_by_model"]
    assert told.self_test is None  # one model alone is not compared
    assert told.sentences[-1].startswith("There is no error map")
    assert told.errors is None
    assert told.added.shape == result.shape
    assert str(told) == "\n".join(told.sentences)
    assert json.loads(json.dumps(told.to_dict()))["channels"][0]["reach"] > 0


def test_methods_are_what_was_done(image: Any, result: Any) -> None:
    text = report(image, result).methods
    card = sr.load_model(X2).card
    assert "2 times along Y and X" in text
    assert sr.load_model(X2).weights_hash in text
    assert card.trained in text
    assert "- [x] Training data:\n  - " in text
    assert "- [ ] Show the image that was taken beside the result" in text


def forged(result: NDArray[np.uint16], way: str) -> NDArray[np.uint16]:
    other = np.rot90(result).astype(np.float64)
    detail = other - gaussian_filter(other, 2)
    made = result.astype(np.float64)
    if way == "other detail":
        made += detail
    elif way == "object":
        made[100:120, 100:130] += 2000
    else:
        made = made + 0.5 * (made - gaussian_filter(made, 1))
    return made.round().clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("way", ["other detail", "object", "sharpened"])
def test_a_forged_result_is_told_no_better_by_any_figure(image: Any, result: Any, way: str) -> None:
    honest, forgery = (report(image, one).to_dict() for one in (result, forged(result, way)))
    ours, theirs = (one["channels"][0] for one in (honest, forgery))
    assert (honest["made_by_model"], forgery["made_by_model"]) == (True, False)
    assert forgery["sentences"][0].startswith("This is not what the model makes of the image")
    assert "residual" not in theirs  # it is less where noise was put back
    # Nothing else in it is measured on the result.
    assert theirs == {key: value for key, value in ours.items() if key != "residual"}
    assert not {"error_map", "self_test_db_below_best"} & set(forgery)


def test_a_truth_is_compared_with_and_told_beside_bicubic_interpolation(image: Any, result: Any) -> None:
    truth = result.astype(np.float64) * 2 + 5
    told = sr.trust(image, result, X2, truth=truth, self_test=False, progress=False)
    assert told.validation is not None
    assert told.validation.gains == pytest.approx((2,))
    assert told.validation.psnr > 100 > (told.bicubic_psnr or 0) > 15
    assert told.sentences[0].startswith("Compared with the truth: ")
    figures = json.loads(json.dumps(told.to_dict()))["compared_with_truth"]
    assert figures["gains"] == pytest.approx([2])
    assert figures["bicubic_psnr"] == pytest.approx(told.bicubic_psnr, rel=1e-3)
    assert "compared_with_truth" not in report(image, result).to_dict()
    with pytest.raises(UserError, match="a truth of its own shape"):
        sr.trust(image, result, X2, truth=truth[1:], self_test=False, progress=False)


def test_a_truth_that_does_not_fit_is_refused_before_anything_is_computed(image: Any, result: Any) -> None:
    for wrong in (result[1:], np.full_like(result, 7)):
        job = trust_job(Image(image, "YX"), result, sr.load_model(X2), TrustOptions(truth=wrong))
        next(job)
        with pytest.raises(UserError, match="truth"):
            next(job)


def test_a_lazy_result_with_a_truth_is_read_once(image: Any, result: Any) -> None:
    read = []

    def block(pixels: NDArray[Any]) -> NDArray[Any]:
        read.append(pixels.shape)
        return pixels

    whole = da.from_array(result, chunks=result.shape)
    lazy = whole.map_blocks(block, dtype=result.dtype, meta=np.empty((0, 0), result.dtype))
    told = report(image, lazy, truth=result + 1.0, self_test=False)
    assert read == [result.shape]
    assert told.bicubic_psnr is not None


def test_the_truth_itself_has_no_figure_but_infinity(image: Any) -> None:
    """Both figures say it in one way, and what bicubic interpolation makes is a truth as any other."""
    smooth = bicubic_upsample(torch.from_numpy(image.astype(np.float64))[None, None], 2)[0, 0].numpy()
    told = report(image, smooth, truth=smooth, self_test=False).to_dict()
    figures = json.loads(json.dumps(told))["compared_with_truth"]
    assert figures["psnr"] == figures["bicubic_psnr"] == "inf"


def test_channels_of_a_result_are_brought_to_its_truth_each_by_itself(image: Any, result: Any) -> None:
    both, made = np.stack([image, image.T]), np.stack([result, result.T])
    truth = np.stack([made[0] * 2.0, made[1] * 0.1 + 5])
    told = report(both, made, axes="CYX", truth=truth, self_test=False).validation
    assert told is not None
    assert told.gains == pytest.approx((2, 0.1))
    assert told.psnr > 100


def test_projecting_back_is_offered_where_a_model_has_no_such_step(image: Any, result: Any) -> None:
    flat = (result * 0.8 + 0.2 * result.mean()).astype(np.uint16)
    assert not report(image, flat).can_be_projected_back  # microscopy-x2 has one
    blank = sr.load_model(X2)
    without = replace(
        blank,
        card=blank.card.model_copy(update={"arguments": {**blank.card.arguments, "back_projection": False}}),
    )
    told = sr.trust(image, flat, without, self_test=False, compare=(), progress=False)
    assert told.can_be_projected_back
    assert any("Project back" in sentence for sentence in told.sentences)
    assert not sr.trust(
        image, result, without, self_test=False, compare=(), progress=False
    ).can_be_projected_back


@pytest.mark.parametrize("how", [{"self_ensemble": True}, {"precision": "bfloat16"}, {"tile": 32}])
def test_a_result_is_known_again_however_it_was_made(image: Any, how: dict[str, Any]) -> None:
    made = sr.upscale(image, X2, progress=False, **how)
    assert report(image, made).to_dict()["made_by_model"]


def test_a_result_by_other_weights_or_of_a_part_alone_is_none(image: Any, result: Any) -> None:
    other = sr.upscale(image, "microscopy-x2", progress=False, region=((16, 80), (8, 100)))
    of_part = report(image, other, region=((16, 80), (8, 100)))
    assert of_part.to_dict()["made_by_model"]
    by_gan = sr.upscale(image, "microscopy-x4-gan", progress=False)
    told = report(image, by_gan, "microscopy-x4")
    assert not told.to_dict()["made_by_model"]
    corner = result.copy()
    corner[-20:, -20:] += 500  # in one corner only
    assert not report(image, corner).to_dict()["made_by_model"]


def test_noise_alone_is_said_to_show_nothing() -> None:
    noise = np.random.default_rng(0).poisson(np.full((96, 96), 20.0)).astype(np.uint16)
    told = report(noise, sr.upscale(noise, X2, progress=False))
    assert told.sentences[0].startswith("The image shows nothing that stands out of its noise")


def test_of_noise_that_neighbours_share_no_reach_and_no_gain_are_told() -> None:
    noise = np.random.default_rng(0).normal(0, 100, (128, 128))
    shared = (1000 + gaussian_filter(noise, 0.7)).astype(np.uint16)
    told = report(shared, sr.upscale(shared, X2, progress=False), self_test=False)
    assert sr.look_at(shared).shared
    assert "that neighbouring pixels share, so that it passes for detail" in told.sentences[0]
    assert not any(
        "carries detail" in sentence or "faithful model" in sentence for sentence in told.sentences
    )
    channel = json.loads(json.dumps(told.to_dict()))["channels"][0]
    assert channel["reach"] is channel["expected_gain_over_bicubic_db"] is None


def test_of_shapes_in_noise_no_more_is_said_than_is_known() -> None:
    y, x = np.mgrid[:128, :128]
    shape = 12.0 * (np.hypot(y - 64, x - 64) < 40)
    taken = np.random.default_rng(0).poisson(20 + shape).astype(np.uint16)
    told = report(taken, sr.upscale(taken, X2, progress=False), self_test=False)
    assert "fine detail that a result shows may be made of noise" in told.sentences[0]


@pytest.mark.parametrize(
    "odd",
    [
        np.full((64, 64), 7, np.uint16),
        np.zeros((1, 90), np.float32),
        np.arange(12.0).reshape(3, 4),
        np.full((40, 40), np.nan),
    ],
)
def test_images_of_which_nothing_can_be_told(odd: Any) -> None:
    told = report(odd, sr.upscale(odd, X2, progress=False))
    assert told.sentences[0].startswith("Nothing can be told of the image")
    assert told.self_test is None


def test_nan_and_colours_and_stacks(image: Any) -> None:
    with_nan = image.astype(np.float32)
    with_nan[30:34, 40] = np.nan
    told = report(with_nan, sr.upscale(with_nan, X2, progress=False))
    assert np.isnan(told.added).sum() == 4 * 4
    rgb = np.stack([image, image.T, image], axis=-1).astype(np.float32) / 1000
    coloured = report(rgb, sr.upscale(rgb, X2, progress=False))
    assert coloured.added.shape == (256, 256, 3)
    stack = np.stack([image, cells(blur=4)])
    both = report(stack, sr.upscale(stack, X2, axes="CYX", progress=False), axes="CYX")
    assert sorted(both.channels) == [0, 1]
    assert both.channels[0].detail.reach > both.channels[1].detail.reach
    assert both.sentences[0].startswith("Channel 0 of the image")


def test_a_result_of_another_image_is_refused(image: Any, result: Any) -> None:
    with pytest.raises(UserError, match="this is not the image that was given"):
        report(image.T[::-1], result)
    with pytest.raises(UserError, match="this is not the image that was given"):
        report(image, np.roll(result, 60, 1))
    with pytest.raises(UserError, match="is none of an image of shape"):
        report(image[:-1], result)
    with pytest.raises(UserError, match="nothing says which model"):
        report(image, result, None)


def test_a_result_in_other_grey_levels_is_said_to_be_one(image: Any, result: Any) -> None:
    told = str(report(image, (result / 255).astype(np.float32)))
    assert "the grey levels of the result are about 0.0039" in told
    brighter = report(image, (result * 1.5 + 2000).astype(np.float32)).channels[0].consistency.levels
    assert brighter == pytest.approx((1.5, 2000), rel=0.02)
    with pytest.raises(UserError, match="no finite values"):
        report(image, np.full(result.shape, np.nan))


def test_an_inverted_result_is_said_to_be_one_and_not_to_lie_elsewhere(image: Any, result: Any) -> None:
    told = report(image, result.max() - result)
    assert told.channels[0].consistency.levels == pytest.approx((-1, float(result.max())), rel=0.02)
    assert not any("beside it" in sentence for sentence in told.sentences)


def test_a_result_that_took_off_strong_noise_is_no_other_image() -> None:
    clean = cells(noise=0).astype(np.float64)
    noisy = clean + np.random.default_rng(0).normal(0, 1.5 * clean.std(), clean.shape)
    told = report(noisy, clean.repeat(2, 0).repeat(2, 1))
    assert not told.channels[0].loses_more_than_noise


@pytest.mark.parametrize(("pixels", "told"), [(4, 2.0), (-1, -0.5), (0, None)])
def test_a_shift_is_told_in_pixels_of_the_image(image: Any, result: Any, pixels: int, told: float) -> None:
    one = report(image, np.roll(result, pixels, 1)).channels[0]
    if told is None:
        assert one.consistency.shift is None
    else:
        assert one.consistency.shift == pytest.approx((0, told), abs=0.1)
    said = any("beside it" in sentence for sentence in report(image, np.roll(result, pixels, 1)).sentences)
    assert said == (told is not None)


def test_a_bright_shape_in_noise_is_not_called_nothing() -> None:
    y, x = np.mgrid[:128, :128]
    shape = 60 * gaussian_filter((np.hypot(y - 128, x - 128) < 90).astype(float), 8)
    noisy = np.random.default_rng(1).poisson(5 + shape).astype(np.float32)
    told = report(noisy, sr.upscale(noisy, X2, progress=False))
    assert "nothing that stands out" not in told.sentences[0]


def test_an_image_without_noise_is_not_said_to_have_some() -> None:
    smooth = gaussian_filter(np.random.default_rng(0).normal(0, 1, (160, 160)), 2)
    told = str(report(smooth, sr.upscale(smooth, X2, progress=False)))
    assert "There is hardly any noise in it to measure detail by" in told
    assert "take off noise" not in told


@pytest.mark.parametrize(("noise", "much"), [(4.0, False), (12.0, True)])
def test_a_gain_is_put_down_to_noise_only_where_there_is_some_to_speak_of(noise: float, much: bool) -> None:
    """What Upscale calls hardly any noise, the report does not call the reason of a gain."""
    image = cells(noise=noise, blur=2)
    told = report(image, image.repeat(2, 0).repeat(2, 1), self_test=False)
    assert told.channels[0].expectation.noise_share > 0.5
    assert ("hardly any noise" in str(sr.look_at(image))) != much
    assert ("takes off noise" in str(told)) == much


def test_another_kind_of_image_is_not_judged_by_its_likeness(image: Any, tiny_model: Any) -> None:
    storm = tiny_model(2)
    storm = replace(
        storm,
        card=storm.card.model_copy(update={"result": ResultIntensity(offset=0, span=5, dtype="float32")}),
    )
    floats = image.astype(np.float32)
    told = report(floats, sr.upscale(floats, storm, progress=False), storm)
    assert told.self_test is None
    assert "The model makes another kind of image of it" in str(told)
    assert "ubic interpolation is about as good" not in str(told)
    with pytest.raises(UserError, match="cannot be compared on an image made small"):
        report(image, image.repeat(2, 0).repeat(2, 1), X2, compare=[storm])


def test_orientations_of_time_lapses_are_refused_before_anything_is_done(image: Any) -> None:
    movie = np.stack([image] * 5)
    with pytest.raises(UserError, match="is for time-lapses"):
        report(movie, movie.repeat(2, 1).repeat(2, 2), "timelapse-x2", axes="TYX", disagreement=True)


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_the_largest_numbers_are_told_of() -> None:
    huge = cells().astype(np.float64) * 1e300
    told = report(huge, sr.upscale(huge, X2, progress=False))
    assert told.sentences[0].startswith("Nothing can be told of the image")
    tiny = cells().astype(np.float64) * 1e-60
    assert (
        report(tiny, sr.upscale(tiny, X2, progress=False), compare=[sr.load_model(X2)]).self_test is not None
    )
    compared = sr.validate(huge, huge * 0.5 + 1e299)
    assert compared.gains == pytest.approx((0.5,))
    assert compared.ssim == pytest.approx(1)


def test_a_region_is_compared_with_its_part(image: Any) -> None:
    region = ((10, 90), (5, 101))
    part = sr.upscale(image, X2, region=region, progress=False)
    told = report(image, part, region=region)
    assert told.added.shape == part.shape
    with pytest.raises(UserError):
        report(image, part, region=((40, 120), (5, 101)))
    with pytest.raises(UserError, match="is none of the region"):
        report(image, part, region=((10, 50), (5, 101)))
    with pytest.raises(UserError, match="is none of the region"):
        report(image, part, region=((10, 900), (5, 101)))
    with pytest.raises(UserError, match="a region is"):
        report(image, part, region=3)


def test_orientations_disagree_where_a_model_is_unsure(image: Any, result: Any) -> None:
    told = report(image, result, disagreement=True)
    found = told.disagreement
    assert found is not None
    assert any("Turned and mirrored, the image gives results that differ" in one for one in told.sentences)
    (figures,) = told.to_dict()["disagreement"]
    assert figures["typical"] == pytest.approx(np.sqrt(np.mean(found.spread**2)), rel=1e-3)
    mean = sr.upscale(image.astype(np.float32), X2, self_ensemble=True, progress=False)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-3)
    assert found.spread.min() >= 0
    turned = report(image.T, result.T, disagreement=True).disagreement
    assert turned is not None
    np.testing.assert_allclose(turned.spread.T, found.spread, atol=0.05 * found.spread.max())


def test_upscaling_and_report_in_one_call(image: Any, result: Any, tmp_path: Path) -> None:
    made, told = sr.upscale(image, X2, trust=True, progress=False)
    np.testing.assert_array_equal(made, result)
    assert "Settings: device cpu, precision" in told.methods
    assert told.to_dict() == report(image, result).to_dict()
    stored, lazily = sr.upscale(image, X2, trust=True, out=tmp_path / "a.zarr", progress=False)
    np.testing.assert_array_equal(stored[:], result)
    np.testing.assert_allclose(np.asarray(lazily.added), told.added, atol=1e-3)
    assert json.loads((tmp_path / "a.zarr.trust.json").read_text())["channels"] == told.to_dict()["channels"]
    assert "## Methods" in (tmp_path / "a.zarr.trust.md").read_text()
    with pytest.raises(UserError, match="no result yet"):
        sr.upscale(image, X2, trust=True, lazy=True)


def test_the_error_map_of_a_result_on_disk_is_that_of_one_in_memory(
    image: Any, tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model(2)
    made = sr.upscale(image, model, progress=False)
    result = sr.upscale(cells(noise=9).astype(np.float32), model, progress=False).astype(np.float64)
    blocks = blocks_of(result, result + np.random.default_rng(0).normal(0, 20, result.shape))
    table = calibrate(blocks)
    assert table is not None
    tuned = replace(model, card=model.card.model_copy(update={"errors": table}))
    whole = report(image, made, tuned, self_test=False).errors
    monkeypatch.setattr(maps, "MAP_TILE", 48)  # tiles do not show
    stored, told = sr.upscale(image, tuned, trust=True, out=tmp_path / "a.zarr", progress=False)
    np.testing.assert_array_equal(stored[:], made)
    assert whole is not None
    assert told.errors is not None
    assert not isinstance(told.errors.half_width, np.ndarray)
    np.testing.assert_allclose(told.errors.half_width.compute(), whole.half_width)
    assert told.errors.outside == whole.outside
    assert np.nanmin(whole.half_width) < np.nanmax(whole.half_width)


def test_a_sharp_model_is_compared_with_its_faithful_partner(image: Any) -> None:
    small = image[:96, :96]
    told = report(small, sr.upscale(small, "microscopy-x4-gan", progress=False), "microscopy-x4-gan")
    assert told.self_test is not None
    assert set(told.self_test.gains) == {"microscopy-x4-gan", "microscopy-x4"}
    assert any("is invented to look right" in sentence for sentence in told.sentences)


def test_a_blend_with_a_sharp_model_is_told_of_as_one(image: Any) -> None:
    small = image[:96, :96]
    blend = sr.blend("microscopy-x4", "microscopy-x4-gan", 0.95)
    told = report(small, sr.upscale(small, blend, progress=False), blend)
    assert told.self_test is not None
    assert {*told.self_test.gains, *told.self_test.unclear} == {blend.name, "microscopy-x4"}
    assert blend.name in told.self_test.unclear or (
        told.self_test.gains[blend.name] <= told.self_test.gains["microscopy-x4"]
    )
    assert any("is invented to look right" in sentence for sentence in told.sentences)
    assert "with 95 % of microscopy-x4-gan" in told.methods
    assert "trained for not trained" not in told.methods
    assert len(told.methods.split("## Methods")[1].strip().split("\n\n")[0].splitlines()) == 1


def test_what_trained_a_model_of_others_is_said_to_be_unknown(image: Any, tiny_model: Any) -> None:
    unknown = tiny_model(name="theirs")
    told = report(image, sr.upscale(image, unknown, progress=False), unknown, self_test=False)
    assert any(s.startswith("It is not known whether the model was trained to look") for s in told.sentences)
    known = replace(unknown, card=unknown.card.model_copy(update={"recipe": {"gan": None}}))
    told = report(image, sr.upscale(image, known, progress=False), known, self_test=False)
    assert "discriminator" not in str(told)


def test_one_model_or_several_are_compared_with(image: Any) -> None:
    small = image[:96, :96]
    result = sr.upscale(small, "microscopy-x4-gan", progress=False)
    for compare in ("microscopy-x4", ["microscopy-x4"], sr.load_model("microscopy-x4")):
        told = report(small, result, "microscopy-x4-gan", compare=compare)
        assert told.self_test is not None
        assert "microscopy-x4" in told.self_test.gains


def test_projecting_back_knows_the_region(image: Any) -> None:
    region = ((10, 74), (20, 68))
    part = sr.upscale(image, X2, region=region, progress=False)
    whole = sr.project_back(image[10:74, 20:68], part)
    mended = sr.project_back(image, part, region=region)
    np.testing.assert_array_equal(mended[16:-16, 16:-16], whole[16:-16, 16:-16])
    with pytest.raises(UserError, match="is none of an image of shape"):
        sr.project_back(image, part)
    with pytest.raises(UserError, match="is none of the region"):
        sr.project_back(image, part, region=((10, 70), (20, 68)))
    with pytest.raises(UserError, match="and its region if it is of a part"):
        sr.project_back(image, part[:, :64], region=region)
    quarter = sr.upscale(image, "microscopy-x4", region=((0, 64), (0, 64)), progress=False)
    with pytest.raises(UserError, match="this is not the image that was given"):  # of a factor of 2
        sr.project_back(image, quarter)


def test_a_sharp_model_is_never_placed_above_a_faithful_one() -> None:
    found = without_unclear({"faithful": 1.0, "sharp": 1.4, "sharper": 0.2}, {"sharp", "sharper"})
    assert found.gains == {"faithful": 1.0, "sharper": 0.2}
    assert found.unclear == ("sharp",)
    assert "sharp and faithful could not be told apart" in found.sentence
    assert without_unclear({"sharp": 1.4}, {"sharp"}).gains == {"sharp": 1.4}
