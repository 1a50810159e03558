"""What decides every value of a result, compared and told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_SHOWN = 40
"""Letters of a value that are shown."""


def as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are after they were written as JSON and read again."""
    copied: dict[str, Any] = json.loads(json.dumps(values))
    return copied


def what_differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between two fingerprints, in words; empty if nothing does.

    Examples
    --------
    >>> what_differs({"model": "a", "tile": 512}, {"model": "b", "tile": 512})
    "model: 'a', now 'b'"
    """
    missing = "nothing"
    keys = [*before, *(key for key in now if key not in before)]
    return "; ".join(
        f"{key}: {_short(before.get(key, missing))}, now {_short(now.get(key, missing))}"
        for key in keys
        if before.get(key, missing) != now.get(key, missing)
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
