"""Threads for reading and writing: as many as wanted, or as many as the system gives."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from napari_srgan.errors import NoThreads, threads_told

P = ParamSpec("P")
_T = TypeVar("_T")


class WorkThreads:
    """Calls functions on up to so many threads; on fewer where the system gives no more.

    Parameters
    ----------
    most
        Threads.
    name
        Of each, before its number.
    """

    def __init__(self, most: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(most, name)
        self._begun = False

    def submit(self, call: Callable[P, _T], /, *args: P.args, **options: P.kwargs) -> Future[_T]:
        """Call a function on one of them.

        Raises
        ------
        NoThreads
            If there is none, and the system gives none.
        """
        future: Future[_T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(*args, **options))
            except BaseException as error:
                future.set_exception(error)

        try:
            with threads_told():
                self._threads.submit(work)
            self._begun = True
        except NoThreads:
            # The executor has taken the work before it asked for a thread: another one will do it.
            if not self._begun:
                raise
        return future

    def shutdown(self) -> None:
        """Wait for what is being done, and do nothing of the rest."""
        self._threads.shutdown(cancel_futures=True)
