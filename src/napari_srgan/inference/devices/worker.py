"""The one thread on which a network runs, for as long as there is somebody who may want it again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from napari_srgan.errors import NoThreads, threads_told
from napari_srgan.inference.devices.cancellation import Watch

ResultT = TypeVar("ResultT")


class Worker:
    """Makes calls on one thread, one after the other, for callers on any.

    Libraries keep plans, handles and threads of their own for every thread that calls them: cuDNN plans each
    convolution anew in a new one. The thread begins with the first call, and ends with the worker
    or when it is closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._process = 0
        self._here = threading.local()

    def call(self, call: Callable[[], ResultT], watch: Watch) -> ResultT:
        """Make a call there, and wait for it.

        Parameters
        ----------
        call
            What is called. What it calls here in turn is called at once.
        watch
            Cancelled where the waiting ends before the call does.

        Raises
        ------
        NoThreads
            If the system gives no thread.
        """
        if getattr(self._here, "network", False):
            return call()
        try:
            with threads_told():
                future = self._submitted(call)
        except NoThreads:
            self._thread = None  # it has taken the call, and would make it for nobody
            raise
        try:
            return future.result()
        finally:
            if not future.done():  # Ctrl-C
                watch.cancel()
            # An error in it holds this frame, and the frame would hold the error.
            del future

    def close(self) -> None:
        """End the thread, once it has made the calls that it has; another call begins a new one."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and self._process == os.getpid():
            thread.shutdown(wait=False)

    def _submitted(self, call: Callable[[], ResultT]) -> Future[ResultT]:
        with self._lock:  # a thread that another caller closes takes no call any more
            # A process that was forked has all of this one's memory, and none of its threads.
            if self._thread is None or self._process != os.getpid():
                self._thread = ThreadPoolExecutor(1, "napari-srgan network", _mark, (self._here,))
                self._process = os.getpid()
            return self._thread.submit(call)


def _mark(here: threading.local) -> None:
    here.network = True
