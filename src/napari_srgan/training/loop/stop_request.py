"""What a running training can be told, by sending it into the generator."""

from __future__ import annotations

from enum import Enum


class Request(Enum):
    """``job.send(order)`` in place of ``next(job)``; closing the job stops it without a model."""

    FINISH = "finish"
    """Stop after this step, and keep the best weights so far."""
