"""A network runs on one thread, whoever asks for it."""

from __future__ import annotations

import gc
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_srgan.errors import NoThreads
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.worker import Worker


def thread_of(worker: Worker) -> int:
    return worker.call(threading.get_ident, Watch())


def test_all_calls_are_made_on_one_thread() -> None:
    worker = Worker()
    with ThreadPoolExecutor(4) as threads:
        found = set(threads.map(lambda _: thread_of(worker), range(20)))
    assert len(found) == 1
    assert threading.get_ident() not in found


def test_a_call_within_a_call_is_made_at_once() -> None:
    worker = Worker()
    assert worker.call(lambda: thread_of(worker), Watch()) == thread_of(worker)


def test_errors_come_back() -> None:
    worker = Worker()

    def fail() -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        worker.call(fail, Watch())
    assert thread_of(worker)


def test_its_thread_ends_with_it() -> None:
    worker = Worker()
    ident = thread_of(worker)
    thread = next(thread for thread in threading.enumerate() if thread.ident == ident)
    del worker
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_a_system_without_threads_says_so_and_nothing_is_left_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    worker, made = Worker(), []

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(NoThreads):
            worker.call(lambda: made.append(1), Watch())
    thread_of(worker)
    assert not made


def test_a_forked_process_has_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has none of the threads of the process that it was forked from."""
    worker = Worker()
    before = thread_of(worker)
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert thread_of(worker) != before


def test_a_call_is_made_though_others_close_the_worker() -> None:
    worker, answers = Worker(), []
    begin = threading.Barrier(2)

    def close() -> None:
        begin.wait()
        for _ in range(300):
            worker.close()

    closing = threading.Thread(target=close)
    closing.start()
    begin.wait()
    for number in range(300):
        answers.append(worker.call(lambda number=number: number, Watch()))
    closing.join()
    worker.close()
    assert answers == list(range(300))


def test_a_closed_worker_ends_its_thread() -> None:
    worker = Worker()
    thread = worker.call(threading.current_thread, Watch())
    worker.close()
    thread.join(5)
    assert not thread.is_alive()
