"""The registry of readers; bioio gathers them from entry points."""

from __future__ import annotations

from typing import Any, NamedTuple


class ReaderMetadata:
    @staticmethod
    def get_supported_extensions() -> list[str]:
        return [".nd2"]

    @staticmethod
    def get_reader() -> Any:
        from . import Reader

        return Reader


class PluginEntry(NamedTuple):
    entrypoint: Any
    metadata: Any


def get_plugins(use_cache: bool) -> dict[str, list[PluginEntry]]:
    return {
        ending: [PluginEntry(None, ReaderMetadata)] for ending in ReaderMetadata.get_supported_extensions()
    }
