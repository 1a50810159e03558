"""When a training is validated: every so many steps, and where a clock ends it, several times by the clock.

On a slow processor minutes may be over before the first hundred steps are: counted in steps alone, such a
training would be judged at its beginning and its end, and nobody would see whether it gets better.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST, LEAST = 8, 4
"""Parts into which the clock divides the time of a training; each ends with a validation. As many as cost
little, and that are not fewer than `LEAST`, unless validations take very long."""
LITTLE_OF_THE_TIME = 0.1
"""Part of a training's time that validations by the clock may take, where there can be more than `LEAST`."""
MOST_OF_THE_TIME = 1 / 3
"""Part that they never exceed."""
_TOO_NEAR_THE_END = 1 / 3
"""Part of the time between two validations: with less left, the one at the end does."""


@dataclass(frozen=True)
class NextValidation:
    """When the next validation is due: at a step, or after so much time, whichever is known."""

    step: int | None = None
    minutes: float | None = None
    """From now on."""


@dataclass(frozen=True)
class ValidationTimes:
    """Plans the validations of a training.

    Parameters
    ----------
    every
        Steps between validations.
    steps
        Steps after which the training ends; None: not by steps.
    minutes
        Minutes after which it ends; None: not by the clock, and then nothing depends on one.
    """

    every: int
    steps: int | None
    minutes: float | None

    def apart(self, cost: float) -> float:
        """Minutes between validations by the clock.

        Parameters
        ----------
        cost
            Minutes that a validation takes.
        """
        assert self.minutes is not None
        cheap = min(cost / LITTLE_OF_THE_TIME, self.minutes / LEAST)
        return max(self.minutes / MOST, cheap, cost / MOST_OF_THE_TIME)

    def due_by_steps(self, step: int) -> bool:
        """Whether so many steps are a reason to validate."""
        return step % self.every == 0

    def due_by_clock(self, minutes: float, last: float, cost: float) -> bool:
        """Whether the clock is a reason to validate.

        Parameters
        ----------
        minutes
            Spent training so far.
        last
            When the last validation was done, in the same minutes.
        cost
            Minutes that it took; 0 if that is not known.
        """
        if self.minutes is None:
            return False
        apart = self.apart(cost)
        return minutes - last >= apart and self.minutes - minutes > _TOO_NEAR_THE_END * apart

    def next_after(
        self, step: int, minutes: float, last: tuple[int, float] | None, cost: float
    ) -> NextValidation:
        """The validation that will be the next one, as far as it can be known.

        Parameters
        ----------
        step, minutes
            How far the training is.
        last
            Step and minutes of the last validation; None if there was none.
        cost
            Minutes that it took; 0 if that is not known.
        """
        at = step + self.every - step % self.every
        if self.steps is not None:
            at = min(at, self.steps)
        if self.minutes is None or last is None or step <= last[0]:
            return NextValidation(step=at)
        left = self._by_clock(minutes, last[1], cost)
        each = (minutes - last[1]) / (step - last[0])
        return NextValidation(step=at) if (at - step) * each < left else NextValidation(minutes=left)

    def _by_clock(self, minutes: float, last: float, cost: float) -> float:
        """Minutes until the clock asks for a validation, or ends the training."""
        assert self.minutes is not None
        apart = self.apart(cost)
        end = self.minutes - minutes
        wait = max(last + apart - minutes, 0.0)
        return wait if end - wait > _TOO_NEAR_THE_END * apart else max(end, 0.0)
