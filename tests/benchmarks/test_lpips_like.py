"""The LPIPS-like distance, with made-up weights of the true shapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lpips_like import LpipsLike
from scipy.ndimage import gaussian_filter
from skimage.io import imread

from napari_srgan.errors import UserError
from napari_srgan.models.perceptual_files import read_lpips_heads, read_squeezenet
from napari_srgan.networks.perceptual import SqueezeNetFeatures
from napari_srgan.samples import sample_path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("perceptual")
    torch.manual_seed(0)
    weights = SqueezeNetFeatures().state_dict()
    classifier = {"classifier.1.weight": np.zeros((1000, 512, 1, 1), np.float32)}
    np.savez(folder / "net.npz", **{name: w.numpy() for name, w in weights.items()}, **classifier)
    widths = enumerate(SqueezeNetFeatures.widths)
    torch.save({f"lin{n}.model.1.weight": torch.rand(1, w, 1, 1) for n, w in widths}, folder / "heads.pth")
    return folder / "net.npz", folder / "heads.pth"


@pytest.fixture(scope="module")
def distance(files: tuple[Path, Path]) -> LpipsLike:
    return LpipsLike(*files)


@pytest.fixture(scope="module")
def tissue() -> np.ndarray:
    return imread(sample_path("tissue"))[:96, :80, :3]


def test_equal_images_have_no_distance(distance: LpipsLike, tissue: np.ndarray) -> None:
    assert distance(tissue, tissue) == 0
    assert distance(tissue[..., 0], tissue[..., 0]) == 0


def test_it_grows_with_blur_and_noise(distance: LpipsLike, tissue: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(size=tissue.shape)
    blurred = [distance(gaussian_filter(tissue, (s, s, 0)), tissue) for s in (0.5, 1, 2, 4)]
    noisy = [distance(np.clip(tissue + s * noise, 0, 255).astype(np.uint8), tissue) for s in (4, 12, 36)]
    for row in (blurred, noisy):
        assert row == sorted(row)
        assert row[0] > 0


def test_it_is_symmetric(distance: LpipsLike, tissue: np.ndarray) -> None:
    blurred = gaussian_filter(tissue, (2, 2, 0))
    assert distance(blurred, tissue) == pytest.approx(distance(tissue, blurred), rel=1e-5)


def test_dtypes_are_one_image(distance: LpipsLike, tissue: np.ndarray) -> None:
    blurred = gaussian_filter(tissue, (2, 2, 0))
    wanted = distance(blurred, tissue)
    assert distance(blurred / 255, tissue / 255) == pytest.approx(wanted, rel=1e-4)
    assert distance(blurred * 100.0, tissue * 100.0, peak=25500) == pytest.approx(wanted, rel=1e-4)
    words = [image.astype(np.uint16) * 257 for image in (blurred, tissue)]
    assert distance(*words) == pytest.approx(wanted, rel=1e-4)
    assert distance(blurred / 255, tissue) == pytest.approx(wanted, rel=1e-4)


def test_gray_is_seen_as_rgb(distance: LpipsLike, tissue: np.ndarray) -> None:
    gray, blurred = tissue[..., 0], gaussian_filter(tissue[..., 0], 2)
    as_rgb = distance(np.stack([blurred] * 3, -1), np.stack([gray] * 3, -1))
    assert distance(blurred, gray) == pytest.approx(as_rgb, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "other", "sentence"),
    [
        ((32, 32), (32, 33), "equal shape"),
        ((3, 32, 32), (3, 32, 32), "plane by plane"),
        ((32, 16), (32, 16), "17 x 17 pixels or more; got 32 x 16"),
    ],
)
def test_what_cannot_be_compared_is_named(
    distance: LpipsLike, shape: tuple[int, ...], other: tuple[int, ...], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        distance(np.zeros(shape), np.zeros(other))


def test_nan_is_named(distance: LpipsLike) -> None:
    with pytest.raises(UserError, match="NaN"):
        distance(np.full((32, 32), np.nan), np.zeros((32, 32)))


def test_other_files_are_named(files: tuple[Path, Path], tmp_path: Path) -> None:
    net, heads = files
    with pytest.raises(UserError, match="there is no file"):
        LpipsLike(tmp_path / "absent.npz", heads)
    with pytest.raises(UserError, match=r"heads\.pth is no readable \.npz"):
        read_squeezenet(heads)
    with pytest.raises(UserError, match=r"net\.npz does not hold LPIPS's heads"):
        read_lpips_heads(net)
    (tmp_path / "half.npz").write_bytes(net.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"half\.npz is no readable"):
        read_squeezenet(tmp_path / "half.npz")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda weights: weights.pop("features.3.squeeze.bias"), r"features\.3\.squeeze\.bias .* is missing"),
        (
            lambda weights: weights.update({"features.0.weight": np.zeros((96, 3, 7, 7), np.float32)}),
            r"has the shape \(96, 3, 7, 7\), \(64, 3, 3, 3\) is needed",
        ),
        (lambda weights: weights["features.0.bias"].fill(np.inf), "not finite"),
        (lambda weights: weights.update({"features.0.bias": np.array([{}])}), "no readable .npz"),
    ],
)
def test_weights_that_do_not_fit_are_named(
    files: tuple[Path, Path], tmp_path: Path, change: object, sentence: str
) -> None:
    with np.load(files[0]) as file:
        weights = dict(file)
    change(weights)  # type: ignore[operator]
    np.savez(tmp_path / "changed.npz", **weights)
    with pytest.raises(UserError, match=sentence):
        read_squeezenet(tmp_path / "changed.npz")


def test_heads_of_another_network_are_named(tmp_path: Path) -> None:
    torch.save({f"lin{n}.model.1.weight": torch.ones(1, 8, 1, 1) for n in range(7)}, tmp_path / "alex.pth")
    with pytest.raises(UserError, match="maps of 8, 8"):
        read_lpips_heads(tmp_path / "alex.pth")
