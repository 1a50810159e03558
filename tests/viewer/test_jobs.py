"""A job in the viewer: what is told of it, how often it is shown, and that the window goes first."""

from __future__ import annotations

import os
import sys
import threading
import time

import pytest
from qtpy.QtWidgets import QLabel

from napari_srgan.progress import Progress
from napari_srgan.viewer.jobs.runner import CALM, SHOWN_EVERY, Task, runner_of
from napari_srgan.viewer.jobs.worker import NICE

MANY = 300


@pytest.fixture
def run(make_napari_viewer, qtbot):
    """Runs a job, and returns all that was told, shown and delivered, in its order."""

    def run_it(job):
        viewer = make_napari_viewer()
        runner, happened = runner_of(viewer), []
        runner.progressed.connect(lambda progress, _: happened.append(("told", progress.done)))
        runner.shown.connect(lambda progress, _: happened.append(("shown", progress.done)))
        runner.start([Task("Counting", job, lambda result: happened.append(("result", result)), pytest.fail)])
        qtbot.waitUntil(lambda: runner.running is None, timeout=30_000)
        return happened, viewer

    return run_it


def counting(many, seconds=0.002):
    for number in range(1, many + 1):
        time.sleep(seconds)
        yield Progress(number, many, "counting")
    return "done"


def test_all_is_told_but_shown_only_so_often(run):
    begun = time.monotonic()
    happened, _ = run(counting(MANY))
    looks = (time.monotonic() - begun) * 1000 / SHOWN_EVERY
    assert [done for what, done in happened if what == "told"] == list(range(1, MANY + 1))
    shown = [done for what, done in happened if what == "shown"]
    assert shown[0] == 1
    assert len(shown) <= looks + 2
    assert happened[-2:] == [("shown", MANY), ("result", "done")]


def test_a_job_that_tells_one_thing_is_shown_at_once(run):
    assert run(counting(1))[0] == [("told", 1), ("shown", 1), ("result", "done")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority of its own")
def test_the_window_goes_first(run):
    def job():
        yield Progress(1, 1, "looking")
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    ours = os.getpriority(os.PRIO_PROCESS, 0)
    happened, _ = run(job())
    assert happened[-1] == ("result", min(NICE, 19) if ours <= NICE else ours)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours


def test_the_spinner_of_napari_turns_slowly(run):
    _, viewer = run(counting(1))
    movies = [label.movie() for label in viewer.window._qt_window.statusBar().findChildren(QLabel)]
    assert [movie.speed() for movie in movies if movie] == [CALM]
