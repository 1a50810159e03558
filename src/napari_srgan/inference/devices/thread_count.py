"""One number of threads for the network, whoever asks for pixels."""

from __future__ import annotations

from threading import Thread

import torch

from napari_srgan.errors import threads_told


def follow_thread_count() -> None:
    """Let torch use as many threads from here on as it does in a thread that has just begun.

    Every thread has a number of its own, which stays what it was when the thread first needed it, and which
    other libraries change: Numba does so when napari is imported, in the main thread alone. The last bits of
    a convolution depend on that number. In a new thread it is what ``torch.set_num_threads`` or
    ``OMP_NUM_THREADS`` asked for, and so a tile is the same in every thread.
    """
    counts: list[int] = []
    thread = Thread(target=lambda: counts.append(torch.get_num_threads()), name="napari-srgan threads")
    with threads_told():
        thread.start()
    thread.join()
    if torch.get_num_threads() != counts[0]:
        torch.set_num_threads(counts[0])
