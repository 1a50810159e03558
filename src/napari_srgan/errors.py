"""The one error type for what a user can put right, and the words of others for its sentences."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class UserError(ValueError):
    """Something given to napari-srgan cannot be used.

    The message is one sentence or two for the person at the keyboard: what was
    wrong, the value that was got, and what to do. Every entrance (widget, menu,
    console, shell) shows it as it is, without a traceback.
    """


def words_of(error: BaseException) -> str:
    """What an error of a library says, as a part of a sentence: its first line, else its name."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


class ImageWarning(UserWarning):
    """Something about an image that is upscaled is odd; the result is made all the same.

    Its message is a sentence: noise that the model was not trained on, frames of a movie in no order.
    """


class NoThreads(UserError):
    """The system gives this process no more threads."""


@contextmanager
def threads_told() -> Iterator[None]:
    """Say in a sentence that the system gives no more threads, which Python calls a ``RuntimeError``.

    Raises
    ------
    NoThreads
        If that is what happens within.
    """
    try:
        yield
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        _forget_loops_without_thread()
        raise NoThreads(
            "the system gives this process no more threads, because memory or a limit of it is used up; "
            "close other programs, or raise the limit (ulimit -u and -v), and start the same again"
        ) from error


def _forget_loops_without_thread() -> None:
    """Let zarr and fsspec begin anew, if it was their thread that the system did not give.

    They keep the event loop that nobody runs: whatever they read afterwards would be waited for without end,
    and zarr would end the process with a traceback.
    """
    for name, lock in (("zarr.core.sync", "_get_lock"), ("fsspec.asyn", "get_lock")):
        module: Any = sys.modules.get(name)
        if module is None:
            continue
        with getattr(module, lock)():
            loop, thread = module.loop, module.iothread
            if loop[0] is not None and (thread[0] is None or thread[0].ident is None):
                loop[0].close()
                loop[0] = thread[0] = None
