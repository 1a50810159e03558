"""Figures that have been measured, in a JSON file, so that an earlier run's are not measured again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class KeptFigures:
    """Each figure is measured once for its key, which names the weights; without a file, once a process."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._figures = json.loads(file.read_text()) if file and file.exists() else {}

    def get(self, key: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Give the figures kept under a key, or measure them."""
        if key not in self._figures:
            self._figures[key] = measure()
            if self._file:
                print(f"{key}: measured", flush=True)
                self._file.write_text(json.dumps(self._figures))
        kept: dict[str, Any] = self._figures[key]
        return kept
