"""What a report says is understood as it is meant, and can be pasted into a paper."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask import array as da
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

import napari_srgan as sr
from napari_srgan import TrustReport
from napari_srgan.acquisition import Acquisition, look_at
from napari_srgan.acquisition.choice import notes_on_input, why_unsuited
from napari_srgan.images.image import Image
from napari_srgan.images.look import ChannelLook, ImageLook
from napari_srgan.images.spacing import Spacing
from napari_srgan.inference.movies.timeline import NOT_IN_ORDER
from napari_srgan.models import load_model
from napari_srgan.models.card import Baseline, PairRecord, Quality, ResultIntensity
from napari_srgan.progress import Job
from napari_srgan.reliability import TrustOptions, trust_job
from napari_srgan.reliability.expectation import MEDIAN_ERROR
from napari_srgan.reliability.methods import methods_text
from napari_srgan.reliability.naming import Naming
from napari_srgan.reliability.self_test import SelfTest
from napari_srgan.reliability.spread import BLOCK, spread_of

X2 = "microscopy-x2"
MICROMETRES = Spacing(0.13, "micrometer")


def cells(
    blur: float | tuple[float, float] = 1.0, noise: float = 5.0, side: int = 128
) -> NDArray[np.float32]:
    draw = np.random.default_rng(3)
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side))
    for _ in range(40):
        at, radius = draw.uniform(0, side, 2), draw.uniform(3, 9)
        image += draw.uniform(200, 800) * (np.hypot(y - at[0], x - at[1]) < radius)
    made = gaussian_filter(image, blur) + 300 + draw.normal(0, noise, image.shape)
    return np.asarray(made, np.float32)


def finished(job: Job[Any]) -> Any:
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def told(image: Image, model: Any = X2, **options: Any) -> TrustReport:
    used = load_model(model) if isinstance(model, str) else model
    result = sr.upscale(image.pixels, used, axes=image.axes, progress=False)
    report: TrustReport = finished(trust_job(image, result, used, TrustOptions(**options)))
    return report


@pytest.fixture(scope="module")
def noisy() -> TrustReport:
    """Of an image whose noise is most of what bicubic interpolation gets wrong."""
    image = Image(cells(2, 60), "YX", (MICROMETRES,) * 2, ImageLook("cells"))
    return told(image, disagreement=True)


@pytest.fixture(scope="module")
def sharp() -> TrustReport:
    return told(Image(cells(1, side=96), "YX"), "microscopy-x4-gan", disagreement=True)


# How fine detail is.


def test_the_reach_is_told_as_a_size_along_the_axis_where_it_ends_first() -> None:
    along = Spacing(0.2, "micrometer")
    report = told(Image(cells((2.5, 0.5)), "YX", (along, MICROMETRES)))
    detail = report.channels[0].detail
    assert detail.along_y < detail.along_x
    said = re.fullmatch(
        r"The image carries detail to (\d+) % of what its pixels could hold "
        r"\((\d+) % along Y, (\d+) % along X\): finer than about ([\d.]+) of its pixels \(([\d.]+) µm\) "
        r"nothing stands out of its noise\.",
        report.sentences[0],
    )
    assert said is not None
    share, along_y, along_x, pixels, size = map(float, said.groups())
    assert share <= along_y < along_x
    assert pixels == pytest.approx(2 / min(detail.reach, detail.along_y), abs=0.05)
    assert size == pytest.approx(0.2 * pixels, rel=0.05)
    channel = json.loads(json.dumps(report.to_dict()))["channels"][0]
    assert channel["finest_detail_pixels"] == pytest.approx(pixels, abs=0.05)
    turned = told(Image(cells((2.5, 0.5)).T, "YX", (along, MICROMETRES)))
    assert "µm" in turned.sentences[0]
    assert turned.channels[0].detail.coarser_axis == "X"


def test_a_difference_between_the_axes_is_not_hidden_in_their_mean() -> None:
    """52 and 60 % were once told as 60 %."""
    report = told(Image(cells((1.4, 1.2)), "YX"))
    detail = report.channels[0].detail
    assert 0.03 < detail.along_x - detail.along_y < 0.2
    assert report.sentences[0].startswith(f"The image carries detail to {100 * detail.sure_reach:.0f} %")


def test_without_a_unit_no_length_is_told() -> None:
    for spacing in (Spacing(), Spacing(2.0), Spacing(1, "second")):
        assert Naming(y=spacing, x=spacing).length(3, "Y") == Naming(y=spacing, x=spacing).pixel() == ""
    assert Naming(y=MICROMETRES, x=MICROMETRES).pixel(2) == "0.065 x 0.065 µm"


# What can be expected.


def test_the_expected_gain_is_an_estimate_and_says_how_far_off_such_are(noisy: TrustReport) -> None:
    (said,) = [one for one in noisy.sentences if "faithful model that knows such images" in one]
    assert said.startswith("As estimated from its spectrum, and not measured on this result")
    assert f"half of such estimates were off by more than {MEDIAN_ERROR[2]} dB" in said
    (share,) = [one for one in noisy.sentences if "a mild blur would take off a part of it, too" in one]
    assert noisy.channels[0].expectation.noise_share > 0.9
    assert share.startswith(("9", "More than 99 %"))


def test_the_errors_of_estimates_are_those_of_the_benchmark() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    for factor, error in MEDIAN_ERROR.items():
        assert re.search(rf"^\| x{factor}, all \|.*\| {error} dB \|$", page, re.MULTILINE), factor


# What was checked.


def test_checks_that_passed_are_told(noisy: TrustReport) -> None:
    assert any(
        one.endswith("was computed again, and is what the model makes of the image.")
        for one in noisy.sentences
    )
    kept = "Made small again, the result is the image but for its noise: brightness and place are kept."
    assert kept in noisy.sentences
    figures = noisy.to_dict()
    assert figures["made_by_model"] is figures["keeps_brightness_and_place"] is True


@pytest.mark.parametrize("forgery", [lambda r: r * 1.2, lambda r: np.roll(r, 2, 1), lambda r: r + 1e3])
def test_no_check_passes_for_a_result_that_the_model_did_not_make(forgery: Any) -> None:
    image = cells(1)
    result = forgery(sr.upscale(image, X2, progress=False))
    report = sr.trust(image, result, X2, progress=False)
    assert "brightness and place are kept" not in str(report)
    assert "is what the model makes" not in str(report).split("\n", 1)[1]
    assert report.to_dict()["made_by_model"] is False
    assert report.to_dict()["keeps_brightness_and_place"] is None


def test_what_could_not_be_checked_is_not_said_to_have_passed() -> None:
    noise = np.random.default_rng(0).poisson(np.full((96, 96), 20.0)).astype(np.uint16)
    report = told(Image(noise, "YX"))
    assert report.to_dict()["keeps_brightness_and_place"] is None
    assert "brightness and place" not in str(report)


def test_a_channel_that_lost_something_is_told_beside_those_that_did_not(tiny_model: Any) -> None:
    image = np.stack([cells(1), cells(3)])
    report = told(Image(image, "CYX", None, ImageLook(channels=(ChannelLook("actin"), ChannelLook("mito")))))
    assert report.keeps_brightness_and_place
    assert "in all channels that were looked at: brightness and place are kept" in str(report)
    lost = replace(
        report.channels[0],
        consistency=replace(report.channels[0].consistency, residual=1e3, shift=None, levels=None),
    )
    assert replace(report, channels={**report.channels, 0: lost}).kept == {0: False, 1: True}


# Names.


def test_channels_are_called_by_their_names() -> None:
    image = np.stack([cells(1), cells(3)])
    look = ImageLook(channels=(ChannelLook("actin"), ChannelLook("mito")))
    report = told(Image(image, "CYX", None, look), disagreement=True)
    assert report.sentences[0].startswith("Channel 'actin' of the image carries detail")
    assert any(one.startswith("Channel 'mito' of the image") for one in report.sentences)
    assert "in channel 'actin' by" in str(report)
    assert not re.search(r"[Cc]hannel \d", str(report))
    assert [one["name"] for one in report.to_dict()["channels"]] == ["actin", "mito"]
    truth = np.stack([image[0].repeat(2, 0).repeat(2, 1) * 2, image[1].repeat(2, 0).repeat(2, 1) * 3])
    assert "channel 'mito': brightness matched" in str(told(Image(image, "CYX", None, look), truth=truth))
    assert told(Image(image, "CYX")).sentences[0].startswith("Channel 0 of the image")


# Sharp models.


def test_what_the_models_line_says_of_sharp_models_is_in_both_files(
    sharp: TrustReport, tmp_path: Path
) -> None:
    for file in sharp.write(tmp_path / "a.tif"):
        text = file.read_text(encoding="utf-8")
        assert "fine detail of its results is invented" in text
        assert "is not to be quantified" in text


def test_a_comparison_of_models_is_understood_at_once() -> None:
    said = SelfTest({"sharp": -1.0, "faithful": 3.8}).sentence
    assert "the right answer is known: sharp was 4.8 dB farther from it than faithful." in said
    assert said.endswith("and does not tell how right the result is.")


# Orientations.


def test_disagreement_is_told_where_it_is_most_and_in_parts_of_the_contrast() -> None:
    mean = np.zeros((1, 10 * BLOCK, 10 * BLOCK), np.float32)
    mean[0, :, BLOCK:] = 200
    spread = np.zeros_like(mean)
    spread[0, :BLOCK, : 5 * BLOCK] = 30  # five of a hundred blocks
    found = spread_of(mean, spread, "CYX")[0]
    assert found.most == pytest.approx(30)
    assert found.typical == pytest.approx(30 * np.sqrt(0.05))
    assert found.contrast == pytest.approx(200)
    assert "differ most, by 30 grey levels or 15 % of the contrast" in found.words


@pytest.mark.parametrize("shape", [(7, 5), (2, 40, 33), (2, 3, 17, 90), (35, 30, 3)])
def test_disagreement_of_any_shape(shape: tuple[int, ...]) -> None:
    axes = {2: "YX", 3: "CYX", 4: "CZYX"}[len(shape)] if shape[-1] != 3 else "YXS"
    spread = np.full(shape, 4.0, np.float32)
    spread[..., :2, :2] = np.nan
    found = spread_of(np.ones(shape, np.float32), spread, axes)
    assert len(found) == (shape[0] if "C" in axes else 1)
    for one in found.values():
        assert (one.typical, one.most, one.contrast) == pytest.approx((4, 4, 0))
        assert "%" not in one.words
    nothing = spread_of(np.ones(shape), np.full(shape, np.nan), axes)[0]
    assert (nothing.typical, nothing.most) == (0, 0)


def test_of_faithful_models_chance_is_not_spoken_of(noisy: TrustReport, sharp: TrustReport) -> None:
    assert "matter of chance" not in str(noisy)
    assert "so that this tells little of how right detail is" in str(noisy)
    assert "Where they differ most, detail is a matter of chance" in str(sharp)
    for report in (noisy, sharp):
        assert "they may be wrong all the same" in str(report)
        (figures,) = report.to_dict()["disagreement"]
        assert 0 < figures["typical"] < figures["in_twentieth_of_blocks_with_most"] < figures["contrast"]


# Methods.

ADVICE = re.compile(
    r"\b(you|your|we|our|expect|choose|look whether|train longer|give|sort them|take a model|bring it to|"
    r"project back|fine-tune|fine-tuning (on|the)|do not use|trust its)\b",
    re.IGNORECASE,
)


def without_checklist(methods: str) -> str:
    return methods.split("### Checklist")[0]


def test_methods_can_be_pasted(noisy: TrustReport, sharp: TrustReport) -> None:
    for report in (noisy, sharp):
        text = without_checklist(report.methods)
        assert not ADVICE.search(text), ADVICE.search(text)
        assert ADVICE.search(str(report))  # it stays in the window
    assert (
        "The image 'cells', with pixels of 0.13 x 0.13 µm, was upscaled 2 times along Y and X, to pixels of "
    )
    assert without_checklist(noisy.methods).count("\n\n") == 3  # a heading and two paragraphs


def test_methods_name_image_and_pixels(noisy: TrustReport, sharp: TrustReport) -> None:
    assert (
        "The image 'cells', with pixels of 0.13 x 0.13 µm, was upscaled 2 times along Y and X, to pixels of "
        "0.065 x 0.065 µm, with napari-srgan"
    ) in noisy.methods
    assert "The image was upscaled 4 times along Y and X with napari-srgan" in sharp.methods


def test_methods_of_models_that_lost_and_of_other_kinds_give_no_advice(tiny_model: Any) -> None:
    model = tiny_model(2)
    figures = {
        "pairs": (PairRecord(name="mine", shape=(64, 64)),),
        "quality": (Quality(images="mine", psnr=20, bicubic_psnr=25, protocol="held back"),),
        "baseline": Baseline(bicubic=25),
        "recipe": {"gan": None},
    }
    for more in (
        {},
        {"result": ResultIntensity(offset=0, span=5, dtype="float32")},
        {"recipe": {"gan": "x"}},
    ):
        tuned = replace(model, card=model.card.model_copy(update={**figures, **more}))
        assert "Not better" in tuned.card.comparison
        assert tuned.card.verdict == f"{tuned.card.comparison} {tuned.card.comparison_advice}"
        text = without_checklist(told(Image(cells(1), "YX"), tuned).methods)
        assert "Not better" in text
        assert not ADVICE.search(text), ADVICE.search(text)


def test_notes_of_the_record_keep_what_is_so_without_what_to_do() -> None:
    noise = np.random.default_rng(0).poisson(np.full((128, 128), 9.0)).astype(np.uint16)
    clean, usual = load_model("photo-x4-rdn"), load_model(X2)
    drowned = Acquisition(noisy=True, noise=0.9, photons=1.0, drowned=True)
    cards = [load_model(name).card for name in (X2, "timelapse-x2", "photo-x4")]
    notes = [
        *notes_on_input(noise, "YX", clean.card),
        *(why_unsuited(clean.card, look_at(noise), among, movie=movie)
          for among in (cards, cards[1:2], cards[2:], []) for movie in (False, True)),
        why_unsuited(clean.card, drowned, []),
        NOT_IN_ORDER,
    ]  # fmt: skip
    assert all(notes)
    for note in notes:
        text = without_checklist(methods_text(usual, {"notes": [note]}, Naming(), []))
        assert not ADVICE.search(text), note
        assert note.split(":")[0][1:] in text


def test_lists_of_the_checklist_have_one_item_a_line(noisy: TrustReport) -> None:
    card = load_model(X2).card
    lines = noisy.methods.splitlines()
    at = lines.index("- [x] Training data:")
    assert lines[at + 1 : at + 1 + len(card.attribution)] == [
        f"  - {' '.join(one.split())}" for one in card.attribution
    ]
    at = lines.index("- [x] Performance on images not trained on:")
    assert lines[at + 1].startswith(f"  - {card.quality[0].images}: ")
    assert lines[at + len(card.quality)].startswith("  - ")


# Bicubic interpolation.


def test_bicubic_interpolation_is_what_the_model_added_to(noisy: TrustReport) -> None:
    np.testing.assert_allclose(noisy.bicubic + noisy.added, noisy.result, rtol=1e-6)
    image = cells(1).astype(np.uint16)
    result = sr.upscale(image, X2, progress=False)
    plain = sr.trust(image, result, X2, progress=False).bicubic
    assert plain.dtype == np.uint16
    lazily = sr.trust(image, da.from_array(result, chunks=50), X2, progress=False).bicubic
    assert not isinstance(lazily, np.ndarray)
    assert lazily.dtype == np.uint16
    np.testing.assert_array_equal(np.asarray(lazily), plain)
    of_bicubic = sr.trust(image, plain, X2, progress=False)
    assert np.abs(of_bicubic.added).max() <= 0.51
