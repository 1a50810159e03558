"""What is shown of a training: pictures with names, and not more of it than can be looked at."""

from __future__ import annotations

import numpy as np
import pytest

from fake_training import ENDLESS, FakeTraining
from napari_srgan.progress import Progress
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.viewer.fine_tuning.montage import side_by_side
from napari_srgan.viewer.fine_tuning.save_model import is_news, thinned
from napari_srgan.viewer.jobs.eta import TimeLeft


@pytest.fixture
def training(tiny_model, tmp_path):
    fake = FakeTraining(tiny_model)

    def start(**of):
        for name, value in of.items():
            setattr(fake, name, value)
        settings = FineTuning(name="mine")
        return fake([], base=None, settings=settings, checkpoint=tmp_path / "checkpoint")

    return start


def test_pictures_of_two_resolutions_lie_beside_each_other():
    low, high = np.array([[0.0, 10.0], [20.0, 30.0]]), np.full((60, 60), 40.0)
    shown = side_by_side({"low": low, "high": high}, (0, 40))
    assert shown.ndim == 2
    strip = shown.shape[0] - 60
    np.testing.assert_allclose(shown[strip:, :60], (low / 40).repeat(30, 0).repeat(30, 1))
    np.testing.assert_allclose(shown[strip:, -60:], 1)
    assert shown[:strip].any()


def test_values_outside_and_missing_ones_do_not_spoil_a_picture():
    shown = side_by_side({"a": np.array([[np.nan, -9.0], [99.0, 5.0]])}, (0, 10))
    assert np.isfinite(shown).all()
    np.testing.assert_allclose(shown[-2:, :], [[0, 0], [1, 0.5]])


def test_gray_beside_colours_and_constant_pictures():
    shown = side_by_side({"a": np.zeros((16, 16, 3)), "b": np.zeros((16, 16, 3))}, (0, 0))
    assert shown.ndim == 3
    assert not shown[-16:].any()


def test_news_are_passed_on_and_the_rest_thinned(training):
    told = list(thinned(training(steps=100), apart=60))
    points = [progress.point.step for progress in told if progress.point]
    assert points == list(range(5, 101, 5))
    assert sum(not is_news(progress) for progress in told) == 1


def test_an_order_reaches_a_thinned_training(training):
    steps = thinned(training(steps=ENDLESS), apart=60)
    while next(steps).point is None:
        pass
    with pytest.raises(StopIteration) as ended:
        steps.send(Request.FINISH)
    assert ended.value.value.name == "mine"


def test_closing_a_thinned_training_closes_it(training, tmp_path):
    steps = thinned(training(steps=ENDLESS), apart=60)
    while next(steps).point is None:
        pass
    steps.close()
    assert (tmp_path / "checkpoint").exists()


def test_time_that_was_waited_does_not_count():
    left = TimeLeft()
    left.update(Progress(1, 11), now=0)
    assert left.update(Progress(2, 11), now=1) == pytest.approx(9)
    left.hold(1)
    left.go_on(1001)
    assert left.update(Progress(3, 11), now=1002) == pytest.approx(8)


def test_another_phase_has_a_pace_of_its_own():
    left = TimeLeft()
    left.update(Progress(1, 10), now=0)
    left.update(Progress(9, 10), now=1)
    assert left.update(Progress(1, 100), now=2) is None
    assert left.update(Progress(2, 100), now=3) == pytest.approx(98)
