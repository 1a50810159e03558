"""A base for other images: what is kept of it, and what is said."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.conftest import make_tiny_model
from torch.nn.functional import avg_pool2d

from napari_srgan.errors import UserError
from napari_srgan.models import Model
from napari_srgan.models.card import SPANDREL
from napari_srgan.networks import bicubic_upsample
from napari_srgan.training.fine_tuning.adapt import adapt
from timelapses import KINDS, make_temporal_model

UPSAMPLINGS = pytest.mark.parametrize("upsampling", ["direct", "staged"])


def test_a_fitting_base_stays_what_it_is() -> None:
    base = make_tiny_model()
    start = adapt(base, channels=1, factor=2, back_projection=False)
    low = torch.rand(1, 1, 12, 12)
    assert torch.equal(start.network.eval()(low), base.network(low))
    assert start.notes == ()
    with torch.no_grad():
        next(start.network.parameters()).zero_()
    assert next(base.network.parameters()).abs().sum() > 0
    assert all(p.requires_grad for p in start.network.parameters())
    assert not any(p.requires_grad for p in base.network.parameters())


@UPSAMPLINGS
def test_a_gray_base_gives_gray_colours_what_it_gave_gray(upsampling: str) -> None:
    base = make_tiny_model(upsampling=upsampling)
    start = adapt(base, channels=3, factor=2, back_projection=False)
    gray = torch.rand(1, 1, 12, 12)
    result = start.network.eval()(gray.repeat(1, 3, 1, 1))
    torch.testing.assert_close(result, base.network(gray).repeat(1, 3, 1, 1), atol=1e-5, rtol=1e-4)
    assert "adapted to RGB images" in start.notes[0]
    assert start.arguments["channels"] == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("before", "channels"), [(1, 3), (3, 1)])
def test_a_base_of_several_frames_takes_other_colours_frame_by_frame(
    kind: str, before: int, channels: int
) -> None:
    base = make_temporal_model(kind, channels=before)
    start = adapt(base, channels=channels, factor=2, back_projection=False)
    gray = torch.rand(1, base.network.frames + 1, 1, 12, 12)
    wanted = base.network(gray.repeat(1, 1, before, 1, 1)).mean(2, keepdim=True)
    result = start.network.eval()(gray.repeat(1, 1, channels, 1, 1))
    torch.testing.assert_close(result, wanted.repeat(1, 1, channels, 1, 1), atol=1e-4, rtol=1e-4)


@UPSAMPLINGS
def test_an_rgb_base_gives_gray_the_mean_of_its_colours(upsampling: str) -> None:
    base = make_tiny_model(channels=3, upsampling=upsampling)
    start = adapt(base, channels=1, factor=2, back_projection=False)
    gray = torch.rand(1, 1, 12, 12)
    wanted = base.network(gray.repeat(1, 3, 1, 1)).mean(1, keepdim=True)
    torch.testing.assert_close(start.network.eval()(gray), wanted, atol=1e-5, rtol=1e-4)


def test_another_factor_keeps_the_trunk() -> None:
    base = make_tiny_model()
    start = adapt(base, channels=1, factor=4, back_projection=False)
    assert start.network.scale_factor == 4
    given, kept = base.network.state_dict(), start.network.state_dict()
    assert torch.equal(given["head.0.weight"], kept["head.0.weight"])
    assert "new for x4" in start.notes[0]


@pytest.mark.parametrize(("factor", "before", "channels"), [(2, 1, 1), (4, 1, 3), (2, 3, 3), (3, 3, 1)])
def test_at_a_factor_of_1_a_pixel_is_predicted_as_all_that_were_made_of_it(
    factor: int, before: int, channels: int
) -> None:
    """So a base that takes noise off while it upscales does so from the first step on."""
    base = make_tiny_model(factor, before, back_projection=True)
    start = adapt(base, channels=channels, factor=1, back_projection=False)
    gray = torch.rand(1, 1, 12, 12)
    low = gray.repeat(1, before, 1, 1)
    with torch.no_grad():
        base.network.back_projection = False
        added = avg_pool2d(base.network(low) - bicubic_upsample(low, factor), factor)
        base.network.back_projection = True
        result = start.network.eval()(gray.repeat(1, channels, 1, 1))
    wanted = (gray + added.mean(1, keepdim=True)).repeat(1, channels, 1, 1)
    if before == channels:
        wanted = low + added
    torch.testing.assert_close(result, wanted, atol=1e-5, rtol=1e-4)
    assert start.notes[-1] == f"tiny is for x{factor}: its last layer was adapted to results of the same size"


def test_back_projection_is_given_up_where_images_do_not_agree() -> None:
    base = make_tiny_model(back_projection=True)
    start = adapt(base, channels=1, factor=2, back_projection=False)
    assert not start.network.back_projection
    assert base.network.back_projection
    assert "need no longer agree exactly" in start.notes[0]
    assert adapt(base, channels=1, factor=2, back_projection=True).notes == ()


@pytest.mark.parametrize("wanted", [{"channels": 3, "factor": 2}, {"channels": 1, "factor": 4}])
def test_networks_of_other_projects_are_taken_as_they_are_or_not(wanted: dict[str, Any]) -> None:
    base = make_tiny_model()
    foreign = Model(base.network, base.card.model_copy(update={"architecture": SPANDREL, "arguments": {}}))
    assert adapt(foreign, channels=1, factor=2, back_projection=False).architecture == SPANDREL
    with pytest.raises(UserError, match="its network cannot be changed for"):
        adapt(foreign, back_projection=False, **wanted)


def test_a_factor_that_no_network_has_is_named() -> None:
    with pytest.raises(UserError, match="cannot be made a model for grayscale images, x5"):
        adapt(make_tiny_model(), channels=1, factor=5, back_projection=False)
