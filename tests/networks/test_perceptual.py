"""Feature maps, and the distance of images by them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from napari_srgan.networks.perceptual import FeatureMaps, SqueezeNetFeatures, VGG19Features
from napari_srgan.networks.perceptual_loss import PerceptualLoss, squared_distance, unit_distance


@pytest.fixture
def image() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(2, 3, 48, 40)


@pytest.fixture
def squeezenet() -> SqueezeNetFeatures:
    torch.manual_seed(1)
    return SqueezeNetFeatures()


def test_squeezenet_is_torchvisions_network_on_blue_green_red_bytes(
    squeezenet: SqueezeNetFeatures, image: Tensor
) -> None:
    from torchvision.models import squeezenet1_1

    theirs = squeezenet1_1().features.eval()
    theirs.load_state_dict({name.removeprefix("features."): w for name, w in squeezenet.state_dict().items()})
    caffe = image.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    wanted = []
    for place, layer in enumerate(theirs):
        caffe = layer(caffe)
        if place in (1, 4, 7, 9, 10, 11, 12):
            wanted.append(caffe.clone())
    for ours, theirs_map, width in zip(squeezenet(image), wanted, squeezenet.widths, strict=True):
        assert ours.shape[1] == width
        torch.testing.assert_close(ours, theirs_map, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("layer", "activated", "last"),
    [("vgg22", True, 8), ("vgg22", False, 7), ("vgg54", True, 35), ("vgg54", False, 34)],
)
def test_vgg19_ends_at_the_layer_asked_for(layer: str, activated: bool, last: int, image: Tensor) -> None:
    from torchvision.models import vgg19

    ours = VGG19Features(layer, activated=activated)  # type: ignore[arg-type]
    with torch.device("meta"):  # the classifier is large
        theirs = vgg19().features[: last + 1]
    theirs.load_state_dict(
        {name.removeprefix("features."): w for name, w in ours.state_dict().items()}, assign=True
    )
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    wanted = theirs((image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))
    (got,) = ours(image)
    torch.testing.assert_close(got, wanted)
    assert (float(got.min()) >= 0) == activated


@pytest.mark.parametrize("network", [SqueezeNetFeatures, lambda: VGG19Features("vgg22")])
def test_one_channel_is_three_equal_ones(network: type[FeatureMaps], image: Tensor) -> None:
    features = network()
    for one, three in zip(features(image[:, :1]), features(image[:, :1].repeat(1, 3, 1, 1)), strict=True):
        torch.testing.assert_close(one, three)


def test_what_the_networks_cannot_see_is_named(squeezenet: SqueezeNetFeatures) -> None:
    assert len(squeezenet(torch.rand(1, 3, 17, 17))) == 7
    with pytest.raises(ValueError, match="at least 17 x 17 pixels, not 3 of 16 x 90"):
        squeezenet(torch.rand(1, 3, 16, 90))
    with pytest.raises(ValueError, match="1 or 3 channels"):
        squeezenet(torch.rand(1, 2, 32, 32))
    with pytest.raises(ValueError, match="vgg22 or vgg54, not 'vgg33'"):
        VGG19Features("vgg33")  # type: ignore[arg-type]


@pytest.mark.parametrize("unit_length", [True, False])
def test_gradients_reach_the_image_and_nothing_else(
    squeezenet: SqueezeNetFeatures, image: Tensor, unit_length: bool
) -> None:
    loss = PerceptualLoss(squeezenet, unit_length=unit_length)
    result, truth = image.clone().requires_grad_(), image.flip(-1).requires_grad_()
    loss(result, truth).backward()
    assert result.grad is not None
    assert float(result.grad.abs().sum()) > 0
    assert truth.grad is None
    assert not any(weight.requires_grad for weight in loss.parameters())


def test_bfloat16_and_channels_last_change_little(squeezenet: SqueezeNetFeatures, image: Tensor) -> None:
    loss = PerceptualLoss(squeezenet, unit_length=True)
    blurred = nn.functional.avg_pool2d(image, 3, 1, 1)
    exact = loss(blurred, image)
    result = blurred.to(memory_format=torch.channels_last).requires_grad_()
    loss.to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        fast = loss(result, image.to(memory_format=torch.channels_last))
    fast.backward()
    assert fast.dtype == torch.float32
    torch.testing.assert_close(fast, exact, rtol=0.05, atol=0)
    assert result.grad is not None
    assert result.grad.isfinite().all()


def test_a_black_image_has_a_finite_gradient(squeezenet: SqueezeNetFeatures) -> None:
    for weight in squeezenet.parameters():
        weight.zero_()  # every map is 0
    image = torch.zeros(1, 1, 20, 20, requires_grad=True)
    PerceptualLoss(squeezenet, unit_length=True)(image, torch.ones(1, 1, 20, 20)).backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()


def test_unit_distance_is_the_papers_first_equation() -> None:
    a = [torch.tensor([3.0, 4.0]).view(1, 2, 1, 1), torch.tensor([[[[1.0, 5.0]]]])]
    b = [torch.tensor([0.0, 9.0]).view(1, 2, 1, 1), torch.tensor([[[[2.0, -1.0]]]])]
    # First map: (0.6, 0.8) and (0, 1); second: (1, 1) and (1, -1), averaged over two places.
    assert float(unit_distance(a, b)) == pytest.approx(0.36 + 0.04 + 4 / 2, rel=1e-5)
    heads = [torch.tensor([2.0, 10.0]), torch.tensor([0.5])]
    assert float(unit_distance(a, b, heads)) == pytest.approx(0.72 + 0.4 + 1, rel=1e-5)


def test_squared_distance_is_each_images_own() -> None:
    a = [torch.zeros(2, 3, 4, 5), torch.zeros(2, 1, 1, 1)]
    b = [torch.stack([torch.ones(3, 4, 5), 2 * torch.ones(3, 4, 5)]), torch.ones(2, 1, 1, 1)]
    assert squared_distance(a, b).tolist() == [2.0, 5.0]


def test_the_feature_scale_is_srgans(image: Tensor) -> None:
    torch.manual_seed(2)
    vgg = VGG19Features("vgg22")
    plain = PerceptualLoss(vgg, unit_length=False)(image, image.flip(-1))
    scaled = PerceptualLoss(vgg, unit_length=False, feature_scale=1 / 12.75)(image, image.flip(-1))
    assert float(scaled / plain) == pytest.approx(0.006, rel=0.03)


def test_heads_want_unit_length(squeezenet: SqueezeNetFeatures) -> None:
    with pytest.raises(ValueError, match="unit_length=True"):
        PerceptualLoss(squeezenet, unit_length=False, heads=[torch.ones(64)])
